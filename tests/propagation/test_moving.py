"""The same over time: what moves is followed, and kept apart from what it meets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.propagation.fakes import (
    OFF,
    PLAIN,
    RULES,
    Bright,
    disc,
    mark,
    run,
    stack_of,
    stops,
    stored,
)

from napari_fclick.core.window import Box
from napari_fclick.evaluation.metrics import iou
from napari_fclick.propagation import Propagation

SHAPE = (48, 128)
WHOLE = Box(0, 0, *SHAPE)


def movie(step: float, frames: int, row: float = 20, start: float = 12) -> NDArray[np.float32]:
    """Return a disc of a radius of 6 px that moves along a row."""
    return np.stack([disc((row, start + step * t), 6, SHAPE) for t in range(frames)])


def follow(frames: Any, truth: Any, at: int = 0, **options: Any) -> tuple[Propagation, Bright]:
    predictor = Bright()
    options = {"rules": RULES, "carry": PLAIN} | options
    made = Propagation(stack_of(frames), predictor, **options)
    mark(made, at, stored(truth[at] > 0.5))
    run(made)
    return made, predictor


def found(made: Propagation, truth: Any) -> list[float]:
    """Return the IoU in each frame."""
    planes = [
        made.slices[t].mask.within(WHOLE) if t in made.slices else np.zeros(SHAPE, bool)
        for t in range(len(truth))
    ]
    return [iou(plane > 0.5, mask) for plane, mask in zip(truth, planes, strict=True)]


@pytest.mark.parametrize("at", [0, 17, 29])
def test_three_pixels_a_frame_over_thirty_frames(at: int) -> None:
    frames = movie(3, 30)
    made, predictor = follow(frames, frames, at)
    assert found(made, frames) == [1.0] * 30
    assert stops(made) == [(-1, "STACK"), (30, "STACK")]
    for t, clicks in ((t, made.slices[t].clicks) for t in range(30) if t != at):
        before = t - 1 if t > at else t + 1  # where it was is where is clicked
        assert clicks.first.pixel == (20, 12 + 3 * before)
    assert max(view.side for view in predictor.views) < 64  # the window runs after it
    assert made.slices[5].shift == pytest.approx(3)


def test_faster_than_its_own_radius_the_anchor_is_put_anew() -> None:
    # Where it was in the middle is background now: what both discs have in common is clicked.
    frames = movie(8, 12)
    made, predictor = follow(frames, frames, rules=OFF)
    assert found(made, frames) == [1.0] * 12
    assert predictor.calls == [t for t in range(1, 12) for _ in range(2)]
    for t in range(1, 12):
        row, x = made.slices[t].clicks.first.pixel
        assert frames[t, row, x] and frames[t - 1, row, x]
    slow = OFF.model_copy(update={"shift": 7.9})
    assert stops(follow(frames, frames, rules=slow)[0])[1] == (1, "SHIFT")


def crossing() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return two discs that pass each other and touch on the way."""
    return movie(3, 30, row=18), movie(-3, 30, row=29, start=99)


def test_two_discs_that_touch_while_they_pass() -> None:
    one, other = crossing()
    frames = np.maximum(one, other)
    assert not (np.minimum(one, other) > 0).sum((1, 2))[:12].any()  # they meet in the middle

    def others(index: int, box: Box) -> Any:
        known = stored(other[index])
        return known.within(box)

    apart, _ = follow(frames, one, others=others)
    assert min(found(apart, one)) > 0.8
    assert found(apart, one)[-8:] == [1.0] * 8
    with_negatives = [t for t, s in apart.slices.items() if s.clicks.negatives]
    assert with_negatives and set(with_negatives) <= set(range(11, 19))
    alone, _ = follow(frames, one)
    assert min(found(alone, one)) < 0.6  # without, both are taken for one


def test_two_discs_that_only_touch() -> None:
    one = np.repeat(movie(0, 1, row=20, start=30), 8, axis=0)
    other = np.stack([disc((20, 70 - 4 * t), 6, SHAPE) for t in range(8)])  # beside it at last
    frames = np.maximum(one, other)
    apart, _ = follow(frames, one, others=lambda t, box: stored(other[t]).within(box))
    assert found(apart, one) == [1.0] * 8
    alone, _ = follow(frames, one)
    assert found(alone, one)[-1] < 0.6
