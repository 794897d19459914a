"""The list of accepted objects in the dock, and what can be done to them from there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QEvent, QModelIndex, Qt
from qtpy.QtGui import QAction, QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QInputDialog,
    QMenu,
    QPushButton,
    QSizePolicy,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.layers import pixel_size
from napari_fclick.widgets.object_table import CLASS, ID, ObjectTable, colour_icon

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: Rows that are seen at least, and the widths of columns in digits; classes get the rest.
SEEN = 4
WIDTHS = (5, 0, 6, 10, 8)
#: Buttons may be this narrow, in pixels of the screen.
NARROW = 56
#: Keys that move the selection; the dock's own shortcuts leave them to the list.
_MOVING = {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
}
NO_CLASS = "no class"


class ObjectList(QWidget):
    """The objects of the image that is annotated; selecting one shows it.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller
        self._following = False
        self.table = ObjectTable()
        self.view = ObjectView(self.table)
        self._make_actions()
        self._lay_out()
        selection = self.view.selectionModel()
        assert selection is not None
        selection.selectionChanged.connect(lambda *_: self._on_selected())
        self.view.activated.connect(lambda _: self.actions_by_name["correct"].trigger())
        controller.changed.connect(self.show_state)
        controller.finding.changed.connect(self._show_finding)
        controller.objects.list_wanted.connect(self.focus)
        controller.doubts.shown.connect(self._follow)
        self.show_state()

    def close_links(self) -> None:
        """No longer follow the controller and its sessions."""
        self._controller.changed.disconnect(self.show_state)
        self._controller.finding.changed.disconnect(self._show_finding, missing_ok=True)
        self._controller.objects.list_wanted.disconnect(self.focus)
        self._controller.doubts.shown.disconnect(self._follow)
        self.table.close()

    def focus(self) -> None:
        """Take the keyboard."""
        self.view.setFocus()

    @property
    def selected(self) -> list[int]:
        """The numbers of the selected objects, in the order of the rows."""
        selection = self.view.selectionModel()
        rows = [] if selection is None else selection.selectedRows()
        return [self.table.label_at(row) for row in sorted(index.row() for index in rows)]

    def select(self, *labels: int) -> None:
        """Select objects, as the mouse would."""
        selection = self.view.selectionModel()
        assert selection is not None
        selection.clearSelection()
        mode = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
        for label in labels:
            row = self.table.row_of(label)
            if row is not None:
                selection.select(self.table.index(row, ID), mode)

    # --- showing ------------------------------------------------------------------------

    def show_state(self) -> None:
        """Show the objects of the session on hand."""
        session = self._controller.session
        pixel = None
        if session is not None:
            pixel = pixel_size(self._controller.image, session.place.axes)
        self.table.show_session(session, pixel)
        self._show_finding()
        self._enable()

    def _show_finding(self) -> None:
        finding = self._controller.finding
        self.find_button.setText(
            f"Stop ({finding.count} found)" if finding.busy else "Find similar"
        )
        self.find_button.setEnabled(self._controller.session is not None)
        self.worst_button.setEnabled(bool(self._controller.doubts))

    def _enable(self) -> None:
        selection = self.view.selectionModel()
        count = 0 if selection is None else len(selection.selectedRows())
        session = self._controller.session
        empty_hand = session is not None and not session.clicks
        one = count == 1
        possible = {"correct": one and empty_hand, "delete": count > 0, "merge": count > 1}
        for name, action in self.actions_by_name.items():
            action.setEnabled(possible.get(name, one))
            self.buttons[name].setEnabled(action.isEnabled())
        self.class_button.setEnabled(count > 0)
        self.class_menu.setEnabled(count > 0)

    def _on_selected(self) -> None:
        self._enable()
        # A row that Qt selects because the one before is gone is no wish to go there.
        chosen = self.selected
        if len(chosen) == 1 and not (self.table.updating or self._following):
            self._controller.objects.show(chosen[0])

    def _follow(self, label: int) -> None:
        """Select an object that is in view already, in whichever plane."""
        row = self.table.row_of(label)
        if row is None:
            return
        self._following = True
        try:
            self.select(label)
        finally:
            self._following = False
        self.view.scrollTo(self.table.index(row, ID))

    # --- acting -------------------------------------------------------------------------

    def _make_actions(self) -> None:
        self.actions_by_name = {
            "correct": self._action("Correct", "Return", self._correct),
            "delete": self._action("Delete", "Del", self._delete),
            "merge": self._action("Merge", "Ctrl+M", self._merge),
            "renumber": self._action("Number …", "F2", self._renumber),
        }
        tips = {
            "correct": "Take the object in hand again: clicks correct it, Accept writes it anew",
            "delete": "Remove the selected objects from the labels",
            "merge": "Make one object of the selected ones: the first row's number stays",
            "renumber": "Give the object another number",
        }
        for name, action in self.actions_by_name.items():
            key = action.shortcut().toString()
            action.setToolTip(f"{tips[name]} ({key} in the list)")
        self.class_menu = QMenu("Class", self)
        self.class_menu.aboutToShow.connect(self._fill_classes)
        self.view.addAction(self.class_menu.menuAction())

    def _action(self, text: str, key: str, act: Callable[[], None]) -> QAction:
        action = QAction(text, self)
        action.setShortcut(key)
        action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        action.triggered.connect(lambda _: act())
        self.view.addAction(action)
        return action

    def _correct(self) -> None:
        if len(chosen := self.selected) == 1:
            self._controller.objects.pick_up(chosen[0])

    def _delete(self) -> None:
        if chosen := self.selected:
            self._controller.objects.delete(chosen)

    def _merge(self) -> None:
        if len(chosen := self.selected) > 1:
            self._controller.objects.merge(chosen)
            self.select(chosen[0])

    def _renumber(self) -> None:
        if len(chosen := self.selected) != 1:
            return
        number = self.ask_number(chosen[0])
        if number is not None and number != chosen[0]:
            self._controller.objects.renumber(chosen[0], number)
            self.select(number)

    def ask_number(self, label: int) -> int | None:
        """Ask for another number; None where it is not given."""
        # Not as a number: those that Qt asks for end at 2 ** 31.
        text, given = QInputDialog.getText(
            self, "Renumber", f"New number of object {label}:", text=str(label)
        )
        if given and not text.strip().isdecimal():
            self._controller.say(f"{text!r} is no number of an object", "warning")
            return None
        return int(text) if given else None

    def _fill_classes(self) -> None:
        self.class_menu.clear()
        session = self._controller.session
        if session is None:
            return
        for name, colour in session.classes.colours.items():
            action = self.class_menu.addAction(colour_icon(colour), name)
            self._connect_class(action, name)
        self._connect_class(self.class_menu.addAction(NO_CLASS), "")

    def _connect_class(self, action: QAction | None, name: str) -> None:
        assert action is not None
        action.triggered.connect(partial(self._classify, name))

    def _classify(self, name: str, checked: bool = False) -> None:
        if chosen := self.selected:
            self._controller.objects.classify(chosen, name)

    # --- making -------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.class_button = QPushButton("Class")
        self.class_button.setToolTip("Give the selected objects a class")
        self.class_button.setMenu(self.class_menu)
        self.buttons: dict[str, QPushButton] = {}
        self.by_class = QCheckBox("Colours by class")
        self.by_class.setToolTip("Draw the labels in the colours of their classes")
        features = self._controller.features
        self.by_class.toggled.connect(lambda on: features.colour_by_class(bool(on)))
        self.find_button = QPushButton("Find similar")
        self.find_button.clicked.connect(lambda _: self._controller.finding.toggle())
        self.worst_button = QPushButton("Worst next")
        tip = "Go to the object that is least certain of those written unseen"
        self.worst_button.setToolTip(f"{tip} ({key_of('worst_next')})")
        self.worst_button.clicked.connect(lambda _: self._controller.stacks.worst_next())
        finding, above, below = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        finding.addWidget(self.find_button, 2)
        finding.addWidget(self.worst_button, 1)
        for name, action in self.actions_by_name.items():
            button = self.buttons[name] = QPushButton(action.text())
            button.setToolTip(action.toolTip())
            button.setMinimumWidth(NARROW)
            button.clicked.connect(action.trigger)
            above.addWidget(button)
        below.addWidget(self.class_button)
        below.addWidget(self.by_class)
        below.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(self.view, 1)
        for row in (finding, above, below):
            row.setSpacing(4)
            whole.addLayout(row)


class ObjectView(QTableView):
    """A table of whole rows, for mouse and keyboard.

    Parameters
    ----------
    table : ObjectTable
    """

    def __init__(self, table: ObjectTable) -> None:
        super().__init__()
        self.setModel(table)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)  # Tab goes on to the buttons
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._size()
        self.sortByColumn(ID, Qt.SortOrder.DescendingOrder)
        self.setSortingEnabled(True)

    def event(self, event: QEvent | None) -> bool:
        """Keep the keys that move the selection from the dock's shortcuts."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and event.key() in _MOVING
        ):
            event.accept()
            return True
        return super().event(event)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:  # noqa: N802
        """Keep the current row in sight, as Qt does, but not while rows come and go."""
        table = self.model()
        if not (isinstance(table, ObjectTable) and table.updating):
            super().currentChanged(current, previous)

    def _size(self) -> None:
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        assert rows is not None
        assert columns is not None
        line = self.fontMetrics().lineSpacing() + 6
        rows.setVisible(False)
        # Of one height, known beforehand: thousands of rows need not be measured.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(line)
        columns.setMinimumSectionSize(24)
        columns.setHighlightSections(False)
        wide = self.fontMetrics().horizontalAdvance("0")
        for column, digits in enumerate(WIDTHS):
            self.setColumnWidth(column, digits * wide)
        columns.setStretchLastSection(False)
        columns.setSectionResizeMode(CLASS, QHeaderView.ResizeMode.Stretch)
        self.setMinimumHeight((SEEN + 1) * line + 10)
