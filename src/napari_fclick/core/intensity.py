"""Any pixels -> three channels of float32 in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from napari_fclick.core.arrays import Array, FloatArray, Mask

Limits = tuple[float, float]
#: "stretch": the window's own percentiles become 0 and 1. "unit": as the released network,
#: value / 255 for 8-bit pixels, a stretch for others.
Scaling = Literal["stretch", "unit"]

PERCENTILES = (0.5, 99.5)
#: Floats from here on, up to float32's limit of 3.4e38 and more, are marks for "no data".
NO_DATA = np.float32(2.0**120)


def to_float(pixels: Array, limits: Limits | None = None) -> FloatArray:
    """Turn pixels of any numeric dtype into finite float32, ready to be resized.

    Parameters
    ----------
    pixels : ndarray, shape (h, w) or (h, w, C)
        bool, (u)int8 to 64, float16 to 64. NaN and -inf become the least finite value, inf
        the greatest; where nothing is finite, zeros. So do marks for "no data", see `is_told`,
        unless nothing else differs.
    limits : (float, float), optional
        Intensities that become 0 and 1 (a layer's contrast limits).

    Returns
    -------
    ndarray of float32, shape (h, w, C)
        Exact for 8- and 16-bit pixels; wider ones are first shifted and scaled to [0, 1] in
        double precision, so that a small contrast on a large offset survives.

    Raises
    ------
    TypeError
        If the dtype is not real and numeric.
    ValueError
        If the limits are not two increasing finite numbers.
    """
    if pixels.dtype.kind not in "buif":
        raise TypeError(
            f"cannot read pixels of dtype {pixels.dtype}; allowed are bool, integers and "
            "real floating-point numbers"
        )
    values = pixels if pixels.ndim == 3 else pixels[..., None]
    if values.dtype.kind == "f":
        values = _finite(values)
    if limits is not None:
        low, high = (limit / 2 for limit in _checked_limits(limits))  # lest the widest overflow
        within = np.clip(values.astype(np.float64) / 2, low, high)
        return ((within - low) / (high - low)).astype(np.float32)
    if values.dtype.itemsize > 2:
        return _rescaled(values)
    return values.astype(np.float32)


def is_told(pixels: Array) -> Mask:
    """Whether pixels tell an intensity: finite numbers that are no mark for "no data".

    Such a mark is a number near the limit of floats, as in GeoTIFF and NetCDF.
    """
    told: Mask = np.abs(pixels) < NO_DATA  # not so of NaN
    return told


def is_colour(pixels: Array) -> bool:
    """Whether pixels (h, w, C) are taken for RGB or RGBA."""
    return pixels.ndim == 3 and pixels.shape[-1] in (3, 4)


def tells_nothing(pixels: Array, channels: Sequence[int] | None = None) -> bool:
    """Whether pixels are of one colour throughout, or none is finite.

    Parameters
    ----------
    pixels, channels
        See `chosen`.
    """
    if not pixels.size:
        return True
    seen = chosen(pixels, channels)
    for channel in seen.reshape(-1, seen.shape[-1]).T:
        told = channel[np.isfinite(channel)] if channel.dtype.kind == "f" else channel
        if told.size and told.min() != told.max():
            return False
    return True


def chosen(pixels: Array, channels: Sequence[int] | None = None) -> Array:
    """Return the channels that are looked at.

    Parameters
    ----------
    pixels : ndarray, shape (h, w) or (h, w, C)
        Of more than three channels the first three count: an alpha channel does not.
    channels : sequence of 1 to 3 int, optional
        Use these instead.

    Returns
    -------
    ndarray, shape (h, w, 1 to 3)

    Raises
    ------
    ValueError
        If a chosen channel does not exist.
    """
    values = pixels if pixels.ndim == 3 else pixels[..., None]
    if channels is None:
        return values[..., :3]
    return values[..., _checked_channels(channels, values.shape[-1])]


def to_rgb(values: FloatArray) -> FloatArray:
    """Make three channels.

    Parameters
    ----------
    values : ndarray of float32, shape (h, w, C)
        One channel is repeated; two are joined by their mean; three are RGB; four are RGBA,
        whose alpha is dropped; of five or more the first three count.

    Returns
    -------
    ndarray of float32, shape (h, w, 3)
    """
    count = values.shape[-1]
    if count == 1:
        return np.repeat(values, 3, axis=-1)
    if count == 2:
        return np.concatenate([values, values.mean(-1, keepdims=True)], -1)
    return values[..., :3]


def stretch(values: FloatArray, jointly: bool = True) -> FloatArray:
    """Map the window's percentiles to 0 and 1 and clip.

    Parameters
    ----------
    values : ndarray of float32, shape (h, w, C)
    jointly : bool
        One pair of percentiles for all channels (colour images) or one a channel.

    Returns
    -------
    ndarray of float32, shape (h, w, C), in [0, 1]
        A constant window becomes 0; one that is constant but for a few pixels spans them.
    """
    axes = (0, 1, 2) if jointly else (0, 1)
    # Every other pixel tells the percentiles well enough, at a quarter of the cost.
    low, high = np.percentile(values[::2, ::2], PERCENTILES, axis=axes).astype(np.float32)
    if (low == high).any():
        least, most = values.min(axes), values.max(axes)
        low, high = np.where(low == high, (least, most), (low, high))
    span = np.where(high > low, high - low, np.float32(1))
    stretched: FloatArray = np.clip((values - low) / span, 0, 1, dtype=np.float32)
    return stretched


def _finite(values: Array) -> Array:
    """Return floats with those that tell no intensity as the least or the greatest of others."""
    told = is_told(values)
    if told.all():
        return values
    if not told.any() or values[told].min() == values[told].max():
        told = np.isfinite(values)
    if not told.any():
        return np.zeros_like(values)
    low, high = values[told].min(), values[told].max()
    filled = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    return np.asarray(np.clip(filled, low, high))


def _rescaled(values: Array) -> FloatArray:
    if values.dtype.kind in "iu":
        # Modulo 2^64 the differences are exact, even where doubles no longer tell neighbours.
        wide = (values.astype(np.uint64) - values.min().astype(np.uint64)).astype(np.float64)
    else:
        wide = values.astype(np.float64)
    wide *= 0.25  # so that differences of the widest floats do not overflow
    # A few extreme values, such as a mark for "no data", must not flatten all others.
    low, high = np.percentile(wide[::2, ::2], (0.1, 99.9), method="nearest")
    if high > low:
        wide = np.clip(wide, 2 * low - high, 2 * high - low)
    low, high = wide.min(), wide.max()
    if low == high:
        return np.zeros(values.shape, np.float32)
    rescaled: FloatArray = ((wide - low) / (high - low)).astype(np.float32)
    return rescaled


def _checked_limits(limits: Limits) -> Limits:
    if len(limits) != 2:
        raise ValueError(f"limits {limits!r} must be two finite numbers, the lower one first")
    low, high = limits
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"limits {limits!r} must be two finite numbers, the lower one first")
    return float(low), float(high)


def _checked_channels(channels: Sequence[int], count: int) -> list[int]:
    chosen = list(channels)
    if not 1 <= len(chosen) <= 3 or any(c not in range(count) for c in chosen):
        raise ValueError(
            f"channels {chosen} are not one to three of the image's channels 0 to {count - 1}"
        )
    return chosen
