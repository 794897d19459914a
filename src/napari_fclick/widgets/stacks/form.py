"""A form made from the rules: their titles, descriptions and ranges, each with a tick."""

from __future__ import annotations

import math
import typing

from psygnal import Signal
from pydantic.fields import FieldInfo
from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QCheckBox, QDoubleSpinBox, QGridLayout, QWidget

from napari_fclick.propagation import Rules
from napari_fclick.widgets.numbers import limits_of, number_box

#: Fields of the rules that are chosen elsewhere.
RANGE = ("first", "last")
MOST = 1e6
#: So many pixels is the length that a rule begins with when it is switched on.
BEGIN = 10


class RuleField:
    """A number, and a box to tick: without the tick it is None.

    Parameters
    ----------
    info : FieldInfo
        Its type is int or None, or float or None.

    Attributes
    ----------
    head : QCheckBox
        The title.
    spin : QSpinBox or QDoubleSpinBox
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, info: FieldInfo) -> None:
        self._pixel: float | None = None
        whole = int in typing.get_args(info.annotation)
        self.spin = number_box(whole)
        low, high, step = _range(info, whole)
        self.spin.setRange(low, high)  # type: ignore[arg-type]
        self.spin.setSingleStep(step)  # type: ignore[arg-type]
        title = str(info.title)
        self.head = QCheckBox(title)
        self.spin.setAccessibleName(title)
        for widget in (self.head, self.spin):
            widget.setToolTip(f"{info.description}\nWithout the tick, it does not count.")
        self.value = info.default
        self.head.toggled.connect(self._on_toggled)
        self.spin.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> float | int | None:
        """The number; None where it is off."""
        return self.spin.value() if self.head.isChecked() else None

    @value.setter
    def value(self, value: float | int | None) -> None:
        self.head.setChecked(value is not None)
        self.spin.setEnabled(value is not None)
        if value is not None:
            self.spin.setValue(value)  # type: ignore[arg-type]

    def measure(self, pixel: float) -> None:
        """Have a length fit an image: it begins with some pixels, and goes on pixel by pixel.

        Parameters
        ----------
        pixel : float
            Side of a pixel, in the unit of the length. What is chosen stays as it is.
        """
        if pixel == self._pixel or not isinstance(self.spin, QDoubleSpinBox):
            return
        self._pixel = pixel
        chosen, decimals = self.value, max(2, 1 - math.floor(math.log10(pixel)))
        blocked = QSignalBlocker(self.spin)
        if chosen is not None:
            decimals = max(decimals, self.spin.decimals())
        self.spin.setDecimals(decimals)
        self.spin.setMinimum(10.0**-decimals)
        self.spin.setSingleStep(pixel)
        if chosen is None:
            self.spin.setValue(BEGIN * pixel)
        del blocked

    def _on_toggled(self, on: bool) -> None:
        self.spin.setEnabled(on)
        self.changed.emit()


class RulesForm(QWidget):
    """The rules, one below the other.

    Attributes
    ----------
    fields : dict of str to RuleField
    changed : Signal()
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields = {
            name: RuleField(info) for name, info in Rules.model_fields.items() if name not in RANGE
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(2)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 1)
        for row, field in enumerate(self.fields.values()):
            grid.addWidget(field.head, row, 0)
            grid.addWidget(field.spin, row, 1)
            field.changed.connect(self.changed.emit)

    @property
    def values(self) -> dict[str, float | int | None]:
        """The rules as they are shown, by their names."""
        return {name: field.value for name, field in self.fields.items()}


def _range(info: FieldInfo, whole: bool) -> tuple[float, float, float]:
    """Return the least and the greatest number, and the step."""
    limits = limits_of(info)
    high = limits.get("le", MOST)
    step = 1 if whole else (0.05 if high <= 1 else 0.1)
    low = limits.get("ge", limits.get("gt", 0) + (step if "gt" in limits else 0))
    return (int(low), int(high), step) if whole else (low, high, step)
