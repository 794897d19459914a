"""Chooses which images are learned from, and says what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QSignalBlocker
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.session.autosave import sessions_folder
from napari_fclick.widgets.finetuning.choice import (
    NAME,
    Choice,
    LayerPair,
    check_folder,
    first_pairs,
    fitting_pairs,
    why_no_pairs,
)
from napari_fclick.widgets.finetuning.outcome import DataSummary
from napari_fclick.widgets.finetuning.paths import ShortList
from napari_fclick.widgets.finetuning.texts import SelectableLine, messages_html
from napari_fclick.widgets.folder_walk import FolderWalk

HINT = (
    "Add what is learned from: image layers with their labels, folders that hold images/ and "
    "labels/, or First Click sessions."
)


class DataView(QWidget):
    """The list of what is learned from, and the summary of it.

    As long as the user has not put it together otherwise, it has the viewer's layers that fit.

    Parameters
    ----------
    viewer : napari.Viewer

    Attributes
    ----------
    changed : Signal()
        It is another choice, or is to be looked at again.
    """

    changed = Signal()

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._choice = Choice()
        self._touched = self._named = False
        self._listed: list[LayerPair | Path] = []
        self._make()
        for emitter in self._emitters():
            emitter.connect(self._on_layers)
        self._on_layers()

    @property
    def choice(self) -> Choice:
        """What is learned from."""
        return self._choice

    @property
    def name(self) -> str:
        """What it is called."""
        return self.name_edit.text().strip() or NAME

    def choose(self, choice: Choice) -> None:
        """Learn from this."""
        self._touched = True
        self._use(choice)

    def close_links(self) -> None:
        """No longer follow the viewer."""
        for emitter in self._emitters():
            emitter.disconnect(self._on_layers)

    # --- what is in it ------------------------------------------------------------------

    def show_looking(self) -> None:
        """Say that the images are being read."""
        self.summary.setText("looking at the images …")
        self.messages.hide()

    def show_summary(self, summary: DataSummary) -> None:
        """Show what is in the images, what looks wrong first."""
        self.summary.setText(summary.text)
        self._show_messages(summary.messages)

    def show_problem(self, problem: str) -> None:
        """Show why the images cannot be learned from."""
        self.summary.setText("")
        self._show_messages([("error", problem)])

    def _show_messages(self, messages: Sequence[tuple[str, str]]) -> None:
        self.messages.setText(messages_html(messages))
        self.messages.setVisible(bool(messages))
        self.summary.setVisible(bool(self.summary.text()))

    # --- making -------------------------------------------------------------------------

    def _make(self) -> None:
        self.list = ShortList()
        self.list.setToolTip("What is learned from; Delete removes the selected rows")
        self.list.setAccessibleName("Images to learn from")
        self.list.removed.connect(self._remove)
        self.list.itemSelectionChanged.connect(self._show_buttons)
        self.layers = _button("Layers", "Add an image layer with the Labels layer that fits it")
        self.menu = QMenu(self.layers)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.fill_menu)
        self.layers.setMenu(self.menu)
        self.folder = _button("Folder …", "Add a folder that holds images/ and labels/")
        self.sessions = _button("Sessions …", "Add First Click sessions: labels and clicks count")
        self.remove = _button("✕", "Remove the selected rows from the list")
        self.again = _button("↻", "Look at the images again")
        self.folder.clicked.connect(self._ask_folder)
        self.sessions.clicked.connect(self._ask_sessions)
        self.remove.clicked.connect(lambda: self._remove(self.list.selected))
        self.again.clicked.connect(lambda: self.changed.emit())
        self.name_edit = QLineEdit(NAME)
        self.name_edit.setToolTip("The new weights get this name")
        self.name_edit.textEdited.connect(self._on_named)
        self.summary, self.messages = SelectableLine(), SelectableLine()
        self._lay_out()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(3)
        for button in (self.layers, self.folder, self.sessions, self.remove, self.again):
            buttons.addWidget(button)
        buttons.insertStretch(3, 1)
        named = QHBoxLayout()
        label = QLabel("Name")
        label.setBuddy(self.name_edit)
        named.addWidget(label)
        named.addWidget(self.name_edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.list)
        column.addLayout(buttons)
        column.addLayout(named)
        column.addWidget(self.summary)
        column.addWidget(self.messages)

    # --- acting -------------------------------------------------------------------------

    def fill_menu(self) -> None:
        """List the layers that fit each other and are not chosen yet."""
        self.menu.clear()
        layers = list(self._viewer.layers)
        pairs = fitting_pairs(layers)
        if not pairs:
            self._add_line(why_no_pairs(layers))
            return
        new = [pair for pair in pairs if pair not in self._choice.layers]
        for pair in new:
            action = QAction(pair.name, self.menu)
            action.triggered.connect(lambda _=False, p=pair: self._add(layers=(p,)))
            self.menu.addAction(action)
        if not new:
            self._add_line("all layers that fit are in the list")

    def _add_line(self, text: str) -> None:
        action = QAction(text, self.menu)
        action.setEnabled(False)
        self.menu.addAction(action)

    def _ask_folder(self) -> None:
        title, start = "A folder that holds images/ and labels/", FolderWalk.latest
        name = QFileDialog.getExistingDirectory(self, title, str(start or ""))
        if not name:
            return
        try:
            check_folder(Path(name))
        except ValueError as error:
            self.show_problem(str(error))
            return
        self._add(folders=(Path(name),))
        self._suggest_name(Path(name).name)

    def _ask_sessions(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, "Sessions", str(sessions_folder()), "Sessions (*.fclick)"
        )
        self._add(sessions=tuple(Path(name) for name in names))

    def _add(
        self,
        layers: tuple[LayerPair, ...] = (),
        folders: tuple[Path, ...] = (),
        sessions: tuple[Path, ...] = (),
    ) -> None:
        if not (layers or folders or sessions):
            return
        now = self._choice
        self.choose(
            Choice(
                (*now.layers, *layers),
                tuple(dict.fromkeys((*now.folders, *folders))),
                tuple(dict.fromkeys((*now.sessions, *sessions))),
            )
        )

    def _remove(self, rows: Sequence[int]) -> None:
        kept = [each for row, each in enumerate(self._listed) if row not in rows]
        now = self._choice
        self.choose(
            Choice(
                tuple(pair for pair in now.layers if pair in kept),
                tuple(folder for folder in now.folders if folder in kept),
                tuple(session for session in now.sessions if session in kept),
            )
        )

    def _on_layers(self, event: Any = None) -> None:
        layers = list(self._viewer.layers)
        if not self._touched:
            wanted = tuple(first_pairs(layers))
        else:
            there = fitting_pairs(layers)
            wanted = tuple(pair for pair in self._choice.layers if pair in there)
        if wanted != self._choice.layers or not self._listed:
            self._use(Choice(wanted, self._choice.folders, self._choice.sessions))

    def _emitters(self) -> list[Any]:
        events = self._viewer.layers.events
        return [events.inserted, events.removed]

    def _on_named(self) -> None:
        self._named = True

    def _suggest_name(self, name: str) -> None:
        if not self._named:
            blocked = QSignalBlocker(self.name_edit)
            self.name_edit.setText(name)
            del blocked

    # --- showing ------------------------------------------------------------------------

    def _use(self, choice: Choice) -> None:
        self._choice = choice
        self._listed = [*choice.layers, *choice.folders, *choice.sessions]
        self.list.show_rows(
            [(f"{p.name} (layers)", "an image layer and its labels") for p in choice.layers]
            + [(f"{folder.name} (folder)", str(folder)) for folder in choice.folders]
            + [(f"{session.name} (session)", str(session)) for session in choice.sessions]
        )
        self._show_buttons()
        if not choice:
            self.summary.setText(HINT)
            self._show_messages(())
        self.changed.emit()

    def _show_buttons(self) -> None:
        self.remove.setEnabled(bool(self.list.selected))
        self.again.setEnabled(bool(self._choice))


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.setAccessibleName(tip)
    button.setStyleSheet("padding: 3px 4px")
    button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
    return button
