"""Work off the GUI thread: one thread, in which the newest job of a kind wins."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal

#: Seconds between two looks at whether something else is still to go first.
PAUSE = 0.005


@dataclass(frozen=True)
class Job:
    """Something to do in the thread, and whom to tell on the GUI thread.

    Attributes
    ----------
    work : callable
        Runs in the thread.
    done : callable
        Takes what ``work`` returns.
    failed : callable
        Takes the message of what ``work`` raises.
    """

    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[str], None]


def let_go_first(waits: Callable[[], bool], stop: threading.Event) -> None:
    """Hold a thread up while something else is to be done first, unless it is to stop.

    Parameters
    ----------
    waits : callable
        Whether something else is.
    stop : Event
    """
    while waits() and not stop.is_set():
        stop.wait(PAUSE)


class Worker(QObject):
    """Runs jobs one after the other in a thread of its own.

    A job that has not begun is dropped when a newer one of its kind comes. Results and
    errors arrive on the thread that made the worker, by Qt's event loop; after `close` none
    arrive.

    Parameters
    ----------
    name : str
        The thread's name.
    """

    _finished = Signal(object, object)

    def __init__(self, name: str = "napari-fclick") -> None:
        super().__init__()
        self._waiting: OrderedDict[str, Job] = OrderedDict()
        self._changed = threading.Condition()
        self._unfinished = 0
        self._closed = False
        # Emitted in the thread, received where the worker was made: Qt queues it.
        self._finished.connect(self._deliver)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a job waits, runs, or has a result not delivered yet."""
        return self._unfinished > 0

    def submit(self, kind: str, job: Job) -> None:
        """Queue a job, in place of one of the same kind that has not begun."""
        with self._changed:
            if self._closed:
                return
            if self._waiting.pop(kind, None) is None:
                self._unfinished += 1
            self._waiting[kind] = job
            self._changed.notify()

    def drop(self, kind: str) -> None:
        """Forget a job that has not begun."""
        with self._changed:
            if self._waiting.pop(kind, None) is not None:
                self._unfinished -= 1

    def close(self, timeout: float = 0.0) -> None:
        """Forget all jobs; one that runs comes to its end unheard.

        Parameters
        ----------
        timeout : float
            Seconds to wait for it.
        """
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._unfinished = 0
            self._changed.notify()
        if timeout:
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._closed)
                if self._closed:
                    return
                _, job = self._waiting.popitem(last=False)
            report = _outcome(job)
            try:
                self._finished.emit(*report)
            except RuntimeError:  # Qt has deleted us: nobody is left to hear it
                return
            # While the thread waits, nothing of the job is kept alive.
            del job, report

    def _deliver(self, tell: Callable[[Any], None], value: Any) -> None:
        if self._closed:
            return
        with self._changed:
            self._unfinished -= 1
        tell(value)


def _outcome(job: Job) -> tuple[Callable[[Any], None], Any]:
    """Run a job; return whom to tell what."""
    try:
        return job.done, job.work()
    except Exception as error:
        # Whatever a network or a file raises is a message for the annotator, not a crash.
        return job.failed, str(error) or type(error).__name__
