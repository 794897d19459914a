"""Structural integrity: an object is what hangs together with its positive clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.arrays import Mask

#: Which neighbours hang together: the paper's eight, or the released program's four.
Connectivity = Literal[4, 8]
_NEIGHBOURS = {8: np.ones((3, 3), bool), 4: ndimage.generate_binary_structure(2, 1)}


class Kept(NamedTuple):
    """A mask after the strategy.

    Attributes
    ----------
    mask : ndarray of bool
    fell_back : bool
        True where no positive click lay in the prediction, so that the component nearest
        the first click was kept instead.
    """

    mask: Mask
    fell_back: bool


def keep_clicked(
    mask: Mask, positives: Sequence[tuple[int, int]], connectivity: Connectivity = 8
) -> Kept:
    """Keep the pixels that a path in the mask joins to a positive click (section 3.3, Eq. 8).

    Where no positive click lies in the mask, the component nearest to the first click is
    kept and ``fell_back`` says so.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
    positives : sequence of (row, column)
        Pixels of the mask under positive clicks, the first click first; pixels outside the
        mask's array are ignored.
    connectivity : {4, 8}
        Whether pixels that meet at a corner alone hang together.
    """
    if not mask.any():
        return Kept(mask.copy(), False)
    components, count = ndimage.label(mask, structure=_NEIGHBOURS[connectivity])
    height, width = mask.shape
    inside = [(r, c) for r, c in positives if 0 <= r < height and 0 <= c < width]
    wanted = {int(components[point]) for point in inside} - {0}
    if wanted:
        if len(wanted) == count:
            return Kept(mask.copy(), False)
        return Kept(np.isin(components, list(wanted)), False)
    nearest = _nearest(components, positives[0])
    return Kept(components == nearest, True)


def _nearest(components: NDArray[np.integer[Any]], point: tuple[int, int]) -> int:
    rows, columns = np.nonzero(components)
    distance = np.hypot(rows - point[0], columns - point[1])
    closest = int(np.argmin(distance))
    return int(components[rows[closest], columns[closest]])
