"""Where the next click would tell the most, for those who do not point with a mouse."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.clicks import Click
from napari_fclick.core.guidance import Point
from napari_fclick.core.peaks import depths
from napari_fclick.core.threshold import THRESHOLD

Why = Literal["uncertain", "boundary", "start"]

#: Pixels on and around a click that are never suggested: what it says is known there.
APART = 2.0
#: From this uncertainty on a pixel is one of an uncertain region; at the threshold it is 1.
UNCERTAIN = 0.5
#: At most this many regions, and this many points of the boundary, are suggested in turn.
REGIONS, CORNERS = 5, 4
#: A window is thinned out to this many pixels a side, so that an answer takes milliseconds.
SIDE = 320

_EIGHT = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Suggestion:
    """A place for a click.

    Attributes
    ----------
    y, x : float
        Row and column in pixels of the image.
    why : {"uncertain", "boundary", "start"}
        The middle of a region where the network is not sure, a point of the mask's boundary
        far from all clicks, or merely somewhere to begin.
    """

    y: float
    x: float
    why: Why


def start(shape: tuple[int, int], seen: Point | None = None) -> Suggestion:
    """Return where to begin an object.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the image.
    seen : (float, float), optional
        The middle of what is on show, taken where it lies in the image.

    Returns
    -------
    Suggestion
        Of a whole pixel.
    """
    middle = ((shape[0] - 1) / 2, (shape[1] - 1) / 2)
    y, x = (math.floor(v + 0.5) for v in (seen or middle))
    if not (0 <= y < shape[0] and 0 <= x < shape[1]):
        y, x = (math.floor(v) for v in middle)
    return Suggestion(float(y), float(x), "start")


def suggest(
    probability: NDArray[Any],
    window: tuple[slice, slice],
    mask: NDArray[np.bool_],
    clicks: Iterable[Click],
    threshold: float = THRESHOLD,
) -> tuple[Suggestion, ...]:
    """Return places for the next click, best first.

    Uncertain regions come first, ordered by the sum of their uncertainty, then points of the
    mask's boundary, each as far as can be from the clicks and the places before it. None lies
    on a click or right beside one.

    Parameters
    ----------
    probability : ndarray of float, shape (h, w), in [0, 1]
        Of the window.
    window : (slice, slice)
        Rows and columns of the image.
    mask : ndarray of bool, shape (h, w)
    clicks : iterable of Click
        Those made already, in pixels of the image.
    threshold : float in [0, 1]
        Where the mask ends.

    Raises
    ------
    ValueError
        If probability and mask differ in shape.
    """
    if probability.shape != mask.shape:
        raise ValueError(f"probability {probability.shape} and mask {mask.shape} differ in shape")
    step = max(1, math.ceil(max(mask.shape) / SIDE))
    corner = (window[0].start or 0, window[1].start or 0)
    taken = [((c.y - corner[0]) / step, (c.x - corner[1]) / step) for c in clicks]
    # Where few of the pixels are looked at, the next one may still be right beside.
    apart = max(APART / step, 1.0)
    thin, inside = probability[::step, ::step], mask[::step, ::step]
    free = _distance_to(taken, inside.shape) > apart
    regions = _regions(np.where(free, uncertainty(thin, threshold), 0.0))
    edge = np.argwhere(_boundary(inside) & free)
    corners = _farthest(edge, [*taken, *regions], apart)
    found: list[tuple[Point, Why]] = [(point, "uncertain") for point in regions]
    found += [(point, "boundary") for point in corners]
    return tuple(
        Suggestion(corner[0] + y * step, corner[1] + x * step, why) for (y, x), why in found
    )


def uncertainty(probability: NDArray[Any], threshold: float) -> NDArray[np.float64]:
    """Return how near each probability is to the threshold: 1 there, 0 where it is 0 or 1."""
    p = np.asarray(probability, float)
    below, above = max(threshold, 1e-6), max(1 - threshold, 1e-6)
    near = np.where(p < threshold, p / below, (1 - p) / above)
    return np.asarray(np.clip(np.nan_to_num(near, nan=0.0), 0.0, 1.0), float)


def _regions(uncertain: NDArray[np.float64]) -> list[Point]:
    """Return the middles of the uncertain regions, those that weigh the most first.

    Every mask has an uncertain rim, as wide as the network's answer is blurred. Rims are no
    regions: what is thinner than twice ``rim`` is left out, and what hangs together by a rim
    alone is told apart.
    """
    rim = max(1.5, 0.012 * max(uncertain.shape))
    # The window's end is an end too: nothing is known of what lies beyond.
    depth = depths(uncertain >= UNCERTAIN)
    labels, count = ndimage.label(depth > rim, _EIGHT)
    numbers = np.arange(1, count + 1)
    weights = np.atleast_1d(ndimage.sum_labels(uncertain, labels, numbers))
    best = numbers[np.argsort(-weights, kind="stable")][:REGIONS]
    peaks = ndimage.maximum_position(depth, labels, best) if count else []
    return [(float(y), float(x)) for y, x in peaks]


def _boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the mask's outermost pixels; where the window cuts the mask is none."""
    inner = ndimage.binary_erosion(mask, _EIGHT, border_value=1)
    return np.asarray(mask & ~inner, bool)


def _farthest(edge: NDArray[np.intp], taken: Sequence[Point], apart: float) -> list[Point]:
    """Return points of an edge, each the farthest from those taken and those before it."""
    found: list[Point] = []
    away = np.full(len(edge), np.inf)
    for point in taken:
        away = np.minimum(away, np.linalg.norm(edge - np.asarray(point), axis=1))
    while len(edge) and len(found) < CORNERS and away.max() > apart:
        point = edge[int(np.argmax(away))]
        found.append((float(point[0]), float(point[1])))
        away = np.minimum(away, np.linalg.norm(edge - point, axis=1))
    return found


def _distance_to(points: Iterable[Point], shape: tuple[int, ...]) -> NDArray[np.float64]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    nearest = np.full(shape, np.inf)
    for y, x in points:
        nearest = np.minimum(nearest, np.hypot(rows - y, columns - x))
    return nearest
