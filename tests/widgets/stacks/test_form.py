"""A form of numbers, some of which may be off."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, Field
from qtpy.QtWidgets import QCheckBox, QLabel

from napari_fclick.propagation import Carry, Rules
from napari_fclick.widgets.stacks.form import ModelForm

pytestmark = pytest.mark.usefixtures("qapp")


class Numbers(BaseModel):
    share: float | None = Field(0.4, ge=0, le=1, title="Share", description="A part of one.")
    times: float | None = Field(None, gt=1, title="Times")
    count: int = Field(2, ge=1, le=5, title="Count", description="How many.")
    hidden: int | None = None


def test_fields_have_titles_ranges_and_tooltips() -> None:
    form = ModelForm(Numbers, without=("hidden",))
    assert list(form.fields) == ["share", "times", "count"]
    share, times, count = form.fields.values()
    assert isinstance(share.head, QCheckBox) and share.head.text() == "Share"
    assert share.spin.toolTip().startswith("A part of one.")
    assert (share.spin.minimum(), share.spin.maximum()) == (0, 1)
    assert isinstance(count.head, QLabel) and (count.spin.minimum(), count.spin.maximum()) == (1, 5)
    assert times.spin.minimum() == pytest.approx(1.1) and not times.spin.isEnabled()
    assert form.values(Numbers) == {"share": 0.4, "times": None, "count": 2}


def test_a_tick_switches_a_rule_off_and_on() -> None:
    form = ModelForm(Numbers)
    told: list[int] = []
    form.changed.connect(lambda: told.append(1))
    share = form.fields["share"]
    assert isinstance(share.head, QCheckBox)
    share.head.setChecked(False)
    assert form.values(Numbers)["share"] is None and not share.spin.isEnabled()
    share.head.setChecked(True)
    share.spin.setValue(0.7)  # type: ignore[arg-type]
    assert form.values(Numbers)["share"] == 0.7 and len(told) == 3


def test_a_length_begins_with_some_pixels() -> None:
    form = ModelForm(Rules)
    shift = form.fields["shift"]
    assert isinstance(shift.head, QCheckBox)
    shift.measure(0.0004)
    shift.head.setChecked(True)
    assert shift.value == pytest.approx(0.004) and shift.spin.singleStep() == 0.0004
    shift.value = 0.0007
    assert shift.value == pytest.approx(0.0007)
    told: list[int] = []
    form.changed.connect(lambda: told.append(1))
    shift.measure(2.0)
    assert shift.value == pytest.approx(0.0007) and not told  # what was chosen stays
    shift.head.setChecked(False)
    shift.measure(3.0)
    shift.head.setChecked(True)
    assert shift.value == 30


def test_every_rule_and_its_default_comes_through() -> None:
    form = ModelForm(Rules, Carry, without=("first", "last", "threshold", "integrity"))
    assert Rules(**form.values(Rules)) == Rules()
    assert Carry(**form.values(Carry)) == Carry()
    assert all(field.spin.toolTip() for field in form.fields.values())
