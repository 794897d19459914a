"""What an object in a stack is accepted as: its masks, its settings, and what it replaces."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tests.widgets.stacks.conftest import OpenStack, StackDock
from tests.widgets.stacks.fakes import CLICK, TUBE, tube
from tests.widgets.stacks.test_tool import until

from napari_fclick.session.predictions import KnownPredictions
from napari_fclick.widgets import targets


def with_labels(dock: StackDock, data: Any) -> None:
    """Have it write into labels that hold something already."""
    dock.controller.annotated.choose_labels(dock.controller.viewer.add_labels(data, name="mine"))


def slices_of(dock: StackDock, label: int) -> list[int]:
    return sorted(set(np.nonzero(dock.controller.labels.data == label)[0].tolist()))


def waits(dock: StackDock, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Carry an object and accept it while the labels, with another one, are being counted."""
    counted, count = threading.Event(), targets.highest_label

    def slow(labels: Any) -> int:
        assert counted.wait(20)
        return count(labels)

    monkeypatch.setattr(targets, "highest_label", slow)
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
    assert slices_of(dock, 4) == [1, 2, 3, 4, 5, 6, 7]
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
    assert not slices_of(dock, 4)
    dock.controller.accept()
    assert slices_of(dock, 4) == [1, 2, 3, 4, 5, 6, 7]


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
    assert slices_of(dock, 4) == [1, 2, 3, 4, 5, 6, 7] and not slices_of(dock, 3)


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
    assert slices_of(dock, 1) == [6]
    dock.controller.undo()
    dock.wait()
    dock.propagate()
    dock.controller.accept()
    assert slices_of(dock, 1) == [1, 2, 3, 4, 5, 6, 7]
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
