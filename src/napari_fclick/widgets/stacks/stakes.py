"""What accepting an object in all its slices would do to others, told before it is done."""

from __future__ import annotations

from typing import Any

from napari_fclick.session import stacks
from napari_fclick.widgets.stacks.model import CarriedObject
from napari_fclick.widgets.stakes import describe_stakes
from napari_fclick.widgets.workers import Job, Worker


class StackStakes:
    """Compares the masks of an object with the labels, off the GUI thread, once for each.

    Parameters
    ----------
    worker : Worker
    changed : callable
        Told when there is something else to tell.

    Attributes
    ----------
    text : str
        Such as "keeps 120 voxels of 3, 7"; empty where nothing is at stake or not known yet.
    """

    def __init__(self, worker: Worker, changed: Any) -> None:
        self._worker, self._changed = worker, changed
        self._asked: tuple[Any, ...] = ()
        self.text = ""

    def ask(self, carried: CarriedObject | None, written: int = 0) -> None:
        """Look anew if masks, policy or labels are others than they were.

        Parameters
        ----------
        carried : CarriedObject or None
        written : int
            Another number whenever something was written into the labels.
        """
        subject = _subject(carried, written)
        if subject == self._asked:
            return
        self._asked, self.text = subject, ""
        if carried is None or not subject:
            self._worker.drop("stack stakes")
            return
        foresee = stacks.foresee(carried.session, carried.known, carried.line.axis)
        if foresee is None:
            return

        def done(found: stacks.Stakes) -> None:
            if subject is self._asked:
                self.text = describe_stakes(found, "voxels")
                self._changed()

        # What cannot be read is told when it is accepted.
        self._worker.submit("stack stakes", Job(foresee, done, lambda _: None))


def _subject(carried: CarriedObject | None, written: int) -> tuple[Any, ...]:
    """Return what the stakes depend on; empty where nothing can be accepted now."""
    if carried is None or carried.phase not in ("done", "stopped", "failed") or carried.unfit:
        return ()
    session = carried.session
    if session.target is None or not carried.known:
        return ()
    # Not the session's generation: it grows with each slice that one scrolls to.
    how = (session.settings.policy, session.objects.knows_next_label)
    return (carried.slices, session.target, *how, written)
