"""How long a person has worked since the last step."""

from __future__ import annotations

from collections.abc import Callable

#: Seconds without a step that count as work; a longer break is no effort.
LONGEST_PAUSE = 60.0


class Stopwatch:
    """Seconds since the last step, as far as they are a person's work.

    Parameters
    ----------
    clock : callable
        Returns seconds.

    Attributes
    ----------
    now : callable
        That clock.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.now = clock
        self._begun = clock()
        self._before: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds since the last step that count as work; 0 while it is paused."""
        return 0.0 if self.paused else min(self.now() - self._begun, LONGEST_PAUSE)

    def restart(self) -> None:
        """Count from now on; while it is paused, what was counted before that stays."""
        self._begun = self.now()

    @property
    def paused(self) -> bool:
        """Whether what is done now is not a person's work: its time does not count."""
        return self._before is not None

    @paused.setter
    def paused(self, on: bool) -> None:
        if on and self._before is None:
            self._before = self.now() - self._begun
        elif not on and self._before is not None:
            self._begun, self._before = self.now() - self._before, None
