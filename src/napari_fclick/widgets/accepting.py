"""Accepts objects: at once, or as soon as the mask is there; what is done until then waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from psygnal import EmitLoopError

from napari_fclick.core.clicks import ClickError, ClickSequence
from napari_fclick.session import Place, Session, SessionError
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.predicting import Predicting

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

Made = tuple[float, float, bool]


@dataclass
class Waiting:
    """An object that waits to be accepted.

    Attributes
    ----------
    clicks : ClickSequence
        What it is made of; with others it is not accepted.
    whole : bool
        Whether it is accepted in all slices that it was carried to.
    queue : list of (float, float, bool) or None
        What was done since, in order: row, column and sign of clicks, which belong to the next
        objects, and None for each of these that is to be accepted as well.
    asked : ClickSequence or None
        The clicks that were asked about while the plane is not on show.
    """

    clicks: ClickSequence
    whole: bool = False
    queue: list[Made | None] = field(default_factory=list)
    asked: ClickSequence | None = None


class Accepting:
    """Writes the object at hand into the labels.

    An object that waits for its mask belongs to its plane: it is accepted there, whatever plane
    is on show by then.

    Parameters
    ----------
    controller : Controller
    predicting : Predicting
        What the mask comes from.
    """

    def __init__(self, controller: Controller, predicting: Predicting) -> None:
        self._controller, self._predicting = controller, predicting
        self._waiting: dict[Place, Waiting] = {}

    @property
    def waits(self) -> bool:
        """Whether an object of the plane on show waits to be accepted."""
        return self._here is not None

    @property
    def clicks(self) -> list[Made]:
        """Clicks made in the plane on show since: they belong to the next objects."""
        here = self._here
        return [] if here is None else [each for each in here.queue if each is not None]

    @property
    def _here(self) -> Waiting | None:
        session = self._controller.session
        return None if session is None else self._waiting.get(session.place)

    # --- what is done -------------------------------------------------------------------

    def begin(self, session: Session, current: Annotation) -> None:
        """Accept now, or as soon as what it needs is there."""
        here = self._here
        if here is not None:
            self._accept_next(here)
            return
        problem = self._controller.stacks.why_not_accept()
        if problem:
            self._controller.say(problem, "warning")
            return
        whole = self._controller.stacks.current is not None
        self._begin_at(session, current, session.place, whole)

    def add(self, y: float, x: float, positive: bool) -> None:
        """Keep a click for the object after the one that waits."""
        here = self._here
        if here is not None:
            here.queue.append((y, x, positive))

    def go_on(self, session: Session) -> None:
        """Accept what waits, if what it needs is there by now."""
        for place in list(self._waiting):
            self._go_on_at(session, place)

    def leave(self, to: Place) -> None:
        """Move to another plane: an object of one plane is accepted where it is all the same."""
        session, here = self._controller.session, self._here
        if session is None or here is None:
            return
        if here.whole or to.axes != session.place.axes:
            self.stop_here()
        else:
            self._go_on_at(session, session.place, shown=False)

    def stop(self, place: Place | None = None) -> None:
        """Call off what waits, in one plane or in all; the objects' own clicks are kept."""
        places = list(self._waiting) if place is None else [place]
        stopped = [waiting for p in places if (waiting := self._waiting.pop(p, None)) is not None]
        if stopped:
            count = sum(each is not None for waiting in stopped for each in waiting.queue)
            lost = f"; {count} clicks made since were not added" if count else ""
            self._controller.say(f"not accepted, the clicks are kept{lost}", "warning")

    def stop_here(self) -> None:
        """Call off what waits in the plane on show."""
        session = self._controller.session
        if session is not None:
            self.stop(session.place)

    def take_back(self) -> bool:
        """Undo the last of what was done since, or the waiting; return whether there was any."""
        here = self._here
        if here is None:
            return False
        if not here.queue:
            self.stop_here()
        elif here.queue.pop() is None:
            self._controller.say("the last object is no longer accepted; its clicks wait", "info")
        else:
            text = f"the last click was taken back; {len(self.clicks)} wait"
            self._controller.say(text, "info")
        return True

    # --- how it is done -----------------------------------------------------------------

    def _accept_next(self, here: Waiting) -> None:
        """Have the object whose clicks wait be accepted after the one before it."""
        if here.queue and here.queue[-1] is not None:
            here.queue.append(None)
            count = 1 + here.queue.count(None)
            self._controller.say(f"{count} objects are accepted as soon as their masks are there")

    def _begin_at(
        self, session: Session, current: Annotation, place: Place, whole: bool = False
    ) -> None:
        if self._must_wait(session, place, whole):
            self._waiting[place] = Waiting(session.draft_at(place).clicks, whole)
            self._wait(session, place, shown=place == session.place)
        else:
            self._accept(session, current, place, whole)

    def _go_on_at(self, session: Session, place: Place, *, shown: bool | None = None) -> None:
        current, waiting = self._controller.current, self._waiting.get(place)
        if waiting is None or current is None or current.session is not session:
            return
        if session.draft_at(place).clicks != waiting.clicks:
            self.stop(place)
            return
        shown = place == session.place if shown is None else shown
        if self._must_wait(session, place, waiting.whole):
            self._wait(session, place, shown)
            return
        del self._waiting[place]
        self._accept(session, current, place, waiting.whole)
        if session.draft_at(place).clicks and waiting.queue:
            lost = sum(each is not None for each in waiting.queue)
            text = f"not accepted: {lost} clicks made since were not added"
            self._controller.say(text, "error")
            return
        for each in waiting.queue:
            self._do(session, current, place, each)

    def _do(self, session: Session, current: Annotation, place: Place, each: Made | None) -> None:
        """Do what waited; it may have to wait again."""
        waiting = self._waiting.get(place)
        if waiting is not None:
            waiting.queue.append(each)
        elif place == session.place:
            self._controller.accept() if each is None else self._controller.click(*each)
        elif each is None:
            self._begin_at(session, current, place)
        else:
            try:
                session.add(*each, place=place)
            except ClickError as error:
                self._controller.say(str(error), "warning")

    def _must_wait(self, session: Session, place: Place, whole: bool) -> bool:
        """Whether what accepting needs, the mask and a free number, is on its way."""
        known = session.prediction_at(place) is not None
        failed = place == session.place and session.failure is not None
        if session.draft_at(place).clicks and not known and not failed:
            return self._predicting.possible
        return (known or whole) and not session.knows_next_label

    def _wait(self, session: Session, place: Place, shown: bool) -> None:
        if session.target is not None:
            self._controller.targets.count(session.target)
        if shown:
            what = "the mask is there" if session.pending else "the labels are counted"
            self._controller.say(f"accepted as soon as {what}", "info")
        else:
            self._ask_at(session, place)

    def _ask_at(self, session: Session, place: Place) -> None:
        """Ask for the mask of a plane that is not on show any more."""
        current, waiting = self._controller.current, self._waiting[place]
        if current is None or waiting.asked == waiting.clicks or self._predicting.loading:
            return
        request = session.request_at(place, current.plane(place))
        if request is not None:
            waiting.asked = waiting.clicks
            self._predicting.ask_at(
                session, place, request, partial(self._on_answer_at, session, place)
            )

    def _on_answer_at(self, session: Session, place: Place, problem: str) -> None:
        waiting = self._waiting.get(place)
        if waiting is None:
            return
        waiting.asked = None  # where it came too late for other weights, it is asked for again
        if problem:
            self.stop(place)
            self._controller.say(f"not accepted, the clicks are kept: {problem}", "error")
        else:
            self._go_on_at(session, place)

    def _accept(self, session: Session, current: Annotation, place: Place, whole: bool) -> None:
        stacks = self._controller.stacks
        try:
            if whole or session.prediction_at(place) is not None:
                if current.labels is None and session.corrected:
                    number = min(session.corrected)
                    raise SessionError(f"choose the Labels layer that object {number} is in")
                current.ensure_labels()
                self._controller.bind_keys()
            if whole:
                stacks.accept()
            else:
                session.accept(place)
        except Exception as error:
            # Whatever labels on a disk may raise: the clicks are kept, and it is said.
            self._controller.say(reason(error), "error")


def reason(error: Exception) -> str:
    """Return the message of an error, or of the one that a signal has wrapped."""
    cause = error.__cause__ if isinstance(error, EmitLoopError) else None
    return str(cause or error) or type(cause or error).__name__
