"""An object carried through a stack in a viewer, by the dock's own ways."""

from __future__ import annotations

import dataclasses
import threading
import time
from typing import Any

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication
from tests.widgets.stacks.conftest import OpenStack, StackDock
from tests.widgets.stacks.fakes import CLICK, SHAPE, TUBE, MadeStack, TubePredictor, tube
from tests.widgets.steps import until

from napari_fclick.core.memory import peak_memory_mb
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, Rules
from napari_fclick.widgets.actions import ACTIONS
from napari_fclick.widgets.stacks.model import Choices


def carried(open_stack: OpenStack, data: Any = None, at: int = 4, **kwargs: Any) -> StackDock:
    """A dock whose object was clicked and carried."""
    dock = open_stack(tube() if data is None else data, at=at, **kwargs)
    dock.click(*CLICK)
    dock.propagate()
    return dock


def slices_of(dock: StackDock) -> list[int]:
    current = dock.tool.current
    assert current is not None
    return sorted(current.slices)


def test_an_object_is_carried_both_ways_and_accepted_in_one_step(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    current = dock.tool.current
    assert current is not None and current.phase == "done"
    assert slices_of(dock) == [1, 2, 3, 4, 5, 6, 7]
    assert dock.widget.buttons["accept"].text() == "Accept object\nin 7 slices"
    dock.controller.accept()
    labels = dock.controller.labels.data
    np.testing.assert_array_equal(labels, tube() > 100)
    assert dock.tool.current is None and not dock.session.clicks
    assert dock.widget.buttons["accept"].text() == "Accept"
    dock.controller.undo()
    dock.wait()
    assert not labels.any()
    assert dock.tool.current is current and dock.tool.count == 7
    dock.controller.redo()
    assert labels.sum() == (tube() > 100).sum() and dock.tool.current is None


def test_an_object_that_ends_at_once_is_accepted_in_one_slice(open_stack: OpenStack) -> None:
    dock = carried(open_stack, tube(first=4, last=4))
    assert dock.widget.buttons["accept"].text() == "Accept object\nin 1 slice"


def test_the_carried_mask_is_shown_as_one_scrolls(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    layer = dock.controller.viewer.layers["preview"]
    yellow = layer.data[0].max((0, 1))
    dock.go(5)
    assert "Carried from slice 4" in dock.widget.status.text().replace("\xa0", " ")
    side = layer.scale[-2:]  # of a pixel of the picture: those of the image are cut up
    assert layer.opacity == 1
    np.testing.assert_allclose(layer.data.shape[1:3] * side, (12, 15))
    assert not np.array_equal(layer.data[0].max((0, 1)), yellow)
    corner = layer.translate[-2:] - side / 2
    np.testing.assert_allclose(corner, (TUBE[0].start - 0.5, TUBE[1].start - 0.5))
    assert layer.translate[0] == 5
    dock.go(8)
    assert layer.opacity == 0 and dock.tool.text == ""


def test_a_correction_runs_again_what_it_touches_and_no_more(open_stack: OpenStack) -> None:
    data = tube((15, 40, 50), 0, 14)
    dock = carried(open_stack, data, at=4)
    dock.go(8)
    dock.tool.good_as_is()
    dock.wait()
    assert dock.session.drafts_along(0).keys() == {4, 8}
    dock.predictor.asked.clear()
    dock.go(10)
    assert dock.tool.carried is not None
    dock.click(11, 16, positive=False)
    touched = list(dock.predictor.asked)
    assert touched[0] == 10 and set(touched) == {9, 10, 11, 12, 13, 14}
    current = dock.tool.current
    assert current is not None and current.slices[10].kind is Kind.KEYFRAME
    assert not current.slices[10].mask.within(current.slices[10].mask.box)[0, 0]
    assert len(dock.session.clicks) == 2 and not dock.session.clicks[1].positive
    dock.predictor.asked.clear()
    dock.controller.undo()
    dock.wait()
    assert set(dock.predictor.asked) == {9, 10, 11, 12, 13, 14}
    assert current.slices[10].kind is Kind.CARRIED


def test_clicks_that_are_accepted_with_the_object_are_not_told(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    dock.go(5)
    assert dock.widget.unaccepted.text() == "unaccepted clicks in slice 4"
    dock.go(4)
    dock.propagate()
    dock.go(5)
    assert dock.tool.current is not None
    assert dock.widget.unaccepted.text() == ""
    dock.controller.viewer.dims.order = (1, 0, 2)
    assert dock.widget.unaccepted.text() == "unaccepted clicks in another view"


def test_not_here_ends_the_object_and_is_undone(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.go(6)
    dock.tool.not_here()
    dock.wait()
    assert slices_of(dock) == [1, 2, 3, 4, 5, 6] and dock.tool.count == 5
    assert "Marked as not here" in dock.widget.status.text()
    assert "marked as not here" in dock.widget.stack.ends.text()
    dock.tool.not_here()
    dock.wait()
    assert dock.tool.count == 7


def test_an_object_is_carried_and_accepted_in_3d(open_stack: OpenStack) -> None:
    dock = open_stack(np.stack([tube(), tube()]), axis_labels=("t", "z", "y", "x"))
    dims = dock.controller.viewer.dims
    dock.go(4, axis=1)
    dock.click(*CLICK)
    dims.ndisplay = 3
    dock.go(1, axis=0)  # another volume: nothing of it is at hand
    dock.tool.propagate()
    assert "the view is 3D" in dock.widget.message.text() and dock.tool.current is None
    dock.controller.accept()
    assert "the view is 3D" in dock.widget.message.text()
    dock.go(0, axis=0)
    dock.propagate()
    assert dock.tool.count == 7
    dock.controller.click(*CLICK)
    assert "switch to 2D to click" in dock.widget.message.text()
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data[0], tube() > 100)
    assert not dock.controller.labels.data[1].any() and dock.tool.current is None
    dims.ndisplay = 2
    dock.controller.undo()
    dock.wait()
    assert dock.tool.count == 7 and dock.session.place.index == (0, 4)


def test_nothing_is_marked_as_not_here_without_an_object(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.controller.accept()
    dock.go(6)
    dock.tool.not_here()
    assert "take the object in hand first (Ctrl + click)" in dock.widget.message.text()
    assert not dock.session.drafts_along(0)
    dock.click(*CLICK)
    dock.tool.not_here()  # it is clicked nowhere else
    assert "click on it in another one first" in dock.widget.message.text()
    assert dock.session.clicks and not dock.session.draft.absent


def test_clear_drops_all_its_clicks_in_one_step(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    current = dock.tool.current
    dock.go(6)
    dock.tool.good_as_is()
    dock.wait()
    dock.go(2)
    dock.controller.clear()
    assert dock.tool.current is None and not dock.session.drafts_along(0)
    dock.controller.undo()
    dock.wait()
    assert dock.session.drafts_along(0).keys() == {4, 6}
    assert dock.tool.current is current and dock.tool.count == 7


def test_what_was_cleared_while_it_ran_comes_back_stopped(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube((60, 40, 50), 0, 59), at=30)
    dock.click(*CLICK)
    tubes.gate = threading.Semaphore(8)
    dock.tool.propagate()
    until(lambda: len(tubes.asked) >= 9)
    dock.controller.clear()
    assert dock.tool.current is None
    gate, tubes.gate = tubes.gate, None
    gate.release()
    dock.controller.undo()
    current = dock.tool.current
    assert current is not None and current.phase == "stopped"
    assert dock.widget.stack.buttons["propagate"].text() == "Go on"
    dock.tool.toggle()
    dock.wait()
    assert dock.tool.count == 60 and current.phase == "done"


def test_what_was_cleared_while_a_click_was_answered_comes_back(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = carried(open_stack)
    current = dock.tool.current
    dock.go(6)
    tubes.gate = threading.Semaphore(0)
    dock.controller.click(20, 20)
    dock.controller.clear()
    assert dock.tool.current is None and not dock.session.drafts_along(0)
    gate, tubes.gate = tubes.gate, None
    gate.release()
    dock.controller.undo()
    dock.wait()
    assert dock.session.drafts_along(0).keys() == {4, 6}
    assert dock.tool.current is current and dock.tool.count == 7


def test_slices_of_different_objects_are_told(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    mine = np.zeros(tube().shape, np.uint8)
    mine[4, 10:22, 15:30], mine[6, 10:22, 15:30] = 3, 5
    dock.controller.annotated.choose_labels(dock.controller.viewer.add_labels(mine, name="mine"))
    dock.wait()
    for index in (4, 6):
        dock.go(index)
        dock.controller.objects.pick_up_at(*CLICK)
        dock.wait()
    dock.propagate()
    assert "correct different objects (3, 5)" in dock.widget.message.text()
    dock.controller.accept()
    assert "correct different objects (3, 5)" in dock.widget.message.text()
    dock.controller.undo()
    dock.wait()
    assert slices_of(dock) == [1, 2, 3, 4, 5]  # object 5 has all of it in slice 6


def test_an_object_that_is_taken_in_hand_later_is_no_other_one(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    mine = np.zeros(tube().shape, np.uint8)
    mine[5:8, 10:22, 15:30] = 3
    dock.controller.annotated.choose_labels(dock.controller.viewer.add_labels(mine, name="mine"))
    dock.wait()
    dock.click(*CLICK)
    dock.propagate()
    carrying = dock.tool.current.carrying  # type: ignore[union-attr]
    assert carrying is not None and carrying.others(6, Box(10, 15, 22, 30)).all()
    dock.go(6)
    dock.controller.objects.pick_up_at(*CLICK)
    dock.wait()
    carrying = dock.tool.current.carrying  # type: ignore[union-attr]
    assert carrying is not None and not carrying.others(5, Box(10, 15, 22, 30)).any()
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data == 3, tube() > 100)


def test_what_is_still_being_changed_is_not_accepted(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.controller.adjusting.set(threshold=0.6)
    dock.controller.accept()
    assert "as soon as it was carried" in dock.widget.message.text()
    assert dock.controller.labels is None
    dock.wait()
    assert dock.controller.labels.data.any()
    assert {part.settings.threshold for part in dock.session.objects[1].parts} == {0.6}


def test_what_goes_wrong_is_one_line(open_stack: OpenStack, tubes: TubePredictor) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    tubes.error = RuntimeError("out of memory\n  in a file\n  at a line")
    dock.propagate()
    assert dock.tool.current.problem == "out of memory"  # type: ignore[union-attr]
    assert dock.widget.message.text() == "the object was not carried: out of memory"


def test_a_run_is_stopped_and_what_is_known_accepted(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube((60, 40, 50), 0, 59), at=30)
    dock.click(*CLICK)
    tubes.gate = threading.Semaphore(8)
    dock.tool.propagate()
    until(lambda: len(tubes.asked) >= 9)
    dock.controller.accept()
    assert "as soon as it was carried" in dock.widget.message.text()
    dock.tool.toggle()
    tubes.gate.release()
    dock.wait()
    current = dock.tool.current
    assert current is not None and current.phase == "stopped"
    assert dock.widget.message.text() == (
        "not accepted, what was carried is kept: it was stopped; accept these slices, go on, or "
        "clear"
    )
    assert dock.controller.labels is None and not dock.controller.accepting_anywhere
    assert dock.widget.stack.buttons["propagate"].text() == "Go on"
    known = dock.tool.count
    assert 8 <= known < 20
    dock.controller.accept()
    assert len(np.unique(np.nonzero(dock.controller.labels.data)[0])) == known
    dock.controller.undo()
    tubes.gate = None
    dock.tool.toggle()
    dock.wait()
    assert dock.tool.count == 60


def test_a_click_goes_first(open_stack: OpenStack, tubes: TubePredictor) -> None:
    dock = open_stack(tube((60, 40, 50), 0, 59), at=30)
    dock.click(*CLICK)
    tubes.gate = threading.Semaphore(3)
    dock.tool.propagate()
    until(lambda: len(tubes.asked) >= 5)  # the click, three let on, one that waits
    threads: list[str] = []
    tubes.on_ask = lambda: threads.append(threading.current_thread().name)
    dock.controller.click(20, 20, True)
    until(lambda: len(threads) == 1)
    assert threads == ["napari-fclick"]
    for _ in range(200):
        tubes.gate.release()
    dock.wait()
    assert dock.tool.count == 60 and len(dock.session.clicks) == 2
    current = dock.tool.current
    assert current is not None and len(current.slices[30].clicks) == 2


@pytest.mark.parametrize("how", ["image", "dock"])
def test_what_runs_ends_with_its_image_or_dock(
    open_stack: OpenStack, tubes: TubePredictor, how: str
) -> None:
    units = ("um",) * 3
    dock = open_stack(tube((60, 40, 50), 0, 59), at=30, units=units)
    dock.click(*CLICK)
    tubes.gate = threading.Semaphore(3)
    dock.tool.propagate()
    until(lambda: len(tubes.asked) >= 4)
    if how == "image":
        dock.controller.viewer.layers.remove("stack")
    else:
        dock.controller.close()
    for _ in range(100):
        tubes.gate.release()
    until(lambda: not dock.tool.busy)
    settle()
    assert len(tubes.asked) < 10
    assert dock.tool.current is None or dock.tool.current.phase == "running"
    if how == "image":
        assert dock.controller.session is None and not dock.tool._keeper._objects


def test_labels_removed_while_running_change_nothing(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=4)
    dock.controller.viewer.add_labels(np.zeros(tube().shape, np.uint8), name="mine")
    dock.controller.annotated.choose_labels(dock.controller.viewer.layers["mine"])
    dock.click(*CLICK)
    dock.tool.propagate()
    dock.controller.viewer.layers.remove("mine")
    dock.wait()
    assert dock.tool.count == 7
    dock.controller.accept()
    assert dock.controller.labels.data.any()


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0)])
def test_permuted_axes(open_stack: OpenStack, order: tuple[int, ...]) -> None:
    data = np.moveaxis(tube(), 0, order[0])
    dock = open_stack(np.ascontiguousarray(data), scale=(2, 0.5, 3))
    dock.controller.viewer.dims.order = order
    dock.go(4, axis=order[0])
    y, x = CLICK
    dock.click(y, x)
    dock.propagate()
    assert dock.tool.axis is not None and dock.tool.axis.number == order[0]
    assert dock.tool.count == 7
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data, data > 100)


def test_tzyx_along_either_axis(open_stack: OpenStack) -> None:
    data = np.stack([tube(), tube(), tube()])
    dock = open_stack(data, axis_labels=("t", "z", "y", "x"), scale=(1, 5, 1, 1))
    dock.go(1, axis=0)
    dock.go(4, axis=1)
    assert [axis.name for axis in dock.tool.axes] == ["t", "z"]
    assert dock.tool.axis is not None and dock.tool.axis.name == "z"
    dock.tool.choose_axis(0)
    dock.click(*CLICK)
    dock.propagate()
    assert slices_of(dock) == [0, 1, 2]
    dock.controller.clear()
    dock.tool.choose_axis(1)
    dock.click(*CLICK)
    dock.propagate()
    assert slices_of(dock) == [1, 2, 3, 4, 5, 6, 7]
    dock.go(0, axis=0)
    assert dock.tool.current is None
    dock.go(1, axis=0)
    dock.controller.accept()
    labels = dock.controller.labels.data
    assert not labels[[0, 2]].any()
    np.testing.assert_array_equal(labels[1], data[1] > 100)


def test_carrying_another_object_says_which_one_it_stops(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    one = tube((60, 40, 50), 0, 59)
    dock = open_stack(np.stack([one, one]), axis_labels=("t", "z", "y", "x"))
    for time_point in (1, 0):
        dock.go(time_point, axis=0)
        dock.go(30, axis=1)
        dock.click(*CLICK)
    tubes.gate = threading.Semaphore(3)
    dock.tool.propagate()
    until(lambda: dock.tool.running)
    first = dock.tool.current
    dock.go(1, axis=0)
    dock.tool.propagate()
    assert dock.widget.message.text() == "carrying at t 0 was stopped"
    assert first is not None and first.phase == "stopped"
    gate, tubes.gate = tubes.gate, None
    for _ in range(10):
        gate.release()
    dock.wait()
    assert dock.tool.count == 60
    dock.go(0, axis=0)
    assert dock.widget.stack.buttons["propagate"].text() == "Go on"


def test_channels_and_limits_are_those_of_clicks(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=4)
    other = dock.controller.viewer.add_image(tube() // 2, name="other")
    dock.click(*CLICK)
    dock.propagate()
    assert tubes.ndim == 2 and tubes.limits is None
    dock.controller.adjusting.use_layer_limits(True)
    dock.wait()
    assert tubes.limits == (0, 255) and set(tubes.asked[-8:]) == {0, 1, 2, 3, 5, 6, 7, 8}
    dock.controller.adjusting.use_layer_limits(False)
    dock.controller.annotated.choose_channels([other])
    dock.wait()
    assert tubes.ndim == 3 and tubes.limits is None and dock.tool.count == 7


def test_a_pyramid_of_stacks(open_stack: OpenStack) -> None:
    data = tube((9, 80, 100))
    dock = carried(open_stack, [data, data[:, ::2, ::2]], multiscale=True)
    assert dock.tool.count == 7
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data, data > 100)


def test_everything_by_keys(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)

    def press(name: str) -> None:
        ACTIONS[name].bound_to(dock.controller)()
        dock.wait()

    for name in ("propagate", "worst_next", "good_as_is"):
        press(name)
        assert dock.widget.message.text(), name
    dock.click(*CLICK)
    press("propagate")
    press("worst_next")
    press("good_as_is")
    first = dock.tool.index
    assert first != 4 and dock.session.drafts_along(0).keys() == {4, first}
    press("worst_next")
    press("suggest")
    press("take_negative")
    second = dock.tool.index
    assert dock.session.drafts_along(0).keys() == {4, first, second}
    assert not dock.session.clicks[-1].positive
    press("not_here")
    assert dock.session.draft.absent
    press("accept")
    assert not dock.session.drafts_along(0) and dock.controller.labels.data.any()


def test_no_stack_is_told(open_stack: OpenStack) -> None:
    dock = open_stack(tube()[4])
    assert dock.widget.sections["stack"].isHidden()
    dock.click(*CLICK)
    dock.tool.propagate()
    assert "2-D" in dock.widget.message.text()


def test_a_stack_of_one_slice_is_told(open_stack: OpenStack) -> None:
    dock = open_stack(tube()[4:5])
    assert "one slice" in dock.widget.stack.progress.text()
    assert not dock.widget.stack.buttons["propagate"].isEnabled()
    dock.click(*CLICK)
    dock.tool.propagate()
    dock.tool.not_here()
    assert "one slice" in dock.widget.message.text() and dock.session.clicks


def test_nothing_clicked_and_failures_are_told(open_stack: OpenStack, tubes: TubePredictor) -> None:
    dock = open_stack(tube(), at=4)
    dock.tool.propagate()
    assert "click on the object" in dock.widget.message.text()
    dock.click(*CLICK)
    tubes.error = RuntimeError("out of memory")
    dock.propagate()
    assert "out of memory" in dock.widget.message.text()
    tubes.error = None
    dock.propagate()
    assert dock.tool.count == 7


def test_other_objects_are_at_stake(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    taken = np.zeros(tube().shape, np.uint8)
    taken[5, 12, 17:19] = 3  # too little to be answered by a negative click
    dock.controller.viewer.add_labels(taken, name="mine")
    dock.controller.annotated.choose_labels(dock.controller.viewer.layers["mine"])
    dock.wait()
    dock.click(*CLICK)
    dock.propagate()
    dock.wait()
    assert dock.tool.stakes == "keeps 2 voxels of 3"
    dock.controller.accept()
    dock.wait()
    assert (dock.controller.labels.data == 4).sum() == (tube() > 100).sum() - 2


def test_the_threshold_carries_all_again(open_stack: OpenStack, tubes: TubePredictor) -> None:
    dock = carried(open_stack)
    dock.controller.adjusting.set(threshold=0.6)
    assert "waiting" in dock.tool.current.phase  # type: ignore[union-attr]
    dock.wait()
    propagation = dock.tool.current.carrying.propagation  # type: ignore[union-attr]
    assert propagation is not None and propagation.settings.threshold == 0.6
    assert dock.tool.count == 7


def test_masks_of_another_threshold_are_not_accepted(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.controller.adjusting.set(threshold=0.97)  # more than the network ever says
    dock.wait()
    problem = "the clicks in slice 4 find nothing: add one or lower the threshold"
    assert dock.tool.why_not_accept() == problem
    dock.controller.accept()
    assert dock.controller.labels is None
    dock.controller.adjusting.set(threshold=0.6)
    dock.wait()
    propagation = dock.tool.current.carrying.propagation  # type: ignore[union-attr]
    assert propagation is not None and propagation.settings.threshold == 0.6
    dock.controller.accept()
    assert dock.controller.labels.data.sum() == (tube() > 100).sum()


def test_a_click_that_is_taken_back_before_its_answer_is_not_waited_for(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = carried(open_stack)
    dock.go(6)
    tubes.gate = threading.Semaphore(0)
    dock.controller.click(20, 20)
    current = dock.tool.current
    assert current is not None and current.phase == "waiting"
    dock.controller.undo()
    gate, tubes.gate = tubes.gate, None
    gate.release()
    dock.wait()
    assert current.phase == "done" and dock.tool.count == 7
    assert not dock.tool.why_not_accept()


def test_another_image_while_a_change_settles(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    image = dock.controller.image
    flat = dock.controller.viewer.add_image(np.zeros((40, 50), np.uint8), name="flat")
    dock.controller.adjusting.set(threshold=0.6)
    dock.controller.annotated.choose_image(flat)
    dock.wait()
    assert dock.tool.current is None
    dock.controller.annotated.choose_image(image)
    dock.wait()
    current = dock.tool.current
    assert current is not None and current.phase == "done"
    propagation = current.carrying.propagation  # type: ignore[union-attr]
    assert propagation is not None and propagation.settings.threshold == 0.6


def test_range_and_direction_carry_again_what_they_touch(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.predictor.asked.clear()
    dock.tool.choose(Choices("up"))
    dock.wait()
    assert slices_of(dock) == [4, 5, 6, 7] and not dock.predictor.asked
    dock.tool.choose(Choices("up", Rules(last=5)))
    dock.wait()
    assert slices_of(dock) == [4, 5]


def test_worst_next_visits_each_slice_once(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    visited = []
    for _ in range(6):
        dock.tool.worst_next()
        visited.append(dock.tool.index)
    assert sorted(visited) == [1, 2, 3, 5, 6, 7]
    dock.tool.worst_next()
    assert "all slices were looked at" in dock.widget.message.text()
    assert dock.tool.index == visited[-1]


def test_keyframes_elsewhere_are_asked_for(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    dock.go(6)
    dock.click(20, 20)
    dock.go(2)
    dock.predictor.asked.clear()
    dock.session.answers.forget()  # as other weights do
    dock.wait()
    assert {4, 6} <= set(dock.predictor.asked)
    assert dock.tool.count == 7 and dock.tool.current.phase == "done"  # type: ignore[union-attr]


def test_pixels_that_change_are_looked_at_in_all_slices(open_stack: OpenStack) -> None:
    dock = carried(open_stack)
    narrower = tube()
    narrower[1:8, 20:22] = 0
    dock.controller.image.data = narrower
    dock.wait()
    dock.controller.accept()
    np.testing.assert_array_equal(dock.controller.labels.data, narrower > 100)


def test_other_weights_are_asked_in_all_slices(open_stack: OpenStack) -> None:
    class Others(TubePredictor):
        def predict(self, *args: Any, **kwargs: Any) -> Any:
            found = super().predict(*args, **kwargs)
            return dataclasses.replace(found, probability=np.full_like(found.probability, 0.9))

    dock = open_stack(np.zeros(SHAPE, np.uint8))
    dock.controller.viewer.add_image(tube(), name="of another image")
    dock.controller.annotated.choose_image(dock.controller.viewer.layers["of another image"])
    dock.go(4)
    dock.click(*CLICK)
    dock.propagate()
    dock.controller._predicting._load = lambda weights, device: Others()
    dock.controller.weights.load("others", "cpu")
    dock.wait()
    current = dock.tool.current
    assert current is not None and current.slices[4].mask is not None
    assert current.slices[4].mask.area > 2 * (tube()[4] > 100).sum()


def test_a_long_lazy_stack_takes_little_memory_and_never_blocks(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    length = 2000
    dock = open_stack(MadeStack(tube((1, 300, 300), 0, 0)[0], length), at=1000)
    dock.click(*CLICK)
    layers = len(dock.controller.viewer.layers)
    before, longest = peak_memory_mb() or 0, 0.0
    dock.tool.propagate()
    begun = time.monotonic()
    while dock.tool.busy and time.monotonic() - begun < 150:
        started = time.monotonic()
        QApplication.processEvents()
        longest = max(longest, time.monotonic() - started)
        time.sleep(0.005)
    assert dock.tool.count == length
    assert longest < 2.0
    assert len(dock.controller.viewer.layers) == layers
    assert (peak_memory_mb() or 0) - before < 120  # all planes together take 180 MB


def settle() -> None:
    for _ in range(50):
        QApplication.processEvents()
        time.sleep(0.002)
