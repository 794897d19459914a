"""Resizing as a linear map: cheap for small targets, and the same way in and out."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from napari_fclick.core.arrays import Array, FloatArray


def resize(pixels: Array, size: tuple[int, int], antialias: bool = True) -> FloatArray:
    """Resize (h, w, C) bilinearly, pixel centres at halves.

    Parameters
    ----------
    pixels : ndarray, shape (h, w, C)
    size : (int, int)
        Rows and columns wanted.
    antialias : bool
        Widen the filter when shrinking, so that every pixel counts.

    Returns
    -------
    ndarray of float32, shape (size[0], size[1], C)
    """
    values = pixels.astype(np.float32, copy=False)
    height, width, channels = values.shape
    # Sparse products keep to one thread: a threaded one leaves its threads spinning for a
    # while, on the cores that the network wants next.
    if height != size[0]:
        rows = _weights(height, size[0], antialias) @ values.reshape(height, -1)
        values = rows.reshape(size[0], width, channels)
    if width != size[1]:
        columns = values.transpose(1, 0, 2).reshape(width, -1)
        columns = _weights(width, size[1], antialias) @ columns
        values = columns.reshape(size[1], size[0], channels).transpose(1, 0, 2)
    return np.ascontiguousarray(values)


@lru_cache(maxsize=64)
def _weights(before: int, after: int, antialias: bool) -> sparse.csr_array:
    """Return the (after, before) matrix of a 1-D linear resize."""
    scale = before / after
    reach = max(scale, 1.0) if antialias else 1.0
    centres = (np.arange(after) + 0.5) * scale - 0.5
    if not antialias:
        centres = np.clip(centres, 0, before - 1)
    taps = np.arange(math.ceil(2 * reach) + 1)
    columns = np.ceil(centres - reach).astype(np.intp)[:, None] + taps
    weights = np.clip(1 - np.abs(columns - centres[:, None]) / reach, 0, None)
    weights[(columns < 0) | (columns >= before)] = 0
    weights /= weights.sum(1, keepdims=True)
    rows, used = np.nonzero(weights)
    entries = weights[rows, used].astype(np.float32)
    return sparse.csr_array((entries, (rows, columns[rows, used])), shape=(after, before))


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
