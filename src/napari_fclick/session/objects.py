"""Accepted objects and the labels they are written into."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import median

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.labels import LabelPatch, OverlapPolicy, largest_label, make_patch
from napari_fclick.core.window import Box
from napari_fclick.session.history import Change, Commit, follow, follow_owners
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.patches import StoredPatch, apply_all
from napari_fclick.session.place import Place
from napari_fclick.session.state import AcceptedObject, Draft, SessionError

#: The size of this many objects accepted last tells the size of the next.
RECENT = 7


class Objects(Mapping[int, AcceptedObject]):
    """The accepted objects of one image, by number, and the labels that the next is written into.

    Attributes
    ----------
    target : NumberedLabels or None
        What objects are written into.
    records : dict of int to AcceptedObject
        In the order in which they were accepted.
    owners : dict of int to NumberedLabels
        What each of them was written into, by number.
    """

    def __init__(self) -> None:
        self.target: NumberedLabels | None = None
        self.records: dict[int, AcceptedObject] = {}
        self.owners: dict[int, NumberedLabels] = {}
        self._shape: tuple[int, ...] = ()
        self._log: list[Commit] = []

    def __getitem__(self, label: int) -> AcceptedObject:
        return self.records[label]

    def __iter__(self) -> Iterator[int]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    # --- numbers ------------------------------------------------------------------------

    def choose(
        self, target: NumberedLabels | None, place: Place, plane_shape: tuple[int, int]
    ) -> None:
        """Write into these labels; see `Session.set_labels`."""
        if target is not None:
            _check(target, place, plane_shape)
            self._shape = target.shape
        self.target = target

    @property
    def next_label(self) -> int:
        """The number of the next new object; no object in the labels has it.

        The first time it reads the labels, unless their highest number was given. Where they are
        full, they cannot hold it, and `patch` refuses it.
        """
        if self.target is None:
            return max(self.records, default=0) + 1
        return self.target.free(self.records)

    @property
    def knows_next_label(self) -> bool:
        """Whether `next_label` costs nothing."""
        return self.target is None or self.target.known

    def number_of(self, draft: Draft) -> int | None:
        """Return the number of what is clicked, or the one that it gets; None where not known."""
        if draft.label is not None:
            return draft.label
        return self.next_label if self.knows_next_label else None

    @property
    def full(self) -> bool:
        """Whether it is known that the labels have no number left for a new object."""
        target = self.target
        if target is None or not target.known:
            return False
        return self.next_label > largest_label(np.dtype(target.labels.dtype))

    @property
    def has_committed(self) -> bool:
        """Whether anything was written into labels, or said of their objects, that stands."""
        return bool(self._log)

    def check_target(self) -> NumberedLabels:
        """Return what is written into; raises SessionError where there is nothing that fits."""
        if self.target is None:
            raise SessionError("no labels to write into: choose a Labels layer")
        _check_shape(self.target, self._shape)
        return self.target

    def here(self, label: int) -> AcceptedObject | None:
        """Return the record of an object of the labels that are chosen; None where there is none.

        Raises
        ------
        SessionError
            If the number is that of an object which was accepted into other labels: theirs may
            hold another object of that number, and one would be taken for the other. Or if it was
            accepted for another image, whose session would know nothing of what becomes of it.
        """
        owner = self.owners.get(label)
        if owner is None and self.target is not None and label in self.target.taken:
            raise SessionError(
                f"object {label} was accepted for another image: choose that one to change it"
            )
        if owner is not None and self.target is not None and owner is not self.target:
            raise SessionError(
                f"the number {label} is that of an object accepted into other labels: choose "
                "those to change it"
            )
        return self.records.get(label)

    @property
    def typical_side(self) -> float | None:
        """Median longer side in pixels of the objects accepted last; None before the first."""
        sides = [record.side for record in list(self.records.values())[-RECENT:]]
        return float(median(sides)) if sides else None

    def check_corrected(self, drafts: Iterable[tuple[Place, Draft]]) -> None:
        """Refuse to write a correction into labels that do not hold what is corrected.

        The choice of labels may have changed since an object was picked up, and theirs of the
        same number is another one.

        Raises
        ------
        SessionError
            If none of the drafts that correct an object began with pixels of it.
        """
        missed: int | None = None
        for place, draft in drafts:
            if draft.label is None or draft.start is None:
                continue
            labels = self.check_target().labels
            if self.here(draft.label) is not None:
                return
            box, mask = draft.start.mask.box, draft.start.mask.unpack()
            where = place.where(*box.slices)
            if 2 * np.count_nonzero(np.asarray(labels[where])[mask] == draft.label) >= mask.sum():
                return
            missed = draft.label
        if missed is not None:
            raise SessionError(
                f"object {missed} is not where it was picked up in these labels: choose the ones "
                "that it was picked up from, or clear it"
            )

    # --- commits ------------------------------------------------------------------------

    def patch(
        self,
        mask: Mask,
        box: Box,
        place: Place,
        label: int,
        policy: OverlapPolicy,
        start: Box | None = None,
    ) -> LabelPatch:
        """Return what writing a mask would change; nothing is written.

        Parameters
        ----------
        mask : ndarray of bool
            Of the pixels in ``box``.
        box : Box
            In pixels of the plane.
        place : Place
        label : int
            The object's number.
        policy : OverlapPolicy
        start : Box, optional
            Bounds of what the object was there, as far as its record does not tell.

        Raises
        ------
        SessionError
            If there are no labels, or they cannot hold the number.
        """
        target = self.check_target()
        box_before = self._box_before(label, place, start)
        if box_before is not None:
            # What the object had before may lie outside of its new mask.
            mask, box = _grown(mask, box, box.union(box_before))
        where = place.where(*box.slices)
        try:
            return make_patch(target.labels, mask, where, label, policy)
        except ValueError as error:
            raise SessionError(f"{error}; choose others, such as of a wider dtype") from error

    def finds_taken(self, patch: LabelPatch) -> bool:
        """Whether a new object's number is in the labels already: they are counted anew then."""
        taken = bool(np.any(patch.before == patch.label))
        if taken:
            self.check_target().forget()
        return taken

    def write(self, commit: Commit) -> int:
        """Do a commit; return how many pixels something else had changed meanwhile.

        Raises
        ------
        SessionError
            If another object has got a number since, the labels have another shape or cannot
            be written; nothing has changed then.
        """
        self._check_commit(commit, commit.changes)
        self._count_anew_if_full()
        left_alone = _written(commit.patches, commit)
        self._follow(commit)
        return left_alone

    def withdraw(self, commit: Commit) -> int:
        """Undo a commit; return and raise as `write` does."""
        changes = tuple(change.reversed() for change in commit.changes)
        self._check_commit(commit, changes)
        self._count_anew_if_full()
        left_alone = _written(reversed(commit.patches), commit, revert=True)
        self._forget_taken(changes)
        log, self._log = self._log[:-1], []
        self.records.clear()  # and anew, so that they stand in their order
        self.owners.clear()
        for known in log:
            self._follow(known)
        return left_alone

    def let_go(self) -> None:
        """Leave the objects to other sessions: this one is at its end."""
        for label, owner in self.owners.items():
            owner.saw(label)
            owner.taken.discard(label)

    def take_over(self, commits: Iterable[Commit]) -> None:
        """Know the objects of commits that stand, oldest first; the labels have them already."""
        for commit in commits:
            self._follow(commit)

    def _follow(self, commit: Commit) -> None:
        """Bring what is known of objects up to date with a commit."""
        self._log.append(commit)
        follow(self.records, commit.changes)
        self._forget_taken(commit.changes)
        follow_owners(self.owners, commit)
        for change in commit.changes:
            if change.after is not None:
                self.owners[change.label].taken.add(change.label)

    def _count_anew_if_full(self) -> None:
        """Look for a number again where none was left: what is done now may free one."""
        if self.target is not None and self.full:
            self.target.forget()

    def _forget_taken(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.after is None and change.label in self.owners:
                self.owners[change.label].taken.discard(change.label)

    def _check_commit(self, commit: Commit, changes: Iterable[Change]) -> None:
        for change in changes:
            appears = change.before is None and change.after is not None
            if appears and change.label in commit.target.taken:
                raise SessionError(f"the number {change.label} was given to another object since")
        _check_shape(commit.target, commit.labels_shape)

    def _box_before(self, label: int, place: Place, start: Box | None) -> Box | None:
        record = self.records.get(label)
        part = None if record is None else record.part(place)
        if part is None:
            return start
        return part.box if start is None else part.box.union(start)


def box_of(patch: LabelPatch) -> Box:
    """Return the part of its plane that a patch covers."""
    rows, columns = (part for part in patch.where if isinstance(part, slice))
    return Box.of(rows, columns)


def _written(patches: Iterable[StoredPatch], commit: Commit, *, revert: bool = False) -> int:
    try:
        return apply_all(patches, commit.target.labels, revert=revert)
    except OSError as error:
        raise SessionError(f"the labels cannot be written: {error}") from error


def _check(target: NumberedLabels, place: Place, plane_shape: tuple[int, int]) -> None:
    shape, dtype = target.shape, np.dtype(target.labels.dtype)
    if dtype.kind not in "iub":
        raise SessionError(f"labels of dtype {dtype} hold no whole numbers; choose integers")
    if len(shape) != place.ndim or place.plane_shape(shape) != plane_shape:
        raise SessionError(
            f"labels of shape {shape} do not fit: axes {place.axes} of {place.ndim} must be "
            f"{plane_shape} as in the image"
        )


def _check_shape(target: NumberedLabels, wanted: tuple[int, ...]) -> None:
    if target.shape != wanted:
        raise SessionError(
            f"the labels' shape changed from {wanted} to {target.shape}: choose labels that fit"
        )


def _grown(mask: Mask, box: Box, larger: Box) -> tuple[Mask, Box]:
    """Return the mask on a larger box, False where it was not defined."""
    out = np.zeros(larger.shape, bool)
    out[box.within(larger)] = mask
    return out, larger
