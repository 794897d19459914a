"""From clicks in slices to the whole object."""

from __future__ import annotations

import pytest
from tests.propagation.fakes import (
    PLAIN,
    RULES,
    Bright,
    boxes,
    column,
    rectangles,
    run,
    stack_of,
    stops,
)

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, from_clicks

SQUARE, OTHER = Box(5, 5, 15, 15), Box(5, 15, 15, 25)
ON, OFF = Click(9, 9), Click(9, 19, False)


def test_clicks_are_answered_one_after_the_other() -> None:
    predictor = Bright()
    volume = rectangles(6, {z: [SQUARE, OTHER] for z in range(6)})
    clicks = {3: ClickSequence([ON, OFF]), 1: ClickSequence([ON])}
    made = from_clicks(stack_of(volume), predictor, clicks, [5], rules=RULES, carry=PLAIN)
    assert predictor.calls == [3, 3, 1]
    assert [len(asked) for asked in predictor.asked] == [1, 2, 1]
    assert boxes(made) == {1: Box(5, 5, 15, 25), 3: SQUARE}
    assert made.slices[3].clicks == ClickSequence([ON, OFF])
    assert made.slices[5].kind is Kind.ABSENT and made.keyframes == (1, 3, 5)
    run(made)
    assert boxes(made).keys() == {0, 1, 2, 3, 4}
    assert stops(made) == [(-1, "STACK"), (5, "ABSENT")]


def test_direction_and_threshold() -> None:
    volume = column(4, SQUARE)
    volume[:, 10:15, 5:15] = 0.6
    carry = PLAIN.model_copy(update={"threshold": 0.7})
    clicks = {2: ClickSequence([Click(7, 7)])}
    made = from_clicks(
        stack_of(volume), Bright(), clicks, rules=RULES, carry=carry, direction="down"
    )
    run(made)
    assert boxes(made) == dict.fromkeys(range(3), Box(5, 5, 10, 15))


def test_mistakes() -> None:
    stack = stack_of(column(4, SQUARE))
    with pytest.raises(ValueError, match="slice 4: the stack has slices 0 to 3"):
        from_clicks(stack, Bright(), {4: ClickSequence([ON])})
    with pytest.raises(ValueError, match="slice 9: the stack has slices 0 to 3"):
        from_clicks(stack, Bright(), {1: ClickSequence([ON])}, [9])
    both = {1: ClickSequence([ON]), 2: ClickSequence([ON])}
    with pytest.raises(ValueError, match="slice 2 is clicked, and said to be without the object"):
        from_clicks(stack, Bright(), both, [2, 3])
    with pytest.raises(ValueError, match="slice 1 has no clicks"):
        from_clicks(stack, Bright(), {1: ClickSequence()})
    dark = stack_of(column(4, SQUARE) * 0)
    with pytest.raises(ValueError, match="the clicks in slice 2 find nothing"):
        from_clicks(dark, Bright(), {2: ClickSequence([ON])})
