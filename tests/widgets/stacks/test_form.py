"""A form of the rules, each of which may be off."""

from __future__ import annotations

import pytest

from napari_fclick.propagation import Rules
from napari_fclick.widgets.stacks.form import RANGE, RulesForm

pytestmark = pytest.mark.usefixtures("qapp")


def test_fields_have_titles_ranges_and_tooltips() -> None:
    form = RulesForm()
    assert list(form.fields) == [name for name in Rules.model_fields if name not in RANGE]
    for name, field in form.fields.items():
        info = Rules.model_fields[name]
        assert field.head.text() == info.title
        assert field.spin.toolTip().startswith(info.description)  # type: ignore[arg-type]
    contrast, growth, shift, empty = (
        form.fields[name].spin for name in ("contrast", "growth", "shift", "empty")
    )
    assert (contrast.minimum(), contrast.maximum(), contrast.singleStep()) == (0, 1, 0.05)
    assert growth.minimum() == pytest.approx(1.1) and growth.isEnabled()
    assert empty.minimum() == 1 and empty.singleStep() == 1
    assert not shift.isEnabled()


def test_a_tick_switches_a_rule_off_and_on() -> None:
    form = RulesForm()
    told: list[int] = []
    form.changed.connect(lambda: told.append(1))
    contrast = form.fields["contrast"]
    contrast.head.setChecked(False)
    assert form.values["contrast"] is None and not contrast.spin.isEnabled()
    contrast.head.setChecked(True)
    contrast.spin.setValue(0.7)  # type: ignore[arg-type]
    assert form.values["contrast"] == 0.7 and len(told) == 3


def test_a_length_begins_with_some_pixels() -> None:
    form = RulesForm()
    shift = form.fields["shift"]
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
    assert Rules(**RulesForm().values) == Rules()
