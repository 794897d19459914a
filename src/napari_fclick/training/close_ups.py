"""Samples that show a part of an object's outline, as where an error is looked at close up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_fclick.core import window
from napari_fclick.core.arrays import Mask
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.object_sets import IGNORE_LABEL, ObjectRef, Plane
from napari_fclick.core.peaks import Pixel, peak
from napari_fclick.training.augmentation.base import Rng
from napari_fclick.training.cutting import Cutter, Piece, piece_of
from napari_fclick.training.rough_starts import first_click
from napari_fclick.training.roughness import RandomRoughness

#: Sides of the window in parts of the object's longer side, from and to.
SIDES = (0.25, 1.1)
#: Pixels of the longer side of the smallest object that is looked at close up.
LEAST_SIDE = 40


@dataclass(frozen=True)
class CloseUpCutter:
    """Cut close-ups of objects with a chance, else what another cutter cuts.

    A close-up is about a part in which a rough mask of the object errs, and is handed that mask and
    a click that corrects it. Its first click is in the middle of what it shows of the rough mask,
    as where `napari_fclick.close_up` looks closer.

    Parameters
    ----------
    other : Cutter
    chance : float
    size : int
        Side of the network's input.
    """

    other: Cutter
    chance: float
    size: int

    def __call__(self, plane: Plane, ref: ObjectRef, rng: Rng, rough: Mask | None = None) -> Piece:
        """Return a piece; see `Cutter`. What a person clicked on is left to the other cutter."""
        allowed = (rough is not None or not ref.clicks) and ref.box.side >= LEAST_SIDE
        if allowed and rng.random() < self.chance:
            piece = self._close_up(plane, ref, rng, rough)
            if piece is not None:
                return piece
        return self.other(plane, ref, rng, rough)

    def _close_up(self, plane: Plane, ref: ObjectRef, rng: Rng, rough: Mask | None) -> Piece | None:
        """Return a close-up; None where it would show nothing of either mask."""
        truth: Mask = plane.labels == ref.label
        if rough is None:
            rough = RandomRoughness().draw(rng)(truth)
        wrong = _error((rough ^ truth) & (plane.labels != IGNORE_LABEL), rng)
        if wrong is None:
            return None
        side = ref.box.side * float(np.exp(rng.uniform(*np.log(SIDES))))
        view = window.square_window(wrong, side, truth.shape, self.size)
        seen, shown = rough[view.slices], truth[view.slices]
        if not seen.any() or not shown.any():
            return None
        row, column = first_click(seen, shown)
        first = (row + view.top, column + view.left, True)
        return piece_of(plane, ref.label, view, (first, (*wrong, bool(truth[wrong]))), rough)


def _error(errors: Mask, rng: Rng) -> Pixel | None:
    """Draw a part that is wrong, the larger the likelier; return its middle, None for none."""
    wrong = np.flatnonzero(ndimage.binary_erosion(errors))
    if not wrong.size:
        return None
    row, column = divmod(int(rng.choice(wrong)), errors.shape[1])
    middle = peak(keep_clicked(errors, [(row, column)]).mask)
    return (row, column) if middle is None else middle.pixel
