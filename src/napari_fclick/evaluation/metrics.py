"""Figures of the field: IoU, number of clicks, mean IoU after k clicks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


def iou(truth: Mask, prediction: Mask, ignore: Mask | None = None) -> float:
    """Return intersection over union in [0, 1].

    Ignored pixels count in neither. Two empty masks agree: 1.
    """
    if ignore is not None:
        truth, prediction = truth & ~ignore, prediction & ~ignore
    union = int(np.count_nonzero(truth | prediction))
    return int(np.count_nonzero(truth & prediction)) / union if union else 1.0


def number_of_clicks(ious: Sequence[float], target: float, most: int = 20) -> int:
    """Return NoC@target: the clicks until an object's IoU first reached it, ``most`` if never.

    Parameters
    ----------
    ious : sequence of float
        After 1, 2 .. clicks.
    """
    reached = (number for number, value in enumerate(ious[:most], start=1) if value >= target)
    return next(reached, most)


def mean_curve(curves: Sequence[Sequence[float]], most: int = 20) -> NDArray[np.float64]:
    """Return the mean IoU after 1 .. ``most`` clicks; an object done early keeps its last."""
    filled = [list(c[:most]) + [c[-1]] * (most - len(c)) for c in curves]
    return np.asarray(np.mean(filled, axis=0))
