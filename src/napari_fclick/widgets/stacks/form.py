"""A form made from pydantic models: titles, descriptions, ranges, and what may be off."""

from __future__ import annotations

import math
import types
import typing
from typing import Any

from psygnal import Signal
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QWidget,
)

from napari_fclick.widgets.wheel import WheelGuard

MOST = 1e6
#: So many pixels is the length that a rule begins with when it is switched on.
BEGIN = 10


class NumberField:
    """A number, with a box to tick where it may be None.

    Parameters
    ----------
    name : str
    info : FieldInfo
        Its type is int, float, or one of them or None.

    Attributes
    ----------
    head : QLabel or QCheckBox
        The title.
    spin : QSpinBox or QDoubleSpinBox
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, name: str, info: FieldInfo) -> None:
        kinds = _kinds(info)
        self.name, self._optional = name, type(None) in kinds
        self._pixel: float | None = None
        whole = int in kinds
        self.spin = number_box(whole)
        low, high, step = _range(info, whole)
        self.spin.setRange(low, high)  # type: ignore[arg-type]
        self.spin.setSingleStep(step)  # type: ignore[arg-type]
        title = info.title or name
        self.head: QLabel | QCheckBox = QCheckBox(title) if self._optional else QLabel(title)
        self.spin.setAccessibleName(title)
        off = "\nWithout the tick, it does not count." if self._optional else ""
        for widget in (self.head, self.spin):
            widget.setToolTip(f"{info.description or title}{off}")
        self.value = info.default
        if isinstance(self.head, QCheckBox):
            self.head.toggled.connect(self._on_toggled)
        self.spin.valueChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> float | int | None:
        """The number; None where it is off."""
        on = not isinstance(self.head, QCheckBox) or self.head.isChecked()
        return self.spin.value() if on else None

    @value.setter
    def value(self, value: float | int | None) -> None:
        if isinstance(self.head, QCheckBox):
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


class ModelForm(QWidget):
    """The number fields of pydantic models, one below the other.

    Parameters
    ----------
    models : type of BaseModel
    without : tuple of str
        Fields that are chosen elsewhere.

    Attributes
    ----------
    fields : dict of str to NumberField
    changed : Signal()
    """

    changed = Signal()

    def __init__(self, *models: type[BaseModel], without: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.fields: dict[str, NumberField] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(2)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 1)
        for model in models:
            for name, info in model.model_fields.items():
                if name not in without:
                    self._add(grid, NumberField(name, info))

    def values(self, model: type[BaseModel]) -> dict[str, Any]:
        """Return the fields of a model as they are shown."""
        return {name: f.value for name, f in self.fields.items() if name in model.model_fields}

    def _add(self, grid: QGridLayout, made: NumberField) -> None:
        row = grid.rowCount()
        grid.addWidget(made.head, row, 0)
        grid.addWidget(made.spin, row, 1)
        made.changed.connect(self.changed.emit)
        self.fields[made.name] = made


def number_box(whole: bool) -> QSpinBox | QDoubleSpinBox:
    """Return a box for a number that changes when it is typed in full, not by scrolling past."""
    spin: QSpinBox | QDoubleSpinBox = QSpinBox() if whole else QDoubleSpinBox()
    spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    spin.installEventFilter(WheelGuard(spin))
    spin.setKeyboardTracking(False)
    spin.setMinimumWidth(56)
    spin.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
    return spin


def _kinds(info: FieldInfo) -> tuple[Any, ...]:
    if typing.get_origin(info.annotation) in (typing.Union, types.UnionType):
        return typing.get_args(info.annotation)
    return (info.annotation,)


def _range(info: FieldInfo, whole: bool) -> tuple[float, float, float]:
    """Return the least and the greatest number, and the step."""
    limits = {
        name: getattr(part, name)
        for part in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if hasattr(part, name)
    }
    high = limits.get("le", limits.get("lt", MOST))
    step = 1 if whole else (0.05 if high <= 1 else 0.1)
    low = limits.get("ge", limits.get("gt", 0) + (step if "gt" in limits else 0))
    return (int(low), int(high), step) if whole else (low, high, step)
