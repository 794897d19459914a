"""Objects that were accepted in a stack, taken in hand again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.widgets.stacks.conftest import OpenStack, StackDock
from tests.widgets.stacks.fakes import CLICK, tube

from napari_fclick.propagation import Kind, Rules
from napari_fclick.widgets.stacks.model import Choices


def accepted(open_stack: OpenStack, *corrected: int) -> StackDock:
    """A dock whose object was clicked in slice 4, carried, corrected and accepted."""
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    dock.propagate()
    for index in corrected:
        dock.go(index)
        dock.click(11, 16, positive=False)
    dock.go(4)
    dock.controller.accept()
    dock.wait()
    return dock


def pick_up(dock: StackDock, index: int) -> None:
    dock.go(index)
    dock.controller.objects.pick_up_at(*CLICK)
    dock.wait()


def test_what_was_corrected_by_hand_stays(open_stack: OpenStack) -> None:
    dock = accepted(open_stack, 6)
    labels = dock.controller.labels.data
    before = labels.copy()
    assert before[6].sum() < before[5].sum()
    pick_up(dock, 4)
    dock.propagate()
    current = dock.tool.current
    assert current is not None and current.slices[6].kind is Kind.KEYFRAME and dock.tool.count == 7
    dock.controller.accept()
    dock.wait()
    np.testing.assert_array_equal(labels[6], before[6])
    kinds = {part.place.index: part.kind for part in dock.session.objects[1].parts}
    assert kinds[(6,)] is Kind.KEYFRAME and kinds[(5,)] is Kind.BETWEEN
    for _ in range(3):
        dock.controller.undo()
        dock.wait()
    assert not dock.session.drafts_along(0)
    np.testing.assert_array_equal(labels, before)


def test_slices_of_an_object_that_is_known_later(open_stack: OpenStack) -> None:
    dock = accepted(open_stack, 6)
    before = dock.controller.labels.data.copy()
    dock.controller.labels.data[4] = 0
    dock.go(4)
    dock.click(*CLICK)
    dock.propagate()
    pick_up(dock, 7)
    dock.controller.accept()
    assert "made by hand in slice 6: propagate again" in dock.widget.message.text()
    dock.propagate()
    dock.controller.accept()
    dock.wait()
    np.testing.assert_array_equal(dock.controller.labels.data[6], before[6])


def test_an_object_is_shortened(open_stack: OpenStack) -> None:
    dock = accepted(open_stack)
    pick_up(dock, 4)
    dock.propagate()
    dock.go(6)
    dock.tool.not_here()
    dock.wait()
    assert dock.tool.stakes == "removed from slices 6 to 7"
    dock.controller.accept()
    dock.wait()
    assert dock.slices_of() == [1, 2, 3, 4, 5]
    dock.controller.undo()
    assert dock.slices_of() == [1, 2, 3, 4, 5, 6, 7]


def test_where_it_is_not_carried_to_it_stays_and_that_is_told(open_stack: OpenStack) -> None:
    dock = accepted(open_stack)
    pick_up(dock, 4)
    dock.tool.choose(Choices("up", Rules(last=5)))
    dock.propagate()
    assert dock.tool.stakes == "stays as it was in slices 1 to 3, 6 to 7"
    dock.go(5)
    said = dock.widget.status.text().replace("\xa0", " ")
    assert said.endswith("stays as it was in slices 1 to 3, 6 to 7")
    dock.controller.accept()
    assert dock.slices_of() == [1, 2, 3, 4, 5, 6, 7]


def test_an_object_from_a_file_is_told_what_becomes_of_it(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    mine = np.zeros(tube().shape, np.uint8)
    mine[1:9, 11:20, 16:28] = 1
    dock.controller.annotated.choose_labels(dock.controller.viewer.add_labels(mine, name="mine"))
    dock.wait()
    pick_up(dock, 4)
    dock.propagate()
    assert dock.tool.count == 7
    assert dock.tool.stakes == "rewrites slices 1 to 3, 5 to 7 · stays as it was in slice 8"
    dock.go(6)
    dock.tool.not_here()
    dock.wait()
    assert dock.tool.stakes == "rewrites slices 1 to 3, 5 · removed from slices 6 to 8"
    dock.controller.accept()
    dock.wait()
    assert dock.slices_of() == [1, 2, 3, 4, 5]
    assert "rewrites slices 1 to 3, 5; removed from slices 6 to 8" in dock.widget.message.text()


def two() -> Any:
    """Return a tube with another one below it."""
    data = tube()
    data[1:8, 28:36, 5:12] = 200
    return data


OTHER = (32.0, 8.0)


def test_undo_brings_back_what_was_carried_whatever_was_carried_since(
    open_stack: OpenStack,
) -> None:
    dock = open_stack(two(), at=4)
    objects = []
    for where in (CLICK, OTHER):
        dock.click(*where)
        dock.propagate()
        objects.append(dock.tool.current)
        dock.controller.accept()
        dock.wait()
    dock.click(24, 40)
    dock.propagate()
    dock.controller.undo()
    dock.wait()
    for known in reversed(objects):
        assert dock.tool.current is None
        dock.controller.undo()
        dock.wait()
        assert dock.tool.current is known and dock.tool.count == 7
        dock.controller.undo()
        dock.wait()
    dock.controller.redo()
    dock.wait()
    assert dock.tool.current is objects[0]
    dock.controller.accept()
    assert dock.slices_of() == [1, 2, 3, 4, 5, 6, 7]


def test_marks_go_with_the_last_click(open_stack: OpenStack) -> None:
    dock = open_stack(two(), at=4)
    dock.click(*CLICK)
    dock.propagate()
    current = dock.tool.current
    dock.go(6)
    dock.tool.not_here()
    dock.wait()
    dock.go(4)
    dock.controller.remove(0)
    dock.wait()
    assert dock.tool.current is None and not dock.session.drafts_along(0)
    dock.controller.undo()
    dock.wait()
    assert dock.session.drafts_along(0).keys() == {4, 6}
    assert dock.tool.current is current and dock.tool.count == 5
    dock.controller.remove(0)
    dock.click(*OTHER)
    dock.propagate()
    assert dock.tool.count == 7


def test_what_is_painted_meanwhile_is_at_stake(open_stack: OpenStack) -> None:
    dock = open_stack(tube(), at=4)
    labels = dock.controller.viewer.add_labels(np.zeros(tube().shape, np.uint8), name="mine")
    dock.controller.annotated.choose_labels(labels)
    dock.click(*CLICK)
    dock.propagate()
    assert dock.tool.stakes == ""
    labels.brush_size = 1
    with labels.block_history():  # as a stroke does
        labels.paint((5, 12, 17), 9)
    dock.wait()
    assert dock.tool.stakes == "keeps 1 voxels of 9"
    data = labels.data.copy()
    data[5, 12, 18] = 9
    labels.data = data
    dock.wait()
    assert dock.tool.stakes == "keeps 2 voxels of 9"


@pytest.mark.parametrize(
    ("choices", "reached"),
    [
        (Choices(), [0, 3, 5, 7, 9]),
        (Choices("up"), [5, 7, 9]),
        (Choices("down"), [0, 3, 5, 7]),
        (Choices("both", Rules(first=2, last=8)), [3, 5, 7]),
        (Choices("both", Rules(first=6)), [5, 7, 9]),
    ],
)
def test_where_an_object_may_be_carried(choices: Choices, reached: list[int]) -> None:
    assert [index for index in (0, 3, 5, 7, 9) if choices.reaches(index, [4, 8])] == reached
