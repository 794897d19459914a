"""Accepted objects and the labels they are written into."""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.labels import LabelPatch, OverlapPolicy, make_patch
from napari_fclick.core.window import Box
from napari_fclick.session.history import Commit
from napari_fclick.session.numbering import highest_label
from napari_fclick.session.place import Place
from napari_fclick.session.state import AcceptedObject, SessionError

#: The size of this many objects accepted last tells the size of the next.
RECENT = 7

Mask = NDArray[np.bool_]


class Objects:
    """The objects of one image, by number, and the labels that the next is written into.

    Attributes
    ----------
    labels : array or None
        Indexed with slices only.
    records : dict of int to AcceptedObject
        In the order in which they were accepted.
    """

    def __init__(self) -> None:
        self.labels: Any = None
        self.records: dict[int, AcceptedObject] = {}
        self._highest: int | None = None

    # --- numbers ------------------------------------------------------------------------

    def choose(
        self, labels: Any, place: Place, plane_shape: tuple[int, int], highest: int | None
    ) -> None:
        """Write into these labels; see `Session.set_labels`."""
        if labels is not None:
            _check(labels, place, plane_shape)
        self.labels, self._highest = labels, highest

    def saw_label(self, label: int) -> None:
        """Note an object number that something else wrote."""
        if self._highest is not None:
            self._highest = max(self._highest, label)

    def found_highest(self, labels: Any, highest: int) -> None:
        """Note the highest number in labels, if they are still the chosen ones."""
        if labels is self.labels and self._highest is None:
            self._highest = highest

    @property
    def next_label(self) -> int:
        """A number that no object has; the first time the labels are read for it."""
        if self._highest is None:
            self._highest = 0 if self.labels is None else highest_label(self.labels)
        return max(self._highest, *self.records, 0) + 1

    @property
    def knows_next_label(self) -> bool:
        """Whether `next_label` costs nothing."""
        return self._highest is not None or self.labels is None

    @property
    def typical_side(self) -> float | None:
        """Median longer side in pixels of the objects accepted last."""
        sides = [record.side for record in list(self.records.values())[-RECENT:]]
        return float(median(sides)) if sides else None

    # --- commits ------------------------------------------------------------------------

    def plan(
        self, mask: Mask, box: Box, place: Place, label: int | None, policy: OverlapPolicy
    ) -> LabelPatch:
        """Return what writing a mask would change; nothing is written.

        Parameters
        ----------
        mask : ndarray of bool
            Of the pixels in ``box``.
        box : Box
            In pixels of the plane.
        place : Place
        label : int or None
            None for a new object.
        policy : OverlapPolicy

        Raises
        ------
        SessionError
            If there are no labels, they cannot hold the number, or nothing would be written.
        """
        patch = self._patch(mask, box, place, label or self.next_label, policy)
        if label is None and bool(np.any(patch.before == patch.label)):
            # The number was taken behind our back: all labels are read again.
            self._highest = None
            patch = self._patch(mask, box, place, self.next_label, policy)
        if patch.written == 0:
            owners = ", ".join(map(str, sorted(patch.withheld)))
            raise SessionError(
                f"nothing to write: all pixels of the mask belong to object {owners} "
                f"(overlap policy {policy.value!r})"
            )
        return patch

    def write(self, commit: Commit) -> int:
        """Do a commit; return how many pixels something else had changed meanwhile."""
        left_alone = commit.patch.apply(commit.labels)
        self.records.pop(commit.record.label, None)
        self.records[commit.record.label] = commit.record
        return left_alone

    def withdraw(self, commit: Commit) -> int:
        """Undo a commit; return as `write` does."""
        left_alone = commit.patch.revert(commit.labels)
        self.records.pop(commit.record.label)
        if commit.replaced is not None:
            self.records[commit.record.label] = commit.replaced
        return left_alone

    def _patch(
        self, mask: Mask, box: Box, place: Place, label: int, policy: OverlapPolicy
    ) -> LabelPatch:
        if self.labels is None:
            raise SessionError("no labels to write into: choose a Labels layer")
        record = self.records.get(label)
        if record is not None and record.place == place:
            # What the object had before may lie outside of its new mask.
            mask, box = _grown(mask, box, box.union(record.box))
        where = place.where(slice(box.top, box.bottom), slice(box.left, box.right))
        try:
            return make_patch(self.labels, mask, where, label, policy)
        except ValueError as error:
            raise SessionError(f"{error}; choose labels of a wider dtype") from error


def mask_bounds(mask: Mask) -> Box | None:
    """Return the bounds of what is True; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _check(labels: Any, place: Place, plane_shape: tuple[int, int]) -> None:
    shape, dtype = tuple(int(n) for n in labels.shape), np.dtype(labels.dtype)
    if dtype.kind not in "iub":
        raise SessionError(f"labels of dtype {dtype} hold no whole numbers; choose integers")
    if len(shape) != place.ndim or place.plane_shape(shape) != plane_shape:
        raise SessionError(
            f"labels of shape {shape} do not fit: axes {place.axes} of {place.ndim} must be "
            f"{plane_shape} as in the image"
        )


def _grown(mask: Mask, box: Box, larger: Box) -> tuple[Mask, Box]:
    """Return the mask on a larger box, False where it was not defined."""
    out = np.zeros((larger.bottom - larger.top, larger.right - larger.left), bool)
    top, left = box.top - larger.top, box.left - larger.left
    out[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
    return out, larger
