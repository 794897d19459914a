"""The pixel of a region that is farthest from its border: where a careful user clicks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.arrays import Mask
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.window import mask_bounds

Pixel = tuple[int, int]

#: Of larger regions, of so many pixels, only some are looked at where that is near enough.
LOOKED_AT = 512 * 512


def depths(region: Mask) -> NDArray[np.float64]:
    """Return how far each pixel of a region lies from what is outside of it; 0 outside.

    What lies outside the array counts as not belonging to the region.
    """
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(region, 1))
    return distance[1:-1, 1:-1]


def thinning(shape: tuple[int, ...]) -> int:
    """Return by what step rows and columns are thinned out to be quick; 1 for none."""
    return math.ceil(math.sqrt(math.prod(shape) / LOOKED_AT)) or 1


def middle(mask: Mask) -> Pixel | None:
    """Return the pixel farthest from a mask's border; of a large one, about that."""
    step = thinning(mask.shape)
    thinned = peak(mask[::step, ::step]) if step > 1 else None
    if thinned is not None:
        row, column = thinned.pixel
        return row * step, column * step
    found = peak(mask)  # where it is thin, nothing of it may be left
    return None if found is None else found.pixel


class Peak(NamedTuple):
    """The deepest pixel of a region and its depth in pixels."""

    pixel: Pixel
    depth: float


def peak(
    region: Mask,
    taken: Iterable[Pixel] = (),
    rng: np.random.Generator | None = None,
    jitter: float = 0.0,
) -> Peak | None:
    """Return the pixel of a region that is farthest from its border (Eq. 11).

    Parameters
    ----------
    region : ndarray of bool, shape (h, w)
        What lies outside the array counts as not belonging to the region.
    taken : iterable of (row, column)
        Pixels that were clicked before and are not clicked again.
    rng, jitter : Generator, float in [0, 1]
        With a jitter J, any pixel at least (1 - J) as deep as the peak, at random, of the part
        of the region that hangs together with it.

    Returns
    -------
    Peak or None
        The first peak in reading order; None where no pixel is left.
    """
    box = mask_bounds(region)
    if box is None:
        return None
    top, left = box[:2]
    cut = region[box.slices]
    depth = depths(cut)
    for row, column in taken:
        if 0 <= row - top < cut.shape[0] and 0 <= column - left < cut.shape[1]:
            depth[row - top, column - left] = 0
    deepest = float(depth.max())
    if deepest <= 0:
        return None
    index = int(np.argmax(depth))
    if rng is not None and jitter > 0:
        here = keep_clicked(cut, [divmod(index, cut.shape[1])]).mask
        index = int(rng.choice(np.flatnonzero(here & (depth >= max((1 - jitter) * deepest, 1e-6)))))
    row, column = divmod(index, cut.shape[1])
    return Peak((row + top, column + left), deepest)
