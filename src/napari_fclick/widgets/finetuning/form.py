"""A form made from a pydantic model: titles, descriptions, ranges."""

from __future__ import annotations

import math
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from magicgui.widgets import create_widget
from psygnal import Signal
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractSpinBox, QComboBox, QVBoxLayout, QWidget

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.widgets.choosers import keep_narrow
from napari_fclick.widgets.finetuning.paths import FoldersEdit
from napari_fclick.widgets.numbers import WheelGuard, limits_of
from napari_fclick.widgets.sections import Section, form_in

#: Fields that are names to choose from, and what there is until it is known.
NAMES: Mapping[str, Sequence[str]] = {"weights": ("default",), "device": ("auto", "cpu")}


class Field(Protocol):
    """What shows one option."""

    value: Any

    @property
    def native(self) -> QWidget:
        """The widget."""


class OptionsForm(QWidget):
    """All options; those marked as advanced are behind "More".

    Attributes
    ----------
    changed : Signal()
    fields : dict of str to Field
        By the option's name; each has a ``value``.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.fields = {
            name: _field(name, info) for name, info in FineTuneOptions.model_fields.items()
        }
        self._guard = WheelGuard(self)
        for name, info in FineTuneOptions.model_fields.items():
            self._prepare(self.fields[name], info)
        infos = FineTuneOptions.model_fields
        advanced = [name for name in infos if _is_advanced(infos[name])]
        self.more = Section("More", _rows(self.fields, advanced), unfolded=False)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(_rows(self.fields, [name for name in infos if name not in advanced]))
        column.addWidget(self.more)

    @property
    def options(self) -> FineTuneOptions:
        """What the form shows.

        Raises
        ------
        ValueError
            That names the option which is out of range.
        """
        values = {name: field.value for name, field in self.fields.items()}
        try:
            return FineTuneOptions.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            info = FineTuneOptions.model_fields[str(first["loc"][0])]
            reason = first["msg"].removeprefix("Input ")
            raise ValueError(f"{info.title}: {first['input']} {reason}") from None

    def show_options(self, options: FineTuneOptions) -> None:
        """Show these."""
        for name, field in self.fields.items():
            value = getattr(options, name)
            if name in NAMES and value not in field.choices:
                field.choices = (*field.choices, value)
            field.value = value

    def offer(self, name: str, choices: Sequence[str]) -> None:
        """Offer these names to choose from; the one chosen stays if it is among them."""
        field = self.fields[name]
        chosen = field.value
        field.choices = tuple(choices)
        if chosen in choices:
            field.value = chosen

    def _prepare(self, field: Any, info: FieldInfo) -> None:
        widget = field.native
        widget.setToolTip(info.description or "")
        widget.setAccessibleName(info.title or "")
        field.changed.connect(lambda *_: self.changed.emit())
        if isinstance(widget, QComboBox):
            keep_narrow(widget)
            widget.setMinimumContentsLength(6)
        if isinstance(widget, QComboBox | QAbstractSpinBox):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            widget.installEventFilter(self._guard)


class _Folders:
    """A list of folders as the field of an option: of several, or of one or none."""

    def __init__(self, single: bool) -> None:
        self._single = single
        self.native = FoldersEdit(1 if single else 100)
        self.changed = self.native.changed

    @property
    def value(self) -> Any:
        """A tuple of Path; or one Path, or None."""
        folders = self.native.value
        return next(iter(folders), None) if self._single else folders

    @value.setter
    def value(self, value: Any) -> None:
        self.native.value = ((value,) if value else ()) if self._single else value


class _Needed:
    """A number that may be left open: the lowest that can be chosen stands for none."""

    def __init__(self, info: FieldInfo) -> None:
        limits = _limits(info)
        self._least, self._open = limits["min"], limits["min"] - limits["step"]
        options = {**limits, "min": self._open}
        made = create_widget(value=self._open, annotation=float, options=options)
        self._number = typing.cast(Any, made)
        self.native, self.changed = self._number.native, self._number.changed
        self.native.setSpecialValueText("as needed")

    @property
    def value(self) -> float | None:
        """The number; None where it is open."""
        return None if self._number.value < self._least else float(self._number.value)

    @value.setter
    def value(self, value: float | None) -> None:
        self._number.value = self._open if value is None else value


# --- from a description to a widget -----------------------------------------------------


def _field(name: str, info: FieldInfo) -> Any:
    """Return the widget of an option."""
    kind = info.annotation
    if typing.get_origin(kind) is tuple or Path in typing.get_args(kind):
        return _Folders(single=typing.get_origin(kind) is not tuple)
    if type(None) in typing.get_args(kind):
        return _Needed(info)
    choices = NAMES.get(name)
    if typing.get_origin(kind) is Literal:
        choices = typing.get_args(kind)
    options: dict[str, Any] = {"choices": choices} if choices else {}
    if kind in (int, float):
        options = _limits(info)
    if kind is bool:
        options["text"] = ""  # the title is beside it
    # A choice has no type of its own for magicgui: it is told by its list.
    return create_widget(value=info.default, annotation=None if choices else kind, options=options)


def _limits(info: FieldInfo) -> dict[str, Any]:
    """Return the least and greatest value, and the step, of a number."""
    limits = limits_of(info)
    step = limits.get("multiple_of", 1 if info.annotation is int else _step(info.default))
    least = limits["ge"] if "ge" in limits else limits.get("gt", 0) + step
    return {"min": least, "max": limits.get("le", 2**31 - 1), "step": step}


def _step(default: float) -> float:
    """Return a tenth of a number's order of magnitude."""
    return 10.0 ** (math.floor(math.log10(default or 1)) - 1)


def _is_advanced(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("advanced"))


def _rows(fields: Mapping[str, Field], names: Sequence[str]) -> QWidget:
    part = QWidget()
    form = form_in(part)
    for name in names:
        info = FineTuneOptions.model_fields[name]
        form.addRow(info.title, fields[name].native)
        label = form.labelForField(fields[name].native)
        if label is not None:
            label.setToolTip(info.description or "")
    return part
