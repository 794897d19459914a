"""Scrolling past a number without changing it."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QWidget


class WheelGuard(QObject):
    """Leaves the wheel to what scrolls, unless the widget it is installed on has the focus.

    Install it with ``installEventFilter`` on widgets that take no focus from the wheel.
    """

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Pass the wheel on."""
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()
        return True
