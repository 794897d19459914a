"""A mask kept small: its bounds and its bits."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.window import Box

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class StoredMask:
    """A mask of a plane, cut to its bounds and compressed.

    Attributes
    ----------
    box : Box
        In pixels of the plane.
    bits : bytes
        Its pixels, packed and compressed.
    """

    box: Box
    bits: bytes

    @classmethod
    def pack(cls, mask: Mask, top: int = 0, left: int = 0) -> StoredMask | None:
        """Store a mask whose first pixel lies at (top, left); None where it is empty."""
        bounds = mask_bounds(mask)
        if bounds is None:
            return None
        cut = mask[bounds.top : bounds.bottom, bounds.left : bounds.right]
        box = Box(bounds.top + top, bounds.left + left, bounds.bottom + top, bounds.right + left)
        return cls(box, zlib.compress(np.packbits(cut).tobytes(), 6))

    def unpack(self) -> Mask:
        """Return the mask of the pixels in the box."""
        shape = (self.box.bottom - self.box.top, self.box.right - self.box.left)
        bits = np.frombuffer(zlib.decompress(self.bits), np.uint8)
        return np.unpackbits(bits, count=shape[0] * shape[1]).astype(bool).reshape(shape)

    def within(self, box: Box) -> Mask:
        """Return the pixels in a box, False where the mask does not reach."""
        out = np.zeros((box.bottom - box.top, box.right - box.left), bool)
        both = box.shared(self.box)
        if both is not None:
            out[both.within(box)] = self.unpack()[both.within(self.box)]
        return out


def mask_bounds(mask: Mask) -> Box | None:
    """Return the bounds of what is True; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)
