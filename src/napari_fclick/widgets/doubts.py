"""Objects that were written unseen, to be looked at: the least certain first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from psygnal import Signal

from napari_fclick.propagation import Kind
from napari_fclick.session import Place, Session
from napari_fclick.widgets.key_settings import key_of

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Doubt(NamedTuple):
    """An object that nobody has looked at, in the plane where it is least certain.

    Attributes
    ----------
    certainty : float
        0 to 1.
    label : int
    place : Place
    """

    certainty: float
    label: int
    place: Place


class Doubts:
    """What was written unseen last, and was not looked at.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    shown : Signal(int)
        The object of a number was brought into view.
    """

    shown = Signal(int)

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._left: list[Doubt] = []
        self._session: Session | None = None

    def note(self, session: Session, doubts: Iterable[Doubt]) -> None:
        """Have objects be looked at, in place of those noted before."""
        self._left, self._session = sorted(doubts), session

    def take_up(self, session: Session) -> int:
        """Have the objects be looked at that were found in an earlier session; return how many."""
        found = [
            Doubt(part.certainty, label, part.place)
            for label, record in session.objects.items()
            for part in record.parts
            if part.kind is Kind.FOUND and part.certainty is not None
        ]
        if found:
            self.note(session, found)
        return len(found)

    def forget(self, session: Session) -> None:
        """Let go of a session that is gone."""
        if self._session is session:
            self._left, self._session = [], None

    def __bool__(self) -> bool:
        """Whether there is any of the session on hand."""
        return bool(self._left) and self._session is self._controller.session

    def show_next(self) -> None:
        """Show the least certain one that is there still."""
        controller = self._controller
        while self and controller.session is not None:
            doubt = self._left.pop(0)
            record = controller.session.objects.get(doubt.label)
            if record is None or record.part(doubt.place) is None:
                continue  # it was deleted, or corrected to be elsewhere
            controller.objects.show(doubt.label, doubt.place, closely=True)
            left = f"{len(self._left)} more" if self._left else "the last one"
            controller.say(
                f"object {doubt.label}: certainty {doubt.certainty:.2f} here · Ctrl + click "
                f"corrects, {key_of('delete_at_cursor')} over it removes it · {left}"
            )
            controller.changed.emit()
            self.shown.emit(doubt.label)
            return
        controller.say("all objects that were written unseen were looked at")
