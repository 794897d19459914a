"""How an object stands out from what is around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core import intensity, window
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import thinning
from napari_fclick.core.window import Box

#: Width of what is looked at around an object, in multiples of the square root of its area.
RING = 0.3
#: From this contrast on an object can be told from its surroundings by brightness; with the
#: other one it stands out as much as an object can.
TELLING, CLEAR = 0.5, 3.0


class KeyContrast:
    """How an object stands out in its keyframe, which later slices are compared with.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
        The keyframe's pixels.
    mask : StoredMask
        What the object is there.
    """

    def __init__(self, plane: Any, mask: StoredMask) -> None:
        level = _level_for(plane, mask)
        self._known = {level: contrast(plane, mask, level)}
        self._mask = mask
        # Only of a pyramid another level may be asked for later.
        self._plane = plane if len(window.levels(plane)) > 1 else None

    def at(self, level: int) -> float:
        """Return its contrast at a level, see `contrast`."""
        if level not in self._known:
            self._known[level] = contrast(self._plane, self._mask, level)
        return self._known[level]

    def left(self, plane: Any, mask: StoredMask) -> float:
        """Return which part of the contrast is left in another slice.

        Both are looked at on the same level of a pyramid: on a coarser one, noise is averaged
        away. 1 where the object can hardly be told from its surroundings in the keyframe.
        """
        level = _level_for(plane, mask)
        before = self.at(level)
        return contrast(plane, mask, level) / before if abs(before) >= TELLING else 1.0


def contrast(plane: Any, mask: StoredMask, level: int | None = None) -> float:
    """Return how much brighter an object is than the ring around it, in standard deviations.

    Negative for dark objects; 0 where nothing can be said; within -3 to 3. Of several
    channels the mean of those that the network sees counts, see
    `napari_fclick.core.intensity.chosen`. Of large objects only some pixels are looked at.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
    mask : StoredMask
    level : int, optional
        Of a pyramid, the level that is read; by default the coarsest one that still has all
        the pixels that are looked at.
    """
    box, reach = _surrounded(mask, window.image_shape(plane))
    step = thinning(box.shape)
    inside = mask.within(box)[::step, ::step]
    distance = step * ndimage.distance_transform_edt(~inside)
    # The rim itself belongs half to the object, half to its surroundings.
    ring = (distance > 1) & (distance <= reach)
    level = _level_for(plane, mask) if level is None else level
    pixels = _gray(_read(window.levels(plane), level, box, step))
    return _difference(pixels[inside], pixels[ring])


def _surrounded(mask: StoredMask, shape: tuple[int, int]) -> tuple[Box, float]:
    """Return the box around a mask and the ring about it, and how wide the ring is."""
    reach = max(2.0, RING * float(mask.area) ** 0.5)
    return mask.box.grown(int(reach) + 1, Box(0, 0, *shape)), reach


def _level_for(plane: Any, mask: StoredMask) -> int:
    """Return the coarsest level of a pyramid that still has the pixels that are looked at."""
    shape, levels = window.image_shape(plane), window.levels(plane)
    step = thinning(_surrounded(mask, shape)[0].shape) if len(levels) > 1 else 1
    zooms = [max(map(_zoom, shape, np.shape(level))) for level in levels]
    return max(number for number, zoom in enumerate(zooms) if zoom <= step)


def _zoom(fine: int, coarse: int) -> int:
    """Return how many pixels of the finest level one of a coarser level is."""
    return round(fine / coarse)


def _read(levels: Sequence[Any], number: int, box: Box, step: int) -> NDArray[Any]:
    """Return every so many pixels of a box, as a level of a pyramid has them."""
    level, stride = levels[number], 1 if number else step
    rows, columns = (
        np.arange(start, stop, step) * few // many
        for start, stop, few, many in zip(
            box[:2], box[2:], np.shape(level)[:2], np.shape(levels[0])[:2], strict=True
        )
    )
    pixels = level[rows[0] : rows[-1] + 1 : stride, columns[0] : columns[-1] + 1 : stride]
    wanted = np.ix_((rows - rows[0]) // stride, (columns - columns[0]) // stride)
    return np.asarray(pixels)[wanted]


def _gray(pixels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the mean of the channels; NaN where one of them tells nothing."""
    seen = intensity.chosen(pixels)
    told = np.where(intensity.is_told(seen), seen.astype(np.float64), np.nan)
    values: NDArray[np.float64] = told.mean(-1)
    return values


def _difference(inside: NDArray[np.float64], around: NDArray[np.float64]) -> float:
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if not (inside.size and around.size):
        return 0.0
    spread = float(np.sqrt((inside.var() + around.var()) / 2))
    difference = float(inside.mean() - around.mean())
    if not spread:
        return float(np.sign(difference)) * CLEAR
    return float(np.clip(difference / spread, -CLEAR, CLEAR))
