"""Carries all objects of a slice through the stack, one after the other, and writes each."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_fclick.propagation import Kind
from napari_fclick.session import Place, Session, SessionError, editing
from napari_fclick.session.stack_parts import only_in
from napari_fclick.widgets.doubts import Doubt
from napari_fclick.widgets.stacks.lines import Line
from napari_fclick.widgets.timers import single_shot
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller
    from napari_fclick.widgets.stacks.model import CarriedObject
    from napari_fclick.widgets.stacks.tool import StackTool

#: So many objects that were not carried are named.
NAMED = 5
#: Slices of more pixels are not looked through for objects: three of them are read.
LARGEST = 100_000_000


@dataclass
class Round:
    """All objects of a slice on their way.

    Attributes
    ----------
    session : Session
    line : Line
    place : Place
        The slice that they are carried from.
    left : deque of (int, (int, int))
        Those whose turn is to come: number, and row and column of a pixel.
    total : int
    at : int
        How many have had their turn, that of ``label`` included.
    label : int or None
        The object whose turn it is.
    before : AcceptedObject or None
        What was known of it before.
    carried : CarriedObject or None
    written : list of int
        How many slices each of those that were written has.
    refused : list of str
        Why others were not carried.
    doubts : list of Doubt
    """

    session: Session
    line: Line
    place: Place
    left: deque[tuple[int, tuple[int, int]]] = field(default_factory=deque)
    total: int = 0
    at: int = 0
    label: int | None = None
    before: Any = None
    carried: CarriedObject | None = None
    written: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


class OneByOne:
    """Takes each object of a slice in hand, has it carried and accepted, and goes on.

    Each is carried and written as a person would, and can be undone like that; whatever a
    person does that ends the carrying of one ends all.

    Parameters
    ----------
    controller : Controller
    tool : StackTool
        What carries.
    worker : Worker
        Reads the labels.
    """

    def __init__(self, controller: Controller, tool: StackTool, worker: Worker) -> None:
        self._controller, self._tool, self._worker = controller, tool, worker
        self._round: Round | None = None
        self._stepping = False
        self._step_soon = single_shot(self._on_time)
        tool.changed.connect(self._look)
        controller.changed.connect(self._look)

    @property
    def underway(self) -> bool:
        """Whether objects are being carried, or looked for."""
        return self._round is not None

    @property
    def text(self) -> str:
        """Which object's turn it is; empty where none is carried."""
        if self._round is None:
            return ""
        if self._round.label is None:
            return "Looking for the objects of this slice …"
        return f"Object {self._round.label}, {self._round.at} of {self._round.total}"

    # --- beginning and ending -------------------------------------------------------------

    def begin(self) -> None:
        """Carry all objects that are in the slice on show, and in neither of those beside it."""
        controller = self._controller
        if self.underway or (controller.session is not None and not controller.follow_view()):
            return
        problem = self._why_not()
        session, line = controller.session, self._tool.line
        if problem or session is None or line is None:
            controller.say(problem, "warning")
            return
        begun = self._round = Round(session, line, session.place)
        session.stopwatch.paused = True
        job = Job(
            partial(only_in, session.labels, begun.place, line.axis),
            lambda found: self._on_found(begun, found),
            lambda why: self._on_unread(begun, why),
        )
        self._worker.submit("objects of a slice", job)
        self._tool.changed.emit()

    def _why_not(self) -> str:
        """Return why no objects can be carried; empty where they can."""
        controller, session = self._controller, self._controller.session
        problem = self._tool.why_not_here()
        if problem or session is None:
            return problem
        if session.target is None:
            return "there are no objects yet: accept some in this slice, or choose their labels"
        rows, columns = session.shape
        if rows * columns > LARGEST:
            size = f"{rows:,} x {columns:,} px"
            return f"slices of {size} are too large to be looked through: propagate each object"
        axis = self._tool.axis
        assert axis is not None  # or there was a problem
        if controller.accepting_anywhere or session.drafts_along(axis.number):
            return "accept or clear the object at hand first"
        return ""

    def _on_found(self, begun: Round, found: dict[int, tuple[int, int]]) -> None:
        if begun is not self._round:
            return
        begun.left, begun.total = deque(found.items()), len(found)
        if found:
            self._step_soon.start(0)
        else:
            self._end("all objects of this slice are in the slices next to it as well", "info")

    def _on_unread(self, begun: Round, why: str) -> None:
        if begun is self._round:
            self._end(f"the labels could not be read: {why}", "error")

    def stop(self) -> None:
        """Let no other object have its turn."""
        if self._round is not None:
            self._round.left.clear()
            if self._round.label is None:
                self._end("stopped")

    def forget(self, session: Session) -> None:
        """Let go of a session that is gone."""
        if self._round is not None and self._round.session is session:
            self._let_go()

    def close(self) -> None:
        """End it, unheard."""
        self._let_go()
        self._step_soon.stop()
        self._tool.changed.disconnect(self._look, missing_ok=True)
        self._controller.changed.disconnect(self._look, missing_ok=True)

    def _let_go(self) -> None:
        if self._round is not None:
            self._round.session.stopwatch.paused = False
            self._round = None

    def _end(self, why: str = "", level: str = "warning") -> None:
        ended = self._round
        assert ended is not None
        self._let_go()
        parts = [why] if why else []
        if ended.total:
            parts.append(_told(ended))
        if ended.written:
            self._controller.doubts.note(ended.session, ended.doubts)
        refused = ended.refused
        if refused:
            more = f", and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
            parts.append(f"{len(refused)} not: {'; '.join(refused[:NAMED])}{more}")
        self._controller.say("; ".join(parts), level if why else "warning" if refused else "info")
        self._tool.changed.emit()

    # --- one after the other ----------------------------------------------------------------

    def _look(self) -> None:
        if self._round is not None and self._round.label is not None:
            self._step_soon.start(0)  # not amid what told of a change

    def _on_time(self) -> None:
        if self._round is not None and not self._stepping:
            self._stepping = True  # napari's activity dock lets timers run meanwhile
            try:
                self._step(self._round)
            finally:
                self._stepping = False

    def _step(self, underway: Round) -> None:
        """Go on with the next object, if the one before was written."""
        controller = self._controller
        if controller.session is not underway.session or self._tool.line != underway.line:
            self._end("another image, time point or view was chosen")
        elif underway.label is None:
            self._next(underway)
        elif not controller.accepting:
            if underway.session.objects.get(underway.label) is underway.before:
                self._end(self._controller.messages.text or "stopped")
            else:
                self._note(underway)
                self._next(underway)

    def _next(self, underway: Round) -> None:
        session = underway.session
        while underway.left:
            underway.label, pixel = underway.left.popleft()
            underway.at += 1
            try:
                editing.take_up(session, underway.label, underway.place, pixel)
            except SessionError as error:
                underway.refused.append(str(error))
                continue
            underway.before = session.objects.get(underway.label)
            self._tool.propagate()
            underway.carried = self._tool.current
            if underway.carried is None:
                self._end(self._controller.messages.text or "stopped")
                return
            self._controller.accept()
            self._tool.changed.emit()
            return
        self._end()

    def _note(self, underway: Round) -> None:
        """Note what was written of an object, and where it is least certain."""
        carried, label = underway.carried, underway.label
        assert carried is not None and label is not None  # its turn has come
        underway.written.append(len(carried.known))
        unseen = [each for each in carried.known if each.kind is not Kind.KEYFRAME]
        if unseen:
            least = min(unseen, key=lambda each: each.certainty)
            doubt = Doubt(least.certainty, label, underway.line.at(least.index))
            underway.doubts.append(doubt)


def _told(ended: Round) -> str:
    """Return how many objects of a round were written."""
    count = len(ended.written)
    if not count:
        return f"none of {ended.total} objects written"
    slices = f"{min(ended.written)} to {max(ended.written)} slices each"
    return f"{count} of {ended.total} objects written, in {slices}"
