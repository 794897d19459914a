"""All objects of a slice, carried and written one after the other."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from tests.widgets.stacks.conftest import OpenStack, StackDock
from tests.widgets.stacks.fakes import SHAPE, TubePredictor
from tests.widgets.steps import until

from napari_fclick.widgets.stacks import one_by_one

#: Rows and columns of three tubes, and their first and last slices.
TUBES = (
    ((slice(2, 10), slice(4, 16)), 1, 7),
    ((slice(14, 24), slice(8, 20)), 3, 5),
    ((slice(28, 36), slice(30, 44)), 0, 8),
)


def tubes() -> Any:
    data = np.zeros(SHAPE, np.uint8)
    for where, first, last in TUBES:
        data[(slice(first, last + 1), *where)] = 200
    return data


def sliced(index: int = 4) -> Any:
    """Labels of one slice, as another program may have made them."""
    labels = np.zeros(SHAPE, np.uint16)
    for number, (where, *_) in enumerate(TUBES, 1):
        labels[(index, *where)] = number
    return labels


def opened(open_stack: OpenStack, labels: Any = None) -> StackDock:
    dock = open_stack(tubes(), at=4)
    layer = dock.controller.viewer.add_labels(sliced() if labels is None else labels, name="mine")
    dock.controller.annotated.choose_labels(layer)
    dock.wait()
    return dock


def begin(dock: StackDock) -> None:
    dock.tool.one_by_one.begin()
    dock.wait()


def test_all_objects_of_a_slice_are_carried_and_written(open_stack: OpenStack) -> None:
    dock = opened(open_stack)
    dock.widget.stack.buttons["propagate_all"].click()
    dock.wait()
    for number, (where, first, last) in enumerate(TUBES, 1):
        assert dock.slices_of(number) == list(range(first, last + 1))
        own = dock.controller.labels.data == number
        assert own[(slice(first, last + 1), *where)].all()
        assert own.sum() == own[(slice(first, last + 1), *where)].sum()
        assert len(dock.session.objects[number].parts) == last - first + 1
    assert dock.told == "3 of 3 objects written, in 3 to 9 slices each"
    assert not dock.session.clicks and dock.tool.current is None
    # Nobody has spent time on them.
    assert [dock.session.objects[number].seconds for number in (1, 2, 3)] == [0.0] * 3
    assert not dock.session.stopwatch.paused


def test_each_can_be_undone_like_one_that_a_person_carried(open_stack: OpenStack) -> None:
    dock = opened(open_stack)
    begin(dock)
    dock.controller.undo()
    dock.wait()
    assert dock.slices_of(3) == [4] and len(dock.slices_of(2)) == 3
    assert dock.tool.count == 9  # it is at hand, carried
    dock.controller.redo()
    dock.wait()
    assert len(dock.slices_of(3)) == 9
    while dock.session.can_undo:
        dock.controller.undo()
        dock.wait()
    np.testing.assert_array_equal(dock.controller.labels.data, sliced())


def test_objects_that_go_on_next_door_are_left_alone(open_stack: OpenStack) -> None:
    labels = sliced()
    labels[(5, *TUBES[0][0])] = 1
    labels[(3, *TUBES[2][0])] = 3
    dock = opened(open_stack, labels)
    begin(dock)
    assert dock.slices_of(1) == [4, 5] and dock.slices_of(3) == [3, 4]
    assert dock.slices_of(2) == [3, 4, 5]
    begin(dock)
    assert dock.told == "all objects of this slice are in the slices next to it as well"


def test_objects_clicked_here_are_carried_with_their_class(open_stack: OpenStack) -> None:
    dock = opened(open_stack, np.zeros(SHAPE, np.uint16))
    for number, (where, *_) in enumerate(TUBES, 1):
        dock.session.set(class_name=f"kind {number}")
        dock.click(where[0].start + 4.0, where[1].start + 4.0)
        dock.controller.accept()
        dock.wait()
    begin(dock)
    assert [len(dock.slices_of(n)) for n in (1, 2, 3)] == [7, 3, 9]
    names = [dock.session.objects[n].class_name for n in (1, 2, 3)]
    assert names == ["kind 1", "kind 2", "kind 3"]


def test_one_may_look_at_other_slices_meanwhile(open_stack: OpenStack, tubes: Any) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(0)
    dock.tool.one_by_one.begin()
    until(lambda: dock.tool.running)
    panel = dock.widget.stack
    assert panel.buttons["propagate"].text() == "Stop"
    assert panel.progress.text().startswith("Object 1, 1 of 3: Carrying")
    dock.go(7)
    dock.controller.click(20.0, 40.0)
    assert dock.told.startswith("wait: the object is accepted as soon as")
    tubes.gate.release(10_000)
    dock.wait()
    assert [len(dock.slices_of(n)) for n in (1, 2, 3)] == [7, 3, 9]
    assert dock.session.place.index == (7,)


def test_stopping_keeps_what_was_written_and_what_is_at_hand(
    open_stack: OpenStack, tubes: Any
) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(9)  # eight for the first
    dock.tool.one_by_one.begin()
    until(lambda: "Object 2" in dock.widget.stack.progress.text() and dock.tool.running)
    dock.widget.stack.buttons["propagate"].click()
    tubes.gate.release(10_000)
    dock.wait()
    assert dock.slices_of(1) == [1, 2, 3, 4, 5, 6, 7]
    assert dock.slices_of(2) == [4] and dock.slices_of(3) == [4]
    assert dock.tool.current is not None and dock.session.draft.label == 2
    assert dock.told.endswith("go on, or clear; 1 of 3 objects written, in 7 to 7 slices each")
    dock.propagate()
    dock.controller.accept()
    assert dock.slices_of(2) == [3, 4, 5] and dock.slices_of(3) == [4]


def test_undo_takes_back_that_it_goes_on(open_stack: OpenStack, tubes: Any) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(0)
    dock.tool.one_by_one.begin()
    until(lambda: dock.tool.running)
    dock.controller.undo()
    tubes.gate.release(10_000)
    dock.wait()
    assert not dock.tool.one_by_one.underway and dock.tool.count == 7
    np.testing.assert_array_equal(dock.controller.labels.data, sliced())


def test_a_network_that_fails_ends_it(open_stack: OpenStack, tubes: TubePredictor) -> None:
    dock = opened(open_stack)
    tubes.error = RuntimeError("no memory left")
    begin(dock)
    assert "no memory left" in dock.told and "none of 3 objects written" in dock.told
    np.testing.assert_array_equal(dock.controller.labels.data, sliced())
    tubes.error = None
    dock.controller.clear()
    dock.wait()
    begin(dock)
    assert [len(dock.slices_of(n)) for n in (1, 2, 3)] == [7, 3, 9]


def test_objects_that_cannot_be_carried_are_named(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_fclick.session.editing.MAX_SIDE", 12)
    dock = opened(open_stack)
    begin(dock)
    assert dock.told == (
        "2 of 3 objects written, in 3 to 7 slices each; 1 not: object 3 spans 14 px; objects of "
        "at most 12 px can be corrected"
    )


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda dock: dock.click(6.0, 10.0), "accept or clear the object at hand first"),
        (lambda dock: dock.controller.annotated.choose_labels(None), "there are no objects yet"),
    ],
)
def test_it_says_why_nothing_is_carried(open_stack: OpenStack, prepare: Any, why: str) -> None:
    dock = opened(open_stack)
    prepare(dock)
    begin(dock)
    assert dock.told.startswith(why)
    assert not dock.tool.one_by_one.underway


def test_large_slices_are_not_looked_through(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(one_by_one, "LARGEST", SHAPE[1] * SHAPE[2] - 1)
    dock = opened(open_stack)
    begin(dock)
    assert dock.told == (
        "slices of 40 x 50 px are too large to be looked through: propagate each object"
    )
    assert not dock.tool.one_by_one.underway


def test_labels_that_cannot_be_read_end_it(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("gone")

    dock = opened(open_stack)
    monkeypatch.setattr(one_by_one, "only_in", fail)
    begin(dock)
    assert dock.told == "the labels could not be read: gone"
    assert not dock.tool.one_by_one.underway


def test_labels_that_are_read_too_late_change_nothing(
    open_stack: OpenStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    going = threading.Event()

    def late(*_: Any) -> None:
        assert going.wait(20)
        raise OSError("gone")

    dock = opened(open_stack)
    monkeypatch.setattr(one_by_one, "only_in", late)
    dock.tool.one_by_one.begin()
    dock.tool.stop()
    going.set()
    dock.wait()
    assert dock.told == "stopped"
    np.testing.assert_array_equal(dock.controller.labels.data, sliced())


def test_worst_next_shows_the_least_certain_objects_first(open_stack: OpenStack) -> None:
    data = tubes()
    data[(6, *TUBES[0][0])] = 90  # too dark for the predictor beyond
    dock = opened(open_stack)
    begin(dock)
    button = dock.widget.stack.buttons["worst_next"]
    seen = []
    for _ in TUBES:
        assert button.isEnabled()
        button.click()
        seen.append(dock.told.split(":")[0])
        assert "certainty" in dock.told
    assert sorted(seen) == ["object 1", "object 2", "object 3"]
    assert "the last one" in dock.told and not dock.controller.doubts


def test_objects_that_are_gone_are_not_shown(open_stack: OpenStack) -> None:
    dock = opened(open_stack)
    begin(dock)
    dock.controller.objects.delete([1, 2, 3])
    dock.tool.worst_next()
    assert dock.told == "nothing was carried or found that is to be looked at"


def test_another_image_ends_it(open_stack: OpenStack, tubes: Any) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(0)
    dock.tool.one_by_one.begin()
    until(lambda: dock.tool.running)
    other = dock.controller.viewer.add_image(np.zeros(SHAPE, np.uint8), name="other")
    dock.controller.annotated.choose_image(other)
    tubes.gate.release(10_000)
    dock.wait()
    assert not dock.tool.one_by_one.underway
    np.testing.assert_array_equal(dock.controller.viewer.layers["mine"].data, sliced())


def test_removing_the_labels_ends_it_and_it_is_said(open_stack: OpenStack, tubes: Any) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(0)
    dock.tool.one_by_one.begin()
    until(lambda: dock.tool.running)
    dock.controller.viewer.layers.remove("mine")
    tubes.gate.release(10_000)
    dock.wait()
    assert not dock.tool.one_by_one.underway
    assert dock.told.startswith("labels layer 'mine' was removed")
    assert dock.told.endswith("none of 3 objects written")


def test_it_ends_with_the_dock(open_stack: OpenStack, tubes: Any) -> None:
    dock = opened(open_stack)
    tubes.gate = threading.Semaphore(0)
    dock.tool.one_by_one.begin()
    until(lambda: dock.tool.running)
    dock.controller.close()
    assert not dock.tool.one_by_one.underway
