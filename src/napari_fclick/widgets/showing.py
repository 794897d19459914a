"""Draws clicks and mask in one go, where the mask is about to come.

Drawing a click, and what napari paints for it, takes the processor from the network on machines
with few cores and no graphics card: click and mask are both there sooner if drawn together.
"""

from __future__ import annotations

from collections.abc import Callable

from napari_fclick.widgets.timers import single_shot

#: Seconds: after an answer that took less, the next one is waited for, and no longer than this.
SOON = 0.25


class Showing:
    """Calls what draws a session, now or with the answer that is expected.

    Parameters
    ----------
    draw : callable
        Draws everything as it is.
    """

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw = draw
        self._timer = single_shot(draw, round(1000 * SOON))

    def show(self, expected: float | None) -> None:
        """Draw, unless an answer is about to come: what comes with it draws all.

        Parameters
        ----------
        expected : float or None
            Seconds that the answer awaited will take; None where none is awaited.
        """
        if expected is not None and expected < SOON:
            if not self._timer.isActive():
                self._timer.start()
            return
        self.stop()
        self._draw()

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._timer.stop()
