"""Carries an object off the GUI thread, slice by slice, and lets clicks go first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

from qtpy.QtCore import QTimer

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import (
    Carry,
    Direction,
    End,
    Propagation,
    Rules,
    SliceMask,
    Spacing,
    Stack,
)
from napari_fclick.widgets.workers import Job, Worker, let_go_first

#: Milliseconds between two looks at what was found; as often it is told at most.
POLL = 100


@dataclass(frozen=True)
class Keyframe:
    """A slice that a person made.

    Attributes
    ----------
    clicks : ClickSequence
    mask : StoredMask or None
        None where the object is marked as not being there.
    prediction : PredictionLike or None
        What the network said there.
    """

    clicks: ClickSequence
    mask: StoredMask | None
    prediction: Any = None


@dataclass(frozen=True)
class Snapshot:
    """What is known of an object at one moment.

    Attributes
    ----------
    slices : dict of int to SliceMask
    stale : frozenset of int
        Slices whose mask is of before the last change.
    ends : tuple of End
    complete : bool
        Whether nothing is left to be run.
    at : int or None
        The slice that was found last.
    problem : str
        What the network, or reading the stack, has raised; nothing more comes then.
    """

    slices: Mapping[int, SliceMask] = field(default_factory=dict)
    stale: frozenset[int] = frozenset()
    ends: tuple[End, ...] = ()
    complete: bool = False
    at: int | None = None
    problem: str = ""


class Carrying:
    """A propagation, made and run in the thread; the GUI only looks at what does not change.

    Parameters
    ----------
    read : callable
        Takes a position, returns the plane; lazy.
    length : int
        How many planes there are.
    spacing : (float, float, float)
        From slice to slice, row to row and column to column.
    predictor : Predictor
    carry : Carry
    limits : (float, float), optional
        Intensities that are black and white to the predictor.
    others : callable, optional
        Tells which pixels other objects have.
    owner : tuple
        The labels that they are in, and the number that the object itself has there.

    Attributes
    ----------
    propagation : Propagation or None
        None before the first run.
    """

    def __init__(
        self,
        read: Callable[[int], Any],
        length: int,
        spacing: tuple[float, float, float],
        predictor: Any,
        carry: Carry,
        limits: tuple[float, float] | None = None,
        others: Any = None,
        owner: tuple[Any, int | None] = (None, None),
    ) -> None:
        self._read, self._length, self._spacing = read, length, spacing
        self._predictor, self._carry = predictor, carry
        self.limits, self.others, self.owner = limits, others, owner
        self.propagation: Propagation | None = None

    def prepare(
        self, keyframes: Mapping[int, Keyframe], rules: Rules, direction: Direction
    ) -> Propagation:
        """Bring the propagation in step with what a person did; in the thread only."""
        propagation = self._made()
        for index in set(propagation.keyframes) - set(keyframes):
            propagation.release(index)
        for index, made in keyframes.items():
            if made.mask is None:
                propagation.set_absent(index)
            else:
                propagation.set_keyframe(index, made.clicks, made.mask, made.prediction)
        propagation.change(rules, direction)
        return propagation

    def _made(self) -> Propagation:
        if self.propagation is None:
            stack = Stack(self._read, self._length, Spacing(*self._spacing))
            self.propagation = Propagation(
                stack,
                self._predictor,
                carry=self._carry,
                limits=self.limits,
                others=self.others,
            )
        return self.propagation


@dataclass(frozen=True)
class Request:
    """What is to be run.

    Attributes
    ----------
    carrying : Carrying
    keyframes : dict of int to Keyframe
    rules : Rules
    direction : {"both", "up", "down"}
    """

    carrying: Carrying
    keyframes: Mapping[int, Keyframe]
    rules: Rules = field(default_factory=Rules)
    direction: Direction = "both"


class _Run:
    """One request being run: it can be stopped between slices."""

    def __init__(self, request: Request, waits: Callable[[], bool]) -> None:
        self._request, self._waits = request, waits
        self.stop = threading.Event()
        self.latest: Snapshot | None = None
        self._at: int | None = None

    def __call__(self) -> Snapshot:
        request = self._request
        propagation = request.carrying.prepare(request.keyframes, request.rules, request.direction)
        self._told = -float("inf")
        problem = ""
        let_go_first(self._waits, self.stop)
        try:
            self._carry(propagation)
        except Exception as error:  # what was found until then can still be accepted
            problem = str(error) or type(error).__name__
        return replace(_snapshot(propagation, self._at), problem=problem)

    def _carry(self, propagation: Propagation) -> None:
        with closing(propagation.run()) as found:  # type: ignore[type-var]
            while not self.stop.is_set():
                each = next(found, None)
                if each is None:
                    break
                self._at = each.index
                self._tell(propagation, each.index)
                let_go_first(self._waits, self.stop)

    def _tell(self, propagation: Propagation, at: int) -> None:
        # All is copied: not for each slice, but as often as somebody looks.
        if time.monotonic() - self._told >= POLL / 1000:
            self.latest, self._told = _snapshot(propagation, at), time.monotonic()


class Runner:
    """Runs one request at a time in a thread; the newest wins.

    Parameters
    ----------
    waits : callable
        Whether something else is to be let go first; asked between slices, in the thread.
    """

    def __init__(self, waits: Callable[[], bool]) -> None:
        self._waits = waits
        self._worker = Worker("napari-fclick-stacks")
        self._run: _Run | None = None
        self._asking = False
        self._told: Callable[[Snapshot], None] = lambda _: None
        self._timer = QTimer()
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._poll)

    @property
    def busy(self) -> bool:
        """Whether something runs, or has a result that is not delivered yet."""
        return self._worker.busy

    @property
    def asking(self) -> bool:
        """Whether what `ask` was given has not come to its end."""
        return self._asking

    def run(
        self,
        request: Request,
        told: Callable[[Snapshot], None],
        done: Callable[[Snapshot], None],
        failed: Callable[[str], None],
    ) -> None:
        """Run a request in place of the one that runs.

        Parameters
        ----------
        request : Request
        told : callable
            Takes what is known, again and again.
        done : callable
            Takes it when the run has ended, was stopped, or has met a problem.
        failed : callable
            Takes the message of what was raised before anything could be run.
        """
        self.stop()
        run = self._run = _Run(request, self._waits)
        self._told = told

        def end(tell: Callable[[Any], None], value: Any) -> None:
            if run is self._run:
                self._run = None
                self._timer.stop()
                tell(value)

        job = Job(run, lambda found: end(done, found), lambda problem: end(failed, problem))
        self._worker.submit("carry", job)
        self._timer.start()

    def ask(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        """Do something else in the thread, before what is run next."""
        self.stop()
        self._asking = True

        def end(tell: Callable[[Any], None], value: Any) -> None:
            self._asking = False
            tell(value)

        job = Job(work, lambda found: end(done, found), lambda problem: end(failed, problem))
        self._worker.submit("ask", job)

    def stop(self) -> None:
        """End what runs after the slice it is at; it is told what was found until then."""
        if self._run is not None:
            self._run.stop.set()

    def forget(self) -> None:
        """End what runs, unheard."""
        self.stop()
        self._run = None
        self._timer.stop()
        self._worker.drop("carry")

    def close(self) -> None:
        """End everything, unheard."""
        self.forget()
        self._worker.close()

    def _poll(self) -> None:
        run = self._run
        if run is None or run.latest is None:
            return
        latest, run.latest = run.latest, None
        begun = time.monotonic()
        self._told(latest)
        # Where it takes long to be shown, it is told less often.
        self._timer.setInterval(max(POLL, round(4000 * (time.monotonic() - begun))))


def _snapshot(propagation: Propagation, at: int | None) -> Snapshot:
    return Snapshot(
        dict(propagation.slices),
        propagation.stale,
        propagation.ends,
        not propagation.pending,
        at,
    )
