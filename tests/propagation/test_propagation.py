"""Outward from one slice, and between two: what is found, in which order, and what is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.propagation.fakes import (
    PLAIN,
    RULES,
    Bright,
    Echo,
    boxes,
    column,
    disc,
    mark,
    of_box,
    rectangles,
    run,
    stack_of,
    stops,
    stored,
)

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, Propagation, Stack

SQUARE = Box(10, 10, 20, 20)
LARGE = Box(5, 5, 25, 25)


def propagation(volume: Any, predictor: Any = None, **other: Any) -> Propagation:
    return Propagation(
        stack_of(volume), predictor or Bright(), **({"carry": PLAIN, "rules": RULES} | other)
    )


def carried(volume: Any, *keyframes: int, **other: Any) -> Propagation:
    """Carry what is bright in the keyframes."""
    made = propagation(volume, **other)
    for index in keyframes:
        mark(made, index, stored(volume[index] > 0.5))
    run(made)
    return made


# --- outward --------------------------------------------------------------------------------


def test_up_first_then_down() -> None:
    made = propagation(column(6))
    mark(made, 2, of_box(SQUARE))
    assert run(made) == [3, 4, 5, 1, 0]
    assert stops(made) == [(-1, "STACK"), (6, "STACK")]
    assert boxes(made) == dict.fromkeys(range(6), SQUARE)
    found = made.slices[4]
    assert (found.kind, found.source, found.pixels) == (Kind.CARRIED, 3, 100)
    assert (found.confidence, found.overlap, found.shift, found.agreement) == (1, 1, 0, None)
    assert [made.slices[i].source for i in (5, 3, 2, 1, 0)] == [4, 2, None, 2, 1]
    assert list(found.clicks) == [Click(14, 14)]  # the first of the four in the middle


@pytest.mark.parametrize(
    ("direction", "there", "ends"),
    [
        ("up", {2, 3, 4, 5}, [(6, "STACK")]),
        ("down", {0, 1, 2}, [(-1, "STACK")]),
        ("both", {0, 1, 2, 3, 4, 5}, [(-1, "STACK"), (6, "STACK")]),
    ],
)
def test_direction(direction: Any, there: set[int], ends: list[Any]) -> None:
    made = carried(column(6), 2, direction=direction)
    assert (boxes(made).keys(), stops(made)) == (there, ends)


def test_direction_says_nothing_of_what_lies_between() -> None:
    for direction, there in (("up", range(2, 8)), ("down", range(6))):
        made = carried(column(8), 2, 5, direction=direction)
        assert boxes(made).keys() == set(there)


def test_a_stack_of_one_slice() -> None:
    predictor = Bright()
    made = propagation(column(1), predictor)
    mark(made, 0, of_box(SQUARE))
    assert run(made) == []
    assert stops(made) == [(-1, "STACK"), (1, "STACK")]
    assert (boxes(made), predictor.calls, made.pending) == ({0: SQUARE}, [], False)


def test_the_stack_turned_over_gives_the_mirrored_object() -> None:
    volume = np.stack([disc((20, 12 + 1.5 * z), 5 + z / 3, (40, 40)) for z in range(9)])
    volume[7] *= 0.55  # ends there
    volume[4] *= 0.8
    one, other = carried(volume, 3), carried(volume[::-1].copy(), 5)
    assert sorted(one.slices) == list(range(7))
    assert stops(one) == [(-1, "STACK"), (7, "CONFIDENCE")]
    assert stops(other) == [(1, "CONFIDENCE"), (9, "STACK")]
    for index, found in one.slices.items():
        there = other.slices[8 - index]
        assert (found.mask, found.clicks, found.kind) == (there.mask, there.clicks, there.kind)
        assert (found.confidence, found.overlap) == (there.confidence, there.overlap)


def test_the_pixel_limits_reach_the_predictor() -> None:
    predictor = Bright()
    made = propagation(column(3), predictor, limits=(2.0, 9.0))
    mark(made, 0, of_box(SQUARE))
    run(made)
    assert predictor.limits == [(2.0, 9.0)] * 2


def test_pyramids() -> None:
    volume = column(3, Box(10, 10, 30, 30))
    stack = Stack(lambda index: [volume[index], volume[index, ::2, ::2]], 3)

    class Finest(Bright):
        def predict(self, image: Any, *rest: Any, **other: Any) -> Any:
            return super().predict(image[0], *rest, **other)

    made = Propagation(stack, Finest(), RULES)
    mark(made, 1, of_box(Box(10, 10, 30, 30)))
    run(made)
    assert boxes(made) == dict.fromkeys(range(3), Box(10, 10, 30, 30))


# --- between two keyframes ------------------------------------------------------------------


def textured(length: int) -> NDArray[np.float32]:
    """Return planes that are not blank, of which `Echo` takes no notice."""
    return np.random.default_rng(0).random((length, 40, 40), np.float32)


def test_between_two_squares_the_nearer_counts_more() -> None:
    # Along a side the signed distances are j + 1 in the large square and j - 5 in the small
    # one, j pixels from the large one's side: what is left of it is where their mean is
    # positive, from j = 4, 3 and 1 on.
    made = propagation(textured(5), Echo())
    mark(made, 0, of_box(SQUARE))
    mark(made, 4, of_box(LARGE))
    assert run(made) == [1, 2, 3, 3, 2, 1]
    assert boxes(made) == {
        0: SQUARE,
        1: Box(9, 9, 21, 21),
        2: Box(8, 8, 22, 22),
        3: Box(6, 6, 24, 24),
        4: LARGE,
    }
    between = [made.slices[i] for i in (1, 2, 3)]
    assert [s.pixels for s in between] == [144, 196, 324]
    assert {s.kind for s in between} == {Kind.BETWEEN}
    assert [s.agreement for s in between] == [0.25] * 3  # 100 px of 400
    assert [s.source for s in between] == [0, 1, 4]
    assert between[0].certainty == 0.25


def test_between_is_the_same_turned_over() -> None:
    for stop in range(2, 9):
        found = []
        for ends in ((SQUARE, LARGE), (LARGE, SQUARE)):
            made = propagation(textured(stop + 1), Echo())
            mark(made, 0, of_box(ends[0]))
            mark(made, stop, of_box(ends[1]))
            run(made)
            found.append(boxes(made))
        assert found[1] == {stop - index: box for index, box in found[0].items()}


def test_both_sides_meet() -> None:
    # The square moves 2 px a slice; either side follows it, and they agree.
    places = {z: SQUARE.shifted(0, 2 * z) for z in range(7)}
    made = carried(rectangles(7, places), 0, 6)
    assert boxes(made) == places
    assert {made.slices[z].agreement for z in range(1, 6)} == {1.0}
    assert (stops(made), made.keyframes) == ([(-1, "STACK"), (7, "STACK")], (0, 6))


def test_a_side_that_has_lost_the_object_does_not_count() -> None:
    # In slice 3 the square runs into a large neighbour, which goes on from there on the way up.
    neighbour = Box(10, 20, 30, 38)
    places: dict[int, Any] = {z: [SQUARE, neighbour] for z in range(8)}
    places = {z: [SQUARE] if z in (0, 7) else [SQUARE, Box(10, 21, 30, 38)] for z in places}
    places[3] = [SQUARE, neighbour]
    made = carried(rectangles(8, places), 0, 7)
    found = boxes(made)
    assert {z: found[z] for z in (1, 2, 4, 5, 6)} == dict.fromkeys((1, 2, 4, 5, 6), SQUARE)


def test_two_shapes_that_share_nothing_are_not_mixed() -> None:
    apart = Box(10, 21, 20, 31)
    made = propagation(textured(5), Echo())
    mark(made, 0, of_box(SQUARE))
    mark(made, 4, of_box(apart))
    run(made)
    assert boxes(made) == {0: SQUARE, 1: SQUARE, 2: SQUARE, 3: apart, 4: apart}
    assert {made.slices[z].agreement for z in (1, 2, 3)} == {0.0}


def test_slices_without_the_object_are_told_too() -> None:
    volume = rectangles(7, dict.fromkeys((0, 1, 5, 6), SQUARE))
    made = propagation(volume, rules=RULES.model_copy(update={"empty": None}), direction="up")
    mark(made, 1, of_box(SQUARE))
    came = [(found.index, found.mask is not None) for found in made.run()]
    assert came == [(2, False), (3, False), (4, False), (5, True), (6, True)]
    mark(made, 6, of_box(SQUARE))
    came = [(found.index, found.mask is not None) for found in made.run()]
    assert came[:4] == [(2, False), (3, False), (4, False), (5, True)]
    assert came[4:] == [(5, True), (4, False), (3, False), (2, False)]


def test_where_one_side_alone_finds_it() -> None:
    class Once(Bright):
        """Finds nothing when it sees a slice for the first time: on the way up."""

        def predict(self, image: Any, *rest: Any, **other: Any) -> Any:
            found = super().predict(image, *rest, **other)
            if self.calls.count(image.index) == 1:
                found.probability[:] = 0
            return found

    volume = rectangles(4, {0: SQUARE, 2: SQUARE, 3: SQUARE})  # slice 1 is blank
    made = carried(volume, 0, 3, predictor=Once())
    assert boxes(made).keys() == {0, 2, 3}
    found = made.slices[2]
    assert (found.kind, found.agreement, found.source) == (Kind.BETWEEN, 0.0, 3)
    assert found.certainty == 0


def test_the_range_and_the_rules_end_nothing_between_keyframes() -> None:
    volume = column(7)
    volume[3] *= 0.6
    rules = RULES.model_copy(update={"confidence": 0.9, "first": 4, "last": 4})
    made = carried(volume, 1, 5, rules=rules)
    assert boxes(made).keys() == {1, 2, 3, 4, 5}
    assert stops(made) == [(0, "RANGE"), (6, "RANGE")]


def test_keyframes_are_never_overwritten() -> None:
    volume = column(9)
    made = propagation(volume)
    odd = {2: of_box(Box(12, 12, 14, 14)), 4: of_box(LARGE), 6: of_box(Box(10, 10, 13, 20))}
    for index, mask in odd.items():
        mark(made, index, mask)
    before = {index: made.slices[index] for index in odd}
    run(made)
    for index in odd:
        assert made.slices[index] is before[index]
        assert before[index].kind is Kind.KEYFRAME
        assert (before[index].confidence, before[index].certainty) == (1, 1)
    assert boxes(made)[3] == SQUARE


def test_what_cannot_be_run() -> None:
    made = propagation(column(3))
    for _ in range(2):
        with pytest.raises(ValueError, match="click on the object in a slice first"):
            run(made)
        made.set_absent(1)
    for index in (-1, 3):
        with pytest.raises(ValueError, match=f"slice {index}: the stack has slices 0 to 2"):
            made.set_absent(index)
        with pytest.raises(ValueError, match=f"slice {index}: the stack has slices 0 to 2"):
            made.set_keyframe(index, ClickSequence([Click(1, 1)]), of_box(SQUARE))


def test_the_whole_object_as_one_array() -> None:
    image = rectangles(5, {0: SQUARE, 1: SQUARE, 2: SQUARE})
    it = Propagation(stack_of(image), Bright(), RULES, PLAIN)
    mark(it, 1, of_box(SQUARE))
    run(it)
    it.set_absent(0)
    expected = image > 0.5
    expected[0] = False
    assert it.volume((40, 40)).dtype == bool and np.array_equal(it.volume((40, 40)), expected)
    assert it.volume((40, 40), np.uint16).dtype == np.uint16
