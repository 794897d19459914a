"""The part of the dock that carries an object through a stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from napari.utils.theme import get_theme
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.propagation import Rules
from napari_fclick.widgets.choosers import keep_narrow
from napari_fclick.widgets.layers import pixel_size
from napari_fclick.widgets.numbers import number_box
from napari_fclick.widgets.sections import Section, form_in
from napari_fclick.widgets.stacks.form import RulesForm
from napari_fclick.widgets.stacks.lines import spacing_of
from napari_fclick.widgets.stacks.model import CarriedObject, Choices
from napari_fclick.widgets.stacks.strip import DriftStrip
from napari_fclick.widgets.stacks.texts import describe_ends, describe_progress
from napari_fclick.widgets.stacks.tool import StackTool, why_no_stack
from napari_fclick.widgets.texts import TextLine

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

DIRECTIONS = {"both": "both ways", "up": "to higher slices", "down": "to lower slices"}


class Range(QWidget):
    """The first and the last slice to go to, each with a box to tick.

    Where one is moved beyond the other, the other goes with it.

    Parameters
    ----------
    changed : callable
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.ticks: dict[str, QCheckBox] = {}
        self.boxes: dict[str, QSpinBox] = {}
        self._changed, self._length = changed, 0
        self._known: dict[int, dict[str, int | None]] = {}
        texts = {"first": ("from", "down"), "last": ("to", "up")}
        for name, (text, way) in texts.items():
            tick, box = QCheckBox(text), number_box(whole=True)
            assert isinstance(box, QSpinBox)
            self.ticks[name], self.boxes[name] = tick, box
            tip = f"Go no farther {way} than this slice; without the tick, to the stack's end"
            for widget in (tick, box):
                widget.setToolTip(tip)
            box.setAccessibleName(f"{name} slice")
            box.setEnabled(False)
            tick.toggled.connect(box.setEnabled)
            tick.toggled.connect(lambda _, name=name: self._on_moved(name))
            box.valueChanged.connect(lambda _, name=name: self._on_moved(name))
            row.addWidget(tick)
            row.addWidget(box, 1)

    def _on_moved(self, name: str) -> None:
        first, last = self.rules["first"], self.rules["last"]
        if first is not None and last is not None and first > last:
            other = self.boxes["last" if name == "first" else "first"]
            blocked = QSignalBlocker(other)
            other.setValue(self.boxes[name].value())
            del blocked
        self._changed()

    def set_length(self, length: int) -> None:
        """Offer the slices of a stack; a range that was chosen for another length is kept aside."""
        if length == self._length:
            return
        before = self.rules
        self._known[self._length], self._length = before, length
        self._show(self._known.get(length, {}))
        if self.rules != before:
            self._changed()

    def _show(self, rules: Mapping[str, int | None]) -> None:
        ends = {"first": 0, "last": self._length - 1}
        widgets = (*self.boxes.values(), *self.ticks.values())
        blocked = [QSignalBlocker(widget) for widget in widgets]
        for name, box in self.boxes.items():
            value = rules.get(name)
            box.setRange(0, self._length - 1)
            box.setValue(ends[name] if value is None else value)
            box.setEnabled(value is not None)
            self.ticks[name].setChecked(value is not None)
        del blocked

    @property
    def rules(self) -> dict[str, int | None]:
        """The ends, None where there is none."""
        return {
            name: self.boxes[name].value() if tick.isChecked() else None
            for name, tick in self.ticks.items()
        }


class StackPanel(QWidget):
    """Start, direction, range, rules, progress, and the drift strip.

    Parameters
    ----------
    controller : Controller

    Attributes
    ----------
    buttons : dict of str to QPushButton
        By the action's name: "propagate", "propagate_all", "worst_next", "not_here", "good_as_is".
    strip : DriftStrip
    rules : Section
        When to stop.
    """

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller, self._tool = controller, controller.stacks
        self._drawn: tuple[Any, ...] = ()
        self._make_choosers()
        self._make_buttons()
        self._make_rest()
        self._lay_out()
        self._tool.changed.connect(self.show_state)
        controller.changed.connect(self.show_state)
        controller.viewer.events.theme.connect(self._on_theme)
        self._on_theme()
        self.show_state()

    def close_links(self) -> None:
        """No longer follow controller and viewer."""
        self._tool.changed.disconnect(self.show_state, missing_ok=True)
        self._controller.changed.disconnect(self.show_state, missing_ok=True)
        self._controller.viewer.events.theme.disconnect(self._on_theme)

    # --- making -------------------------------------------------------------------------

    def _make_choosers(self) -> None:
        self.axes, self.directions = QComboBox(), QComboBox()
        self.axes.setToolTip("The axis along which the slices lie: any that is not on show")
        self.axes.activated.connect(lambda _: self._tool.choose_axis(self.axes.currentData()))
        self.directions.setToolTip("Which way to go beyond the slices that you clicked")
        for name, text in DIRECTIONS.items():
            self.directions.addItem(text, name)
        self.directions.activated.connect(lambda _: self._choose())
        for combo in (self.axes, self.directions):
            keep_narrow(combo)
        self.range = Range(self._choose)

    def _make_buttons(self) -> None:
        texts = {
            "propagate": ("Propagate", self._tool.toggle),
            "propagate_all": ("All here", self._tool.one_by_one.begin),
            "good_as_is": ("Good as it is", self._tool.good_as_is),
            "not_here": ("Not here", self._tool.not_here),
            "worst_next": ("Worst next", self._tool.worst_next),
        }
        self.buttons = {}
        for name, (text, act) in texts.items():
            button = self.buttons[name] = QPushButton(text)
            button.setMinimumWidth(60)
            button.clicked.connect(lambda _=False, act=act: act())

    def _make_rest(self) -> None:
        self.progress, self.ends = TextLine(), TextLine()
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(6)
        self.bar.setToolTip("The object is being carried; the button above stops it")
        self.bar.setAccessibleName("The object is being carried")
        self.strip = DriftStrip()
        self.strip.jumped.connect(self._tool.show_slice)
        self._form = RulesForm()
        self._form.changed.connect(self._choose)
        self.rules = Section("Rules", self._form, unfolded=False)
        self.rules.setToolTip("When to stop")

    def _lay_out(self) -> None:
        self._where = QWidget()
        form = form_in(self._where)
        form.addRow("Along", self.axes)
        form.addRow("Direction", self.directions)
        form.addRow(self.range)
        grid = QGridLayout()
        grid.addWidget(self.buttons["propagate"], 0, 0, 1, 2)
        grid.addWidget(self.buttons["propagate_all"], 0, 2)
        for column, name in enumerate(("good_as_is", "not_here", "worst_next")):
            grid.addWidget(self.buttons[name], 1, column)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addWidget(self._where)
        whole.addLayout(grid)
        for widget in (self.bar, self.progress, self.strip, self.ends, self.rules):
            whole.addWidget(widget)

    # --- choosing -----------------------------------------------------------------------

    def _choose(self) -> None:
        rules = Rules(**self.range.rules, **self._form.values)
        self._tool.choose(Choices(self.directions.currentData(), rules))

    # --- showing ------------------------------------------------------------------------

    def show_state(self) -> None:
        """Show the object as it is now."""
        tool = self._tool
        self._show_axes()
        problem = why_no_stack(tool.axis)
        self._where.setEnabled(not problem)
        if tool.line is not None:
            _, row, _ = spacing_of(self._controller.image, tool.line)
            self._form.fields["shift"].measure(row)
        current = tool.current
        self.bar.setVisible(tool.running or tool.one_by_one.underway)
        self._show_buttons(current, problem)
        then = " · accepted then" if current is not None and self._controller.accepting else ""
        self.progress.setText(problem or _said(tool, current) + then)
        self.ends.setText("" if current is None else "\n".join(describe_ends(current)))
        self.ends.setVisible(bool(self.ends.text()))
        self._show_strip(current)

    def _show_axes(self) -> None:
        axes, chosen = self._tool.axes, self._tool.axis
        blocked = QSignalBlocker(self.axes)
        texts = [f"{axis.name} ({axis.length} slices)" for axis in axes]
        if texts != [self.axes.itemText(i) for i in range(self.axes.count())]:
            self.axes.clear()
            for axis, text in zip(axes, texts, strict=True):
                self.axes.addItem(text, axis.number)
        del blocked
        if chosen is not None:
            self.axes.setCurrentIndex(self.axes.findData(chosen.number))
            self.range.set_length(chosen.length)

    def _show_buttons(self, current: CarriedObject | None, problem: str) -> None:
        text = "Propagate"
        one_by_one = self._tool.one_by_one
        if self._tool.running or one_by_one.underway:
            text = "Stop"
        elif current is not None and current.phase == "stopped":
            text = "Go on"
        self.buttons["propagate"].setText(text)
        session = self._controller.session
        absent = session is not None and session.draft.absent
        self.buttons["not_here"].setText("It is here" if absent else "Not here")
        possible = {
            "propagate": not problem,
            "propagate_all": not problem and current is None and not one_by_one.underway,
            "not_here": not problem,
            "good_as_is": self._tool.carried is not None,
            "worst_next": current is not None or bool(self._controller.doubts),
        }
        for name, on in possible.items():
            self.buttons[name].setEnabled(on)

    def _show_strip(self, current: CarriedObject | None) -> None:
        self.strip.setVisible(current is not None and bool(current.slices))
        index = self._tool.index
        if index is not None:
            self.strip.show_here(index)
        if current is None or not current.slices:
            return
        pixel = pixel_size(self._controller.image, current.line.base.axes) or (1.0, "px")
        # Moving through the slices draws nothing but the line anew.
        now = (current, current.version, tuple(current.drafts()), pixel)
        if now == self._drawn:
            return
        self._drawn = now
        self.strip.show_object(current, *pixel)

    def _on_theme(self, event: Any = None) -> None:
        self.strip.show_colours(get_theme(self._controller.viewer.theme).text.as_hex())


def _said(tool: StackTool, current: CarriedObject | None) -> str:
    turn = tool.one_by_one.text
    if current is not None:
        return f"{turn}: {describe_progress(current)}" if turn else describe_progress(current)
    if turn:
        return turn
    return "Click on the object in one slice or several, then propagate"
