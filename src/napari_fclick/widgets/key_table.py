"""The table of keys: what each does, and a way to change it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QKeySequenceEdit,
    QLabel,
    QMainWindow,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.widgets.actions import ACTIONS, Action
from napari_fclick.widgets.key_names import KeyNameError, from_qt, shown
from napari_fclick.widgets.key_settings import KeySettings, key_settings
from napari_fclick.widgets.keys import Shortcuts

HELP = "To change a key press its button, then the new key. Backspace takes the key away."
ERROR = "color: #E5534B"


class KeyTable(QDialog):
    """A window beside napari's, closed by Escape or the key that opened it.

    Parameters
    ----------
    controller : Controller
    settings : KeySettings
    parent : QWidget, optional
    """

    def __init__(
        self, controller: Any, settings: KeySettings, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, Qt.WindowType.Tool)
        self.setWindowTitle("First Click: keys")
        self._settings = settings
        self.cells = {name: KeyCell(action) for name, action in ACTIONS.items()}
        for cell in self.cells.values():
            cell.chosen.connect(self._change)
        self.message = QLabel(HELP)
        self.message.setWordWrap(True)
        self.reset = QPushButton("Reset all")
        self.reset.setAutoDefault(False)
        self.reset.clicked.connect(lambda: self._try(settings.reset))
        self._lay_out()
        self._shortcuts = Shortcuts(self, controller, {})
        settings.changed.connect(self._show)
        self._show()

    def _lay_out(self) -> None:
        columns = QHBoxLayout()
        columns.setSpacing(28)
        for groups in _columns():
            columns.addLayout(self._column(groups))
        foot = QHBoxLayout()
        foot.addWidget(self.message, 1)
        foot.addWidget(self.reset)
        whole = QVBoxLayout(self)
        whole.addLayout(columns)
        whole.addLayout(foot)

    def _column(self, groups: list[str]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(3)
        for group in groups:
            heading = QLabel(group)
            heading.setStyleSheet("font-weight: bold; margin-top: 6px")
            grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            for action in (a for a in ACTIONS.values() if a.group == group):
                row = grid.rowCount()
                grid.addWidget(self.cells[action.name], row, 0)
                grid.addWidget(QLabel(action.text), row, 1)
        grid.setColumnStretch(1, 1)
        grid.setRowStretch(grid.rowCount(), 1)
        return grid

    def _change(self, name: str, keys: str) -> None:
        self._try(lambda: self._settings.change(name, keys))

    def _try(self, change: Callable[[], None]) -> None:
        self._show()
        try:
            change()
        except KeyNameError as problem:
            self._say(str(problem), ERROR)

    def _show(self) -> None:
        # The window it belongs to may have been closed.
        if not isalive(self):  # type: ignore[no-untyped-call]
            return
        for name, cell in self.cells.items():
            cell.show_keys(self._settings.keys[name])
        problems = "\n".join(self._settings.problems)
        self._say(problems or HELP, ERROR if problems else "")

    def _say(self, text: str, style: str) -> None:
        self.message.setStyleSheet(style)
        self.message.setText(text)


class KeyCell(QStackedWidget):
    """A button with an action's keys that, when pressed, waits for another key.

    Attributes
    ----------
    chosen : Signal(str, str)
        The action's name and its new keys; none where the key was taken away.
    """

    chosen = Signal(str, str)

    def __init__(self, action: Action) -> None:
        super().__init__()
        self._name = action.name
        self.button, self.edit = QPushButton(), QKeySequenceEdit()
        self.button.setAutoDefault(False)
        self.button.setToolTip("Change the key")
        self.button.setAccessibleName(action.text)
        self.button.clicked.connect(self.ask)
        self.edit.keySequenceChanged.connect(self._on_sequence)
        if hasattr(self.edit, "setMaximumSequenceLength"):
            self.edit.setMaximumSequenceLength(1)  # older Qt waits a second for a next key
        for widget in (self.button, self.edit):
            for child in (widget, *widget.findChildren(QWidget)):
                child.installEventFilter(self)
            self.addWidget(widget)
        self.setFixedWidth(150)

    def show_keys(self, keys: tuple[str, ...]) -> None:
        """Show the keys the action has."""
        self.button.setText("  or  ".join(shown(key) for key in keys) or "none")
        self.setCurrentWidget(self.button)

    def ask(self) -> None:
        """Wait for another key."""
        self.edit.clear()
        self.setCurrentWidget(self.edit)
        self.edit.setFocus()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Give up on Escape and when the focus goes; take the key away on Backspace."""
        if event is None or self.currentWidget() is not self.edit:
            return False
        if event.type() == QEvent.Type.FocusOut and not self.edit.isAncestorOf(
            QApplication.focusWidget() or self
        ):
            self.setCurrentWidget(self.button)
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        key = event.key()  # type: ignore[attr-defined]
        if key not in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            self.setCurrentWidget(self.button)
            self.button.setFocus()
            if key == Qt.Key.Key_Backspace:
                self.chosen.emit(self._name, "")
        return True

    def _on_sequence(self, sequence: QKeySequence) -> None:
        if sequence.isEmpty() or self.currentWidget() is not self.edit:
            return
        self.setCurrentWidget(self.button)
        self.button.setFocus()
        try:
            keys = from_qt(sequence)
        except KeyNameError:
            keys = sequence.toString()  # it is refused, with a message, where it is taken
        self.chosen.emit(self._name, keys)


class KeyTableOpener:
    """Opens and closes a controller's table of keys.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self.table: KeyTable | None = None

    def toggle(self) -> None:
        """Open the table, or close it where it is open."""
        if self.table is not None and self.table.isVisible():
            self.table.close()
            return
        if self.table is None:
            self.table = KeyTable(self._controller, key_settings(), _main_window())
            self.table.destroyed.connect(self._forget)  # with the window it belongs to
        self.table.show()
        self.table.raise_()
        self.table.activateWindow()

    def close(self) -> None:
        """Close the table for good."""
        table, self.table = self.table, None
        if table is not None:
            table.close()
            table.deleteLater()

    def _forget(self) -> None:
        self.table = None


def _columns() -> list[list[str]]:
    """Return the groups of actions in two columns of about the same height."""
    groups = list(dict.fromkeys(action.group for action in ACTIONS.values()))
    heights = {g: 1 + sum(a.group == g for a in ACTIONS.values()) for g in groups}
    left: list[str] = []
    for group in groups:
        if sum(heights[g] for g in left) + heights[group] / 2 > sum(heights.values()) / 2:
            break
        left.append(group)
    return [left, groups[len(left) :]]


def _main_window() -> QWidget | None:
    """Return the window in use, that the table stays above it."""
    active = QApplication.activeWindow()
    windows = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMainWindow)]
    return active if active in windows else next((w for w in windows if w.isVisible()), None)
