"""Carrying off the GUI thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.widgets.stacks.fakes import CLICK, TUBE, TubePredictor, tube
from tests.widgets.steps import until

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import Carry, Rules
from napari_fclick.widgets.stacks.running import Carrying, Keyframe, Request, Runner, Snapshot

pytestmark = pytest.mark.usefixtures("qapp")
DATA = tube((30, 40, 50), 0, 29)


class Told:
    """What a run has told."""

    def __init__(self) -> None:
        self.found: list[Snapshot] = []
        self.done: list[Snapshot] = []
        self.failed: list[str] = []

    def run(self, runner: Runner, request: Request) -> None:
        runner.run(request, self.found.append, self.done.append, self.failed.append)


@pytest.fixture
def waits() -> list[bool]:
    return [False]


@pytest.fixture
def runner(waits: list[bool]) -> Iterator[Runner]:
    made = Runner(lambda: waits[0])
    yield made
    made.close()


def request(predictor: Any, at: int = 15, **rules: Any) -> Request:
    mask = StoredMask.pack(DATA[at] > 100)
    carrying = Carrying(lambda i: DATA[i], len(DATA), (1.0, 1.0, 1.0), predictor, Carry())
    clicks = ClickSequence([Click(*CLICK)])
    return Request(carrying, {at: Keyframe(clicks, mask)}, Rules(**rules))


def test_a_run_ends_with_all_slices(runner: Runner) -> None:
    told = Told()
    told.run(runner, request(TubePredictor(), first=10))
    until(lambda: told.done)
    assert sorted(told.done[0].slices) == list(range(10, 30)) and told.done[0].complete
    assert [end.index for end in told.done[0].ends] == [9, 30]
    assert told.done[0].slices[12].mask.box.top == TUBE[0].start and not runner.busy


def test_it_is_told_seldom_and_stops_between_slices(runner: Runner) -> None:
    told, predictor = Told(), TubePredictor()
    predictor.on_ask = lambda: time.sleep(0.02)
    told.run(runner, request(predictor))
    until(lambda: told.found)
    runner.stop()
    until(lambda: told.done)
    assert not told.done[0].complete
    assert len(told.found) <= 1 + len(predictor.asked) // 4


def test_the_newest_request_wins(runner: Runner) -> None:
    first, second, predictor = Told(), Told(), TubePredictor(gate=threading.Semaphore(2))
    first.run(runner, request(predictor))
    until(lambda: len(predictor.asked) == 3)
    again = TubePredictor()
    second.run(runner, request(again, at=3))
    assert predictor.gate is not None
    predictor.gate.release()
    until(lambda: second.done)
    assert len(predictor.asked) == 3 and not first.done
    assert sorted(second.done[0].slices) == list(range(30))


def test_clicks_go_first(runner: Runner, waits: list[bool]) -> None:
    told, predictor = Told(), TubePredictor()
    waits[0] = True
    told.run(runner, request(predictor))
    time.sleep(0.05)
    assert not predictor.asked
    waits[0] = False
    until(lambda: told.done)
    assert len(predictor.asked) == 29


def test_what_goes_wrong_is_told(runner: Runner) -> None:
    told = Told()
    one = request(TubePredictor())
    told.run(runner, replace(one, keyframes={30: one.keyframes[15]}))
    until(lambda: told.failed)
    assert told.failed[0].startswith("slice 30: the stack has slices 0 to 29") and not told.done


def test_what_was_found_before_something_went_wrong_is_told(runner: Runner) -> None:
    told, predictor = Told(), TubePredictor()

    def fail() -> None:
        if len(predictor.asked) == 3:
            raise RuntimeError("out of memory")

    predictor.on_ask = fail
    told.run(runner, request(predictor))
    until(lambda: told.done)
    found = told.done[0]
    assert found.problem == "out of memory" and not found.complete and not told.failed
    assert sorted(found.slices) == [15, 16, 17, 18] and found.at == 18


def test_only_what_changed_is_run_again(runner: Runner) -> None:
    predictor = TubePredictor()
    first = request(predictor, at=10)
    told = Told()
    told.run(runner, first)
    until(lambda: told.done)
    predictor.asked.clear()
    kept = told.done[0].slices[20]
    mine = Keyframe(kept.clicks, kept.mask)
    told.run(runner, Request(first.carrying, {**first.keyframes, 20: mine}))
    until(lambda: len(told.done) == 2)
    assert sorted(set(predictor.asked)) == [*range(11, 20), *range(21, 30)]
    absent = Keyframe(ClickSequence(), None)
    predictor.asked.clear()
    told.run(runner, Request(first.carrying, {**first.keyframes, 20: mine, 25: absent}))
    until(lambda: len(told.done) == 3)
    assert sorted(set(predictor.asked)) == [21, 22, 23, 24]
    assert 26 not in told.done[2].slices
