"""A short list of folders that the user puts together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

#: Rows that are seen at once.
ROWS = 4


class ShortList(QListWidget):
    """A list as high as its rows; ``Delete`` removes those selected.

    Attributes
    ----------
    removed : Signal(list of int)
        The rows that the user wants to be rid of.
    """

    removed = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setTabKeyNavigation(False)
        self.show_rows([])

    def show_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Show texts, each with what is told when the mouse rests on it."""
        self.clear()
        for text, tip in rows:
            self.addItem(text)
            item = self.item(self.count() - 1)
            assert item is not None
            item.setToolTip(tip)
        self.setVisible(bool(rows))
        height = max(self.sizeHintForRow(0), self.fontMetrics().lineSpacing() + 4)
        self.setFixedHeight(min(max(len(rows), 1), ROWS) * height + 2 * self.frameWidth() + 2)

    @property
    def selected(self) -> list[int]:
        """The selected rows."""
        return sorted(index.row() for index in self.selectedIndexes())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802
        """Remove rows by ``Delete``."""
        keys = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)
        if event is not None and event.key() in keys and self.selected:
            self.removed.emit(self.selected)
            return
        super().keyPressEvent(event)


class FoldersEdit(QWidget):
    """Chooses folders.

    Parameters
    ----------
    most : int
        How many, at most; one more replaces the last.

    Attributes
    ----------
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, most: int = 100) -> None:
        super().__init__()
        self._most = most
        self._folders: list[Path] = []
        self.list = ShortList()
        self.add, self.remove = QPushButton("Folder …"), QPushButton("Remove")
        for button in (self.add, self.remove):
            button.setStyleSheet("padding: 3px 6px")
        self.list.removed.connect(self._remove)
        self.add.clicked.connect(self._ask)
        self.remove.clicked.connect(lambda: self._remove(self.list.selected))
        self.list.itemSelectionChanged.connect(self._show_buttons)
        row = QHBoxLayout()
        row.addWidget(self.add)
        row.addWidget(self.remove)
        row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.list)
        column.addLayout(row)
        self._show()

    @property
    def value(self) -> tuple[Path, ...]:
        """The folders."""
        return tuple(self._folders)

    @value.setter
    def value(self, folders: Sequence[Path]) -> None:
        self._folders = list(dict.fromkeys(folders))[-self._most :]
        self._show()
        self.changed.emit()

    def _ask(self) -> None:
        name = QFileDialog.getExistingDirectory(self, self.toolTip())
        if name:
            self.value = (*self._folders, Path(name))

    def _remove(self, rows: Sequence[int]) -> None:
        self.value = [f for row, f in enumerate(self._folders) if row not in rows]

    def _show(self) -> None:
        self.list.show_rows([(folder.name, str(folder)) for folder in self._folders])
        self._show_buttons()

    def _show_buttons(self) -> None:
        self.remove.setVisible(bool(self._folders))
        self.remove.setEnabled(bool(self.list.selected))
