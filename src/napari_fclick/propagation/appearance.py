"""How an object stands out from what is around it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core import window
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import thinning
from napari_fclick.core.window import Box

#: Width of what is looked at around an object, in multiples of the square root of its area.
RING = 0.3
#: From this contrast on an object can be told from its surroundings by brightness; with the
#: other one it stands out as much as an object can.
TELLING, CLEAR = 0.5, 3.0


def contrast(plane: Any, mask: StoredMask) -> float:
    """Return how much brighter an object is than the ring around it, in standard deviations.

    Negative for dark objects; 0 where nothing can be said; within -3 to 3. Of several
    channels their mean counts. Of large objects only some pixels are looked at.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
    mask : StoredMask
    """
    base = window.levels(plane)[0]
    height, width = window.image_shape(plane)
    area = float(np.count_nonzero(mask.unpack()))
    reach = max(2.0, RING * area**0.5)
    pad = int(reach) + 1
    top, left, bottom, right = mask.box
    box = Box(
        max(top - pad, 0), max(left - pad, 0), min(bottom + pad, height), min(right + pad, width)
    )
    step = thinning((box.bottom - box.top, box.right - box.left))
    inside = mask.within(box)[::step, ::step]
    distance = step * ndimage.distance_transform_edt(~inside)
    # The rim itself belongs half to the object, half to its surroundings.
    ring = (distance > 1) & (distance <= reach)
    pixels = _gray(np.asarray(base[box.top : box.bottom : step, box.left : box.right : step]))
    return _difference(pixels[inside], pixels[ring])


def _gray(pixels: NDArray[Any]) -> NDArray[np.float64]:
    values = pixels.astype(np.float64)
    return values if values.ndim == 2 else values.mean(-1)


def _difference(inside: NDArray[np.float64], around: NDArray[np.float64]) -> float:
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if not (inside.size and around.size):
        return 0.0
    spread = float(np.sqrt((inside.var() + around.var()) / 2))
    difference = float(inside.mean() - around.mean())
    if not spread:
        return float(np.sign(difference)) * CLEAR
    return float(np.clip(difference / spread, -CLEAR, CLEAR))
