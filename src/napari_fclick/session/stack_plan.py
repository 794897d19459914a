"""What accepting an object in its slices comes to, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from napari_fclick.core import window
from napari_fclick.core.labels import LabelPatch
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.session.objects import box_of
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.place import Place
from napari_fclick.session.session import Session
from napari_fclick.session.stack_chunks import TOGETHER, joined, joined_size, thickness
from napari_fclick.session.stack_parts import (
    bounds_near,
    label_of,
    listed,
    made_by_hand,
    parts_along,
    unrecorded,
)
from napari_fclick.session.stakes import Stakes
from napari_fclick.session.state import Draft, Part, SessionError, Settings


@dataclass(frozen=True)
class Work:
    """What is to be accepted: slices that agree with what was clicked.

    Attributes
    ----------
    session : Session
    axis : int
        Along which the slices lie.
    slices : tuple of SliceMask
        Those with a mask, in order.
    drafts : dict of int to Draft
        What was clicked, by slice.
    label : int or None
        The number of the existing object that is corrected.
    place : Place
        Of the plane on show.
    settings : Settings
        With which it is accepted.
    parts : dict of int to Part
        What was known of that object, by slice.
    """

    session: Session
    axis: int
    slices: tuple[SliceMask, ...]
    drafts: dict[int, Draft]
    label: int | None
    place: Place
    settings: Settings
    parts: dict[int, Part] = field(default_factory=dict)

    def at(self, index: int) -> Place:
        """Return where a slice lies."""
        return self.place.moved(self.axis, index)

    @cached_property
    def unrecorded(self) -> dict[int, Box]:
        """Where the object is by the labels alone; the first time, they are read for it."""
        if self.label is None:
            return {}
        length = int(self.session.labels.shape[self.axis])
        planes = [self.at(index) for index in range(length)]
        reached = {*self.drafts, *(each.index for each in self.slices)}
        return unrecorded(self.session, self.label, planes, self.drafts, self.parts, reached)

    @property
    def gone(self) -> tuple[int, ...]:
        """The slices without the object: those that are marked so, and those beyond a mark.

        Beyond it are those that lie between a mark and no click at all. What a person made
        there in this session stays.
        """
        marked = [index for index, draft in self.drafts.items() if draft.absent]
        at_hand = {*self.drafts, *(each.index for each in self.slices)}
        known = [i for i, part in self.parts.items() if not part.by_person]
        left = [i for i in (*known, *self.unrecorded) if i not in at_hand]
        return tuple(sorted([*marked, *filter(self._beyond, left)]))

    def _beyond(self, index: int) -> bool:
        below = [each for each in self.drafts if each < index]
        above = [each for each in self.drafts if each > index]
        return all(self.drafts[each].absent for each in (*below[-1:], *above[:1]))

    def stakes(self, label: int) -> Stakes:
        """Return what it comes to before any slice is written."""
        gone, written = self.gone, {each.index for each in self.slices}
        recorded = (index for index, part in self.parts.items() if part.area)
        known = sorted([*recorded, *self.unrecorded])
        return Stakes(
            label,
            removed=tuple(index for index in known if index in gone),
            stays=tuple(index for index in known if index not in written.union(gone)),
        )

    def rewritten(self, each: SliceMask | None, patch: LabelPatch) -> tuple[int, ...]:
        """Return the slice where what the object was from elsewhere gets another shape."""
        if each is None or each.kind is Kind.KEYFRAME or each.index in self.parts:
            return ()
        before, after = patch.before == patch.label, patch.after == patch.label
        return (each.index,) if before.any() and np.any(before != after) else ()

    def patches(self, label: int) -> Iterator[tuple[SliceMask | None, LabelPatch]]:
        """Yield what becomes of the labels, slice by slice; None for where it is removed.

        They come in the order of the slices, so that those that are joined do not overlap: each
        is told of the labels as they are before any is written.
        """
        written = {each.index: each for each in self.slices}
        gone = () if self.label is None else self.gone
        for index in sorted({*written, *gone}):
            each = written.get(index)
            patch = self._removal(index, label) if each is None else self._patch(each, label)
            if patch is not None:
                yield each, patch

    def _patch(self, each: SliceMask, label: int) -> LabelPatch:
        mask = each.mask
        assert mask is not None
        place, box, before = self.at(each.index), mask.box, None
        if self.label is not None:
            known = self._before(each.index, label, box)
            before = known if known.side else None
        policy, objects = self.settings.policy, self.session.objects
        return objects.patch(mask.unpack(), box, place, label, policy, before)

    def _before(self, index: int, label: int, near: Box) -> Box:
        """Return the bounds of what the object was in a slice."""
        found = bounds_near(self.session, label, self.at(index), near)
        known = self.unrecorded.get(index, found)
        return found.union(known) if found.side else known

    def _removal(self, index: int, label: int) -> LabelPatch | None:
        nearest = min(self.slices, key=lambda each: abs(each.index - index)).mask
        assert nearest is not None
        box = self._before(index, label, self.unrecorded.get(index, nearest.box))
        if not box.side:
            return None
        where = self.at(index).where(*box.slices)
        before = np.array(self.session.labels[where])
        after = np.where(before == label, before.dtype.type(0), before)
        return LabelPatch(where, before, after, label, 0)


@dataclass
class Made:
    """What was planned, packed soon: as they are, patches take the memory of the labels.

    Attributes
    ----------
    labels : array
    axis : int
        Along which the slices lie.
    stakes : Stakes
    patches : list of StoredPatch
    found : list of (SliceMask, Box, int)
        The slices that have a part, its bounds and its pixels.
    kept : list of int
        The slices in which other objects keep all its pixels.
    taken : list of (int, dict of int to int)
        How many pixels are taken from other objects in each slice, by their number.
    """

    labels: Any
    axis: int
    stakes: Stakes
    patches: list[StoredPatch] = field(default_factory=list)
    found: list[tuple[SliceMask, Box, int]] = field(default_factory=list)
    kept: list[int] = field(default_factory=list)
    taken: list[tuple[int, dict[int, int]]] = field(default_factory=list)
    _together: list[LabelPatch] = field(default_factory=list)  # of slices in the same chunks

    def take(
        self, each: SliceMask | None, patch: LabelPatch, rewritten: tuple[int, ...] = ()
    ) -> None:
        """Keep what becomes of the labels in one slice."""
        self.stakes = self.stakes.plus(patch, rewritten)
        contested = patch.contested is not None and bool(patch.contested.any())
        # For objects older than the session, store what stays as well: see `StoredPatch.pack`.
        own = bool(np.any(patch.after == patch.label))
        if own or contested or np.any(patch.before != patch.after):
            self._keep(patch)
        # A clicked slice is known even if others keep all of it: a replay needs it.
        if each is None:
            return
        if patch.written or each.kind is Kind.KEYFRAME:
            self.found.append((each, box_of(patch), patch.written))
            self.taken.append((each.index, patch.overwritten))
        else:
            self.kept.append(each.index)

    def _keep(self, patch: LabelPatch) -> None:
        """Keep a patch to be packed with those of the slices in the same chunks."""
        together = [*self._together, patch]
        thick = thickness(self.labels, self.axis)
        chunks = {each.where[self.axis] // thick for each in together}  # type: ignore[operator]
        if len(chunks) > 1 or joined_size(self.axis, together) > TOGETHER:
            self.pack()
        self._together.append(patch)

    def pack(self) -> None:
        """Pack what is kept, be it that no more comes."""
        if self._together:
            patch = joined(self.labels, self.axis, self._together)
            self.patches.append(StoredPatch.pack(patch))
            self._together.clear()


def gathered(
    session: Session, slices: Iterable[SliceMask], axis: int, settings: Settings | None = None
) -> Work:
    """Return what is to be accepted; raises SessionError where that cannot be.

    The settings are those that are set where none are given.
    """
    drafts = session.drafts_along(axis)
    chosen = {each.index: each for each in slices if each.mask is not None}
    if not any(each.kind is Kind.KEYFRAME for each in chosen.values()):
        raise SessionError("nothing to accept: click on the object in a slice first")
    if session.target is None:
        raise SessionError("no labels to write into: choose a Labels layer")
    for index in sorted({*chosen, *drafts}):
        if not _agree(chosen.get(index), drafts.get(index, Draft())):
            raise SessionError(
                f"slice {index} is not as it was when the object was carried: carry it again"
            )
    length = int(session.labels.shape[axis])
    outside = [index for index in chosen if not 0 <= index < length]
    if outside:
        raise SessionError(f"slice {outside[0]}: the labels have slices 0 to {length - 1}")
    session.objects.check_corrected(
        (session.place.moved(axis, index), draft) for index, draft in drafts.items()
    )
    label = label_of(drafts.values())
    parts = {} if label is None else parts_along(session, label, axis)
    over = made_by_hand(session, label, axis, chosen.__contains__)
    if over:
        raise SessionError(
            f"object {label} was made by hand in {listed(over)}: propagate again, so that it is "
            "carried from there too"
        )
    ordered = tuple(chosen[index] for index in sorted(chosen))
    settings = settings or session.settings
    return Work(session, axis, ordered, drafts, label, session.place, settings, parts)


def _agree(each: SliceMask | None, draft: Draft) -> bool:
    """Whether a slice is what a person says of it."""
    if draft.absent:
        return each is None
    if draft.clicks:
        return each is not None and each.kind is Kind.KEYFRAME and each.clicks == draft.clicks
    return each is None or each.kind is not Kind.KEYFRAME


def planned(work: Work) -> Made:
    """Plan all slices; raises SessionError where nothing would be written."""
    session, number = work.session, work.label
    label = number or session.objects.next_label
    made = Made(session.labels, work.axis, work.stakes(label))
    for each, patch in work.patches(label):
        if number is None and session.objects.finds_taken(patch):
            return planned(work)
        made.take(each, patch, work.rewritten(each, patch))
    made.pack()
    made.stakes.check(work.settings.policy)
    return made


def surroundings(work: Work, label: int) -> list[StoredPatch]:
    """Return what was about the masks that the session knows nothing of, as it was and stays.

    A propagation that looked at other objects did so beyond its final masks: who makes it
    again has to see what was drawn there before the session, or by a brush.
    """
    session, known = work.session, [*work.session.objects]
    shape = work.place.plane_shape(session.labels.shape)
    patches = []
    for each in work.slices:
        assert each.mask is not None
        if each.kind is Kind.KEYFRAME:
            continue
        about = window.fit_window(each.mask.box, shape, window.MASK_CANVAS)
        seen = work.at(each.index).where(*about.slices)
        found = np.array(session.labels[seen])
        strange = (found != 0) & (found != label)
        if strange.any():
            strange[strange] = ~np.isin(found[strange], known)
        if strange.any():
            patches.append(StoredPatch.cut(seen, found, found, strange))
    return patches
