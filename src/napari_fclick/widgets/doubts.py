"""Objects that were written unseen, to be looked at: the least certain first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    """What was written unseen, and was not looked at, in each image.

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
        self._left: dict[Session, list[Doubt]] = {}

    def note(self, session: Session, doubts: Iterable[Doubt]) -> None:
        """Have objects be looked at, with those that were noted before and not looked at."""
        anew = list(doubts)
        again = {doubt.label for doubt in anew}
        before = [each for each in self._left.get(session, ()) if each.label not in again]
        self._left[session] = sorted(before + anew, key=lambda doubt: doubt.certainty)

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
        self._left.pop(session, None)

    def __bool__(self) -> bool:
        """Whether there is any in the session on hand."""
        return any(self._standing())

    def show_next(self) -> None:
        """Show the least certain one; there has to be any."""
        controller = self._controller
        session = controller.session
        assert session is not None
        doubt, *rest = self._standing()
        self._left[session].remove(doubt)
        controller.objects.show(doubt.label, doubt.place, closely=True)
        more = f"{len(rest)} more" if rest else "the last one"
        controller.say(
            f"object {doubt.label}: certainty {doubt.certainty:.2f} here · Ctrl + click "
            f"corrects, {key_of('delete_at_cursor')} over it removes it · {more}"
        )
        controller.changed.emit()
        self.shown.emit(doubt.label)

    def _standing(self) -> Iterator[Doubt]:
        """Yield those of the session on hand; what is gone may come back, by an undo."""
        session = self._controller.session
        if session is not None:
            yield from (each for each in self._left.get(session, ()) if _stands(each, session))


def _stands(doubt: Doubt, session: Session) -> bool:
    """Whether an object is not deleted, corrected to be elsewhere, or a person's by now."""
    record = session.objects.get(doubt.label)
    part = None if record is None else record.part(doubt.place)
    return part is not None and part.kind is not Kind.KEYFRAME
