"""The class of the next object, and the list of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.session import Session
from napari_fclick.widgets.choosers import narrow_combo
from napari_fclick.widgets.object_list import NO_CLASS
from napari_fclick.widgets.object_table import colour_icon

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

_NAME = Qt.ItemDataRole.UserRole


class ClassBar(QWidget):
    """Chooses the class of the next object; a button opens the list of classes.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self._shown: tuple[Any, ...] = ()
        self.combo = narrow_combo(
            "The class of the next object; one that is corrected keeps the class that it has"
        )
        self.combo.activated.connect(lambda _: self._choose())
        self.edit = QPushButton("Edit …")
        self.edit.setToolTip("Add, rename, recolour and remove classes")
        self.edit.clicked.connect(lambda: self.open_editor())
        self.editor: ClassEditor | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.combo, 1)
        row.addWidget(self.edit)
        controller.changed.connect(self.show_state)
        self.show_state()

    def close_links(self) -> None:
        """No longer follow the controller."""
        self._controller.changed.disconnect(self.show_state)

    def show_state(self) -> None:
        """Show the session's classes and the one at hand."""
        session = self._controller.session
        self.setEnabled(session is not None)
        if self.editor is not None:
            self.editor.show_state()
        shown = _shown_of(session)
        if session is None or shown == self._shown:
            return
        self._shown = shown
        blocker = QSignalBlocker(self.combo)
        self.combo.clear()
        self.combo.addItem(NO_CLASS, "")
        for name, colour in session.classes.colours.items():
            self.combo.addItem(colour_icon(colour), name, name)
        self.combo.setCurrentIndex(self.combo.findData(session.settings.class_name))
        del blocker

    def open_editor(self) -> ClassEditor:
        """Open the list of classes."""
        if self.editor is None:
            self.editor = ClassEditor(self._controller, self)
        self.editor.show_state()
        self.editor.show()
        self.editor.raise_()
        return self.editor

    def _choose(self) -> None:
        self._controller.objects.use_class(str(self.combo.currentData()))


class ClassEditor(QDialog):
    """The list of classes: double-click or F2 renames one.

    Parameters
    ----------
    controller : Controller
    parent : QWidget
    """

    def __init__(self, controller: Controller, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Classes")
        self._controller = controller
        self._shown: tuple[Any, ...] = ()
        self.list = QListWidget()
        triggers = QAbstractItemView.EditTrigger
        self.list.setEditTriggers(triggers.DoubleClicked | triggers.EditKeyPressed)
        self.list.itemChanged.connect(self._on_edited)
        self.list.currentRowChanged.connect(lambda _: self._enable())
        # What a mistake was is told here: the dock may lie behind.
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        self.buttons = {
            "add": self._button("Add", self.add),
            "rename": self._button("Rename", self.rename),
            "colour": self._button("Colour …", self.recolour),
            "remove": self._button("Remove", self.remove),
        }
        self._lay_out()

    # --- showing ------------------------------------------------------------------------

    def show_state(self) -> None:
        """Show the classes as they are."""
        session = self._controller.session
        shown = _shown_of(session)[:2]
        if session is None or shown == self._shown:
            return
        self._shown = shown
        row = self.list.currentRow()
        blocker = QSignalBlocker(self.list)
        self.list.clear()
        for name, colour in session.classes.colours.items():
            item = QListWidgetItem(colour_icon(colour), name)
            item.setData(_NAME, name)
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
        self.list.setCurrentRow(min(max(row, 0), self.list.count() - 1))
        del blocker
        self._enable()

    def _enable(self) -> None:
        chosen = self.list.currentRow() >= 0
        for name in ("rename", "colour", "remove"):
            self.buttons[name].setEnabled(chosen)

    # --- acting -------------------------------------------------------------------------

    def add(self) -> None:
        """Add a class, and let its name be typed."""
        session = self._controller.session
        if session is None:
            return
        count = len(session.classes) + 1
        while f"class {count}" in session.classes:
            count += 1
        self._controller.objects.add_class(f"class {count}")
        self.show_state()
        self.list.setCurrentRow(self.list.count() - 1)
        self.rename()

    def rename(self) -> None:
        """Let the name of the chosen class be typed."""
        item = self.list.currentItem()
        if item is not None:
            self.list.editItem(item)

    def recolour(self) -> None:
        """Choose another colour for the chosen class."""
        session, name = self._controller.session, self._chosen()
        if session is None or name is None:
            return
        colour = self.ask_colour(session.classes.colour(name))
        if colour is not None:
            self._controller.objects.recolour_class(name, colour)

    def remove(self) -> None:
        """Take the chosen class off the list, unless objects have it."""
        name = self._chosen()
        if name is not None:
            self._tell(lambda: self._controller.objects.remove_class(name))

    def ask_colour(self, colour: str) -> str | None:
        """Ask for a colour ``#rrggbb``; None where none is chosen."""
        chosen = QColorDialog.getColor(QColor(colour), self, "Colour of the class")
        return chosen.name() if chosen.isValid() else None

    def _on_edited(self, item: QListWidgetItem) -> None:
        name, to = str(item.data(_NAME)), item.text()
        self._tell(lambda: self._controller.objects.rename_class(name, to))
        # A name that was refused goes back to what it was.
        self._shown = ()
        self.show_state()

    def _tell(self, act: Any) -> None:
        self.problem.setText("")
        said = self._controller.messages.reported.connect(self._hear)
        try:
            act()
        finally:
            self._controller.messages.reported.disconnect(said)

    def _hear(self, message: str, level: str) -> None:
        if level != "info":
            self.problem.setText(message)

    def _chosen(self) -> str | None:
        item = self.list.currentItem()
        return None if item is None else str(item.data(_NAME))

    # --- making -------------------------------------------------------------------------

    def _button(self, text: str, act: Any) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)  # Return ends the typing of a name
        button.clicked.connect(lambda: act())
        return button

    def _lay_out(self) -> None:
        grid = QGridLayout()
        for at, button in enumerate(self.buttons.values()):
            grid.addWidget(button, *divmod(at, 2))
        whole = QVBoxLayout(self)
        whole.addWidget(self.list)
        whole.addWidget(self.problem)
        whole.addLayout(grid)
        self.resize(260, 300)


def _shown_of(session: Session | None) -> tuple[Any, ...]:
    """Return what is shown of a session's classes, to tell whether it has changed."""
    if session is None:
        return ()
    return id(session), tuple(session.classes.colours.items()), session.settings.class_name
