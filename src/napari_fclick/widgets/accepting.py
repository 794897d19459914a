"""Accepts objects: at once, or as soon as the mask is there; what is done until then waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.words import counted
from napari_fclick.session import Place, Session, SessionError, accepting
from napari_fclick.session.state import Settings
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.messages import reason
from napari_fclick.widgets.planes import LayerError, displayed_place
from napari_fclick.widgets.predicting import Predicting
from napari_fclick.widgets.stacks.accepting import StackAccepting
from napari_fclick.widgets.stacks.model import Whole

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
    settings : Settings
        With which it is accepted: as they were when that was asked for.
    queue : list of (float, float, bool) or Settings
        What was done since, in order: row, column and sign of clicks, which belong to the next
        objects, and the settings with which each of these is to be accepted as well.
    asked : ClickSequence or None
        The clicks that were asked about while the plane is not on show.
    """

    clicks: ClickSequence
    settings: Settings
    queue: list[Made | Settings] = field(default_factory=list)
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

    Attributes
    ----------
    stack : StackAccepting
        Accepts what is carried through a stack, in all its slices.
    """

    def __init__(self, controller: Controller, predicting: Predicting) -> None:
        self._controller, self._predicting = controller, predicting
        self._waiting: dict[Place, Waiting] = {}
        self.stack = StackAccepting(controller, self._accept_whole)

    @property
    def waits(self) -> bool:
        """Whether an object of the plane on show waits to be accepted."""
        return self._here is not None or self.stack.waits

    @property
    def pending(self) -> bool:
        """Whether an object of any plane waits to be accepted."""
        return bool(self._waiting) or self.stack.waits

    @property
    def clicks(self) -> list[Made]:
        """Clicks made in the plane on show since: they belong to the next objects."""
        here = self._here
        return [] if here is None else _clicks(here)

    @property
    def _here(self) -> Waiting | None:
        session = self._controller.session
        return None if session is None else self._waiting.get(session.place)

    # --- what is done -------------------------------------------------------------------

    def begin(self, session: Session, current: Annotation) -> None:
        """Accept now, or as soon as what it needs is there."""
        here, carried = self._here, self._controller.stacks.current
        if here is not None:
            self._accept_next(here, session.settings)
        elif carried is not None:
            self.stack.begin(carried)
        else:
            self._begin_at(session, current, session.place, session.settings)

    def add(self, y: float, x: float, positive: bool) -> None:
        """Keep a click for the object after the one that waits, or say why it is refused."""
        here = self._here
        if not self.stack.refuses() and here is not None:
            here.queue.append((y, x, positive))

    def go_on(self, session: Session) -> None:
        """Accept what waits, if what it needs is there by now."""
        for place in list(self._waiting):
            self._go_on_at(session, place)
        self.stack.go_on()

    def leave(self, to: Place) -> None:
        """Move to another plane: an object of one plane is accepted where it is all the same."""
        session, here = self._controller.session, self._here
        if session is None or here is None:
            return
        if to.axes != session.place.axes:
            self.stop_here()
        else:
            self._go_on_at(session, session.place, shown=False)

    def stop(self, place: Place | None = None) -> str:
        """Call off what waits, in one plane or in all; the objects' own clicks are kept.

        Returns
        -------
        str
            What is lost by that, to be added to the reason; empty for nothing.
        """
        places = list(self._waiting) if place is None else [place]
        stopped = [waiting for p in places if (waiting := self._waiting.pop(p, None)) is not None]
        lost = _lost(stopped)
        if stopped:
            self._controller.say(f"not accepted, the clicks are kept{lost}", "warning")
        if place is None:
            self.stack.stop()
        return lost

    def stop_here(self) -> str:
        """Call off what waits in the plane on show; return what `stop` does."""
        session = self._controller.session
        return "" if session is None else self.stop(session.place)

    def take_back(self) -> bool:
        """Undo the last of what was done since, or the waiting; return whether there was any.

        In the plane on show, else in the one whose step would be undone.
        """
        session = self._controller.session
        if session is None:
            return False
        if self.stack.waits:
            self.stack.stop()
            self._controller.changed.emit()
            return True
        place = session.place if self.waits else session.undo_place
        waiting = None if place is None else self._waiting.get(place)
        if waiting is None:
            return False
        if not waiting.queue:
            self.stop(place)
        elif isinstance(waiting.queue.pop(), Settings):
            self._controller.say("the last object is no longer accepted; its clicks wait", "info")
        else:
            text = f"the last click was taken back; {len(_clicks(waiting))} wait"
            self._controller.say(text, "info")
        return True

    # --- how it is done -----------------------------------------------------------------

    def _accept_next(self, here: Waiting, settings: Settings) -> None:
        """Have the object whose clicks wait be accepted after the one before it."""
        if here.queue and not isinstance(here.queue[-1], Settings):
            here.queue.append(settings)
            count = 1 + len(here.queue) - len(_clicks(here))
            self._controller.say(f"{count} objects are accepted as soon as their masks are there")

    def _begin_at(
        self, session: Session, current: Annotation, place: Place, settings: Settings
    ) -> None:
        if self._must_wait(session, place):
            self._waiting[place] = Waiting(session.drafts.at(place).clicks, settings)
            self._wait(session, place, shown=self._on_show(place))
        else:
            self._accept(session, current, place, settings)

    def _on_show(self, place: Place) -> bool:
        """Whether a plane is the session's and the viewer's: one of them may have moved already."""
        session, image = self._controller.session, self._controller.image
        if session is None or place != session.place:
            return False
        try:
            return displayed_place(self._controller.viewer, image) == place
        except LayerError:
            return False

    def _go_on_at(self, session: Session, place: Place, *, shown: bool | None = None) -> None:
        current, waiting = self._controller.current, self._waiting.get(place)
        if waiting is None or current is None or current.session is not session:
            return
        if session.drafts.at(place).clicks != waiting.clicks:
            self.stop(place)
            return
        shown = self._on_show(place) if shown is None else shown
        if self._must_wait(session, place):
            self._wait(session, place, shown)
            return
        del self._waiting[place]
        problem = self._accept(session, current, place, waiting.settings)
        if session.drafts.at(place).clicks and waiting.queue:
            self._controller.say(f"{problem}{_lost([waiting])}", "error")
            return
        for each in waiting.queue:
            self._do(session, current, place, each)

    def _do(
        self, session: Session, current: Annotation, place: Place, each: Made | Settings
    ) -> None:
        """Do what waited; it may have to wait again."""
        waiting = self._waiting.get(place)
        if waiting is not None:
            waiting.queue.append(each)
        elif isinstance(each, Settings):
            self._begin_at(session, current, place, each)
        elif self._on_show(place):
            self._controller.click(*each)
        else:
            try:
                session.add(*each, place=place)
            except Exception as error:  # whatever hears of it: the others are to be done as well
                self._controller.say(reason(error), "warning")

    def _must_wait(self, session: Session, place: Place) -> bool:
        """Whether what accepting needs, the mask and a free number, is on its way."""
        known = session.answers.at(place) is not None
        failed = place == session.place and session.answers.failure is not None
        if session.drafts.at(place).clicks and not known and not failed:
            return self._predicting.possible
        return known and not session.objects.knows_next_label

    def _wait(self, session: Session, place: Place, shown: bool) -> None:
        if session.target is not None:
            self._controller.targets.count(session.target)
        if shown:
            what = "the mask is there" if session.answers.pending else "the labels are counted"
            self._controller.say(f"accepted as soon as {what}", "info")
        else:
            self._ask_at(session, place)

    def _ask_at(self, session: Session, place: Place) -> None:
        """Ask for the mask of a plane that is not on show any more."""
        current, waiting = self._controller.current, self._waiting[place]
        if current is None or waiting.asked == waiting.clicks or self._predicting.loading:
            return
        request = session.answers.request_at(place, current.plane(place))
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
            lost = self.stop(place)
            self._controller.say(f"not accepted, the clicks are kept: {problem}{lost}", "error")
        else:
            self._go_on_at(session, place)

    def _accept(
        self,
        session: Session,
        current: Annotation,
        place: Place,
        settings: Settings,
        whole: Whole | None = None,
    ) -> str:
        """Accept it; return what went wrong, which is said, too."""
        try:
            if whole is not None or session.answers.at(place) is not None:
                if current.labels is None and session.drafts.corrected:
                    number = min(session.drafts.corrected)
                    raise SessionError(f"choose the Labels layer that object {number} is in")
                current.ensure_labels()
                self._controller.bind_keys()
            if whole is None:
                accepting.accept(session, place, settings)
            else:
                self._controller.stacks.accept(whole, settings)
        except Exception as error:
            # Whatever labels on a disk may raise: the clicks are kept, and it is said.
            self._controller.say(reason(error), "error")
            return reason(error)
        return ""

    def _accept_whole(self, whole: Whole, settings: Settings) -> None:
        current = self._controller.current
        assert current is not None  # what waits is called off with it
        self._accept(current.session, current, current.session.place, settings, whole)


def _clicks(waiting: Waiting) -> list[Made]:
    """Return the clicks among what was done since."""
    return [each for each in waiting.queue if not isinstance(each, Settings)]


def _lost(stopped: Iterable[Waiting]) -> str:
    """Say how many clicks are not added that were made since; empty where there were none."""
    count = sum(len(_clicks(waiting)) for waiting in stopped)
    were = "was" if count == 1 else "were"
    return f"; {counted(count, 'click')} made since {were} not added" if count else ""
