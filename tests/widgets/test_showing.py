"""Clicks are drawn with the mask that is about to come, but do not wait for long."""

from __future__ import annotations

import time
from typing import Any

import pytest

from napari_fclick.widgets import showing
from napari_fclick.widgets.showing import Showing


@pytest.fixture
def times(qtbot: Any) -> list[float]:
    return []


@pytest.fixture
def shown(times: list[float]) -> Showing:
    return Showing(lambda: times.append(time.monotonic()))


@pytest.mark.parametrize("expected", [None, showing.SOON, float("inf")])
def test_it_is_drawn_at_once_where_no_answer_is_about_to_come(
    shown: Showing, times: list[float], expected: float | None
) -> None:
    shown.show(expected)
    assert len(times) == 1


def test_what_comes_with_the_answer_is_drawn_once(
    shown: Showing, times: list[float], qtbot: Any
) -> None:
    shown.show(0.05)
    assert not times
    shown.show(None)  # the answer
    qtbot.wait(int(2000 * showing.SOON))
    assert len(times) == 1


def test_it_waits_no_longer_than_promised(shown: Showing, times: list[float], qtbot: Any) -> None:
    begun = time.monotonic()
    for _ in range(4):  # more clicks do not put it off
        shown.show(0.05)
        qtbot.wait(int(250 * showing.SOON))
    qtbot.waitUntil(lambda: len(times) == 1, timeout=5000)
    assert times[0] - begun >= showing.SOON - 0.02
    assert times[0] - begun < 10 * showing.SOON


def test_nothing_is_drawn_after_the_end(shown: Showing, times: list[float], qtbot: Any) -> None:
    shown.show(0.05)
    shown.stop()
    qtbot.wait(int(2000 * showing.SOON))
    assert not times
