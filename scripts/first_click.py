"""What the first click is to a network: focus invariance, and tolerance of a wrong later click.

    python scripts/first_click.py SET... --method WEIGHTS... [--objects 40]

The robot makes `CLICKS` clicks on each object. *Focus invariance*: the same clicks are given again,
once in their order and once with another positive click as the first; told is the IoU of the two
masks, 1 where it does not matter which click is the first, and the IoU of either with the truth.
*Error tolerance*: one more click is made in the middle of the largest error, once right and once
with the wrong sign; told is the IoU before, after the right one and after the wrong one. Prints a
line of JSON for each set and method; objects are those of `evaluate --max-objects`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.benchmark import Plan
from napari_fclick.evaluation.datasets import Scene
from napari_fclick.evaluation.metrics import iou
from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.predictor import Predictor
from napari_fclick.training.simulation import correction

#: Clicks after which the order is changed, or a wrong one is made.
CLICKS = 3

Figures = dict[str, float]


def invariance(predictor: Predictor, scene: Scene, clicks: ClickSequence) -> Figures:
    """Give the clicks in their order, and with the last positive one first."""
    last = max(i for i, click in enumerate(clicks) if click.positive)
    if not last:
        return {}  # no other click can be the first
    one, other = (
        predictor.predict(scene.image, order).full_mask()
        for order in (clicks, clicks.promote(last))
    )
    return {
        "agreement": iou(one, other, scene.ignore),
        "iou": iou(scene.truth, one, scene.ignore),
        "iou_other_first": iou(scene.truth, other, scene.ignore),
    }


def tolerance(predictor: Predictor, scene: Scene, last: Any) -> Figures:
    """Make one more click, right and wrong."""
    taken = [click.pixel for click in last.prediction.clicks]
    wanted = correction(scene.truth, last.mask, taken, scene.ignore)
    if wanted is None:
        return {}
    found = {"before": last.iou}
    for name, positive in (("right", wanted.positive), ("wrong", not wanted.positive)):
        clicks = last.prediction.clicks.add(Click(wanted.row, wanted.column, positive))
        made = predictor.predict(scene.image, clicks, last.prediction)
        found[name] = iou(scene.truth, made.full_mask(), scene.ignore)
    return found


def measure(predictor: Predictor, scene: Scene) -> Figures:
    """Play one object."""
    rounds = list(robot.play(predictor, scene.image, scene.truth, ignore=scene.ignore, most=CLICKS))
    last = rounds[-1]
    if len(rounds) < CLICKS:
        return {}
    return invariance(predictor, scene, last.prediction.clicks) | tolerance(predictor, scene, last)


def main() -> None:
    """Measure all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument(
        "--method", nargs="+", default=["default"], help="names or files of weights"
    )
    parser.add_argument("--objects", type=int, default=40, help="of each set")
    args = parser.parse_args()
    torch.set_num_threads(1)
    plan = Plan(tuple(args.sets), ("fclick",), Protocol(objects=args.objects))
    for method in args.method:
        predictor = Predictor.from_weights(method)
        for name, items in plan.items.items():
            figures = defaultdict(list)
            for item in items:
                for key, value in measure(predictor, plan.sets[name].scene(item)).items():
                    figures[key].append(value)
            means = {key: round(float(np.mean(values)), 3) for key, values in figures.items()}
            counts = {"reordered": len(figures["agreement"]), "erred": len(figures["wrong"])}
            print(json.dumps({"method": method, "set": name, **counts, **means}), flush=True)


if __name__ == "__main__":
    main()
