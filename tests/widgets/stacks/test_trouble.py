"""Stacks that cannot be read, networks that fail, and what is left to be accepted then."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from tests.widgets.stacks.conftest import OpenStack
from tests.widgets.stacks.fakes import CLICK, TubePredictor, tube

from napari_fclick.propagation import Kind


class DamagedStack:
    """A tube of which one slice cannot be read."""

    ndim = 3

    def __init__(self, damaged: int) -> None:
        self.data, self.damaged = tube(), damaged
        self.shape, self.dtype, self.size = self.data.shape, self.data.dtype, self.data.size

    def __getitem__(self, index: Any) -> Any:
        first = index[0] if isinstance(index, tuple) else index
        if not isinstance(first, slice) and np.ndim(first) == 0 and int(first) == self.damaged:
            raise OSError("chunk damaged")
        return self.data[index]


def test_a_slice_that_cannot_be_read(open_stack: OpenStack) -> None:
    stack = DamagedStack(6)
    dock = open_stack(stack, at=4)
    dock.click(*CLICK)
    dock.propagate()
    current = dock.tool.current
    assert current is not None and current.phase == "stopped" and dock.tool.count == 5
    panel = dock.widget.stack
    assert panel.ends.text().splitlines()[1] == (
        "Up to slice 5: the slice cannot be read (chunk damaged) in 6"
    )
    assert panel.buttons["propagate"].text() == "Go on"
    stack.damaged = -1
    dock.propagate()
    assert current.phase == "done" and dock.tool.count == 7
    stack.damaged = 6
    dock.controller.clear()
    dock.click(17, 23)
    dock.propagate()
    dock.controller.accept()
    assert dock.slices_of() == [1, 2, 3, 4, 5]


def test_what_is_known_when_the_network_fails_is_accepted(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)

    def fail() -> None:
        if len(tubes.asked) == 2:
            tubes.error = RuntimeError("out of memory")

    tubes.on_ask = fail
    dock.propagate()
    current = dock.tool.current
    assert current is not None and current.phase == "failed" and dock.tool.count == 2
    assert dock.widget.message.text() == "the object was not carried: out of memory"
    assert dock.widget.stack.progress.text() == (
        "Not carried on: out of memory · 2 slices, 4 to 5 known"
    )
    dock.controller.accept()
    assert dock.slices_of() == [4, 5]


def test_where_the_network_fails_at_once_the_clicked_slice_is_accepted(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=4)
    dock.click(*CLICK)
    tubes.error = RuntimeError("out of memory")
    dock.propagate()
    dock.controller.accept()
    assert dock.slices_of() == [4]


def test_what_cannot_be_asked_is_not_asked_again_with_every_slice(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=6)
    dock.click(*CLICK)
    dock.go(3)
    dock.click(*CLICK)

    def fail() -> None:
        tubes.error = RuntimeError("slice 6 is damaged") if damaged else None

    damaged: list[bool] = []
    tubes.on_ask = fail
    said: list[str] = []
    dock.controller.messages.reported.connect(lambda text, level: said.append(text))
    dock.session.answers.forget()
    dock.wait()
    damaged.append(True)
    dock.propagate()
    current = dock.tool.current
    assert current is not None and current.phase == "failed"
    problem = "the object was not carried: slice 6 is damaged"
    assert said.count(problem) == 1
    for index in (2, 4, 5, 3):
        dock.go(index)
        dock.wait()
    assert said.count(problem) == 1 and dock.tool.why_not_accept() == "slice 6 is damaged"
    dock.propagate()
    assert said.count(problem) == 2
    damaged.clear()
    dock.go(6)  # it is asked about what is on show
    dock.wait()
    assert current.phase == "done" and dock.tool.count == 7


def test_a_click_that_was_not_answered_is_not_waited_for(
    open_stack: OpenStack, tubes: TubePredictor
) -> None:
    dock = open_stack(tube(), at=4)
    tubes.error = RuntimeError("boom")
    dock.click(*CLICK)
    tubes.asked.clear()
    dock.propagate()
    current = dock.tool.current
    assert tubes.asked == [4]  # it is asked again
    assert current is not None and current.phase == "failed"
    assert dock.widget.stack.progress.text() == "Not carried on: boom"
    dock.controller.accept()
    assert dock.widget.message.text() == "boom" and dock.controller.labels is None
    tubes.error = None
    dock.propagate()
    assert current.phase == "done" and dock.tool.count == 7
    dock.go(6)
    tubes.error = RuntimeError("boom")
    dock.click(20, 20)
    assert current.phase == "failed" and dock.tool.why_not_accept() == "boom"
    tubes.error = None
    dock.propagate()
    assert current.phase == "done" and current.slices[6].kind is Kind.KEYFRAME


def test_what_failed_does_not_end_what_was_begun_since(
    open_stack: OpenStack, tubes: TubePredictor, qtbot: Any
) -> None:
    dock = open_stack(np.stack([tube()] * 2), at=1)
    tool = dock.tool
    dock.go(4, 1)
    dock.click(*CLICK)
    dock.go(0)
    dock.click(*CLICK)
    dock.go(6, 1)
    dock.click(*CLICK)
    dock.session.answers.forget()
    dock.wait()
    dock.go(1)
    dock.go(4, 1)
    dock.wait()
    dock.go(6, 1)
    dock.go(0)
    dock.wait()  # of the first object, slice 4 is not answered
    gate = tubes.gate = threading.Semaphore(0)
    tubes.asked.clear()
    tool.propagate()
    failing = tool.current
    qtbot.waitUntil(lambda: len(tubes.asked) == 1)
    dock.go(1)
    dock.go(4, 1)
    tool.propagate()
    running = tool.current
    assert failing is not None and running is not None and running is not failing
    assert running.phase == "running"
    tubes.error = RuntimeError("slice 4 is damaged")
    gate.release()
    qtbot.waitUntil(lambda: failing.phase == "failed")
    tubes.error = None
    assert running.phase == "running"
    dock.go(0)
    tool.propagate()  # one object at a time
    assert running.phase == "stopped"
    for _ in range(1000):
        gate.release()
    dock.wait()
    dock.go(1)
    dock.wait()
    assert tool.current is running and not tool.why_not_accept()
