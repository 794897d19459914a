"""The part of the dock for stacks."""

from __future__ import annotations

from tests.widgets.stacks.conftest import OpenStack
from tests.widgets.stacks.fakes import CLICK, tube

from napari_fclick.propagation import Rules


def test_rules_and_range_are_chosen_in_the_panel(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    panel = dock.widget.stack
    panel.rules.expand(False)
    dock.click(*CLICK)
    panel.buttons["propagate"].click()
    dock.wait()
    assert dock.tool.count == 7
    assert panel.ends.text().startswith("Down to slice 1: ")
    panel.range.ticks["last"].setChecked(True)
    panel.range.boxes["last"].setValue(5)
    dock.wait()
    assert dock.tool.count == 5
    assert panel.ends.text().endswith("Up to slice 5: end of the range")
    panel._form.fields["empty"].value = 2
    dock.wait()
    assert dock.tool.choices.rules.empty == 2
    panel.directions.setCurrentIndex(panel.directions.findData("up"))
    panel.directions.activated.emit(1)
    dock.wait()
    assert dock.tool.count == 2


def test_a_range_belongs_to_stacks_of_its_length(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    chosen = dock.widget.stack.range
    chosen.boxes["first"].setValue(3)
    chosen.ticks["first"].setChecked(True)
    dock.click(*CLICK)
    dock.propagate()
    first = dock.controller.image
    assert dock.tool.count == 5
    dock.controller.annotated.choose_image(
        dock.controller.viewer.add_image(tube((6, 40, 50), 0, 5))
    )
    assert dock.tool.choices.rules == Rules()
    assert chosen.boxes["last"].value() == 5 and not chosen.boxes["first"].isEnabled()
    dock.controller.annotated.choose_image(first)
    dock.wait()
    assert dock.tool.choices.rules == Rules(first=3)
    assert chosen.ticks["first"].isChecked() and chosen.boxes["first"].isEnabled()
    assert dock.tool.count == 5 and dock.tool.current.phase == "done"  # type: ignore[union-attr]


def test_a_range_does_not_end_before_it_begins(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    chosen = dock.widget.stack.range
    chosen.ticks["last"].setChecked(True)
    chosen.boxes["last"].setValue(5)
    chosen.ticks["first"].setChecked(True)
    assert dock.tool.choices.rules == Rules(first=0, last=5)
    chosen.boxes["first"].setValue(6)
    assert dock.tool.choices.rules == Rules(first=6, last=6)
    chosen.boxes["last"].setValue(2)
    assert dock.tool.choices.rules == Rules(first=2, last=2)
    chosen.ticks["first"].setChecked(False)
    chosen.boxes["last"].setValue(1)
    chosen.ticks["first"].setChecked(True)
    assert dock.tool.choices.rules == Rules(first=2, last=2)


def test_areas_have_the_unit_of_the_scale(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4, scale=(2, 0.5, 0.5))
    dock.click(*CLICK)
    dock.propagate()
    strip = dock.widget.stack.strip
    assert strip._area_title.text() == "Area in px" and set(strip.area.getData()[1]) == {180}
    dock.controller.image.units = ("um",) * 3
    dock.wait()
    assert strip._area_title.text() == "Area in µm²" and set(strip.area.getData()[1]) == {45}


def test_another_scale_is_followed(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4, units=("um",) * 3)
    panel = dock.widget.stack
    panel.rules.expand(False)
    dock.click(*CLICK)
    dock.propagate()
    assert set(panel.strip.area.getData()[1]) == {180}
    dock.predictor.asked.clear()
    dock.controller.image.scale = (3, 0.5, 0.5)
    dock.wait()
    assert set(panel.strip.area.getData()[1]) == {45}
    propagation = dock.tool.current.carrying.propagation  # type: ignore[union-attr]
    assert propagation is not None and propagation.stack.spacing == (3, 0.5, 0.5)
    assert set(dock.predictor.asked) == {0, 1, 2, 3, 5, 6, 7, 8}  # the click has its answer
    shift = panel._form.fields["shift"].head
    shift.setChecked(True)  # type: ignore[union-attr]
    assert dock.tool.choices.rules.shift == 5


def test_what_can_be_done_now_is_enabled_and_all_have_tooltips(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    panel = dock.widget.stack
    assert panel.strip.isHidden() and panel.bar.isHidden()
    enabled = {name for name, button in panel.buttons.items() if button.isEnabled()}
    assert enabled == {"propagate", "propagate_all", "not_here"}
    dock.click(*CLICK)
    dock.propagate()
    dock.go(5)
    enabled = {name for name, button in panel.buttons.items() if button.isEnabled()}
    assert enabled == {*panel.buttons} - {"propagate_all"}
    assert not panel.strip.isHidden() and panel.strip.here[0].value() == 5
    parts = [panel.axes, panel.directions, panel.bar, *panel.buttons.values()]
    parts += [*panel.range.ticks.values(), *panel.range.boxes.values()]
    assert all(part.toolTip() for part in parts)
    panel.strip.jumped.emit(2)
    assert dock.tool.index == 2
    panel.buttons["not_here"].click()
    assert panel.buttons["not_here"].text() == "It is here"


def test_the_dock_stays_narrow(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    dock.propagate()
    dock.widget.stack.rules.expand(False)
    dock.wait()
    assert dock.widget.minimumSizeHint().width() <= 325


def test_colours_follow_the_theme(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    viewer, axis = dock.controller.viewer, dock.widget.stack.strip._drift.getAxis("left")
    before = axis.textPen().color().name()
    viewer.theme = "light"
    assert axis.textPen().color().name() != before
