"""How much of a fine-tuning to take: what blends with the base weights gain, and what they forget.

    python scripts/finetuning_blends.py TUNED.safetensors SET [--without FOLDER] [--blend 0.15 0.3]

The robot plays the same objects of a set with the weights that TUNED was made from and with each
blend; images whose names are in FOLDER, as those that were learned from, are left out. Prints a
line of JSON for each, with the change by object and its 95 % interval.
"""

from __future__ import annotations

import argparse
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_fclick.core.folders import ImageSet, find_pairs
from napari_fclick.core.object_sets import IGNORE_LABEL, Plane
from napari_fclick.evaluation import robot
from napari_fclick.finetuning.blending import blend
from napari_fclick.finetuning.scoring import DONE, MOST, NAMES, TARGETS, figures
from napari_fclick.network import checkpoints
from napari_fclick.network.inference import choose_device
from napari_fclick.predictor import Predictor

#: The clicks to each target come first among the figures of an object.
COUNTED = NAMES[: len(TARGETS)]
#: Pixels of the smallest object that is played.
LEAST = 20


def blends(tuned: str, wanted: list[float], everywhere: bool) -> dict[str, Predictor]:
    """Return predictors of the base weights and of the blends, by their names."""
    loaded = checkpoints.load_all(tuned)
    learned, card = loaded.main, loaded.card
    base, taken = card.tuned["parent"], float(card.tuned["blend"])
    before = checkpoints.load_all(base)
    begun = before.one(int(card.tuned["specialist"])) if "specialist" in card.tuned else before.main
    predictors = {"base": Predictor.from_weights(base)}
    for alpha in wanted:
        network = deepcopy(begun)
        network.load_state_dict(blend(network.state_dict(), learned.state_dict(), alpha / taken))
        general, specialists = deepcopy((loaded.network, loaded.specialists))
        if everywhere or not specialists:
            general, specialists = network, ()
        else:
            specialists = (specialists[0]._replace(network=network), *specialists[1:])
        device = choose_device("auto")
        predictors[f"{alpha:g}"] = Predictor(general, card, device, specialists)
    return predictors


def counted(predictor: Predictor, plane: Plane, label: int) -> tuple[float, ...]:
    """Return the clicks that an object takes to each target."""
    rounds = robot.play(
        predictor,
        plane.image,
        plane.labels == label,
        ignore=plane.labels == IGNORE_LABEL,
        most=MOST,
        target=DONE,
    )
    return figures([each.iou for each in rounds])[: len(COUNTED)]


def main() -> None:
    """Play, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tuned")
    parser.add_argument("set", type=Path)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--blend", type=float, nargs="+", default=[0.15, 0.3, 0.45])
    parser.add_argument(
        "--everywhere", action="store_true", help="also on images that are not recognised"
    )
    parser.add_argument("--objects", type=int, default=90)
    parser.add_argument("--seed", type=int, default=78)
    args = parser.parse_args()
    torch.set_num_threads(1)
    learned = [] if args.without is None else [p.image.stem for p in find_pairs(args.without)]
    source = ImageSet(args.set, None, (0,), LEAST, exclude=learned)
    rng = np.random.default_rng(args.seed)
    refs = [source.draw(rng) for _ in range(args.objects)]
    predictors = blends(args.tuned, args.blend, args.everywhere)
    clicks = {
        name: np.array([counted(predictor, source.plane(ref), ref.label) for ref in refs])
        for name, predictor in predictors.items()
    }
    for name, found in clicks.items():
        row: dict[str, Any] = {"set": args.set.name, "blend": name, "objects": len(refs)}
        change = found - clicks["base"]
        margin = 1.96 * change.std(axis=0) / len(refs) ** 0.5
        for number, figure in enumerate(COUNTED):
            row[figure] = {
                "mean": round(float(found[:, number].mean()), 3),
                "change": round(float(change[:, number].mean()), 3),
                "+-": round(float(margin[number]), 3),
            }
        print(json.dumps(row))


if __name__ == "__main__":
    main()
