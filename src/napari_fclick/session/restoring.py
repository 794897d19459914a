"""What a session had come to, rebuilt from the steps that its file holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_fclick.core.labels import empty_labels
from napari_fclick.propagation import Kind
from napari_fclick.session.history import Commit, History, Step, follow, follow_owners
from napari_fclick.session.numbering import NumberedLabels, blocks_of
from napari_fclick.session.place import Place
from napari_fclick.session.sparse import SparseLabels
from napari_fclick.session.state import AcceptedObject, Draft, Settings


@dataclass(frozen=True)
class Recorded:
    """A step as it is on file: what it was like afterwards; before it is what was before.

    Attributes
    ----------
    name : str
    place : Place
    draft : Draft
        Of that plane, after the step.
    settings : Settings
        After the step.
    commit : Commit or None
    moved : float or None
        See `Step`.
    others : dict of Place to Draft
        Drafts of other planes that changed along with it, after the step.
    """

    name: str
    place: Place
    draft: Draft
    settings: Settings
    commit: Commit | None = None
    moved: float | None = None
    others: dict[Place, Draft] = field(default_factory=dict)


@dataclass
class Restored:
    """Drafts, settings, undo and objects, after all events of a file.

    Attributes
    ----------
    drafts : dict of Place to Draft
    settings : Settings
    history : History
    commits : list of Commit
        Those that stand, oldest first, be they still in the history or forgotten by it.
    place : Place or None
        Where the last step was.
    """

    drafts: dict[Place, Draft] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    history: History = field(default_factory=History)
    commits: list[Commit] = field(default_factory=list)
    place: Place | None = None

    @property
    def objects(self) -> dict[int, AcceptedObject]:
        """The accepted objects by number, in the order in which they were accepted."""
        records: dict[int, AcceptedObject] = {}
        for commit in self.commits:
            follow(records, commit.changes)
        return records

    @property
    def owners(self) -> dict[int, NumberedLabels]:
        """The labels that each accepted object is in, by its number."""
        owners: dict[int, NumberedLabels] = {}
        for commit in self.commits:
            follow_owners(owners, commit)
        return owners

    def take(self, how: str, recorded: Recorded | None) -> None:
        """Take over one event; ``recorded`` is the step that was done, None for undo and redo."""
        if recorded is not None:
            self._do(recorded)
        elif how == "undo":
            self._undo()
        else:
            self._redo()

    def _do(self, recorded: Recorded) -> None:
        step = Step(
            recorded.name,
            recorded.place,
            self.drafts.get(recorded.place, Draft()),
            recorded.draft,
            self.settings,
            recorded.settings,
            recorded.commit,
            recorded.moved,
            tuple(
                (place, self.drafts.get(place, Draft()), after)
                for place, after in recorded.others.items()
            ),
        )
        self.history.push(step)
        self._after(step)

    def _undo(self) -> None:
        step = self.history.last_done
        if step is None:
            return
        self.history.undo()
        self.drafts |= step.drafts_before
        self.settings = step.settings_before
        self.place = step.place
        if step.commit is not None:
            self.commits.pop()

    def _redo(self) -> None:
        step = self.history.last_undone
        if step is not None:
            self.history.redo()
            self._after(step)

    def _after(self, step: Step) -> None:
        self.drafts |= step.drafts_after
        self.settings = step.settings_after
        self.place = step.place
        if step.commit is not None:
            self.commits.append(step.commit)


def only_found(restored: Restored) -> bool:
    """Whether a session holds nothing but objects that were found, and nobody did anything."""
    if restored.history.last_undone is not None:
        return False
    commits = [*restored.commits, *(step.commit for step in restored.history.done)]
    return all(commit is not None and is_find(commit) for commit in commits)


def is_find(commit: Commit) -> bool:
    """Whether a commit wrote an object that was found, and did nothing else."""
    parts = commit.parts
    return bool(parts) and all(part.kind is Kind.FOUND for part in parts)


def restore(events: Iterable[tuple[str, Recorded | None]]) -> Restored:
    """Return what the events of a session file, in their order, come to."""
    restored = Restored()
    for how, recorded in events:
        restored.take(how, recorded)
    return restored


def write_labels(commits: Sequence[Commit], fresh: Iterable[Any] = ()) -> int:
    """Write what was accepted into the labels that the commits speak of.

    Parameters
    ----------
    commits : sequence of Commit
        Those that stand, oldest first.
    fresh : iterable of NumberedLabels
        Targets that were made empty: what was there before the commits is put there first,
        as far as the commits tell.

    Returns
    -------
    int
        Pixels of targets that are not fresh which hold something else now, and stay as
        they are.
    """
    empty = {id(target) for target in fresh}
    conflicts = 0
    for target in {id(commit.target): commit.target for commit in commits}.values():
        own = [commit for commit in commits if commit.target is target]
        if id(target) in empty:
            _write_all(own, target.labels, after=False)
            _write_all(own, target.labels, after=True)
        else:
            conflicts += _settle(own, target.labels)
    return conflicts


def accepted_only(restored: Restored, target: NumberedLabels) -> Any:
    """Return labels with nothing in them but the objects that were accepted into them.

    A file knows of others, which were there before, no more than what its patches touch.
    """
    labels = empty_labels(target.shape, target.labels.dtype)
    own = [number for number, owner in restored.owners.items() if owner is target]
    for block in blocks_of(labels):
        pixels = np.asarray(target.labels[block])
        labels[block] = np.where(np.isin(pixels, own), pixels, pixels.dtype.type(0))
    return labels


def _write_all(commits: Sequence[Commit], labels: Any, *, after: bool) -> None:
    patches = [patch for commit in commits for patch in commit.patches]
    for patch in patches if after else reversed(patches):
        patch.impose(labels, after=after)


def _settle(commits: Sequence[Commit], labels: Any) -> int:
    """Write commits into labels that may hold some of them; return how many pixels differ.

    The labels may have been saved halfway through the session. The last commit that shows in
    them tells how far: the commits after it are written, and only where a pixel still holds
    what it held before. Pixels that differ from the commits up to it were changed later, such
    as by a brush, and stay.
    """
    before = SparseLabels(labels.shape, labels.dtype)
    _write_all(commits, before, after=False)
    wanted = before.copy()
    # Pixels that already hold what an earlier commit left there: no evidence of later ones.
    met = SparseLabels(labels.shape, bool)
    there = 0
    for number, commit in enumerate(commits, 1):
        for patch in commit.patches:
            current, old = np.asarray(labels[patch.where]), wanted[patch.where]
            patch.impose(wanted, after=True)
            new = wanted[patch.where]
            met[patch.where] |= current == old
            if ((current == new) & (new != old) & (new != 0) & ~met[patch.where]).any():
                there = number
    for commit in commits[there:]:
        for patch in commit.patches:
            patch.apply(labels)
            patch.swapped = None  # undo takes back whatever the commit has there
    conflicts = 0
    for region in {p.key: p.where for commit in commits for p in commit.patches}.values():
        old, new, current = before[region], wanted[region], np.asarray(labels[region])
        conflicts += int(np.count_nonzero((old != new) & (current != new)))
    return conflicts
