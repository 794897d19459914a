"""Widgets that end with the dock around them."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QWidget


class Docked(QWidget):
    """A widget that ends when the dock around it is closed.

    napari takes the widget out of a dock that is closed, and leaves it to the garbage collector:
    no other event tells of it, and Qt deletes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._was_in_dock = False

    def close_all(self) -> None:
        """Let go of all that it follows; once more does nothing."""
        raise NotImplementedError

    def changeEvent(self, event: QEvent | None) -> None:  # noqa: N802
        """End where a dock has let go of it."""
        super().changeEvent(event)
        if event is None or event.type() != QEvent.Type.ParentChange:
            return
        if self.parent() is not None:
            self._was_in_dock = True
        elif self._was_in_dock:
            self._was_in_dock = False
            self.close_all()
            self.deleteLater()
