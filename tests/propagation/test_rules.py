"""Each stop rule by itself, with values worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from tests.propagation.fakes import (
    OFF,
    PLAIN,
    Bright,
    boxes,
    column,
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
from napari_fclick.propagation import End, Propagation, Reason, Rules, Spacing, from_clicks
from napari_fclick.propagation.rules import Measures, judge
from napari_fclick.propagation.stack import ISOTROPIC

SQUARE = Box(10, 10, 20, 20)
NAMES = ("contrast", "trust", "confidence", "overlap", "growth", "shift")


def carried(volume: Any, spacing: Spacing = ISOTROPIC, start: int = 0, **rules: Any) -> Propagation:
    """Carry what is bright in a slice through a stack, with the given rules alone."""
    alone = OFF.model_copy(update=rules)
    made = Propagation(stack_of(volume, spacing), Bright(), alone, PLAIN)
    mark(made, start, stored(volume[start] > 0.5))
    run(made)
    return made


def last_end(made: Propagation) -> tuple[int, str, float | None]:
    end = made.ends[-1]
    return end.index, end.reason.name, None if end.value is None else round(end.value, 4)


def test_confidence() -> None:
    volume = column(4)
    volume[2] *= 0.8
    assert last_end(carried(volume, confidence=0.85)) == (2, "CONFIDENCE", 0.8)
    assert last_end(carried(volume, confidence=0.75)) == (4, "STACK", None)
    assert last_end(carried(volume)) == (4, "STACK", None)
    assert carried(volume).slices[2].confidence == pytest.approx(0.8)


def test_what_the_network_doubts_counts_against_it() -> None:
    volume = column(3)
    volume[1] *= 0.9
    volume[1, 20:25, 10:20] = 0.4  # 100 px of 0.9 and 50 of 0.4: 90 / (100 + 20)
    assert last_end(carried(volume, confidence=0.76)) == (1, "CONFIDENCE", 0.75)
    assert last_end(carried(volume, confidence=0.74)) == (3, "STACK", None)


def test_another_object_in_the_window_is_no_doubt() -> None:
    volume = column(3)
    volume[1, 10:20, 23:28] = 1
    assert carried(volume, confidence=1.0).slices[1].confidence == 1


def test_overlap() -> None:
    moved = SQUARE.shifted(0, 5)  # 50 px of both, 150 of either
    volume = rectangles(4, {0: SQUARE, 1: SQUARE, 2: moved, 3: moved})
    assert last_end(carried(volume, overlap=0.34)) == (2, "OVERLAP", 0.3333)
    assert last_end(carried(volume, overlap=0.33)) == (4, "STACK", None)
    assert last_end(carried(volume)) == (4, "STACK", None)
    found = carried(volume).slices
    assert [found[i].overlap for i in (1, 2, 3)] == pytest.approx([1, 1 / 3, 1])


@pytest.mark.parametrize(("box", "value"), [(Box(10, 10, 20, 30), 2.0), (Box(10, 10, 20, 15), 0.5)])
def test_growth_up_and_down(box: Box, value: float) -> None:
    volume = rectangles(3, {0: SQUARE, 1: box, 2: box})
    assert last_end(carried(volume, growth=1.9)) == (1, "AREA", value)
    assert last_end(carried(volume, growth=2.0)) == (3, "STACK", None)
    assert last_end(carried(volume)) == (3, "STACK", None)


def test_shift_is_in_the_unit_of_the_scale() -> None:
    first = Box(5, 5, 25, 25)
    volume = rectangles(3, {0: first, 1: first.shifted(3, 8), 2: first.shifted(3, 8)})
    spacing = Spacing(step=3, row=2, column=0.5)  # 3 rows are 6, 8 columns are 4
    assert last_end(carried(volume, spacing, shift=7.2)) == (1, "SHIFT", 7.2111)
    assert last_end(carried(volume, spacing, shift=7.3)) == (3, "STACK", None)
    assert last_end(carried(volume, spacing)) == (3, "STACK", None)
    assert carried(volume, spacing).slices[1].shift == pytest.approx(52**0.5)
    assert last_end(carried(volume, shift=8.6)) == (3, "STACK", None)  # hypot(3, 8) is 8.54
    assert last_end(carried(volume, shift=8.5)) == (1, "SHIFT", 8.544)
    assert carried(volume, spacing).slices[1].area(spacing) == 400  # 400 px of 2 x 0.5


def test_contrast_next_to_the_keyframe() -> None:
    volume = column(4)  # 1 on 0: 3 standard deviations, the most there is
    checks = np.indices((10, 10)).sum(0) % 2
    volume[2] = 0.5
    volume[2, 10:20, 10:20] = 0.6 + 0.4 * checks  # 0.3 / sqrt((0.04 + 0) / 2) is 2.1213
    assert last_end(carried(volume, contrast=0.71)) == (2, "CONTRAST", 0.7071)
    assert last_end(carried(volume, contrast=0.70)) == (4, "STACK", None)
    assert last_end(carried(volume)) == (4, "STACK", None)


def test_contrast_says_nothing_where_the_keyframe_has_none() -> None:
    volume = column(4)
    # The keyframe's square and its surroundings have the same greys.
    volume[0] = 0.9 * (np.indices((40, 40)).sum(0) % 2)
    made = Propagation(stack_of(volume), Bright(), OFF.model_copy(update={"contrast": 1.0}), PLAIN)
    mark(made, 0, of_box(SQUARE))
    run(made)
    assert last_end(made) == (4, "STACK", None)


def test_trust_next_to_the_first_answer() -> None:
    volume = column(4) * np.float32(0.9)
    volume[2] *= 0.8  # 0.72, of 0.9 in slice 1
    assert last_end(carried(volume, trust=0.81)) == (2, "TRUST", 0.8)
    assert last_end(carried(volume, trust=0.79)) == (4, "STACK", None)
    assert last_end(carried(volume)) == (4, "STACK", None)


def test_trust_next_to_what_the_network_said_of_the_keyframe() -> None:
    volume = column(3)
    volume[1] *= 0.8
    predictor, rules = Bright(), OFF.model_copy(update={"trust": 0.81})
    clicks = {0: ClickSequence([Click(14, 14)])}
    made = from_clicks(stack_of(volume), predictor, clicks, rules=rules, carry=PLAIN)
    run(made)
    assert last_end(made) == (1, "TRUST", 0.8)


def test_the_first_rule_that_is_broken_is_told() -> None:
    broken = Measures(0.1, 0.1, 9.0, 9.0, 0.1, 0.1)
    rules = Rules(shift=1, confidence=0.3)
    reasons = ("CONTRAST", "TRUST", "CONFIDENCE", "OVERLAP", "AREA", "SHIFT")
    for name, reason in zip(NAMES, reasons, strict=True):
        assert judge(rules, broken) is Reason[reason]
        rules = rules.model_copy(update={name: None})
    assert judge(rules, broken) is None


def test_the_bounds_themselves_pass() -> None:
    rules = Rules(contrast=0.4, trust=0.7, confidence=0.6, overlap=0.2, growth=4, shift=5)
    assert judge(rules, Measures(0.6, 0.2, 4.0, 5.0, 0.4, 0.7)) is None
    assert judge(rules, Measures(1, 1, 0.25, 0, 1, 1)) is None


def test_a_blank_slice() -> None:
    volume = column(8)
    volume[3] = 0
    one = carried(volume, empty=1)
    assert (boxes(one).keys(), last_end(one)) == ({0, 1, 2}, (3, "EMPTY", None))
    two = carried(volume, empty=2)
    assert (boxes(two).keys(), last_end(two)) == ({0, 1, 2, 4, 5, 6, 7}, (8, "STACK", None))
    assert two.slices[4].source == 2 and two.slices[5].source == 4
    volume[4] = 0
    longer = carried(volume, empty=2)
    assert (boxes(longer).keys(), last_end(longer)) == ({0, 1, 2}, (3, "EMPTY", None))
    volume[5:] = 0
    assert last_end(carried(volume, empty=None)) == (8, "STACK", None)


def test_blank_slices_are_counted_in_a_row() -> None:
    volume = column(8)
    volume[[2, 4, 6]] = 0
    assert boxes(carried(volume, empty=2)).keys() == {0, 1, 3, 5, 7}


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_dropped_frames_are_passed_over(value: float) -> None:
    volume = column(9)
    volume[[3, 4]] = value
    made = carried(volume, empty=1, blank=2)
    assert (boxes(made).keys(), last_end(made)) == ({0, 1, 2, 5, 6, 7, 8}, (9, "STACK", None))
    one = carried(volume, empty=1, blank=1)
    assert (boxes(one).keys(), last_end(one)) == ({0, 1, 2}, (3, "EMPTY", None))
    volume[4, -1, -2:] = 0.1, 0.2  # far from the object something is seen: it is not there
    gone = carried(volume, empty=1, blank=2)
    assert (boxes(gone).keys(), last_end(gone)) == ({0, 1, 2}, (3, "EMPTY", None))
    volume[[6, 7]] = value
    volume[4] = value
    assert boxes(carried(volume, empty=1, blank=2)).keys() == {0, 1, 2, 5, 8}


def test_range() -> None:
    volume = column(10)
    made = carried(volume, start=5, first=3, last=6)
    assert boxes(made).keys() == {3, 4, 5, 6}
    assert stops(made) == [(2, "RANGE"), (7, "RANGE")]
    below = carried(volume, start=5, last=7)
    assert (boxes(below).keys(), stops(below)) == (set(range(8)), [(-1, "STACK"), (8, "RANGE")])


def test_a_range_without_the_clicked_slice() -> None:
    made = carried(column(10), start=2, first=5, last=8)
    assert boxes(made).keys() == {2}
    assert stops(made) == [(1, "RANGE"), (3, "RANGE")]


def test_what_is_allowed() -> None:
    assert Rules(first=4, last=4).allows(4)
    for wrong in (
        {"confidence": 1.1},
        {"overlap": -0.1},
        {"growth": 1.0},
        {"shift": 0},
        {"empty": 0},
        {"first": -1},
        {"first": 5, "last": 4},
        {"colour": 1},
    ):
        with pytest.raises(ValidationError):
            Rules(**wrong)


def test_an_end_tells_why() -> None:
    assert str(End(3, Reason.CONFIDENCE, 0.456)) == "slice 3: low confidence (0.46)"
    assert str(End(3, Reason.STACK)) == "slice 3: end of the stack"
