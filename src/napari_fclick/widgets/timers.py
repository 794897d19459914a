"""What is put off for a moment."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer


def single_shot(
    call: Callable[[], object], interval: int = 0, parent: QObject | None = None
) -> QTimer:
    """Return a timer that calls something once, so many milliseconds after each start.

    Started again before that, it begins to wait anew.
    """
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(interval)
    timer.timeout.connect(call)
    return timer
