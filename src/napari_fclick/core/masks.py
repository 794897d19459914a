"""A mask kept small: its bounds and its bits."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.window import Box, mask_bounds


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
        return cls(bounds.shifted(top, left), pack_bits(mask[bounds.slices]))

    def unpack(self) -> Mask:
        """Return the mask of the pixels in the box."""
        return unpack_bits(self.bits, self.box.shape)

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return int(np.count_nonzero(self.unpack()))

    def within(self, box: Box) -> Mask:
        """Return the pixels in a box, False where the mask does not reach."""
        out = np.zeros(box.shape, bool)
        both = box.shared(self.box)
        if both is not None:
            out[both.within(box)] = self.unpack()[both.within(self.box)]
        return out

    def meets(self, other: StoredMask) -> bool:
        """Whether a pixel is in both."""
        return bool((self.unpack() & other.within(self.box)).any())


def pack_bits(mask: Mask) -> bytes:
    """Return a mask's pixels, packed and compressed."""
    return zlib.compress(np.packbits(mask).tobytes(), 6)


def unpack_bits(bits: bytes, shape: tuple[int, ...]) -> Mask:
    """Return the mask of a shape that `pack_bits` made small."""
    packed = np.frombuffer(zlib.decompress(bits), np.uint8)
    return np.unpackbits(packed, count=math.prod(shape)).astype(bool).reshape(shape)
