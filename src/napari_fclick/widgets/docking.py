"""Widgets that end with the dock around them, and share its place."""

from __future__ import annotations

from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from napari_fclick.widgets.timers import single_shot


class Docked(QWidget):
    """A widget that ends when the dock around it is closed, and lies behind a tab beside others.

    napari takes the widget out of a dock that is closed, and leaves it to the garbage collector:
    no other event tells of it, and Qt deletes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._was_in_dock = False
        self._joining = single_shot(self._join, parent=self)

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
            self._joining.start(0)  # napari has put the dock into its window by then
        elif self._was_in_dock:
            self._was_in_dock = False
            self._joining.stop()
            self.close_all()
            self.deleteLater()

    def _join(self) -> None:
        """Share the place of another dock of ours: one below the other, both would be too low."""
        mine = dock_of(self)
        window = None if mine is None else mine.parentWidget()
        if mine is None or not isinstance(window, QMainWindow):
            return
        area = window.dockWidgetArea(mine)
        others = [
            dock
            for widget in window.findChildren(Docked)
            if widget is not self and (dock := dock_of(widget)) is not None
            if not (dock.isFloating() or mine.isFloating() or dock.isHidden())
            if window.dockWidgetArea(dock) == area
        ]
        if others and mine not in window.tabifiedDockWidgets(others[0]):
            window.tabifyDockWidget(others[0], mine)
            mine.raise_()


def dock_of(widget: QWidget) -> QDockWidget | None:
    """Return the dock around a widget; None where it is in none."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QDockWidget):
        parent = parent.parentWidget()
    return parent
