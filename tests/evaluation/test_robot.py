"""The robot user with methods whose answers are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.evaluation.fakes import Grower, answer, strip

from napari_fclick import ClickSequence
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.metrics import iou
from napari_fclick.evaluation.protocol import stream
from napari_fclick.prediction import Prediction


class Reader:
    """Answers with the given masks, one after the other, then with the last."""

    name = device = "reader"

    def __init__(self, masks: Sequence[NDArray[np.bool_]]) -> None:
        self.masks = masks

    def predict(self, image: Any, clicks: ClickSequence, *_: Any, **__: Any) -> Prediction:
        return answer(self.masks[min(len(clicks), len(self.masks)) - 1], clicks)


def play(masks: Sequence[NDArray[np.bool_]], truth: NDArray[np.bool_], **other: Any) -> list[Any]:
    return list(robot.play(Reader(masks), truth, truth, **other))


def test_the_robot_clicks_the_middle_of_what_is_missed() -> None:
    truth = strip()
    grower = Grower(4)
    rounds = list(robot.play(grower, truth, truth, most=20))
    assert [round(r.iou, 3) for r in rounds] == [0.2, 0.4, 0.6, 0.8, 1.0]
    first, second = rounds[0].click, rounds[1].click
    assert (first.row, first.column, first.positive) == (9, 14, True)
    assert second.positive
    assert second.column >= 14  # the strip's left 4 columns are found
    assert grower.previous == [None, *(r.prediction for r in rounds[:-1])]


def test_the_robot_stops_at_its_target_and_at_its_limit() -> None:
    truth = strip()
    assert len(list(robot.play(Grower(4), truth, truth, target=0.6))) == 3
    assert len(list(robot.play(Grower(1), truth, truth, most=7))) == 7


def test_a_false_alarm_gets_a_negative_click_in_its_middle() -> None:
    truth = strip(5)  # columns 10 to 14
    alarm = truth.copy()
    alarm[2:9, 30:37] = True  # 7 x 7 about (5, 33)
    alarm[7, 15:30] = True  # hanging together with the object
    clicks = [r.click for r in play([alarm, truth], truth)]
    assert [tuple(c) for c in clicks] == [(7, 12, True), (5, 33, False)]


def test_a_tie_gets_a_negative_click() -> None:
    truth = strip(5)
    other = np.zeros_like(truth)
    other[5:15, 30:35] = True  # as large as the object, and all wrong
    assert tuple(play([other], truth, most=2)[1].click) == (7, 32, False)


def test_an_object_at_the_border() -> None:
    # Outside of the image is not the object: the middle of a corner square is its own.
    truth = np.zeros((9, 12), bool)
    truth[:5, :5] = True
    assert tuple(play([truth], truth)[0].click) == (2, 2, True)
    whole = np.ones((5, 9), bool)
    assert play([whole], whole)[0].click.row == 2


def test_an_object_of_one_pixel_that_is_never_found() -> None:
    truth = np.zeros((9, 9), bool)
    truth[0, 8] = True
    rounds = play([truth & False], truth)
    assert [tuple(r.click) for r in rounds] == [(0, 8, True)]  # it cannot be clicked twice
    assert iou(truth, rounds[-1].mask) == 0


def test_an_unreachable_object_is_clicked_pixel_by_pixel() -> None:
    truth = np.zeros((5, 7), bool)
    truth[2, 2:5] = True
    rounds = play([truth & False], truth)
    # Three pixels of the same depth: the first in reading order each time.
    assert [(r.click.row, r.click.column) for r in rounds] == [(2, 2), (2, 3), (2, 4)]


def test_ignored_pixels_are_neither_clicked_nor_counted() -> None:
    truth = strip()  # columns 10 to 29
    ignore = np.zeros_like(truth)
    ignore[:, 15:] = True
    found = truth.copy()
    found[:, 25:] = True  # false alarms, but ignored
    rounds = play([found], truth, ignore=ignore)
    assert [tuple(r.click) for r in rounds] == [(7, 12, True)]  # the middle of columns 10 to 14
    assert rounds[0].iou == 1


def test_no_object() -> None:
    empty = np.zeros((4, 4), bool)
    with pytest.raises(ValueError, match="no pixels"):
        play([empty], empty)
    with pytest.raises(ValueError, match="no pixels"):
        play([empty], ~empty, ignore=~empty)


def test_jitter_stays_as_deep_as_promised() -> None:
    truth = np.zeros((40, 40), bool)
    truth[5:26, 5:26] = True  # 21 x 21: 11 deep in the middle
    clicks = {
        tuple(play([truth], truth, rng=stream(0, "s", str(k)), jitter_share=0.5)[0].click)[:2]
        for k in range(60)
    }
    depths = [min(r - 4, 26 - r, c - 4, 26 - c) for r, c in clicks]
    assert min(depths) >= 5.5
    assert len(clicks) > 20


def test_jitter_does_not_leave_the_largest_error() -> None:
    truth = np.zeros((40, 60), bool)
    truth[5:26, 5:26] = True
    truth[5:20, 35:50] = True  # 8 deep, as is much of the larger square
    columns = {
        play([truth], truth, rng=stream(0, "s", str(k)), jitter_share=1.0)[0].click.column
        for k in range(60)
    }
    assert max(columns) < 26


def test_jitter_in_pixels_stays_near_the_middle_and_within_the_error() -> None:
    truth = np.zeros((40, 60), bool)
    truth[5:26, 5:26] = True  # its middle is (15, 15)
    truth[18:22, 20:50] = True  # joined to it
    truth[8:12, 28:34] = True  # within reach of the middle, and another part
    apart = truth.copy()
    clicks = {
        tuple(play([apart], truth, rng=stream(0, "s", str(k)), jitter=14)[0].click)[:2]
        for k in range(300)
    }
    assert len(clicks) > 100
    assert all(np.hypot(row - 15, column - 15) <= 14 for row, column in clicks)
    assert max(np.hypot(row - 15, column - 15) for row, column in clicks) > 12
    assert all(5 <= row < 26 and 5 <= column < 30 for row, column in clicks)
    assert not any(row < 12 and column > 25 for row, column in clicks)
    near = {
        tuple(play([apart], truth, rng=stream(0, "s", str(k)), jitter=1)[0].click)[:2]
        for k in range(60)
    }
    assert near == {(15, 15), (14, 15), (16, 15), (15, 14), (15, 16)}
    again = play([apart], truth, rng=stream(0, "s", "7"), jitter=14)[0].click
    assert again == play([apart], truth, rng=stream(0, "s", "7"), jitter=14)[0].click


def test_jitter_in_pixels_corrects_misses_and_false_alarms_where_they_are() -> None:
    truth, ignore = strip(), np.zeros((20, 40), bool)  # columns 10 to 29
    ignore[:, 26:] = True
    found = np.roll(truth, -6, axis=1)  # columns 4 to 23
    for seed in range(20):
        rng = stream(0, "s", str(seed))
        _, *corrections = play([found], truth, ignore=ignore, rng=rng, jitter=30, most=12)
        assert len({each.click[:2] for each in corrections}) == 11  # none twice
        for row, column, positive in (each.click for each in corrections):
            assert 5 <= row < 15 and (24 <= column < 26 if positive else 4 <= column < 10)


@pytest.mark.parametrize(("integrity", "reached"), [(True, 1.0), (False, 50 / 71)])
def test_masks_are_cleaned_unless_it_is_switched_off(integrity: bool, reached: float) -> None:
    truth = strip(5)  # 50 pixels
    speck = truth.copy()
    speck[5:12, 30:33] = True  # 21 pixels that hang together with no click
    rounds = play([speck], truth, integrity=integrity, most=1)
    assert rounds[0].iou == pytest.approx(reached)


def test_a_stream_is_of_its_seed_set_and_object_alone() -> None:
    def draw(*names: Any) -> int:
        return int(stream(*names).integers(2**60))

    assert draw(0, "s", "a/1") == draw(0, "s", "a/1")
    others = [(0, "s", "a/1"), (1, "s", "a/1"), (0, "t", "a/1"), (0, "s", "b/1")]
    assert len({draw(*names) for names in others}) == 4
