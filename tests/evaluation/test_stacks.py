"""The robot in stacks, with a predictor whose answers are known beforehand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.propagation.fakes import PLAIN, RULES, Bright, column, rectangles

from napari_fclick.core.clicks import Click
from napari_fclick.core.window import Box
from napari_fclick.evaluation.stacks import (
    Baseline,
    SliceBySlice,
    StackRobot,
    interpolated,
    middle_slice,
    unchanged,
)

A, B, FAR = Box(5, 5, 15, 15), Box(5, 15, 15, 25), Box(25, 25, 35, 35)
IN_A, IN_B = Click(9, 9), Click(9, 19, False)


def robot(image: Any, truth: NDArray[np.bool_], **other: Any) -> StackRobot:
    return StackRobot(Bright(), image, truth, **({"rules": RULES, "carry": PLAIN} | other))


def told(rounds: Any) -> list[tuple[int, Click | None, float, int]]:
    return [(r.at, r.click, round(r.iou, 4), r.slices) for r in rounds]


def test_the_first_click_is_in_the_middle_of_the_middle_slice() -> None:
    image = rectangles(7, dict.fromkeys(range(1, 6), A))
    played = robot(image, image > 0.5)
    rounds = list(played.play())
    assert told(rounds) == [(3, IN_A, 1.0, 4)]
    assert rounds[0].seconds > 0
    assert np.array_equal(played.found, image > 0.5)
    assert [middle_slice(image[:n] > 0) for n in (2, 3, 4, 5)] == [1, 2, 2, 3]


def test_then_the_worst_slice_is_clicked() -> None:
    # It jumps between slices 4 and 5, where the carrying stops: 400 of 600 voxels are found.
    places = dict.fromkeys(range(1, 5), A) | dict.fromkeys(range(5, 7), FAR)
    image = rectangles(8, places)
    played = robot(image, image > 0.5)
    assert told(played.play()) == [(4, IN_A, 0.6667, 3), (5, Click(29, 29), 1.0, 1)]
    assert played.propagation.keyframes == (4, 5)


def test_a_slice_that_was_clicked_gets_another_click() -> None:
    image = rectangles(3, {1: [A, B]})
    truth = rectangles(3, {1: A}) > 0.5
    played = robot(image, truth)
    assert told(played.play()) == [(1, IN_A, 0.5, 0), (1, IN_B, 1.0, 0)]
    assert [c.positive for c in played.propagation.slices[1].clicks] == [True, False]


def test_a_slice_that_was_carried_is_corrected_from_its_anchor() -> None:
    image = rectangles(6, {1: [A, B], 2: A, 3: A})
    truth = rectangles(6, dict.fromkeys((1, 2, 3), A)) > 0.5
    played = robot(image, truth)
    assert told(played.play()) == [(2, IN_A, 0.75, 2), (1, IN_B, 1.0, 0)]
    assert list(played.propagation.slices[1].clicks) == [IN_A, IN_B]


def test_where_it_is_not_that_is_said() -> None:
    image, truth = column(8, A), np.zeros((8, 40, 40), bool)
    truth[3:6] = image[3:6] > 0.5
    played = robot(image, truth)
    # Of 8 slices 3 are right. The first of the worst is the first slice of all.
    assert told(played.play()) == [
        (4, IN_A, 0.375, 7),
        (0, None, round(3 / 7, 4), 3),
        (1, None, 0.5, 2),
        (2, None, 0.6, 1),
        (6, None, 1.0, 1),
    ]
    assert not played.found[7].any()  # nothing is carried over a mark of absence


def test_target_and_limit() -> None:
    image, truth = column(8, A), np.zeros((8, 40, 40), bool)
    truth[3:6] = image[3:6] > 0.5
    assert len(list(robot(image, truth).play(most=2))) == 2
    assert len(list(robot(image, truth).play(target=0.5))) == 3


def test_ignored_voxels_are_neither_clicked_nor_counted() -> None:
    image = column(8, A)
    truth, ignore = image > 0.5, np.zeros((8, 40, 40), bool)
    truth[6:] = False
    ignore[6:] = True
    assert told(robot(image, truth, ignore=ignore).play()) == [(3, IN_A, 1.0, 7)]
    ignore[:3] = True  # slices 3 to 5 are left
    assert told(robot(image, truth, ignore=ignore).play()) == [(4, IN_A, 1.0, 7)]


def test_no_object() -> None:
    image = column(3, A)
    for truth, ignore in ((image < 0, None), (image > 0.5, image > 0.5)):
        with pytest.raises(ValueError, match="the object to segment has no voxels"):
            robot(image, truth, ignore=ignore)


def test_an_object_that_is_never_found() -> None:
    image = column(3, A)
    rounds = list(robot(image * 0, image > 0.5).play())
    # Each click counts; a slice gets no more than where it is clicked on its own.
    assert [each.at for each in rounds] == [1] + [0] * 20 + [1] * 19
    assert len({each.click for each in rounds[1:21]}) == 20  # none twice
    assert {(each.iou, each.slices) for each in rounds} == {(0.0, 0)}


def test_a_slice_where_nothing_is_found_does_not_end_the_object() -> None:
    # Of slice 3, two pixels, nothing is ever found; once both are clicked, slice 4 is next.
    image = rectangles(6, {1: A, 2: A, 4: Box(30, 30, 31, 31)})
    truth = image > 0.5
    truth[3, 9, 9:11] = True
    assert told(robot(image, truth).play()) == [
        (3, Click(9, 9), 0.0, 0),
        (1, IN_A, round(200 / 203, 4), 1),
        (3, Click(9, 10), round(200 / 203, 4), 0),
        (4, Click(30, 30), round(201 / 203, 4), 2),  # 5, and 2 or 3, where nothing is found
    ]


def test_clicks_go_on_where_the_target_is_reached() -> None:
    image, truth = column(8, A), np.zeros((8, 40, 40), bool)
    truth[3:6] = image[3:6] > 0.5
    assert len(list(robot(image, truth).play(target=0.3, least=3))) == 3
    assert len(list(robot(image, truth).play(target=0.5, least=2))) == 3
    right = robot(image, image > 0.5)
    assert len(list(right.play(target=0.3, least=3))) == 1  # nothing is wrong any more


# --- what it has to beat --------------------------------------------------------------------


def test_slice_by_slice() -> None:
    image = rectangles(6, {1: [A, B], 2: A, 3: A})
    truth = rectangles(6, dict.fromkeys((1, 2, 3), A)) > 0.5
    slices = SliceBySlice(Bright(), image, truth)
    assert slices.each(0.9) == Baseline(4, 1.0)
    assert slices.each(0.5) == Baseline(3, 0.75)  # 300 of 400 voxels


def test_slice_by_slice_worst_first() -> None:
    # A slice of little weight stays wrong where the object as a whole is good by then.
    tiny, beside = Box(5, 5, 7, 7), Box(5, 7, 7, 9)
    image = rectangles(6, {1: [tiny, beside], 2: A, 3: [A, B]})
    truth = rectangles(6, {1: tiny, 2: A, 3: A}) > 0.5
    slices = SliceBySlice(Bright(), image, truth)
    assert slices.worst_first(0.6) == Baseline(3, 204 / 308)
    assert slices.worst_first(0.9) == Baseline(4, 204 / 208)
    assert slices.worst_first(1.0) == slices.each(0.9) == Baseline(5, 1.0)


def test_slice_by_slice_ends_where_no_click_is_left() -> None:
    image = rectangles(3, {1: A})
    slices = SliceBySlice(Bright(), image * 0, image > 0.5)
    assert slices.worst_first(0.9).iou == slices.each(0.9).iou == 0


def test_unchanged() -> None:
    half = Box(5, 5, 15, 10)
    image = rectangles(5, {1: half, 2: A, 3: half})
    found = unchanged(Bright(), image, image > 0.5)
    assert found == Baseline(1, 200 / 300)
    ignore = np.zeros(image.shape, bool)
    ignore[:, 5:15, 10:15] = ignore[2, 5:15, 5:10] = True  # what is left is in slices 1 and 3
    assert unchanged(Bright(), image, image > 0.5, ignore) == Baseline(1, 1.0)


def test_interpolated() -> None:
    # See the tests of what lies between two keyframes for how these squares come about.
    between = {3: Box(9, 9, 21, 21), 4: Box(8, 8, 22, 22), 5: Box(6, 6, 24, 24)}
    clicked = {2: Box(10, 10, 20, 20), 6: Box(5, 5, 25, 25)}
    tips = {0: clicked[2], 1: clicked[2], 7: clicked[6], 8: clicked[6]}
    image = rectangles(9, tips | clicked | between)
    assert interpolated(Bright(), image, image > 0.5, 0.9) == Baseline(2, 1.0)
    # At its tips, which are not clicked, it is taken to be as large as in the slice that is.
    pointed = rectangles(9, tips | {0: Box(13, 13, 17, 17)} | clicked | between)
    inside = 16 + 100 + 100 + 144 + 196 + 324 + 400 + 400 + 400
    found = interpolated(Bright(), pointed, pointed > 0.5, 0.9)
    assert found == Baseline(2, inside / (inside + 84))


def test_interpolated_heeds_what_counts_nowhere() -> None:
    """The method finds both squares: it is not corrected where nothing is known."""
    image = rectangles(3, dict.fromkeys(range(3), A))
    ignore = np.zeros(image.shape, bool)
    ignore[:, 5:15, 15:25] = True
    both = np.where(ignore, np.float32(1), image)
    assert interpolated(Bright(), both, image > 0.5, 0.9, ignore) == Baseline(2, 1.0)


def test_interpolated_within_one_slice() -> None:
    image = rectangles(3, {1: A})
    assert interpolated(Bright(), image, image > 0.5, 0.9) == Baseline(1, 1.0)
