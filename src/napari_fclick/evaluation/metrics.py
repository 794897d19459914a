"""Figures of the field: IoU, Dice, boundary F, number of clicks, curves and their intervals.

Per object first, means over objects after: every mean can then be given with an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import integrate, ndimage, stats

from napari_fclick.core.arrays import Mask
from napari_fclick.core.peaks import depths
from napari_fclick.core.window import mask_bounds
from napari_fclick.evaluation.protocol import MOST_CLICKS

Number = TypeVar("Number", float, NDArray[np.float64])

#: Boundaries agree where they are no farther apart than this part of the image's diagonal
#: (Perazzi et al., "A benchmark dataset and evaluation methodology for video object
#: segmentation", CVPR 2016).
BOUNDARY_TOLERANCE = 0.008
#: Resamples of the bootstrap, and the part of them that an interval holds.
RESAMPLES, CONFIDENCE = 2000, 0.95


def iou(truth: Mask, prediction: Mask, ignore: Mask | None = None) -> float:
    """Return intersection over union in [0, 1].

    Ignored pixels count in neither. Two empty masks agree: 1.

    Parameters
    ----------
    truth, prediction, ignore : ndarray of bool, of one shape
    """
    if ignore is not None:
        truth, prediction = truth & ~ignore, prediction & ~ignore
    union = int(np.count_nonzero(truth | prediction))
    return int(np.count_nonzero(truth & prediction)) / union if union else 1.0


def dice_of_iou(value: Number) -> Number:
    """Return the Dice coefficient, in [0, 1], that belongs to an IoU or to each of an array."""
    return 2 * value / (1 + value)


def boundary_f(truth: Mask, prediction: Mask, ignore: Mask | None = None) -> float:
    """Return the boundary F measure in [0, 1] of DAVIS.

    Precision is the part of the prediction's boundary that lies within 0.8 % of the image's
    diagonal (rounded up to whole pixels) of the truth's, recall the reverse, F their harmonic
    mean. The edge of the image is no boundary. Where pixels are ignored, the truth is taken
    to be what was predicted. Two masks without a boundary agree: 1.

    Parameters
    ----------
    truth, prediction, ignore : ndarray of bool, shape (H, W)

    Returns
    -------
    float in [0, 1]
    """
    if ignore is not None:
        truth = np.where(ignore, prediction, truth)
    reach = int(np.ceil(BOUNDARY_TOLERANCE * np.hypot(*truth.shape)))
    box = mask_bounds(truth | prediction)  # the rest is not computed
    if box is None:
        return 1.0
    edges = [_boundary(mask)[box.slices] for mask in (truth, prediction)]
    counts = [int(np.count_nonzero(edge)) for edge in edges]
    if not all(counts):
        return float(counts[0] == counts[1])
    recall, precision = (
        np.count_nonzero(one & (ndimage.distance_transform_edt(~other) <= reach)) / count
        for one, other, count in zip(edges, edges[::-1], counts, strict=True)
    )
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def _boundary(mask: Mask) -> Mask:
    """Return the pixels of a mask that touch, by a side, a pixel that is not in it."""
    return np.asarray(mask & ~ndimage.binary_erosion(mask, border_value=1))


# --- clicks ---------------------------------------------------------------------------------


def number_of_clicks(ious: Sequence[float], target: float, most: int = MOST_CLICKS) -> int:
    """Return NoC@target: the clicks until an object's IoU first reached it (section 4.1).

    Parameters
    ----------
    ious : sequence of float in [0, 1]
        After 1, 2 .. clicks.
    target : float in [0, 1]
    most : int
        Clicks that count.

    Returns
    -------
    int
        1 .. ``most``; ``most`` also where the target was never reached.
    """
    reached = (number for number, value in enumerate(ious[:most], start=1) if value >= target)
    return next(reached, most)


def is_failure(ious: Sequence[float], target: float, most: int = MOST_CLICKS) -> bool:
    """Say whether an object's IoU never reached the target within ``most`` clicks.

    Parameters
    ----------
    ious, target, most
        See `number_of_clicks`.
    """
    return max(ious[:most]) < target


def filled(values: Sequence[float], most: int = MOST_CLICKS) -> list[float]:
    """Return the values after 1 .. ``most`` clicks; an object done early keeps its last.

    Parameters
    ----------
    values : sequence of float
        After 1, 2 .. clicks, one at least.
    most : int

    Returns
    -------
    list of float
        ``most`` of them.
    """
    return [*values[:most], *[values[-1]] * (most - len(values))]


def mean_curve(curves: Sequence[Sequence[float]], most: int = MOST_CLICKS) -> NDArray[np.float64]:
    """Return the mean over objects after 1 .. ``most`` clicks; see `filled`.

    Parameters
    ----------
    curves : sequence of sequence of float
        Of each object its values after 1, 2 .. clicks.
    most : int

    Returns
    -------
    ndarray of float64, shape (most,)
    """
    return np.asarray(np.mean([filled(c, most) for c in curves], axis=0))


def area_under(curve: Sequence[float]) -> float:
    """Return the area under a curve of clicks 1 .. N, divided by N - 1: in [0, 1].

    By the trapezoid rule; of a single click it is the curve's value. The area under the mean
    of curves is the mean of their areas.

    Parameters
    ----------
    curve : sequence of float in [0, 1]
        After 1, 2 .. N clicks.
    """
    if len(curve) == 1:
        return float(curve[0])
    return float(integrate.trapezoid(curve) / (len(curve) - 1))


# --- the paper's Table 1 --------------------------------------------------------------------


def gains(ious: Sequence[float]) -> list[float]:
    """Return PI: what each click added to the IoU; the first adds all there is.

    Parameters
    ----------
    ious : sequence of float in [0, 1]
        After 1, 2 .. clicks.

    Returns
    -------
    list of float in [-1, 1]
        One a click.
    """
    return [float(g) for g in np.diff([0.0, *ious])]


def centralities(truth: Mask, pixels: Sequence[tuple[int, int]]) -> list[float]:
    """Return CD of clicks: how near to the middle of the object each was made.

    It is E(p) of Eq. 11: the distance to what is not the object, divided by the object's
    largest; 1 in the middle, 0 outside of the object. Robot and person alike have it.

    Parameters
    ----------
    truth : ndarray of bool, shape (H, W)
        The object; what lies outside of the image is not the object.
    pixels : sequence of (row, column)

    Returns
    -------
    list of float in [0, 1]
        One a click.

    Raises
    ------
    ValueError
        If the object has no pixels.
    """
    box = mask_bounds(truth)
    if box is None:
        raise ValueError("an object without pixels has no middle")
    depth = depths(truth[box.slices])
    deepest = float(depth.max())
    return [
        float(depth[row - box.top, column - box.left]) / deepest if truth[row, column] else 0.0
        for row, column in pixels
    ]


# --- how sure -------------------------------------------------------------------------------


def interval(values: Sequence[float] | NDArray[np.float64]) -> list[tuple[float, float]] | None:
    """Return the 95 % bootstrap intervals of means over objects.

    Objects are drawn with replacement, 2,000 times and by a fixed seed; the interval is what
    lies between the 2.5th and the 97.5th percentile of the means.

    Parameters
    ----------
    values : array_like, shape (objects,) or (objects, figures)

    Returns
    -------
    list of (float, float) or None
        One interval a figure; None of a single object, of which nothing can be said.
    """
    table = np.asarray(values, np.float64)
    table = table[:, None] if table.ndim == 1 else table
    if len(table) < 2:
        return None
    found = stats.bootstrap(
        (table,),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=CONFIDENCE,
        method="percentile",
        batch=max(1, 2_000_000 // table.size),
        rng=np.random.default_rng(0),
    ).confidence_interval
    bounds = np.stack([found.low, found.high], axis=-1)
    return [(float(low), float(high)) for low, high in bounds]
