"""Accepts objects: at once, or as soon as the mask is there; clicks made until then wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import EmitLoopError

from napari_fclick.session import Session, SessionError
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.predicting import Predicting

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Accepting:
    """Writes the object at hand into the labels.

    Parameters
    ----------
    controller : Controller
    predicting : Predicting
        What the mask comes from.

    Attributes
    ----------
    waits : bool
        Whether an object waits to be accepted.
    clicks : list of (float, float, bool)
        Row, column and sign of clicks made since: they belong to the next object.
    """

    def __init__(self, controller: Controller, predicting: Predicting) -> None:
        self._controller, self._predicting = controller, predicting
        self.waits = False
        self.clicks: list[tuple[float, float, bool]] = []

    def begin(self, session: Session, current: Annotation) -> None:
        """Accept now, or as soon as what it needs is there."""
        problem = self._controller.stacks.why_not_accept()
        if problem:
            self._controller.say(problem, "warning")
        elif self._must_wait(session):
            self.waits = True
            self._wait(session)
        else:
            self._accept(session, current)

    def go_on(self, session: Session) -> None:
        """Accept what waits, if what it needs is there by now."""
        current = self._controller.current
        if not self.waits or current is None:
            return
        if self._must_wait(session):
            self._wait(session)
            return
        self.waits = False
        clicks, self.clicks = self.clicks, []
        self._accept(session, current)
        if session.clicks and clicks:
            lost = f"not accepted: {len(clicks)} clicks made since were not added"
            self._controller.say(lost, "error")
            return
        for y, x, positive in clicks:
            self._controller.click(y, x, positive)

    def stop(self) -> None:
        """Call off an acceptance that waits for its mask; the object's own clicks are kept."""
        if self.waits:
            count = len(self.clicks)
            self.waits, self.clicks = False, []
            lost = f"; {count} clicks made since were not added" if count else ""
            self._controller.say(f"not accepted, the clicks are kept{lost}", "warning")

    def take_back(self) -> bool:
        """Undo the last click that waits, or the waiting; return whether there was any."""
        if self.clicks:
            self.clicks.pop()
            self._controller.say(f"the last click was taken back; {len(self.clicks)} wait", "info")
            return True
        waited = self.waits
        self.stop()
        return waited

    def _must_wait(self, session: Session) -> bool:
        """Whether what accepting needs, the mask and a free number, is on its way."""
        if session.pending:
            return self._predicting.possible
        carried = self._controller.stacks.current is not None
        return (session.prediction is not None or carried) and not session.knows_next_label

    def _wait(self, session: Session) -> None:
        if session.target is not None:
            self._controller.targets.count(session.target)
        what = "the mask is there" if session.pending else "the labels are counted"
        self._controller.say(f"accepted as soon as {what}", "info")

    def _accept(self, session: Session, current: Annotation) -> None:
        stacks = self._controller.stacks
        try:
            whole = stacks.current is not None
            if whole or (session.clicks and session.prediction is not None):
                if current.labels is None and session.corrected:
                    number = min(session.corrected)
                    raise SessionError(f"choose the Labels layer that object {number} is in")
                current.ensure_labels()
                self._controller.bind_keys()
            if whole:
                stacks.accept()
            else:
                session.accept()
        except Exception as error:
            # Whatever labels on a disk may raise: the clicks are kept, and it is said.
            self._controller.say(reason(error), "error")


def reason(error: Exception) -> str:
    """Return the message of an error, or of the one that a signal has wrapped."""
    cause = error.__cause__ if isinstance(error, EmitLoopError) else None
    return str(cause or error) or type(cause or error).__name__
