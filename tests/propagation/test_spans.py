"""What lies between keyframes and beyond them."""

from __future__ import annotations

from tests.propagation.fakes import RULES, SQUARE, of_box

from napari_fclick.propagation import Direction, Kind, SliceMask
from napari_fclick.propagation.spans import Keyframe, spans_of

CLICKED = [Keyframe(SliceMask(index, Kind.KEYFRAME, of_box(SQUARE))) for index in (3, 7)]
ABSENT = Keyframe(SliceMask(11, Kind.ABSENT, None))


def around(direction: Direction, *keyframes: Keyframe) -> list[tuple[int | None, int | None]]:
    return [
        (span.below and span.below.index, span.above and span.above.index)
        for span in spans_of(keyframes, RULES, direction)
    ]


def test_spans_go_where_there_is_a_mask_to_carry() -> None:
    assert around("both", *CLICKED) == [(3, 7), (7, None), (None, 3)]
    assert around("up", *CLICKED) == [(3, 7), (7, None)]
    assert around("down", *CLICKED, ABSENT) == [(3, 7), (None, 3)]
    assert around("both", *CLICKED, ABSENT) == [(3, 7), (7, 11), (None, 3)]
    assert not around("both", ABSENT)


def test_rules_end_nothing_between_two_masks() -> None:
    rules = [span.rules for span in spans_of([*CLICKED, ABSENT], RULES, "both")]
    assert rules == [None, RULES, RULES]


def test_a_span_holds_what_lies_between_its_keyframes() -> None:
    between, up, down = spans_of(CLICKED, RULES, "both")
    assert [i for i in range(10) if between.holds(i)] == [4, 5, 6]
    assert [i for i in range(10) if up.holds(i)] == [8, 9]
    assert [i for i in range(10) if down.holds(i)] == [0, 1, 2]
