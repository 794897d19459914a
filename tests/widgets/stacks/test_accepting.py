"""What an object in a stack is accepted as: its masks, its settings, and what it replaces."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tests.widgets.stacks.conftest import OpenStack, StackDock
from tests.widgets.stacks.fakes import CLICK, TUBE, TubePredictor, tube
from tests.widgets.steps import until

from napari_fclick.session.predictions import KnownPredictions
from napari_fclick.widgets import targets
from napari_fclick.widgets.stacks.model import Choices

#: Rows and columns of another object, and of a click in it.
OTHER, OTHER_CLICK = (slice(28, 36), slice(34, 46)), (32.0, 40.0)


def with_labels(dock: StackDock, data: Any) -> None:
    """Have it write into labels that hold something already."""
    dock.controller.annotated.choose_labels(dock.controller.viewer.add_labels(data, name="mine"))


def waits(dock: StackDock, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Carry an object and accept it while the labels, with another one, are being counted."""
    counted, count = threading.Event(), targets.numbers_in

    def slow(labels: Any) -> Any:
        assert counted.wait(20)
        return count(labels)

    monkeypatch.setattr(targets, "numbers_in", slow)
    taken = np.zeros(tube().shape, np.uint8)
    taken[5, 12, 17:19] = 3
    with_labels(dock, taken)
    dock.session.set(class_name="tube")
    dock.controller.click(*CLICK)
    until(lambda: dock.session.prediction is not None)
    dock.tool.propagate()
    until(lambda: not dock.tool.busy)
    dock.controller.accept()
    assert dock.controller.accepting
    return counted


def test_an_object_that_waits_is_accepted_as_it_was(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = open_stack(tube(), at=4)
    counted = waits(dock, monkeypatch)
    dock.controller.adjusting.set(policy="replace")
    dock.session.set(class_name="other")
    counted.set()
    dock.wait()
    assert (dock.controller.labels.data == 3).sum() == 2
    assert dock.slices_of(4) == [1, 2, 3, 4, 5, 6, 7]
    record = dock.session.objects[4]
    assert record.class_name == "tube"
    assert {part.settings.policy.value for part in record.parts} == {"keep"}


def test_an_object_that_waits_is_not_that_of_another_network(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = open_stack(tube(), at=4)
    counted = waits(dock, monkeypatch)
    dock.controller.adjusting.use_layer_limits(True)
    counted.set()
    dock.wait()
    assert "changed meanwhile: accept it once more" in dock.widget.message.text()
    assert not dock.slices_of(4)
    dock.controller.accept()
    assert dock.slices_of(4) == [1, 2, 3, 4, 5, 6, 7]


def test_an_object_is_carried_over_what_it_replaces(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    taken = np.zeros(tube().shape, np.uint8)
    taken[(slice(5, 8), *TUBE)] = 3
    with_labels(dock, taken)
    dock.wait()
    dock.click(*CLICK)
    dock.propagate()
    assert dock.tool.count == 4
    dock.controller.adjusting.set(policy="replace")
    dock.wait()
    assert dock.tool.count == 7
    assert dock.tool.stakes == "overwrites 540 voxels of 3"
    dock.controller.adjusting.set(policy="keep")
    dock.wait()
    assert dock.tool.count == 4
    dock.controller.adjusting.set(policy="replace")
    dock.wait()
    dock.controller.accept()
    assert dock.slices_of(4) == [1, 2, 3, 4, 5, 6, 7] and not dock.slices_of(3)


def test_slices_that_are_not_accepted_along_are_named(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=2)
    for index in (2, 4, 6):
        dock.go(index)
        dock.click(*CLICK)
    dock.controller.accept()
    assert dock.widget.message.text() == (
        "object 1: 180 px; clicks in slices 2, 4 are not part of it: propagate first to make it "
        "one object"
    )
    assert dock.slices_of(1) == [6]
    dock.controller.undo()
    dock.wait()
    dock.propagate()
    dock.controller.accept()
    assert dock.slices_of(1) == [1, 2, 3, 4, 5, 6, 7]
    assert "propagate" not in dock.widget.message.text()


def test_what_led_to_a_mask_is_noted_whatever_is_forgotten(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    dock.session.answers.known = KnownPredictions(max_bytes=1)
    dock.click(*CLICK)
    dock.propagate()
    for index in (6, 2):
        dock.go(index)
        dock.click(20, 20)
        dock.click(20, 21)
    assert not dock.session.answers.trail(dock.session.place.moved(0, 6))
    dock.controller.accept()
    parts = {part.place.index[0]: part for part in dock.session.objects[1].parts}
    asked = {index: [answer.clicks for answer in parts[index].answers] for index in (2, 4, 6)}
    assert asked == {2: [2, 3], 4: [1], 6: [2, 3]}


def two_tubes() -> Any:
    """A stack with two objects side by side, in all slices."""
    data = tube(last=8, first=0)
    data[:, OTHER[0], OTHER[1]] = 200
    return data


def underway(dock: StackDock, tubes: TubePredictor) -> None:
    """Click on an object, propagate, and accept it while it is carried."""
    dock.click(*CLICK)
    tubes.gate = threading.Semaphore(2)
    dock.tool.propagate()
    until(lambda: len(tubes.asked) >= 4 and dock.tool.count)
    dock.controller.accept()
    assert dock.widget.message.text() == "accepted as soon as it was carried; Undo takes that back"
    assert "accepted then" in dock.widget.stack.progress.text()


def let_go_on(dock: StackDock, tubes: TubePredictor) -> None:
    gate, tubes.gate = tubes.gate, None
    assert gate is not None
    for _ in range(100):
        gate.release()
    dock.wait()


def test_an_object_that_is_accepted_while_it_is_carried_is_no_other_one(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(two_tubes(), at=4)
    dock.session.set(class_name="tube")
    underway(dock, tubes)
    dock.session.set(class_name="other")
    dock.go(6)
    dock.controller.click(*OTHER_CLICK)
    assert dock.widget.message.text() == (
        "wait: the object is accepted as soon as it was carried; go on then, or take that back "
        "with Undo"
    )
    dock.controller.accept()  # pressed twice
    let_go_on(dock, tubes)
    assert dock.slices_of(1) == list(range(9))
    assert dock.session.objects[1].class_name == "tube"
    assert (dock.controller.labels.data != 0).sum() == 9 * 12 * 15
    assert not dock.controller.accepting_anywhere and dock.tool.current is None
    assert dock.widget.message.text().startswith("object 1: ")
    dock.click(*OTHER_CLICK)
    dock.propagate()
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data != 0, two_tubes() > 100)
    assert dock.slices_of(2) == list(range(9))
    dock.controller.undo()
    dock.controller.undo()
    dock.wait()
    assert dock.slices_of(1) == list(range(9)) and not dock.slices_of(2)


@pytest.mark.parametrize("what", ["click", "move", "not here", "good", "pick up", "redo"])
def test_nothing_is_changed_of_an_object_that_waits(
    open_stack: OpenStack, tubes: TubePredictor, what: str
) -> None:
    dock = open_stack(tube(), at=4)
    labels = np.zeros(tube().shape, np.uint8)
    labels[:, 30:34, 40:44] = 3
    with_labels(dock, labels)
    dock.wait()
    underway(dock, tubes)
    drafts = dock.session.drafts_along(0)
    if what == "move":
        dock.controller.move(0, 12, 17)
    else:
        until(lambda: 5 in dock.tool.current.slices)  # type: ignore[union-attr]
        dock.go(5)
    if what == "click":
        dock.controller.click(32, 42)
    elif what == "not here":
        dock.tool.not_here()
    elif what == "good":
        dock.tool.good_as_is()
    elif what == "pick up":
        dock.controller.objects.pick_up_at(32, 42)
    elif what == "redo":
        dock.controller.redo()
    assert dock.widget.message.text().startswith("wait: ")
    assert dock.session.drafts_along(0) == drafts
    let_go_on(dock, tubes)
    assert dock.slices_of(4) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    "how", ["undo", "clear", "threshold", "rules", "other plane", "other image", "fails"]
)
def test_what_calls_off_that_an_object_is_accepted(
    open_stack: OpenStack, tubes: TubePredictor, how: str
) -> None:
    one = tube()
    dock = open_stack(np.stack([one, one]), axis_labels=("t", "z", "y", "x"))
    dock.go(4, axis=1)
    underway(dock, tubes)
    kept = "not accepted, what was carried is kept"
    if how == "undo":
        dock.controller.undo()
        assert dock.widget.message.text() == kept
    elif how == "clear":
        dock.controller.clear()
        assert dock.tool.current is None and "accepted" not in dock.widget.message.text()
        dock.controller.undo()
    elif how == "threshold":
        dock.controller.adjusting.set(threshold=0.6)
        assert "changed meanwhile, accept it once more" in dock.widget.message.text()
    elif how == "rules":
        dock.tool.choose(Choices("up"))
        assert "changed meanwhile, accept it once more" in dock.widget.message.text()
    elif how == "other plane":
        dock.go(1, axis=0)
        assert dock.widget.message.text() == kept
    elif how == "other image":
        image = dock.controller.image
        other = dock.controller.viewer.add_image(np.zeros((40, 50), np.uint8), name="other")
        dock.controller.annotated.choose_image(other)
        assert dock.widget.message.text() == kept
        dock.controller.viewer.layers.remove(other)
        dock.controller.annotated.choose_image(image)
    else:
        tubes.error = RuntimeError("out of memory")
    assert dock.controller.accepting_anywhere == (how == "fails")
    assert ("accepted then" in dock.widget.stack.progress.text()) == (how == "fails")
    let_go_on(dock, tubes)
    if how == "fails":
        assert dock.widget.message.text() == f"{kept}: out of memory"
    assert not dock.controller.accepting_anywhere
    assert dock.controller.labels is None and not dock.session.objects
    dock.go(0, axis=0)
    assert dock.session.clicks and dock.tool.count
    dock.controller.accept()
    dock.wait()
    assert dock.controller.labels.data.any()


def test_what_waits_to_be_counted_is_not_mixed_with_the_next_object(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    dock = open_stack(two_tubes(), at=4)
    counted = waits(dock, monkeypatch)
    dock.go(6)
    dock.controller.click(*OTHER_CLICK)
    assert "as soon as the labels are counted" in dock.widget.message.text()
    counted.set()
    dock.wait()
    assert dock.slices_of(4) == list(range(9)) and not dock.session.clicks
    assert not dock.controller.labels.data[:, OTHER[0], OTHER[1]].any()


def test_without_a_network_nothing_waits_to_be_carried(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    dock.propagate()
    dock.controller._predicting.predictor = None
    dock.session.answers.forget()  # as whenever others are to answer
    dock.controller.accept()
    assert dock.widget.message.text() == "no weights are loaded"
    assert not dock.controller.accepting


APART = (
    "the click in slice {} lies apart from what was carried: if it is on another object, undo it, "
    "and accept or clear this one first"
)


def said(dock: StackDock) -> str:
    return str(dock.widget.message.text())


def test_a_click_on_another_object_is_told(open_stack: OpenStack) -> None:
    data = two_tubes()
    data[7:, TUBE[0], TUBE[1]] = 0
    dock = open_stack(data, at=4)
    dock.click(*CLICK)
    dock.propagate()
    for index in (5, 8):  # where it was carried, and beyond its end
        dock.go(index)
        dock.click(*OTHER_CLICK)
        assert said(dock) == APART.format(index)
        dock.controller.undo()
        dock.wait()
        assert not said(dock)
    dock.go(6)
    dock.click(11, 16)  # on what was carried
    assert not said(dock)
    dock.click(23, 20)  # the part about it goes on from there
    assert not said(dock)
    assert dock.tool.count == 7


def test_a_click_on_another_object_is_told_wherever_one_has_scrolled(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(two_tubes(), at=4)
    dock.click(*CLICK)
    dock.propagate()
    dock.go(6)
    tubes.gate = threading.Semaphore(0)
    dock.controller.click(*OTHER_CLICK)
    dock.go(2)
    let_go_on(dock, tubes)
    assert said(dock) == APART.format(6)


def test_clicks_in_slices_that_nothing_was_carried_to_may_lie_anywhere(
    open_stack: OpenStack,
) -> None:
    dock = open_stack(two_tubes(), at=4)
    dock.click(*CLICK)
    dock.go(6)
    dock.click(*OTHER_CLICK)
    dock.propagate()
    assert not said(dock)
    dock.controller.adjusting.set(threshold=0.6)
    dock.wait()
    assert not said(dock)
