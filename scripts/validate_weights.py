"""How weights do on the images that training holds back: what new default weights are chosen by.

    python scripts/validate_weights.py CONFIG WEIGHTS... [--objects 14]

The robot plays the same objects of each set that the configuration names, up to 20 clicks, with
each of the weights; of a set that holds back fewer than asked for, all. Prints a line of JSON for
each set, with the number of its objects, and the mean of the sets; then, for all weights but the
first, what they differ by from the first on the same objects, with 95 % intervals: of each set
and of all objects.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from napari_fclick.evaluation import robot
from napari_fclick.finetuning.intervals import paired_intervals
from napari_fclick.finetuning.scoring import DONE, MOST, NAMES, figures
from napari_fclick.predictor import Predictor
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.loading import HeldBack, held_back

#: What weights are compared by.
COMPARED = ("IoU@1", "NoC@85", "NoC@90")


class Played(NamedTuple):
    """One object: a hash of its image, and its figures in the order of `scoring.NAMES`."""

    image: str
    figures: tuple[float, ...]


#: The objects of each set, in the same order whatever the weights.
Sets = Mapping[str, Sequence[Played]]


def play(predictor: Predictor, scene: HeldBack) -> Played:
    """Play one object."""
    rounds = robot.play(
        predictor, scene.image, scene.truth, ignore=scene.ignore, most=MOST, target=DONE
    )
    image = hashlib.sha256(np.ascontiguousarray(scene.image).tobytes()).hexdigest()
    return Played(image, figures([each.iou for each in rounds]))


def scores(weights: str, sets: Sets) -> list[dict[str, Any]]:
    """Return the mean figures of each set, and the mean of the sets."""
    means = {name: np.mean([each.figures for each in rows], axis=0) for name, rows in sets.items()}
    counts = {name: len(rows) for name, rows in sets.items()}
    means["mean"] = np.mean(list(means.values()), axis=0)
    counts["mean"] = sum(counts.values())
    return [
        {"weights": weights, "set": name, "objects": counts[name]}
        | {k: round(float(v), 3) for k, v in zip(NAMES, mean, strict=True)}
        for name, mean in means.items()
    ]


def differences(weights: str, sets: Sets, first: str, before: Sets) -> list[dict[str, Any]]:
    """Return what weights differ by from the first, object by object: of sets of two and more."""
    pairs = {name: list(zip(before[name], rows, strict=True)) for name, rows in sets.items()}
    pairs["all objects"] = [pair for some in pairs.values() for pair in some]
    columns = [NAMES.index(name) for name in COMPARED]
    found = []
    for name, some in pairs.items():
        row: dict[str, Any] = {
            "weights": weights,
            "against": first,
            "set": name,
            "objects": len(some),
        }
        changes = np.array([np.subtract(b.figures, a.figures)[columns] for a, b in some])
        told = [None] * len(COMPARED)
        if len(some) > 1:  # of one object there is no interval
            told = paired_intervals(changes, [a.image for a, _ in some])
        for figure, mean, bounds in zip(COMPARED, changes.mean(axis=0), told, strict=True):
            interval = None if bounds is None else [round(bound, 3) for bound in bounds]
            row[figure] = {"mean": round(float(mean), 3), "interval": interval}
        found.append(row)
    return found


def main() -> None:
    """Play all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--objects", type=int, default=14, help="of each set, at most")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = TrainingConfig.from_toml(args.config)
    wanted = len(config.sets) * args.objects
    scenes = held_back(config.model_copy(update={"validate_objects": wanted}))
    played: dict[str, dict[str, list[Played]]] = {w: {} for w in args.weights}
    predictors = {w: Predictor.from_weights(w) for w in args.weights}
    for scene in scenes():
        for weights, predictor in predictors.items():
            rows = played[weights].setdefault(scene.name, [])
            if len(rows) < args.objects:  # sets that hold back fewer leave theirs to the others
                rows.append(play(predictor, scene))
    first, *others = played
    rows = [row for weights in played for row in scores(weights, played[weights])]
    for weights in others:
        rows += differences(weights, played[weights], first, played[first])
    for row in rows:
        print(json.dumps(row))


if __name__ == "__main__":
    main()
