"""What a fine-tuning came to: the verdict, the figures, and what can be done with the weights."""

from __future__ import annotations

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_fclick.widgets.finetuning.gallery import Gallery
from napari_fclick.widgets.finetuning.outcome import ComparisonTable, FigureRow, Outcome
from napari_fclick.widgets.finetuning.texts import SelectableLine
from napari_fclick.widgets.saving import ask_to_save
from napari_fclick.widgets.sections import Section

#: Colours of what got better and worse, on dark and on light ground; signs differ, too.
GOOD, BAD = "#0f9fa8", "#d98a00"
MARKS = {1: ("✓", GOOD), 0: ("", ""), -1: ("✕", BAD)}
EXPORTS = {".safetensors": "Weights file …", ".zip": "bioimage.io package …"}


class FiguresTable(QWidget):
    """Figures before and after, and the interval of their change."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(6)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)

    def show_table(self, title: str, table: ComparisonTable) -> None:
        """Show a comparison under a title."""
        while (item := self._grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        heads = (title, "old → new", "change, 95 %")
        for column, head in enumerate(heads):
            self._put(0, column, head, "font-weight: bold")
        for row, figure in enumerate(table.figures, 1):
            self._show_figure(row, figure)
        self.setToolTip(
            f"Means over {table.objects} objects of {table.images} images, and the 95 % interval "
            "of the change. Clicks: what a robot needs until object and mask overlap by so much; "
            "fewer are better. IoU: their overlap after so many clicks; more is better."
        )

    def _show_figure(self, row: int, figure: FigureRow) -> None:
        mark, colour = MARKS[figure.direction]
        self._put(row, 0, figure.label)
        self._put(row, 1, f"{figure.before:.2f} → {figure.after:.2f}")
        style = f"color: {colour}" if colour else ""
        self._put(row, 2, f"{_signed(figure.low)} … {_signed(figure.high)} {mark}", style)

    def _put(self, row: int, column: int, text: str, style: str = "") -> None:
        # Where there is little room, it is the words that are cut off, not the figures.
        label = QElidingLabel(text) if column == 0 else QLabel(text)
        if column == 0:
            label.setToolTip(text)
        label.setStyleSheet(f"font-size: 11px; {style}")
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        if column == 0:  # it takes the room that is left
            self._grid.addWidget(label, row, column)
        else:
            self._grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignRight)


class ResultView(QWidget):
    """The result of a fine-tuning.

    Attributes
    ----------
    promoted : Signal()
        The user wants to use the new weights.
    exported : Signal(Path)
        The user wants them in this file; its ending says of which kind.
    """

    promoted = Signal()
    exported = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._outcome: Outcome | None = None
        self.headline, self.reasons = SelectableLine(), SelectableLine()
        self.own, self.general = FiguresTable(), FiguresTable()
        self.gallery = Gallery()
        self.changed = Section("Objects that changed most", self.gallery)
        self._make_buttons()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.headline, self.reasons):
            column.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.promote, 1)
        buttons.addWidget(self.export)
        column.addLayout(buttons)
        for part in (self.own, self.general, self.changed):
            column.addWidget(part)

    def _make_buttons(self) -> None:
        self.promote, self.export = QPushButton("Use the new weights"), QPushButton("Export")
        self.promote.clicked.connect(lambda: self.promoted.emit())
        self.export.setToolTip("Keep the weights in a file of your own, promoted or not")
        menu = QMenu(self.export)
        self.exports = {suffix: QAction(text, self) for suffix, text in EXPORTS.items()}
        for suffix, action in self.exports.items():
            action.triggered.connect(lambda _=False, s=suffix: self._ask(s))
            menu.addAction(action)
        self.export.setMenu(menu)

    def show_outcome(self, outcome: Outcome, in_use: bool, active: str | None = None) -> None:
        """Show a result.

        Parameters
        ----------
        outcome : Outcome
        in_use : bool
            Whether its weights are in use already.
        active : str, optional
            The name of the weights in use.
        """
        mark, colour = MARKS[1 if outcome.promoted else -1]
        self.headline.setText(f"{mark} {outcome.headline_beside(None if in_use else active)}")
        self.headline.setStyleSheet(f"font-weight: bold; font-size: 15px; color: {colour}")
        if outcome is not self._outcome:
            self._outcome = outcome
            told = [*outcome.reasons, *([outcome.note] if outcome.note else [])]
            self.reasons.setText("\n".join(f"• {each}" for each in told))
            self._show_tables(outcome)
            self.gallery.show_objects((), ())
            self.changed.hide()
        self._show_promotion(outcome, in_use)

    def _show_tables(self, outcome: Outcome) -> None:
        tables = ((self.own, "Your images", outcome.validation),
                  (self.general, "General set", outcome.general))  # fmt: skip
        for view, title, table in tables:
            view.setVisible(table is not None)
            if table is not None:
                view.show_table(title, table)

    def _show_promotion(self, outcome: Outcome, in_use: bool) -> None:
        self.promote.setEnabled(outcome.promoted and outcome.out is not None and not in_use)
        self.promote.setText("In use" if in_use else "Use the new weights")
        self.export.setEnabled(outcome.out is not None)
        if outcome.promoted:
            tip = "From now on, in this window and in later ones; Roll back undoes it"
        else:
            tip = f"Not offered: {outcome.reasons[0] if outcome.reasons else outcome.headline}"
        self.promote.setToolTip(tip)

    def show_gallery(self) -> None:
        """Show the pictures, if there are any."""
        self.changed.setVisible(bool(self.gallery.rows))

    def _ask(self, suffix: str) -> None:
        if self._outcome is None or self._outcome.out is None:
            return
        # Of refused weights the name says so, too.
        refused = "" if self._outcome.promoted else ".rejected"
        stem = self._outcome.out.name.removesuffix(".safetensors").removesuffix(refused)
        suggested = f"{stem}{refused}{suffix}"
        path = ask_to_save(self, "Export", suggested, suffix)
        if path is not None:
            self.exported.emit(path)


def _signed(number: float) -> str:
    """Return a number with its sign; a minus as wide as a plus, and none of zero."""
    return f"{round(number, 2) + 0.0:+.2f}".replace("-", "\N{MINUS SIGN}")
