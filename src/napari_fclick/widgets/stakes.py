"""What accepting the object at hand would do to other objects, told before it is done."""

from __future__ import annotations

from typing import Any

from napari_fclick.session import Session, accepting, stakes
from napari_fclick.widgets.workers import Job, Worker

#: Numbers of objects that are named; of more, their count is told.
NAMED = 4


class Stakes:
    """Compares the mask at hand with the labels, off the GUI thread, once for each mask.

    Parameters
    ----------
    worker : Worker
    changed : callable
        Told when there is something else to tell.
    """

    def __init__(self, worker: Worker, changed: Any) -> None:
        self._worker, self._changed = worker, changed
        self._asked: tuple[Any, ...] = ()
        self._text = ""

    @property
    def text(self) -> str:
        """Such as "keeps 120 px of 3, 7"; empty where nothing is at stake or not known yet."""
        return self._text

    def ask(self, session: Session | None, written: int = 0) -> None:
        """Look anew if mask, policy or labels are others than they were.

        Parameters
        ----------
        session : Session or None
        written : int
            Another number whenever something was written into the labels.
        """
        subject = _subject(session, written)
        if _same(subject, self._asked):
            return
        self._asked, self._text = subject, ""
        foresee = None if session is None or not subject else accepting.foresee(session)
        if foresee is None:
            self._worker.drop("stakes")
            return

        def done(told: stakes.Stakes) -> None:
            if subject is self._asked:
                self._text = describe_stakes(told)
                self._changed()

        # What cannot be read is told when it is accepted.
        self._worker.submit("stakes", Job(foresee, done, lambda _: None))


def describe_stakes(told: stakes.Stakes, unit: str = "px") -> str:
    """Say in a few words what accepting would take from whom, or leave to whom."""
    parts = told.others("overwrites", "keeps", unit, NAMED)
    if parts and not told.written:
        parts.append("nothing is left to write")
    if sum(told.withheld.values()) > told.written:
        parts.append("Overlap: replace them writes all of it")
    return " · ".join([*parts, *told.elsewhere])


def _subject(session: Session | None, written: int) -> tuple[Any, ...]:
    """Return what the stakes depend on; empty where there is nothing to accept."""
    if session is None or session.prediction is None or session.target is None:
        return ()
    shown = (session.mask(), session.target, session.draft.start)
    # Whatever the session does to labels makes a new generation, but a brush does not.
    how = (session.settings, session.answers.generation, session.objects.knows_next_label)
    return (*shown, *how, written)


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Compare by identity: a mask compared by value would be compared pixel by pixel."""
    if len(one) != len(other):
        return False
    return all(a is b for a, b in zip(one[:3], other[:3], strict=True)) and one[3:] == other[3:]
