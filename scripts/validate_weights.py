"""How weights do on the images that training holds back: what new default weights are chosen by.

    python scripts/validate_weights.py CONFIG WEIGHTS... [--objects 14]

The robot plays the same objects of each set that the configuration names, up to 20 clicks, with
each of the weights. Prints a line of JSON for each set and the mean of the sets.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from napari_fclick.evaluation import robot
from napari_fclick.finetuning.scoring import DONE, MOST, NAMES, figures
from napari_fclick.predictor import Predictor
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.loading import Scene, held_back


def play(predictor: Predictor, scene: Scene) -> tuple[float, ...]:
    """Return the figures of one object, in the order of `scoring.NAMES`."""
    rounds = robot.play(
        predictor, scene.image, scene.truth, ignore=scene.ignore, most=MOST, target=DONE
    )
    return figures([each.iou for each in rounds])


def main() -> None:
    """Play all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights", nargs="+")
    parser.add_argument("--objects", type=int, default=14, help="of each set")
    args = parser.parse_args()
    torch.set_num_threads(1)
    config = TrainingConfig.from_toml(args.config)
    wanted = len(config.sets) * args.objects
    scenes = held_back(config.model_copy(update={"validate_objects": wanted}))
    played: dict[str, dict[str, list[tuple[float, ...]]]] = {w: {} for w in args.weights}
    predictors = {w: Predictor.from_weights(w) for w in args.weights}
    for scene in scenes():
        for weights, predictor in predictors.items():
            rows = played[weights].setdefault(scene.name, [])
            if len(rows) < args.objects:  # sets that hold nothing back leave theirs to the others
                rows.append(play(predictor, scene))
    for weights, sets in played.items():
        means = {name: np.mean(rows, axis=0) for name, rows in sets.items()}
        means["mean"] = np.mean(list(means.values()), axis=0)
        for name, mean in means.items():
            row = {k: round(float(v), 3) for k, v in zip(NAMES, mean, strict=True)}
            print(json.dumps({"weights": weights, "set": name, **row}))


if __name__ == "__main__":
    main()
