"""The folder that is walked through, in the dock: where one is, and how one goes on."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_fclick.widgets.folder_walk import FolderWalk


class FolderButton(QPushButton):
    """Asks for a folder, and walks through it.

    Parameters
    ----------
    walk : FolderWalk
    """

    def __init__(self, walk: FolderWalk) -> None:
        super().__init__("Folder …")
        self._walk = walk
        self.setToolTip(
            "Go through a folder of images, one after the other: those in its images/, or else "
            "those that lie in it; what is accepted is written into its labels/"
        )
        self.clicked.connect(self._ask)

    def _ask(self) -> None:
        start = str(FolderWalk.latest or "")
        name = QFileDialog.getExistingDirectory(self, "A folder of images", start)
        if name:
            self._walk.choose(Path(name))


class FolderBar(QFrame):
    """Names the image and its place in the folder; hidden where none is walked through.

    Parameters
    ----------
    walk : FolderWalk
    """

    def __init__(self, walk: FolderWalk) -> None:
        super().__init__()
        self._walk = walk
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.name, self.place = QElidingLabel(), QLabel()
        self.notes = QElidingLabel()
        self.name.setStyleSheet("font-weight: bold")
        for gray in (self.place, self.notes):
            gray.setStyleSheet("color: gray")
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        self.leave = QToolButton()
        self.leave.setText("✕")
        self.leave.setToolTip("Write the labels and leave the folder; the image stays open")
        self.previous.clicked.connect(lambda: walk.previous())
        self.next.clicked.connect(lambda: walk.next())
        self.leave.clicked.connect(lambda: walk.leave())
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 4)
        column.setSpacing(3)
        column.addWidget(self.name)
        column.addWidget(self.place)
        buttons = QHBoxLayout()
        buttons.addWidget(self.previous, 1)
        buttons.addWidget(self.next, 1)
        buttons.addWidget(self.leave)
        column.addLayout(buttons)
        column.addWidget(self.notes)
        walk.changed.connect(self.show_state)
        self.show_state()

    def close_links(self) -> None:
        """No longer follow the walk."""
        self._walk.changed.disconnect(self.show_state, missing_ok=True)

    def show_state(self) -> None:
        """Show where one is."""
        walk, folder = self._walk, self._walk.folder
        self.setVisible(folder is not None)
        if folder is None:
            return
        count = len(folder.images)
        self.name.setText(f"opening {walk.opening} …" if walk.opening else walk.name)
        self.name.setToolTip(str(folder.images[walk.number]))
        self.place.setText(f"{walk.number + 1} of {count} · {walk.labelled} with labels")
        self.place.setToolTip(f"Labels are written into {folder.labels}")
        self.previous.setEnabled(walk.number > 0)
        self.next.setText("Next" if walk.number + 1 < count else "Save")
        self.notes.setText("; ".join(walk.notes))
        self.notes.setToolTip("\n".join(walk.notes))
        self.notes.setVisible(bool(walk.notes))


def beside(chooser: QComboBox, button: QWidget) -> QWidget:
    """Return a chooser with a button at its right, together no wider than other choosers."""
    part = QWidget()
    chooser.setMinimumContentsLength(5)
    row = QHBoxLayout(part)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(chooser, 1)
    row.addWidget(button)
    return part
