"""How far a correcting click reaches."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_fclick.core.arrays import FloatArray
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.evidence import EVIDENCE
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Window
from napari_fclick.network.fcanet import ReachJudge
from napari_fclick.one_way import one_way
from napari_fclick.prediction import Prediction, existing
from napari_fclick.reach import Reach

SHAPE = (100, 100)
WIDE = Window(0, 0, 100, 100, 100, 100, canvas=(100, 100))
COARSE = Window(0, 0, 100, 100, 50, 50, canvas=(50, 50))
FIRST, SECOND = Click(30, 30), Click(34, 44)


def square(value: float = 0.9) -> FloatArray:
    """Return a probability that says 20 to 40, 20 to 60."""
    out = np.full(SHAPE, 0.1, np.float32)
    out[20:40, 20:60] = value
    return out


def answer(*clicks: Click, view: Window = WIDE) -> Prediction:
    """Return the answer before the correction."""
    return Prediction(square(), view, ClickSequence(clicks), SHAPE)


def near(depths: float) -> Reach:
    """Return what changes all that lies within so many depths of the click, and nothing else."""
    limit = EVIDENCE.index("distance_depths")

    def judge(evidence: FloatArray) -> FloatArray:
        within = evidence[:, limit] ** 2 <= depths
        return np.where(within, 0.95, 0.02).astype(np.float32)

    return Reach(judge)


def corrected(reach: Reach, previous: Prediction, *new: Click, view: Window = WIDE) -> FloatArray:
    """Return the probability after new clicks that the network does not heed."""
    return reach(square(), view, ClickSequence([*previous.clicks, *new]), previous)


def test_without_a_judge_it_is_one_way() -> None:
    before = answer(FIRST, SECOND)
    clicks = ClickSequence([FIRST, SECOND, Click(50, 50)])
    found = np.random.default_rng(0).random(SHAPE).astype(np.float32)
    assert np.array_equal(
        Reach()(found, WIDE, clicks, before), one_way(found, WIDE, clicks, before)
    )
    assert np.array_equal(Reach()(found, WIDE, ClickSequence([FIRST]), None), found)
    assert np.array_equal(near(1)(found, WIDE, ClickSequence([FIRST]), None), found)


@pytest.mark.parametrize("view", [WIDE, COARSE])
@pytest.mark.parametrize("click", [Click(45, 40), Click(24, 50, False)])
def test_it_changes_what_is_in_reach(click: Click, view: Window) -> None:
    before = answer(FIRST, SECOND)
    found = corrected(near(1), before, click, view=view)
    changed = (found > 0.5) != (square() > 0.5)
    rows, columns = np.indices(SHAPE)
    away = np.hypot(rows - click.y, columns - click.x)
    depth = 6 if click.positive else 5
    slack = 2 * view.side / max(view.canvas)
    assert changed[click.pixel]
    assert not changed[away > depth + slack].any()
    inside = (square() > 0.5) != click.positive
    assert changed[inside & (away < depth - slack)].all()


@pytest.mark.parametrize("positive", [True, False])
def test_at_every_threshold(positive: bool) -> None:
    draw = np.random.default_rng(1)
    before = Prediction(
        square() * draw.uniform(0.7, 1, SHAPE).astype(np.float32),
        WIDE,
        ClickSequence([FIRST, SECOND]),
        SHAPE,
    )
    click = Click(45, 40) if positive else Click(24, 50, False)
    clicks = ClickSequence([FIRST, SECOND, click])
    reach = Reach(lambda evidence: draw.random(len(evidence)).astype(np.float32))
    found = reach(draw.random(SHAPE).astype(np.float32), WIDE, clicks, before)
    for threshold in (0.2, 0.5, 0.8):
        was, now = before.probability > threshold, found > threshold
        assert not ((was & ~now) if positive else (now & ~was)).any()


def test_in_the_first_correction_of_a_guess_the_network_may_change_the_rest() -> None:
    found = square()
    found[20:40, 20:24] = 0.2  # on the other side, and the other way
    clicks = ClickSequence([FIRST, Click(30, 64)])
    guess = near(1)(found, WIDE, clicks, answer(FIRST))
    assert (guess[20:40, 20:24] < 0.5).all() and guess[30, 66] > 0.5
    mask = StoredMask.pack(square() > 0.5)
    assert mask is not None
    accepted = existing(mask, ClickSequence([FIRST]), SHAPE)
    kept = near(1)(found, WIDE, clicks, accepted)
    assert (kept[20:40, 20:24] > 0.5).all() and kept[30, 66] > 0.5


@pytest.mark.parametrize("new", [Click(30, 50), Click(50, 50, False)])
def test_where_nothing_is_wrong_it_is_one_way(new: Click) -> None:
    before = answer(FIRST, SECOND)
    clicks = ClickSequence([*before.clicks, new])
    assert np.array_equal(
        near(5)(square(), WIDE, clicks, before), one_way(square(), WIDE, clicks, before)
    )


def test_several_clicks_are_taken_one_after_the_other() -> None:
    before, new = answer(FIRST), [Click(45, 40), Click(24, 50, False), Click(46, 24)]
    at_once = corrected(near(1), before, *new)
    now = before
    for click in new:
        found = corrected(near(1), now, click)
        now = Prediction(found, WIDE, ClickSequence([*now.clicks, click]), SHAPE)
    assert np.array_equal(at_once, now.probability)
    assert at_once[24, 50] < 0.5 < min(at_once[46, 40], at_once[46, 24])


def test_the_judge_scales_what_it_is_told() -> None:
    judge = ReachJudge(4)
    evidence = torch.randn(7, len(EVIDENCE))
    said = judge(evidence)
    assert said.shape == (7,)
    judge.mean += 2
    judge.std *= 3
    assert torch.allclose(judge(evidence * 3 + 2), said, atol=1e-5)
    assert not any(p.requires_grad for p in judge.parameters())
