"""Beginning with the mask that an object has already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import middle
from napari_fclick.core.window import Box
from napari_fclick.prediction import existing
from napari_fclick.propagation import SliceMask
from napari_fclick.session.state import PredictionLike, SessionError, Start


def start_from(mask: NDArray[np.bool_], top: int, left: int) -> Start | None:
    """Return the beginning of an object's correction; None where the mask is empty.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Of the object.
    top, left : int
        Where its first pixel lies in the plane.
    """
    stored, deepest = StoredMask.pack(mask, top, left), middle(mask)
    if stored is None or deepest is None:
        return None
    row, column = deepest
    return Start(ClickSequence([Click(row + top, column + left)]), stored)


def start_of(carried: SliceMask) -> Start:
    """Return the beginning of the correction of a mask that was carried to a slice.

    The clicks that were derived for it stand for it, as long as the first lies on it.

    Parameters
    ----------
    carried : SliceMask

    Raises
    ------
    SessionError
        If nothing was carried there.
    """
    stored = carried.mask
    if stored is None:
        raise SessionError(f"slice {carried.index}: there is no mask to correct")
    mask, box = stored.unpack(), stored.box
    if carried.clicks:
        row, column = carried.clicks.first.pixel
        if (
            box.holds(Box(row, column, row + 1, column + 1))
            and mask[row - box.top, column - box.left]
        ):
            return Start(carried.clicks, stored, guess=True)
    start = start_from(mask, box.top, box.left)
    assert start is not None  # a stored mask has pixels
    return replace(start, guess=True)


def start_prediction(start: Start, shape: tuple[int, int]) -> PredictionLike:
    """Return a mask as if it had been predicted, so that the next click goes on from it.

    Parameters
    ----------
    start : Start
    shape : (int, int)
        Rows and columns of the plane.
    """
    return existing(start.mask, start.clicks, shape, guess=start.guess)
