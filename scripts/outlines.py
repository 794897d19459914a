"""What it saves that new objects have their outlines where those accepted before have them.

    python scripts/outlines.py FOLDER [--images 12] [--objects 7]

A folder of ``images/`` and ``labels/`` is annotated as in one sitting: the robot plays objects of
one image after the other, up to an IoU of 0.9, and accepts each. They are played once as the
network has them, and once as `napari_fclick.session.outlines` has learned from what was accepted
by then. Of volumes, four slices each are images. Prints a line of JSON: what changed by object,
with 95 % intervals.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_fclick.core.folders import find_pairs, read_pair
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.core.window import mask_bounds
from napari_fclick.evaluation import robot
from napari_fclick.finetuning.intervals import paired_intervals
from napari_fclick.finetuning.scoring import MOST, NAMES, figures
from napari_fclick.predictor import Predictor
from napari_fclick.session.outlines import First, Outlines

#: Where the robot accepts.
GOOD = 0.9
#: Objects of fewer pixels are left out.
LEAST_AREA = 40
#: Slices of a volume, at most.
SLICES = 4


class Biased:
    """A predictor that adds something to what its network says."""

    def __init__(self, predictor: Predictor, bias: float) -> None:
        self._predictor, self._bias = predictor, bias

    def predict(self, *what: Any, **more: Any) -> Any:
        """See `Predictor.predict`."""
        return self._predictor.predict(*what, bias=self._bias, **more)

    def play(self, image: Any, labels: Any, label: int) -> list[Any]:
        """Have the robot play an object until it is good."""
        truth, ignore = labels == label, labels == IGNORE_LABEL
        return list(robot.play(self, image, truth, ignore=ignore, most=MOST, target=GOOD))


def scenes(
    folder: Path, images: int, rng: np.random.Generator, *, held_back: bool = False
) -> Iterator[tuple[Any, Any]]:
    """Yield images and their labels in a random order, all or those that training holds back."""
    pairs = [pair for pair in find_pairs(folder) if pair.is_validation or not held_back]
    for number in rng.permutation(len(pairs))[:images]:
        plane = read_pair(pairs[number])
        if plane is None:
            continue
        if plane.labels.ndim == 2:
            yield plane.image, plane.labels
            continue
        for z in np.linspace(0, len(plane.labels) - 1, SLICES + 2).astype(int)[1:-1]:
            yield plane.image[z], plane.labels[z]


def objects_in(labels: Any) -> list[int]:
    """Return the numbers of the objects that are played."""
    there, areas = np.unique(labels, return_counts=True)
    return [int(k) for k in there[areas >= LEAST_AREA] if k not in (0, IGNORE_LABEL)]


def main() -> None:
    """Annotate a folder twice."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--objects", type=int, default=7, help="of each image, at most")
    args = parser.parse_args()
    torch.set_num_threads(1)
    predictor, rng = Predictor.from_weights("default"), np.random.default_rng(0)
    seen: list[Outlines] = []
    rows, images, biases = [], [], []
    for number, (image, labels) in enumerate(scenes(args.folder, args.images, rng)):
        outlines = Outlines(seen)
        for label in rng.permutation(objects_in(labels))[: args.objects]:
            bias = outlines.bias
            plain = Biased(predictor, 0.0).play(image, labels, label)
            ours = Biased(predictor, bias).play(image, labels, label) if bias else plain
            box = mask_bounds(ours[-1].mask)
            if box is not None:
                first = First(ours[0].prediction, bias)
                outlines.learn(int(label), first, ours[-1].mask[box.slices], box)
            rows.append([figures([each.iou for each in rounds]) for rounds in (plain, ours)])
            images.append(str(number))
            biases.append(bias)
    every = np.array(rows)
    told: dict[str, Any] = {"folder": args.folder.name, "objects": len(every)}
    told["biased"] = round(float(np.mean([bias != 0 for bias in biases])), 2)
    intervals = paired_intervals(every[:, 1] - every[:, 0], images)
    for column, name in enumerate(NAMES):
        before, after = (round(float(v), 3) for v in every[:, :, column].mean(axis=0))
        low, high = intervals[column]
        told[name] = {"before": before, "after": after, "change": [round(low, 3), round(high, 3)]}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
