"""What objects do on their way through a stack: vanish, split, merge, leave, hide."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.propagation.fakes import (
    OFF,
    PLAIN,
    RULES,
    Bright,
    boxes,
    column,
    mark,
    of_box,
    rectangles,
    run,
    stack_of,
    stops,
)

from napari_fclick.core.clicks import Click
from napari_fclick.core.window import Box
from napari_fclick.propagation import Propagation, Rules

A = Box(5, 5, 15, 15)
B = Box(5, 15, 15, 25)
TALL = Box(10, 10, 22, 22)


def carried(
    volume: Any, box: Box = A, rules: Rules = RULES, predictor: Any = None, **other: Any
) -> Propagation:
    """Carry a box of slice 0 through a stack."""
    options = {"carry": PLAIN} | other
    made = Propagation(stack_of(volume), predictor or Bright(), rules, **options)
    mark(made, 0, of_box(box))
    run(made)
    return made


def test_it_vanishes() -> None:
    made = carried(rectangles(6, dict.fromkeys(range(3), A)))
    assert (boxes(made).keys(), stops(made)[1]) == ({0, 1, 2}, (3, "EMPTY"))


def test_it_vanishes_next_to_another() -> None:
    other = Box(5, 20, 15, 30)
    there = {z: [A, other] if z < 3 else [other] for z in range(6)}
    made = carried(rectangles(6, there))
    assert boxes(made) == dict.fromkeys(range(3), A)
    assert str(made.ends[1]) == "slice 3: nothing found"


def test_it_splits() -> None:
    # The anchor (15, 15) falls into the gap; the deepest pixel of either part is taken: 72 px
    # of 144 less a gap of two columns.
    parts = [Box(10, 10, 22, 15), Box(10, 17, 22, 22)]
    volume = rectangles(4, {0: TALL, 1: TALL, 2: parts, 3: parts})
    made = carried(volume, TALL)
    assert boxes(made) == {0: TALL, 1: TALL, 2: parts[0], 3: parts[0]}
    assert made.slices[2].clicks.first == Click(14, 14)
    assert made.slices[2].overlap == 60 / 144
    narrow = RULES.model_copy(update={"growth": 2.0})
    assert stops(carried(volume, TALL, narrow))[1] == (2, "AREA")
    both = carried(volume, TALL, carry=PLAIN.model_copy(update={"integrity": False}))
    assert [both.slices[z].pixels for z in range(4)] == [144, 144, 120, 120]


def merging() -> Any:
    """Return a square whose neighbour, a column away, grows up to it from slice 2 on."""
    apart = [A, Box(5, 16, 15, 25)]
    return rectangles(5, {z: apart if z < 2 else [A, B] for z in range(5)})


def test_it_merges_with_a_neighbour() -> None:
    grown = carried(merging())
    assert boxes(grown)[2] == Box(5, 5, 15, 25)
    assert grown.slices[2].pixels == 200
    careful = RULES.model_copy(update={"growth": 1.9})
    end = carried(merging(), rules=careful).ends[1]
    assert (end.index, end.reason.name, end.value) == (2, "AREA", 2.0)


def test_a_neighbour_known_already_is_kept_out() -> None:
    asked: list[tuple[int, Box]] = []

    def others(index: int, box: Box) -> Any:
        asked.append((index, box))
        return of_box(B).within(box)

    made = carried(merging(), others=others)
    assert boxes(made) == dict.fromkeys(range(5), A)
    assert list(made.slices[1].clicks) == [Click(9, 9)]
    assert list(made.slices[2].clicks) == [Click(9, 9), Click(9, 19, False)]
    assert [index for index, _ in asked] == [1, 2, 3, 4]


def test_a_sliver_shared_with_a_neighbour_is_no_conflict() -> None:
    def sliver(pixels: int) -> Propagation:
        return carried(
            column(2, A), others=lambda _, box: of_box(Box(5, 5, 6, 5 + pixels)).within(box)
        )

    assert not sliver(2).slices[1].clicks.negatives  # 2 % of it
    assert sliver(3).slices[1].clicks.negatives  # 3 %


def test_it_touches_the_border() -> None:
    corner = Box(0, 0, 12, 12)
    places = {z: Box(0, 0, 12, 12 - 2 * z) for z in range(5)}
    made = carried(rectangles(5, places), corner)
    assert boxes(made) == places
    leaving = {z: Box(10, 20 + 4 * z, 22, min(32 + 4 * z, 40)) for z in range(5)}
    made = carried(rectangles(7, leaving), leaving[0], OFF)
    assert boxes(made) == leaving  # 4 columns are left in slice 4
    assert stops(made)[1] == (5, "EMPTY")


def test_it_fills_the_plane() -> None:
    whole = Box(0, 0, 40, 40)
    volume = np.random.default_rng(0).uniform(0.9, 1, (3, 40, 40)).astype(np.float32)
    made = carried(volume, whole)
    assert boxes(made) == dict.fromkeys(range(3), whole)


def test_one_pixel() -> None:
    dot = Box(20, 20, 21, 21)
    assert boxes(carried(column(4, dot), dot)) == dict.fromkeys(range(4), dot)


def test_not_a_number() -> None:
    volume = column(6, A)
    volume[2, 5:15, 5:9] = np.nan  # a part of the object
    volume[3, 20:] = np.nan  # beside it
    made = carried(volume)
    assert boxes(made) == dict.fromkeys(range(6), A) | {2: Box(5, 9, 15, 15)}
    volume[4] = np.nan
    predictor = Bright()
    made = carried(volume, predictor=predictor)
    assert (boxes(made).keys(), stops(made)[1]) == ({0, 1, 2, 3}, (4, "EMPTY"))
    assert predictor.calls == [1, 2, 3]  # nothing is asked about slice 4
    passed = carried(volume, rules=RULES.model_copy(update={"empty": 2}))
    assert boxes(passed).keys() == {0, 1, 2, 3, 5}


def test_nothing_but_nan_or_infinity() -> None:
    for value in (np.nan, np.inf, 7.0):
        volume = np.full((3, 40, 40), value, np.float32)
        made = carried(volume)
        assert (boxes(made).keys(), stops(made)[1]) == ({0}, (1, "EMPTY"))


def test_between_keyframes_it_may_vanish_and_come_again() -> None:
    made = Propagation(
        stack_of(rectangles(9, dict.fromkeys((0, 1, 2, 6, 7, 8), A))), Bright(), RULES, PLAIN
    )
    mark(made, 0, of_box(A))
    mark(made, 8, of_box(A))
    run(made)
    assert boxes(made).keys() == {0, 1, 2, 6, 7, 8}
    assert made.slices[6].source == 7
