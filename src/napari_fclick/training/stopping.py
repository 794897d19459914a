"""Being asked to stop: a training ends in good order, and keeps what it has."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def stopping(tell: Callable[[], None] = lambda: None) -> Iterator[Callable[[], bool]]:
    """Take Ctrl+C, or SIGTERM, as a wish to stop; the same signal again does what it always does.

    Each of the two counts for itself: where torchrun is interrupted, its processes get both.

    Parameters
    ----------
    tell : callable
        Called once, when the wish comes.

    Yields
    ------
    callable
        Whether to stop.
    """
    asked = False

    def note(number: int, frame: object) -> None:
        nonlocal asked
        signal.signal(number, before[number])
        if not asked:
            asked = True
            tell()

    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
