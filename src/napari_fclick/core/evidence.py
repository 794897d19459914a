"""What is known of the pixels that may change with a correcting click."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.arrays import FloatArray, Mask

#: Pixels up to so many times as deep as the click are judged, and some more: pixels at least, or
#: this part of the object's size (the root of its area).
DEEP, MORE, MORE_PART = 3.0, 3.0, 0.1
#: Distances, in sizes of the object or in depths of the click, count up to these.
FAR, FAR_DEPTHS = 3.0, 30.0
#: Log-odds count up to what goes with this probability and with one less it.
LEAST = 0.0025
#: What a pixel is judged by. "The way" is that of the click: what a positive one wants is more.
EVIDENCE = (
    "answer",  # log-odds that the network gives it, the way of the click
    "before",  # the same before the click
    "depth",  # how far it lies from the mask's outline, log(1 + pixels)
    "depths",  # the same, in depths of the click
    "distance",  # from the click, log(1 + pixels)
    "distance_depths",  # the same, in depths of the click; the root
    "click_depth_part",  # how deep the click lies, in sizes of the object
    "click_depth",  # the same, log(pixels)
    "area",  # of the mask, log(pixels)
    "sign",  # of the click
    "same",  # distance from earlier clicks of its sign, in sizes of the object
    "other",  # the same of those of the other sign
    "nearer",  # distance from the click as a part of that and of `other`
    "along",  # distance between the nearest points of the outline, in sizes of the object
    "along_depths",  # the same, in depths of the click; the root
    "streak",  # clicks of this sign in a row
    "click_answer",  # `answer` where the click is
    "click_before",  # `before` where the click is
    "sure",  # the soft IoU of the network's answer and its own mask
)


class Point(NamedTuple):
    """A click on a grid of pixels."""

    row: int
    column: int
    positive: bool


class Pixels(NamedTuple):
    """The pixels that may change with a click, and what is known of them.

    Attributes
    ----------
    rows, columns : ndarray of int, shape (n,)
    evidence : ndarray of float32, shape (n, len(EVIDENCE))
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    evidence: FloatArray


def pixels_in_reach(
    found: FloatArray, before: FloatArray, mask: Mask, clicks: Sequence[Point], sure: float
) -> Pixels:
    """Return the pixels that may change with the newest click, and what is known of them.

    Parameters
    ----------
    found, before : ndarray of float32, shape (h, w), in [0, 1]
        The network's answer, and the probability before the click.
    mask : ndarray of bool, shape (h, w)
        Before the click; not empty.
    clicks : sequence of Point
        The last one is the newest; the mask is wrong there.
    sure : float in [0, 1]
        How sure the network is of its answer.
    """
    click = clicks[-1]
    rows, columns = _around(mask, click)
    part = _pixels(
        found[rows, columns],
        before[rows, columns],
        mask[rows, columns],
        [Point(p.row - rows.start, p.column - columns.start, p.positive) for p in clicks],
        sure,
    )
    return part._replace(rows=part.rows + rows.start, columns=part.columns + columns.start)


def _around(mask: Mask, click: Point) -> tuple[slice, slice]:
    """Return rows and columns that hold all that matters: the rest only costs time."""
    rows, columns = np.nonzero(mask)
    margin = 1
    if click.positive:
        own = float(np.hypot(rows - click.row, columns - click.column).min())
        margin = math.ceil(_deepest(own, len(rows) ** 0.5)) + 1
    spans = (
        slice(max(min(int(n.min()) - margin, at), 0), max(int(n.max()) + margin, at) + 1)
        for n, at in ((rows, click.row), (columns, click.column))
    )
    first, second = spans
    return first, second


def _deepest(own: float, size: float) -> float:
    """Return how deep a pixel may lie, of a click's own depth and the object's size."""
    return DEEP * own + max(MORE, MORE_PART * size)


def _pixels(
    found: FloatArray, before: FloatArray, mask: Mask, clicks: Sequence[Point], sure: float
) -> Pixels:
    """Return what is known of all pixels that may change."""
    at, positive = clicks[-1][:2], clicks[-1].positive
    area = float(np.count_nonzero(mask))
    size = area**0.5
    # Depth in what may change, and the nearest point of the outline. The border of the window is
    # the outline's, too, where the mask reaches it.
    depth, nearest = _depths(mask, positive)
    own = float(depth[at])
    rows, columns = np.nonzero((mask != positive) & (depth <= _deepest(own, size)))
    depths = depth[rows, columns]
    distance = np.hypot(rows - at[0], columns - at[1])
    same, other = (
        np.minimum(_least_distance(rows, columns, clicks[:-1], sign) / size, FAR)
        for sign in (positive, not positive)
    )
    along = np.hypot(*(nearest[axis][rows, columns] - nearest[axis][at] for axis in (0, 1)))
    answer, earlier = (_odds(x) * (1 if positive else -1) for x in (found, before))
    streak = 0
    for click in reversed(clicks):
        if click.positive != positive:
            break
        streak += 1
    whole = np.ones(len(rows))
    known = {
        "answer": answer[rows, columns],
        "before": earlier[rows, columns],
        "depth": np.log1p(depths),
        "depths": np.minimum(depths / own, DEEP + 1),
        "distance": np.log1p(distance),
        "distance_depths": np.sqrt(np.minimum(distance / own, FAR_DEPTHS)),
        "click_depth_part": whole * (own / size),
        "click_depth": whole * np.log(own),
        "area": whole * np.log(area),
        "sign": whole * (1 if positive else -1),
        "same": same,
        "other": other,
        "nearer": distance / size / (distance / size + other + 1e-3),
        "along": np.minimum(along / size, FAR),
        "along_depths": np.sqrt(np.minimum(along / own, FAR_DEPTHS)),
        "streak": whole * min(streak, 8),
        "click_answer": whole * answer[at],
        "click_before": whole * earlier[at],
        "sure": whole * sure,
    }
    table = np.stack([known[name] for name in EVIDENCE], 1)
    return Pixels(rows, columns, table.astype(np.float32))


def _depths(mask: Mask, positive: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return how deep pixels lie outside of a mask, or in it, and the nearest pixel across."""
    if positive:
        depth, nearest = ndimage.distance_transform_edt(~mask, return_indices=True)
        return depth, nearest
    # A ring of background: beyond the window there is no object.
    depth, nearest = ndimage.distance_transform_edt(np.pad(mask, 1), return_indices=True)
    return depth[1:-1, 1:-1], nearest[:, 1:-1, 1:-1] - 1


def _least_distance(
    rows: NDArray[np.intp], columns: NDArray[np.intp], clicks: Sequence[Point], positive: bool
) -> NDArray[np.float64]:
    """Return the distance from the nearest click of a sign; infinite where there is none."""
    least = np.full(len(rows), np.inf)
    for click in clicks:
        if click.positive == positive:
            np.minimum(least, np.hypot(rows - click.row, columns - click.column), out=least)
    return least


def _odds(probability: FloatArray) -> FloatArray:
    clipped = np.clip(probability, LEAST, 1 - LEAST)
    out: FloatArray = np.log(clipped / (1 - clipped))
    return out
