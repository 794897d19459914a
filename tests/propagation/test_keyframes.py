"""What a change recomputes: no more than it touches, and nothing that is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from tests.propagation.fakes import (
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

from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, Propagation, Stack

SQUARE = Box(10, 10, 20, 20)
STRICT = RULES.model_copy(update={"confidence": 0.8})
OTHER = of_box(Box(10, 10, 20, 19))


class Made:
    """A propagation through a bright column, and what was asked."""

    def __init__(self, keyframes: Iterable[int], volume: Any = None, **other: Any) -> None:
        self.predictor = Bright()
        volume = column(13) if volume is None else volume
        options = {"rules": RULES, "carry": PLAIN} | other
        self.it = Propagation(stack_of(volume), self.predictor, **options)
        for index in keyframes:
            mark(self.it, index, of_box(SQUARE))

    def asked(self) -> set[int]:
        """Run what is pending; return the slices that the predictor was asked about."""
        self.predictor.calls.clear()
        run(self.it)
        assert not self.it.pending and not self.it.stale
        return set(self.predictor.calls)


def rest(*keyframes: int) -> set[int]:
    return set(range(13)) - set(keyframes)


def test_one_keyframe_changed() -> None:
    made = Made((2, 6, 10))
    assert made.asked() == rest(2, 6, 10)
    assert len(made.predictor.calls) == 2 + 2 * (3 + 3) + 2  # between them from both sides
    mark(made.it, 6, OTHER)
    assert made.it.pending and made.it.stale == {3, 4, 5, 7, 8, 9}
    assert made.asked() == {3, 4, 5, 7, 8, 9}
    mark(made.it, 2, OTHER)
    assert made.it.stale == {0, 1, 3, 4, 5}
    assert made.asked() == {0, 1, 3, 4, 5}


def test_one_keyframe_more() -> None:
    made = Made((2, 6, 10))
    made.asked()
    mark(made.it, 8, OTHER)
    assert made.it.slices[8].mask == OTHER
    assert made.asked() == {7, 9}
    mark(made.it, 12, OTHER)
    assert made.asked() == {11}


def test_the_same_click_again_recomputes_nothing() -> None:
    made = Made((2, 6))
    made.it.set_absent(9)
    made.asked()
    before = dict(made.it.slices)
    for index in (2, 6):
        mark(made.it, index, of_box(SQUARE))
    made.it.set_absent(9)
    assert not made.it.pending and not made.it.stale
    assert made.asked() == set()
    assert made.it.slices == before


def test_release() -> None:
    made = Made((2, 6, 10))
    mark(made.it, 6, OTHER)
    made.asked()
    made.it.release(6)
    assert 6 not in made.it.slices and made.it.keyframes == (2, 10)
    assert made.it.stale == {3, 4, 5, 7, 8, 9}
    assert made.asked() == {3, 4, 5, 6, 7, 8, 9}
    assert made.it.slices[6].kind is Kind.BETWEEN
    made.it.release(10)
    assert made.asked() == rest(*range(3))
    with pytest.raises(ValueError, match=r"slice 6 is no keyframe; keyframes are \(2,\)"):
        made.it.release(6)


def test_release_of_the_only_keyframe_leaves_nothing_valid() -> None:
    made = Made((6,))
    made.asked()
    made.it.release(6)
    assert made.it.stale == set(made.it.slices)
    with pytest.raises(ValueError, match="nothing to propagate"):
        run(made.it)


# --- absent ---------------------------------------------------------------------------------


def test_not_here_ends_the_object() -> None:
    made = Made((5,))
    made.asked()
    made.it.set_absent(8)
    assert made.it.slices[8].mask is None
    assert made.it.stale == {6, 7, 9, 10, 11, 12}
    assert made.asked() == {6, 7}
    assert boxes(made.it).keys() == set(range(8))
    assert sorted(made.it.slices) == list(range(9))  # the mark itself is kept
    assert made.it.slices[8].kind is Kind.ABSENT
    assert stops(made.it) == [(-1, "STACK"), (8, "ABSENT")]


def test_not_here_on_both_sides() -> None:
    made = Made((6,))
    made.asked()
    made.it.set_absent(4)
    made.it.set_absent(7)
    assert made.asked() == {5}
    assert boxes(made.it).keys() == {5, 6}
    assert stops(made.it) == [(4, "ABSENT"), (7, "ABSENT")]


def test_nothing_between_two_marks_of_absence() -> None:
    made = Made((2,))
    made.asked()
    made.it.set_absent(6)
    made.it.set_absent(9)
    assert made.asked() == {3, 4, 5}
    assert boxes(made.it).keys() == set(range(6))


def test_an_object_that_comes_again_beyond_its_end() -> None:
    there = dict.fromkeys((0, 1, 2, 3, 8, 9, 10, 11, 12), SQUARE)
    made = Made((1,), rectangles(13, there))
    made.asked()
    assert (boxes(made.it).keys(), stops(made.it)[1]) == ({0, 1, 2, 3}, (4, "EMPTY"))
    mark(made.it, 10, of_box(SQUARE))
    made.asked()
    assert boxes(made.it).keys() == there.keys()
    assert stops(made.it) == [(-1, "STACK"), (13, "STACK")]


def test_an_object_that_comes_again_after_a_mark_of_absence() -> None:
    made = Made((1,))
    made.it.set_absent(4)
    mark(made.it, 10, of_box(SQUARE))
    made.asked()
    assert boxes(made.it).keys() == {0, 1, 2, 3, *range(5, 13)}
    assert [made.it.slices[i].source for i in (5, 6, 9)] == [6, 7, 10]
    assert [(e.index, e.reason.name) for e in made.it.ends] == [
        (-1, "STACK"),
        (4, "ABSENT"),
        (4, "ABSENT"),
        (13, "STACK"),
    ]


def test_a_mark_of_absence_is_taken_back() -> None:
    made = Made((5,))
    made.it.set_absent(8)
    made.asked()
    made.it.release(8)
    made.asked()
    assert boxes(made.it).keys() == set(range(13))
    made.it.set_absent(5)  # the keyframe itself turns out to be no object
    mark(made.it, 9, of_box(SQUARE))
    made.asked()
    assert boxes(made.it).keys() == set(range(6, 13))


# --- other rules ----------------------------------------------------------------------------


def doubtful() -> Any:
    volume = column(13)
    volume[9] *= 0.7
    return volume


def test_other_rules() -> None:
    made = Made((2, 6), doubtful())
    made.asked()
    assert boxes(made.it).keys() == set(range(13))
    made.it.change(STRICT)
    assert made.it.pending and made.it.stale == {0, 1, *range(7, 13)}
    assert made.asked() == {0, 1, 7, 8, 9}  # between the keyframes no rule counts
    assert boxes(made.it).keys() == set(range(9))
    assert stops(made.it) == [(-1, "STACK"), (9, "CONFIDENCE")]
    made.it.change(STRICT)
    assert made.asked() == set()


def test_other_rules_before_a_mark_of_absence() -> None:
    made = Made((6,), doubtful(), rules=STRICT)
    made.it.set_absent(11)
    made.asked()
    assert stops(made.it) == [(-1, "STACK"), (9, "CONFIDENCE")]
    made.it.change(RULES)
    assert made.it.pending
    made.asked()
    assert stops(made.it) == [(-1, "STACK"), (11, "ABSENT")]
    assert boxes(made.it).keys() == set(range(11))


def test_another_direction() -> None:
    made = Made((6,), direction="up")
    made.asked()
    made.it.change(direction="both")
    assert made.asked() == set(range(6))
    made.it.change(direction="up")
    assert made.it.stale == set(range(6))
    run(made.it)
    assert boxes(made.it).keys() == set(range(6, 13))
    assert stops(made.it) == [(13, "STACK")]
    made.it.change(direction="both")
    assert made.asked() == set(range(6))


def test_the_direction_holds_toward_a_mark_of_absence() -> None:
    made = Made((6,), direction="up")
    made.it.set_absent(1)
    assert made.asked() == set(range(7, 13))
    assert stops(made.it) == [(13, "STACK")]
    made.it.change(direction="down")
    assert made.asked() == {2, 3, 4, 5}
    assert boxes(made.it).keys() == {2, 3, 4, 5, 6}
    assert stops(made.it) == [(1, "ABSENT")]
    made.it.change(direction="up")
    assert made.asked() == set(range(7, 13))
    made.it.change(direction="both")
    assert made.asked() == {2, 3, 4, 5}
    made.it.set_absent(9)
    made.it.change(direction="down")
    assert made.asked() == set()
    assert boxes(made.it).keys() == {2, 3, 4, 5, 6}


def test_a_keyframe_moved_on_leaves_nothing_behind() -> None:
    made = Made((4,), direction="up")
    made.asked()
    mark(made.it, 8, of_box(SQUARE))
    made.it.release(4)
    run(made.it)
    assert boxes(made.it).keys() == set(range(8, 13))


# --- abandoned ------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", range(1, 16))
def test_abandoned_midway_another_run_does_what_is_left(steps: int) -> None:
    made, whole = Made((4, 8)), Made((4, 8))
    order = run(whole.it)
    assert len(order) == 3 + 3 + 4 + 4  # both ways between, then up, then down
    running = made.it.run()
    came = [found.index for _, found in zip(range(steps), running, strict=False)]
    running.close()
    assert came == order[:steps]
    assert made.it.slices.keys() == {4, 8, *came}
    assert not made.it.stale  # all of it is of the keyframes that are
    assert made.it.pending == (steps <= len(order))
    assert made.asked() == set(order[steps:])  # nothing is done twice
    assert made.it.slices == whole.it.slices
    assert made.it.ends == whole.it.ends


def test_a_slice_at_which_the_network_failed_is_tried_again() -> None:
    class Failing(Bright):
        broken = True

        def predict(self, image: Any, *rest: Any, **other: Any) -> Any:
            if self.broken and image.index == 6:
                raise RuntimeError("no network")
            return super().predict(image, *rest, **other)

    predictor, whole = Failing(), Made((4, 8))
    made = Propagation(stack_of(column(13)), predictor, RULES, PLAIN)
    for index in (4, 8):
        mark(made, index, of_box(SQUARE))
    with pytest.raises(RuntimeError, match="no network"):
        run(made)
    predictor.broken = False
    run(whole.it)
    run(made)
    assert boxes(made) == boxes(whole.it)
    assert made.slices[6].agreement == 1


def test_abandoned_what_is_old_is_stale() -> None:
    made = Made((4, 8))
    made.asked()
    mark(made.it, 8, OTHER)
    old = dict(made.it.slices)
    running = made.it.run()
    assert [next(running).index for _ in range(2)] == [5, 6]
    assert made.it.stale == {7, *range(9, 13)}
    running.close()
    assert made.it.stale == {7, *range(9, 13)}
    assert {i: made.it.slices[i] for i in (0, 1, 2, 3, 7, 12)} == {
        i: old[i] for i in (0, 1, 2, 3, 7, 12)
    }
    assert made.asked() == {5, 6, 7, *range(9, 13)}


def test_abandoned_and_set_back() -> None:
    # What a run that was cancelled has overwritten is not what the first run had found.
    low = Box(30, 10, 38, 18)
    made = Made((6,), rectangles(13, {z: [SQUARE, low] for z in range(13)}))
    made.asked()
    mark(made.it, 6, of_box(low))
    running = made.it.run()
    assert [next(running).index for _ in range(2)] == [7, 8]
    running.close()
    mark(made.it, 6, of_box(SQUARE))
    assert {7, 8} <= made.it.stale and made.it.pending
    run(made.it)
    assert boxes(made.it) == dict.fromkeys(range(13), SQUARE)


class Damaged:
    """A column of which one slice cannot be read, until it is mended."""

    def __init__(self, index: int, error: Exception) -> None:
        self.stack, self.predictor = stack_of(column(13)), Bright()
        self.index, self.error = index, error

    def read(self, index: int) -> Any:
        if index == self.index:
            raise self.error
        return self.stack.read(index)

    def carried(self, *keyframes: int) -> Propagation:
        it = Propagation(Stack(self.read, 13), self.predictor, RULES, PLAIN)
        for index in keyframes:
            mark(it, index, of_box(SQUARE))
        run(it)
        return it


@pytest.mark.parametrize(
    "error", [OSError("chunk damaged\nin a file"), ValueError("chunk damaged")]
)
def test_a_slice_that_cannot_be_read_ends_the_object_on_its_side(error: Exception) -> None:
    damaged = Damaged(7, error)
    it = damaged.carried(4)
    assert boxes(it).keys() == set(range(7)) and not it.stale
    assert [str(end) for end in it.ends] == [
        "slice -1: end of the stack",
        "slice 7: the slice cannot be read (chunk damaged)",
    ]
    assert it.pending
    damaged.predictor.calls.clear()
    assert run(it) == [5, 6] and it.pending  # what was well is not run again
    damaged.index = -1
    run(it)
    assert boxes(it).keys() == set(range(13)) and not it.pending
    assert stops(it) == [(-1, "STACK"), (13, "STACK")]


def test_a_slice_that_cannot_be_read_as_late_as_by_the_network() -> None:
    made = Made((4,))
    predict = made.predictor.predict

    def fail(image: Any, *rest: Any, **other: Any) -> Any:
        if image.index == 2:
            raise OSError("the disk is gone")
        return predict(image, *rest, **other)

    made.predictor.predict = fail  # type: ignore[method-assign]
    run(made.it)
    assert boxes(made.it).keys() == set(range(3, 13))
    assert stops(made.it) == [(2, "UNREADABLE"), (13, "STACK")]


def test_a_slice_that_cannot_be_read_between_two_keyframes_is_left_out() -> None:
    it = Damaged(5, OSError()).carried(2, 8)
    assert boxes(it).keys() == set(range(13)) - {5}
    assert [each.kind for each in it.slices.values()].count(Kind.BETWEEN) == 4
    assert [str(end) for end in it.ends][1] == "slice 5: the slice cannot be read (OSError)"
    assert it.pending and not it.stale


def test_a_keyframe_that_cannot_be_read_holds_up_nothing_else() -> None:
    damaged = Damaged(8, ValueError("chunk damaged"))
    it = damaged.carried(2, 8)
    assert boxes(it).keys() == set(range(9)) and it.pending and not it.stale
    assert stops(it) == [(-1, "STACK"), (8, "UNREADABLE"), (8, "UNREADABLE")]
    between = [it.slices[index] for index in range(3, 8)]
    assert {(each.kind, each.agreement) for each in between} == {(Kind.BETWEEN, 0.0)}
    damaged.index = -1
    run(it)
    assert boxes(it).keys() == set(range(13)) and not it.pending
    assert it.slices[5].agreement == 1 and stops(it) == [(-1, "STACK"), (13, "STACK")]


def test_a_run_that_fails_can_be_run_again() -> None:
    made = Made((4,))
    predict = made.predictor.predict

    def fail(image: Any, *rest: Any, **other: Any) -> Any:
        if image.index == 7:
            raise RuntimeError("no memory")
        return predict(image, *rest, **other)

    made.predictor.predict = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="no memory"):
        run(made.it)
    assert boxes(made.it).keys() == {4, 5, 6} and made.it.pending
    made.predictor.predict = predict  # type: ignore[method-assign]
    made.asked()
    assert boxes(made.it).keys() == set(range(13))
