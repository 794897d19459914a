"""Resizing as a linear map: cheap for small targets, and the same way in and out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
FloatArray = NDArray[np.float32]


def resize(pixels: Array, size: tuple[int, int], antialias: bool = True) -> FloatArray:
    """Resize (h, w, C) bilinearly, pixel centres at halves.

    Parameters
    ----------
    antialias : bool
        Widen the filter when shrinking, so that every pixel counts.
    """
    values = pixels.astype(np.float32, copy=False)
    height, width, channels = values.shape
    rows = _weights(height, size[0], antialias)
    columns = _weights(width, size[1], antialias)
    if rows is not None:
        values = (rows @ values.reshape(height, -1)).reshape(size[0], width, channels)
    if columns is not None:
        values = np.matmul(columns, values)
    return np.ascontiguousarray(values)


@lru_cache(maxsize=64)
def _weights(before: int, after: int, antialias: bool) -> FloatArray | None:
    """Return the (after, before) matrix of a 1-D linear resize; None for the identity."""
    if before == after:
        return None
    scale = before / after
    reach = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(after) + 0.5) * scale - 0.5
    if not antialias:
        centres = np.clip(centres, 0, before - 1)
    distance = np.abs(np.arange(before)[None, :] - centres[:, None]) / reach
    weights = np.clip(1 - distance, 0, None)
    weights /= weights.sum(1, keepdims=True)
    return weights.astype(np.float32)


def resize_8bit(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resize 8-bit pixels (h, w, C) bilinearly in fixed point, as OpenCV does.

    Networks trained on such pixels see a difference of one gray level; no antialiasing.
    """
    top, bottom, above, below = _fixed_point(pixels.shape[0], size[0])
    left, right, before, after = _fixed_point(pixels.shape[1], size[1])
    wide = pixels.astype(np.int32)
    rows = wide[:, left] * before[:, None] + wide[:, right] * after[:, None]
    rows >>= 4
    mixed = (rows[top] * above[:, None, None]) >> 16
    mixed += (rows[bottom] * below[:, None, None]) >> 16
    return ((mixed + 2) >> 2).astype(np.uint8)


def _fixed_point(before: int, after: int) -> tuple[Array, Array, Array, Array]:
    """Return both neighbours of each target pixel, and 2048 times their weights."""
    centres = ((np.arange(after) + 0.5) * (before / after) - 0.5).astype(np.float32)
    first = np.floor(centres).astype(np.intp)
    share = (centres - first).astype(np.float32)
    weights = (np.rint(w * np.float32(2048)).astype(np.int32) for w in (1 - share, share))
    neighbours = (np.clip(index, 0, before - 1) for index in (first, first + 1))
    return *neighbours, *weights
