"""What accepting the object at hand would do to other objects, told before it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_fclick.session import Session, accepting, stakes
from napari_fclick.widgets.workers import Job, Worker

#: Numbers of objects that are named; of more, their count is told.
NAMED = 4


@dataclass(frozen=True, eq=False)
class Subject:
    """What would be accepted, and whatever the stakes depend on.

    Attributes
    ----------
    things : tuple
        Compared by identity: a mask compared by value would be compared pixel by pixel.
    values : tuple
        Compared by value.
    foresee : callable
        Returns what finds the stakes, in another thread; None where nothing can be accepted.
    """

    things: tuple[Any, ...]
    values: tuple[Any, ...]
    foresee: Callable[[], Callable[[], stakes.Stakes] | None]

    def same_as(self, other: Subject | None) -> bool:
        """Whether the stakes of another subject are those of this one."""
        if other is None or self.values != other.values:
            return False
        return all(a is b for a, b in zip(self.things, other.things, strict=True))


class Stakes:
    """Compares what would be accepted with the labels, off the GUI thread, once for each subject.

    Parameters
    ----------
    worker : Worker
    changed : callable
        Told when there is something else to tell.
    unit : str
        What is counted; there is one for each unit.

    Attributes
    ----------
    text : str
        Such as "keeps 120 px of 3, 7"; empty where nothing is at stake or not known yet.
    """

    def __init__(self, worker: Worker, changed: Callable[[], Any], unit: str = "px") -> None:
        self._worker, self._changed, self._unit = worker, changed, unit
        self._asked: Subject | None = None
        self.text = ""

    def ask(self, subject: Subject | None) -> None:
        """Look anew if what the stakes depend on is not what it was.

        Parameters
        ----------
        subject : Subject or None
            None where there is nothing to accept.
        """
        same = self._asked is None if subject is None else subject.same_as(self._asked)
        if same:
            return
        self._asked, self.text = subject, ""
        kind = f"stakes in {self._unit}"
        foresee = None if subject is None else subject.foresee()
        if foresee is None:
            self._worker.drop(kind)
            return

        def done(told: stakes.Stakes) -> None:
            if subject is self._asked:
                self.text = describe_stakes(told, self._unit)
                self._changed()

        # What cannot be read is told when it is accepted.
        self._worker.submit(kind, Job(foresee, done, lambda _: None))


def describe_stakes(told: stakes.Stakes, unit: str) -> str:
    """Say in a few words what accepting would take from whom, or leave to whom."""
    parts = told.others("overwrites", "keeps", unit, NAMED)
    if parts and not told.written:
        parts.append("nothing is left to write")
    if sum(told.withheld.values()) > told.written:
        parts.append("Overlap: replace them writes all of it")
    return " · ".join([*parts, *told.elsewhere])


def subject_of(session: Session | None, written: int) -> Subject | None:
    """Return what would be accepted of the plane on show; None where there is nothing.

    Parameters
    ----------
    session : Session or None
    written : int
        Another number whenever something was written into the labels.
    """
    if session is None or session.prediction is None or session.target is None:
        return None
    things = (session.mask(), session.target, session.draft.start)
    # Whatever the session does to labels makes a new generation, but a brush does not.
    how = (session.settings, session.answers.generation, session.objects.knows_next_label)
    return Subject(things, (*how, written), lambda: accepting.foresee(session))
