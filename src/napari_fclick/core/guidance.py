"""Clicks as images: the Gaussian maps that the network sees."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

#: Full width at half maximum, in pixels of the network's input (paper, section 3.1).
CLICK_WIDTH = 10.0
FIRST_CLICK_WIDTH = 30.0


def guidance_map(
    shape: tuple[int, int], points: Iterable[Point], width: float = CLICK_WIDTH
) -> NDArray[np.float32]:
    """Draw points as Gaussians; where they overlap, the nearest point counts.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the map.
    points : iterable of (y, x)
        In pixels of the map; pixel centres are integers.
    width : float
        Full width at half maximum ``s`` in pixels: exp(-4 ln 2 d^2 / s^2) (section 3.1).

    Returns
    -------
    ndarray of float32, shape ``shape``, in [0, 1]
        Zeros where there are no points.
    """
    out = np.zeros(shape, np.float32)
    for y, x in points:
        rows = _profile(shape[0], y, width)
        columns = _profile(shape[1], x, width)
        np.maximum(out, rows[:, None] * columns[None, :], out=out)
    return out


def guidance_maps(
    shape: tuple[int, int],
    positives: Iterable[Point],
    negatives: Iterable[Point],
    first: Point,
    width: float = CLICK_WIDTH,
    first_width: float = FIRST_CLICK_WIDTH,
) -> NDArray[np.float32]:
    """Draw an object's clicks as the network sees them (section 3.1).

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the maps.
    positives, negatives : iterable of (y, x)
        The first click is one of the positives.
    first : (y, x)
    width, first_width : float
        Full width at half maximum in pixels, of all clicks and of the first click's own map.

    Returns
    -------
    ndarray of float32, shape (3, rows, columns), in [0, 1]
        Positive clicks, negative clicks, first click.
    """
    return np.stack(
        [
            guidance_map(shape, positives, width),
            guidance_map(shape, negatives, width),
            guidance_map(shape, [first], first_width),
        ]
    )


def _profile(length: int, centre: float, width: float) -> NDArray[np.float32]:
    distance = np.arange(length, dtype=np.float32) - np.float32(centre)
    profile: NDArray[np.float32] = np.exp(np.float32(-4 * math.log(2) / width**2) * distance**2)
    return profile
