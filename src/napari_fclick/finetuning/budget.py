"""A time budget that is kept: what scoring will cost is set aside before training begins."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Parts of the whole time that scoring before may take: the held-back objects that judge, those
#: that are watched, and the general set. Scoring after is about as long.
JUDGING, WATCHING, GENERAL = 0.1, 0.03, 0.06
#: What is set aside beyond the estimate.
MARGIN = 1.15
#: Part of the whole time kept for writing.
WRITING = 0.01


class Budget:
    """Seconds from now on.

    Parameters
    ----------
    minutes : float
    clock : callable
        Seconds that only grow.
    """

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.total = 60 * minutes
        self._clock, self._begun = clock, clock()
        #: Seconds that the rest will need once training ends.
        self.reserved = WRITING * self.total

    @property
    def seconds(self) -> float:
        """Gone by."""
        return self._clock() - self._begun

    @property
    def left(self) -> float:
        """Still there; not below 0."""
        return max(self.total - self.seconds, 0.0)

    @property
    def training_left(self) -> float:
        """Still there for training; not below 0."""
        return max(self.left - self.reserved, 0.0)

    def share(self, part: float) -> float:
        """Return the seconds that a part of the whole is, as far as they are there still."""
        return min(part * self.total, self.left)

    def reserve(self, seconds: float) -> None:
        """Set so many seconds aside, and a margin, for what comes after training."""
        self.reserved = MARGIN * seconds + WRITING * self.total
