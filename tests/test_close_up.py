"""A closer look at what a click corrects."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_fclick.close_up import MOST, CloseUp
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.window import Window
from napari_fclick.prediction import Earlier, Prediction
from napari_fclick.reading import WindowReader

SHAPE = (400, 400)
WIDE = Window(0, 0, 400, 400, 256, 256, canvas=(256, 256))
FIRST, NEWEST = Click(200, 150), Click(210, 245)


class Recorded:
    """Answers 1 everywhere and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[Window, ClickSequence]] = []

    def __call__(
        self, reader: WindowReader, views: list[Window], earlier: Earlier | None
    ) -> list[np.ndarray]:
        assert earlier is not None and earlier.view == WIDE
        self.asked += [(view, reader.clicks) for view in views]
        return [np.ones(view.canvas, np.float32) for view in views]


def square(right: int) -> np.ndarray:
    """The network's answer: an object with a part that reaches to a right edge."""
    image = np.zeros(SHAPE, np.float32)
    image[150:250, 100:235] = 1
    image[195:225, 100:right] = 1
    return WIDE.shrink(image[..., None])[..., 0]


def look(
    found: np.ndarray, before: Prediction | None, *clicks: Click
) -> tuple[Recorded, np.ndarray]:
    run, sequence = Recorded(), ClickSequence(clicks)
    reader = WindowReader(np.zeros(SHAPE, np.uint8), SHAPE, sequence, None, None)
    return run, CloseUp(reader, Preprocessing(), run)(found, WIDE, before)


def earlier(right: int, *clicks: Click) -> Prediction:
    return Prediction(WIDE.expand(square(right)), WIDE, ClickSequence(clicks), SHAPE)


def test_a_correction_is_looked_at_close_up() -> None:
    run, joined = look(square(255), earlier(235, FIRST), FIRST, NEWEST)
    ((view, clicks),) = run.asked
    assert view.contains(NEWEST) and view.side <= MOST * WIDE.side
    assert clicks[-1] == NEWEST
    row, column = NEWEST.pixel
    assert joined[row, column] == 1
    wide = WIDE.expand(square(255))
    outside = np.ones(SHAPE, bool)
    outside[view.slices] = False
    assert np.array_equal(joined[outside], wide[outside])
    edge = joined[view.slices][0] - wide[view.slices][0]
    assert np.abs(edge).max() < 0.1  # it fades in


def test_the_first_click_out_of_sight_is_stood_in_for_on_the_object() -> None:
    run, _ = look(square(255), earlier(245, FIRST), FIRST, NEWEST)
    ((view, clicks),) = run.asked
    assert not view.contains(FIRST)
    assert view.contains(clicks.first) and clicks.first.positive
    row, column = clicks.first.pixel
    assert 150 <= row < 250 and 100 <= column < 255


@pytest.mark.parametrize("before", [None, earlier(235, Click(5, 5)), earlier(235, FIRST, NEWEST)])
def test_without_a_correction_the_answer_stays(before: Prediction | None) -> None:
    run, joined = look(square(255), before, FIRST, NEWEST)
    assert not run.asked
    assert np.array_equal(joined, WIDE.expand(square(255)))


def test_a_change_of_most_of_the_window_is_not_looked_at_close_up() -> None:
    run, _ = look(square(380), earlier(120, FIRST), FIRST, NEWEST)
    assert not run.asked


def test_nothing_in_sight_to_stand_in_for_the_first_click() -> None:
    far = replace(Click(380, 380), positive=False)
    run, joined = look(square(255), earlier(255, FIRST), FIRST, far)
    assert not run.asked
    assert np.array_equal(joined, WIDE.expand(square(255)))
