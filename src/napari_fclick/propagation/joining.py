"""One mask of two: what came to a slice from the keyframe below, and from the one above."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import depths
from napari_fclick.propagation.carrying import overlap
from napari_fclick.propagation.slices import Kind, SliceMask


class Side(NamedTuple):
    """What one keyframe says of a slice between two.

    Attributes
    ----------
    slice : SliceMask
        With a mask.
    lost : bool
        Whether it had lost the object there.
    """

    slice: SliceMask
    lost: bool


def agreed(one: Side | None, other: Side | None, nearness: float, alike: float) -> SliceMask | None:
    """Join what came from below and from above.

    Where one side has lost the object the other counts alone, and where they say entirely
    different things the nearer: a mixture of two shapes would be neither.

    Parameters
    ----------
    one, other : Side or None
        From below and from above; None where nothing was found.
    nearness : float in [0, 1]
        How near the slice is to the keyframe below.
    alike : float in [0, 1]
        Part of the smaller mask that both share at least, where they are mixed.

    Returns
    -------
    SliceMask or None
        None where neither has found anything.
    """
    if one is None or other is None:
        known = one or other
        if known is None:
            return None
        return replace(known.slice, kind=Kind.BETWEEN, agreement=0.0, alone=True)
    nearer = (one if nearness >= 0.5 else other).slice
    if one.lost != other.lost:
        nearer = (other if one.lost else one).slice
    a, b = one.slice.mask, other.slice.mask
    assert a is not None and b is not None  # of what was carried
    found = replace(nearer, kind=Kind.BETWEEN, agreement=overlap(a, b))
    box = a.box.union(b.box)
    masks = a.within(box), b.within(box)
    shared = int(np.count_nonzero(masks[0] & masks[1]))
    if one.lost != other.lost or shared < alike * min(one.slice.pixels, other.slice.pixels):
        return found
    below, above = map(signed_distance, masks)
    mask = nearness * below + (1 - nearness) * above > 0
    stored = StoredMask.pack(mask, box.top, box.left)
    if stored is None:
        return found
    return replace(found, mask=stored, pixels=int(np.count_nonzero(mask)))


def signed_distance(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the distance to a mask's border in pixels, positive inside; -inf where it is empty."""
    if not mask.any():
        return np.full(mask.shape, -np.inf, np.float32)
    inside = depths(mask)
    outside = ndimage.distance_transform_edt(~mask)
    return (inside - outside).astype(np.float32)
