"""Undo and redo: steps that know what they changed, small enough to be kept by the hundred."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.place import Place
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.state import AcceptedObject, Draft, Part, Settings

#: A slider's moves that follow one another within so many seconds are one step.
MERGED_WITHIN = 1.0


@dataclass(frozen=True)
class Change:
    """What became of the record of one object; None where there is none.

    Attributes
    ----------
    label : int
    before, after : AcceptedObject or None
    """

    label: int
    before: AcceptedObject | None
    after: AcceptedObject | None

    def reversed(self) -> Change:
        """Return the change back."""
        return Change(self.label, self.after, self.before)


def follow(records: dict[int, AcceptedObject], changes: Iterable[Change]) -> None:
    """Bring records by number up to date, in place; what was accepted last comes last.

    An object whose class alone has changed was not accepted anew.
    """
    for change in changes:
        before = records.get(change.label)
        if change.after is None or before is None or before.parts != change.after.parts:
            records.pop(change.label, None)
        if change.after is not None:
            records[change.label] = change.after


@dataclass(frozen=True)
class Commit:
    """What one step does to labels and to the records of their objects.

    Attributes
    ----------
    patches : tuple of StoredPatch
        Regions of the labels; no two change the same pixels. Where regions overlap, a later
        one holds the pixels as the earlier one left them.
    target : NumberedLabels
        What was written into: the choice of labels may change later.
    changes : tuple of Change
    labels_shape : tuple of int
        The shape the labels had.
    renumbered : dict of int to int
        Which number gave way to which (0: to none) where no new mask was written.
    stack : StackRun or None
        How the object was carried, where it was accepted in many planes at once.
    step : int or None
        Its number in the session file that it was read from.
    """

    patches: tuple[StoredPatch, ...]
    target: NumberedLabels
    changes: tuple[Change, ...]
    labels_shape: tuple[int, ...]
    renumbered: dict[int, int] = field(default_factory=dict)
    stack: StackRun | None = None
    step: int | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of labels that it holds."""
        return sum(patch.nbytes for patch in self.patches)

    @property
    def accepted(self) -> AcceptedObject | None:
        """The object whose mask was written; None where none was."""
        if self.stack is not None:
            return self.changes[-1].after
        return None if self.renumbered or not self.patches else self.changes[-1].after

    @property
    def parts(self) -> tuple[Part, ...]:
        """What the accepted object was in the planes that were written, in their order."""
        record = self.accepted
        if record is None or self.stack is None:
            return () if record is None else record.parts[-1:]
        axis, run = self.stack.axis, self.stack
        place = record.place
        found = (record.part(place.moved(axis, index)) for index in run.slices)
        return tuple(part for part in found if part is not None)


def follow_owners(owners: dict[int, NumberedLabels], commit: Commit) -> None:
    """Bring up to date, in place, which labels each accepted object is in, by number."""
    for change in commit.changes:
        if change.after is None:
            owners.pop(change.label, None)
        else:
            # What is known of an object may change while other labels are chosen.
            owners.setdefault(change.label, commit.target)


@dataclass(frozen=True)
class Step:
    """One thing an annotator did, with what it was like before and after.

    Attributes
    ----------
    name : str
        Such as "add click"; for messages.
    place : Place
        Where the draft belongs.
    before, after : Draft
    settings_before, settings_after : Settings
    commit : Commit or None
        What was written into labels.
    moved : float or None
        Clock time of a slider's move; None for what is always a step of its own.
    others : tuple of (Place, Draft, Draft)
        Drafts of other planes that changed along with it, before and after.
    """

    name: str
    place: Place
    before: Draft
    after: Draft
    settings_before: Settings
    settings_after: Settings
    commit: Commit | None = None
    moved: float | None = None
    others: tuple[tuple[Place, Draft, Draft], ...] = ()

    @property
    def drafts_before(self) -> dict[Place, Draft]:
        """What its drafts were."""
        return {self.place: self.before} | {place: before for place, before, _ in self.others}

    @property
    def drafts_after(self) -> dict[Place, Draft]:
        """What they became."""
        return {self.place: self.after} | {place: after for place, _, after in self.others}

    @property
    def nbytes(self) -> int:
        """Bytes of labels that it holds."""
        return self.commit.nbytes if self.commit else 0

    @property
    def only_settings(self) -> bool:
        """Whether nothing but the settings changed."""
        return self.commit is None and self.before == self.after and not self.others


class History:
    """The steps done and undone.

    Parameters
    ----------
    max_bytes : int
        The oldest steps are forgotten when the steps' labels exceed this.
    keep : int
        This many steps are kept whatever they take.
    """

    def __init__(self, max_bytes: int = 256_000_000, keep: int = 200) -> None:
        self._done: deque[Step] = deque()
        self._undone: list[Step] = []
        self._max_bytes, self._keep = max_bytes, keep
        self._bytes = 0

    @property
    def done(self) -> tuple[Step, ...]:
        """The steps that can be undone, oldest first."""
        return tuple(self._done)

    def push(self, step: Step) -> None:
        """Remember a new step; what was undone can no longer be done again."""
        self._undone.clear()
        if not self._merged(step):
            self._done.append(step)
            self._bytes += step.nbytes
        while self._bytes > self._max_bytes and len(self._done) > self._keep:
            self._bytes -= self._done.popleft().nbytes

    @property
    def last_done(self) -> Step | None:
        """The step that `undo` would take back."""
        return self._done[-1] if self._done else None

    @property
    def last_undone(self) -> Step | None:
        """The step that `redo` would do again."""
        return self._undone[-1] if self._undone else None

    def undo(self) -> None:
        """Move on: the last step done has been taken back."""
        step = self._done.pop()
        self._bytes -= step.nbytes
        self._undone.append(step)

    def redo(self) -> None:
        """Move on: the last step undone has been done again."""
        step = self._undone.pop()
        self._bytes += step.nbytes
        self._done.append(step)

    def _merged(self, step: Step) -> bool:
        """Join the many small moves of one slider into one step, or none where it came back."""
        last = self._done[-1] if self._done else None
        if last is None or last.moved is None or step.moved is None:
            return False
        if last.place != step.place or not 0 <= step.moved - last.moved <= MERGED_WITHIN:
            return False
        if last.settings_before == step.settings_after:
            self._done.pop()
        else:
            self._done[-1] = replace(last, settings_after=step.settings_after, moved=step.moved)
        return True
