"""Where the carrying of one object stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import Direction, End, Kind, Rules, SliceMask
from napari_fclick.session import Session
from napari_fclick.session.answers import stored_mask
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.state import Answer, Draft, SessionError, Start
from napari_fclick.widgets.stacks.lines import Line
from napari_fclick.widgets.stacks.running import Carrying, Keyframe, Snapshot

Phase = Literal["waiting", "running", "stopped", "done", "failed"]

#: What a person said of a slice: clicks, what they began with, and whether it is not there.
Said = tuple[ClickSequence, Start | None, bool]


@dataclass(frozen=True)
class Choices:
    """How an object is carried.

    Attributes
    ----------
    direction : {"both", "up", "down"}
    rules : Rules
    """

    direction: Direction = "both"
    rules: Rules = field(default_factory=Rules)

    def reaches(self, index: int, clicked: Collection[int]) -> bool:
        """Whether an object that is clicked in some slices may be carried to another."""
        if index < min(clicked):
            return self.direction != "up" and self.rules.allows(index)
        if index > max(clicked):
            return self.direction != "down" and self.rules.allows(index)
        return True


class Wanted(NamedTuple):
    """What the masks of an object depend on.

    Attributes
    ----------
    said : dict of int to Said
        What a person said of the slices.
    asked : int
        Stands for who is asked, and about what pixels, as the session's answers do: they are
        forgotten a moment after these change.
    settings : tuple
        What makes a mask of an answer, and whether other objects are replaced.
    choices : Choices
    spacing : (float, float, float)
        See `napari_fclick.widgets.stacks.lines.spacing_of`.
    """

    said: dict[int, Said]
    asked: int
    settings: tuple[Any, ...]
    choices: Choices
    spacing: tuple[float, float, float]

    @property
    def setting(self) -> tuple[Any, ...]:
        """What all masks depend on: where it changes, all are carried again."""
        return self.asked, self.settings, self.spacing


@dataclass(frozen=True)
class Whole:
    """An object as it is when a person accepts it in all its slices.

    Attributes
    ----------
    slices : tuple of SliceMask
    run : StackRun
    trails : dict of int to tuple of Answer
        What led to the masks of the clicked slices.
    asked : int
        See `Wanted.asked`.
    """

    slices: tuple[SliceMask, ...]
    run: StackRun
    trails: dict[int, tuple[Answer, ...]]
    asked: int


class CarriedObject:
    """An object on its way through a stack.

    Parameters
    ----------
    session : Session
        Its drafts along the line are what a person said of it.
    line : Line

    Attributes
    ----------
    phase : {"waiting", "running", "stopped", "done", "failed"}
        Waiting is for the answers to a person's clicks; stopped is by a person.
    problem : str
        Why it failed.
    carrying : Carrying or None
        What runs, or has run.
    setting : tuple or None
        What that carries with; see `Wanted.setting`.
    unfit : bool
        Whether what is known is no longer what is wanted, which cannot be run.
    missed : list of int
        The slices whose answer is missing, where asking for it failed.
    wanted : Wanted or None
        What it was run for last.
    followed : dict of int to Said
        What a person said when that was looked at last; answers to it may be to come.
    due : bool
        Whether a person wants it run, be it for the same again.
    at : int or None
        The slice that was found last.
    slices : dict of int to SliceMask
        What it is in each slice, as far as that is known.
    seen : set of int
        Slices that were on show since they were found.
    version : int
        Grows with whatever becomes known.
    """

    def __init__(self, session: Session, line: Line) -> None:
        self.session, self.line = session, line
        self.phase: Phase = "waiting"
        self.problem = ""
        self.carrying: Carrying | None = None
        self.setting: tuple[Any, ...] | None = None
        self.unfit = False
        self.missed: list[int] = []
        self.wanted: Wanted | None = None
        self.followed: dict[int, Said] = {}
        self.due = False
        self.at: int | None = None
        self.slices: dict[int, SliceMask] = {}
        self.seen: set[int] = set()
        self.version = 0
        self._answers: dict[int, tuple[Said, Any, tuple[Answer, ...]]] = {}
        self._asked: int | None = None
        self._before: dict[int, SliceMask] = {}
        self._snapshot = Snapshot()

    # --- what a person said -------------------------------------------------------------

    def drafts(self) -> dict[int, Draft]:
        """Return what was clicked along the line, which the plane on show need not lie on."""
        if self.line.position(self.session.place) is None:
            return {}
        return self.session.drafts_along(self.line.axis)

    def clear(self) -> None:
        """Take back what was clicked along the line, in one step."""
        session = self.session
        others = {self.line.at(index): Draft() for index in self.drafts()}
        others.pop(session.place, None)
        session.do(session.step("drop the object in its slices", Draft(), others=others))

    def said(self) -> dict[int, Said]:
        """Return what a person says of the slices now."""
        return {i: (d.clicks, d.start, d.absent) for i, d in self.drafts().items()}

    def is_of(self, said: dict[int, Said]) -> bool:
        """Whether this is what a person said when it was followed last."""
        return self.wanted is not None and self.followed == said

    def ask(self, asked: int) -> None:
        """Forget the answers of another network, or about other pixels, once."""
        if asked != self._asked:
            self._asked = asked
            self._answers.clear()

    def unanswered(self) -> list[int]:
        """Return the slices with clicks whose answer is not known yet."""
        waiting = []
        for index, said in self.said().items():
            known = self._answers.get(index)
            if not said[0] or (known is not None and known[0] == said):
                continue
            place = self.line.at(index)
            answer = self.session.answers.at(place)
            if answer is None:
                waiting.append(index)
            else:
                self._answers[index] = said, answer, self.session.answers.trail(place)
        return waiting

    @property
    def trails(self) -> dict[int, tuple[Answer, ...]]:
        """What was asked on the way to the answers: the session may forget its own by then."""
        return {index: trail for index, (*_, trail) in self._answers.items()}

    def keyframes(self) -> dict[int, Keyframe]:
        """Return what the clicks come to, all being answered.

        Raises
        ------
        SessionError
            If the clicks of a slice find nothing.
        """
        made = {}
        for index, said in self.said().items():
            if said[2]:
                made[index] = Keyframe(ClickSequence(), None)
                continue
            answer = self._answers[index][1]
            mask = stored_mask(answer, self.session.settings)
            if mask is None:
                raise SessionError(
                    f"the clicks in slice {index} find nothing: add one or lower the threshold"
                )
            made[index] = Keyframe(said[0], mask, answer)
        return made

    # --- what is known ------------------------------------------------------------------

    @property
    def underway(self) -> bool:
        """Whether it is being carried, or about to be."""
        return self.phase in ("waiting", "running")

    @property
    def stale(self) -> frozenset[int]:
        """Slices whose mask is of before the last change."""
        if self.complete:
            return frozenset()
        return self._snapshot.stale | (self._before.keys() - self._snapshot.slices.keys())

    @property
    def ends(self) -> tuple[End, ...]:
        """Where it ends, and why."""
        return self._snapshot.ends

    @property
    def complete(self) -> bool:
        """Whether nothing is left to be run."""
        return self._snapshot.complete

    @property
    def known(self) -> list[SliceMask]:
        """What would be accepted: the masks that are up to date, in order."""
        stale = self.stale
        return [
            each
            for index, each in sorted(self.slices.items())
            if each.mask is not None and index not in stale
        ]

    @property
    def clicked(self) -> tuple[int, ...]:
        """The slices that were clicked, in order."""
        return tuple(index for index, draft in self.drafts().items() if draft.clicks)

    def carried(self, index: int) -> SliceMask | None:
        """Return the mask that was carried to a slice; None where a person made it."""
        each = self.slices.get(index)
        if each is None or each.mask is None or each.kind is Kind.KEYFRAME:
            return None
        return None if self.session.drafts.at(self.line.at(index)).begun else each

    def apart(self, keyframes: Mapping[int, Keyframe]) -> list[int]:
        """Return the slices with a new click that may be on another object.

        The part of the mask about it meets none of the masks that are known already, of its
        slice and of the nearest ones on either side.
        """
        found = []
        for index, made in keyframes.items():
            near, known = self._near(index), self.slices.get(index)
            before = () if known is None else known.clicks
            new = [click for click in made.clicks.positives if click not in before]
            if near and made.mask is not None:
                parts = [_part_at(made.mask, click) for click in new]
                if not all(any(map(part.meets, near)) for part in parts):
                    found.append(index)
        return found

    def _near(self, index: int) -> list[StoredMask]:
        masks = {i: each.mask for i, each in self.slices.items() if each.mask is not None}
        below, above = [i for i in masks if i < index], [i for i in masks if i > index]
        nearest = {*sorted(below)[-1:], index, *sorted(above)[:1]}
        return [masks[i] for i in nearest if i in masks]

    def begin(self, carrying: Carrying) -> None:
        """Run anew; what was known is shown until it is replaced."""
        self.version += 1
        if carrying is not self.carrying:
            self.carrying = carrying
            self._before = {
                index: each for index, each in self.slices.items() if each.kind is not Kind.KEYFRAME
            }
            self._snapshot = Snapshot()
        self._snapshot = replace(self._snapshot, complete=False)
        self.phase, self.problem, self.unfit = "running", "", False

    def take(self, found: Snapshot) -> None:
        """Take what was found."""
        self.version += 1
        if found.complete:
            self._before = {}
        self._snapshot, self.at = found, found.at
        before, self.slices = self.slices, {**self._before, **found.slices}
        changed = {i for i, each in self.slices.items() if before.get(i) is not each}
        self.seen -= changed

    def end(self, found: Snapshot) -> None:
        """Take what was found in the end."""
        self.take(found)
        self.phase = "done" if found.complete else "stopped"

    def fail(self, problem: str) -> None:
        """Note why there is no more."""
        self.phase, self.problem = "failed", problem

    def worst(self, here: int) -> SliceMask | None:
        """Return the least certain slice that was not looked at; None where all were.

        Parameters
        ----------
        here : int
            The slice on show: it is being looked at.
        """
        self.seen.add(here)
        stale = self.stale
        unseen = [
            each
            for index, each in self.slices.items()
            if index not in self.seen and index not in stale and self.carried(index) is not None
        ]
        return min(unseen, key=lambda each: (each.certainty, abs(each.index - here)), default=None)


def _part_at(mask: StoredMask, click: Click) -> StoredMask:
    """Return what of a mask hangs together with a click, or is nearest to it."""
    (row, column), box = click.pixel, mask.box
    kept = keep_clicked(mask.unpack(), [(row - box.top, column - box.left)]).mask
    return StoredMask.pack(kept, box.top, box.left) or mask
