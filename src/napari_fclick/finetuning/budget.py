"""A time budget that is kept: more than half of it is training's, the tests get what is left."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Part of the whole time that training gets at least, however slow the tests turn out to be.
TRAINING = 0.55
#: The same of what is left, where the start took most of a very small budget.
TRAINING_LEFT = 0.6
#: What is set aside beyond the estimate.
MARGIN = 1.15
#: Kept for writing and for the end of the process: a part of the whole time, but at least so many
#: seconds, unless these are more than the last part of a short time.
WRITING, ENDING, ENDING_PART = 0.01, 1.5, 0.05


class Budget:
    """Seconds from a moment on.

    Parameters
    ----------
    minutes : float
    clock : callable
        Seconds that only grow.
    begun : float, optional
        What the clock said when it began; by default it begins now.
    """

    def __init__(
        self,
        minutes: float,
        clock: Callable[[], float] = time.monotonic,
        begun: float | None = None,
    ) -> None:
        self.total = 60 * minutes
        self._clock = clock
        self._begun = clock() if begun is None else begun
        self._writing = max(WRITING * self.total, min(ENDING, ENDING_PART * self.total))
        #: Seconds that the rest will need once training ends.
        self.reserved = self._writing
        self._pot: float | None = None
        self._floor_end: float | None = None

    @property
    def seconds(self) -> float:
        """Gone by."""
        return self._clock() - self._begun

    @property
    def left(self) -> float:
        """Still there; not below 0."""
        return max(self.total - self.seconds, 0.0)

    @property
    def testing_left(self) -> float:
        """Still there for the last tests, what writing takes left out; not below 0."""
        return max(self.left - self._writing, 0.0)

    # --- tests --------------------------------------------------------------------------

    def share(self, part: float, times: float) -> float:
        """Return the seconds that a test may take.

        Parameters
        ----------
        part : float
            Of all that is there for tests still.
        times : float
            How often the test will be made, now and later.
        """
        if self._pot is None:
            least = (1 - TRAINING_LEFT) * self.left
            kept = TRAINING * self.total + self._writing
            self._pot = max(self.left - kept, least)
        return max(part * self._pot / times, 0.0)

    def spend(self, seconds: float, times: float) -> None:
        """Note what a test took: what it did not need is there for the next ones."""
        assert self._pot is not None  # there was a share
        self._pot -= seconds * times

    # --- training -----------------------------------------------------------------------

    def begin_training(self) -> None:
        """Training begins: what it gets at least counts from here."""
        least = min(TRAINING * self.total, TRAINING_LEFT * self.left)
        self._floor_end = self.seconds + least

    @property
    def training_left(self) -> float:
        """Seconds still there for training; not below 0.

        Where the tests afterwards would take too long, they are cut short, not training.
        """
        floor = 0.0 if self._floor_end is None else self._floor_end - self.seconds
        return max(self.left - self.reserved, floor, 0.0)

    def reserve(self, seconds: float) -> None:
        """Set so many seconds aside, and a margin, for what comes after training."""
        self.reserved = MARGIN * seconds + self._writing
