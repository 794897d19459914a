"""The mask that was carried to the slice on show, to be drawn like a prediction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fclick.propagation import SliceMask


class CarriedPreview:
    """A carried mask within its bounds; unpacked once, not each time that it is drawn.

    Attributes
    ----------
    mask : ndarray of bool, shape (h, w)
    probability : ndarray of float32, shape (h, w)
        The mask itself.
    window : (slice, slice)
        Rows and columns of the plane that they cover.
    current : bool
        False where it is of before the last change.
    """

    def __init__(self) -> None:
        self._each: SliceMask | None = None
        self.mask: NDArray[np.bool_] = np.zeros((0, 0), bool)
        self.probability: NDArray[np.float32] = np.zeros((0, 0), np.float32)
        self.window: tuple[slice, slice] = (slice(0, 0), slice(0, 0))
        self.current = True

    def show(self, each: SliceMask, current: bool) -> CarriedPreview:
        """Be the mask of a slice, which has one."""
        self.current = current
        if each is not self._each:
            assert each.mask is not None
            self._each, box = each, each.mask.box
            self.mask = each.mask.unpack()
            self.probability = self.mask.astype(np.float32)
            self.window = box.slices
        return self
