"""Simulated clicks on masks small enough to check by eye."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.peaks import peak
from napari_fclick.training.simulation import RandomClicks, SimulatedClick, correction, paper_clicks


def square(top: int, left: int, side: int, size: int = 60) -> np.ndarray:
    mask = np.zeros((size, size), bool)
    mask[top : top + side, left : left + side] = True
    return mask


def test_peak_is_the_middle() -> None:
    found = peak(square(10, 20, 9))
    assert found is not None
    assert found.pixel == (14, 24) and found.depth == 5


def test_peak_at_the_border_counts_the_outside() -> None:
    found = peak(square(0, 0, 5, size=5))
    assert found is not None and found.pixel == (2, 2)


def test_peak_avoids_taken_pixels_and_ends() -> None:
    assert peak(np.zeros((4, 4), bool)) is None
    one = square(3, 3, 1)
    found = peak(one)
    assert found is not None and found.pixel == (3, 3)
    assert peak(one, taken=[(3, 3)]) is None


def test_jitter_stays_deep_enough() -> None:
    rng = np.random.default_rng(0)
    pixels = set()
    for _ in range(100):
        found = peak(square(10, 10, 11), rng=rng, jitter=0.5)
        assert found is not None
        depth = min(r - 9 for r in found.pixel), min(21 - r for r in found.pixel)
        assert min(depth) >= 3  # half of the peak's 6
        pixels.add(found.pixel)
    assert len(pixels) > 10


def test_correction_goes_to_the_larger_error() -> None:
    truth = square(10, 10, 20)
    missing = truth & ~square(10, 10, 9)
    assert correction(truth, missing) == SimulatedClick(14, 14, True)
    alarm = truth | square(40, 40, 11)
    assert correction(truth, alarm) == SimulatedClick(45, 45, False)
    assert correction(truth, truth) is None


def test_a_tie_goes_to_the_negative() -> None:
    truth, guess = square(5, 5, 9), square(30, 30, 9)
    assert correction(truth, guess) == SimulatedClick(34, 34, False)


def test_ignored_errors_are_no_errors() -> None:
    truth = square(10, 10, 20)
    alarm = truth | square(40, 40, 11)
    assert correction(truth, alarm, ignore=square(40, 40, 11)) is None


@pytest.mark.parametrize("side", [512, 256, 160])
def test_paper_clicks_keep_their_distances(side: int) -> None:
    unit, least, most = side / 512, side // 4, side // 2
    middle = (least + most) // 2
    truth = square(least, least, most - least, size=side)
    farthest = 0.0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        clicks = paper_clicks(truth, rng, positives=4, negatives=4, first=(middle, middle))
        positives = [(c.row, c.column) for c in clicks if c.positive]
        negatives = [(c.row, c.column) for c in clicks if not c.positive]
        assert negatives
        for row, column in positives:
            inside = min(row - least, most - 1 - row, column - least, most - 1 - column) + 1
            assert inside > 5 * unit
            assert np.hypot(row - middle, column - middle) > 7 * unit
        for row, column in negatives:
            away = np.hypot(
                max(least - row, 0, row - most + 1), max(least - column, 0, column - most + 1)
            )
            farthest = max(farthest, away)
            assert 15 * unit < away < 80 * unit
        for points, spacing in ((positives, 7), (negatives, 10)):
            for i, one in enumerate(points):
                for other in points[:i]:
                    assert np.hypot(one[0] - other[0], one[1] - other[1]) > spacing * unit
    assert farthest > 60 * unit


def test_paper_clicks_leave_out_what_is_ignored() -> None:
    truth = square(60, 60, 120, size=240)
    ignore = np.zeros_like(truth)
    ignore[:, :200] = True
    for seed in range(10):
        rng = np.random.default_rng(seed)
        clicks = paper_clicks(truth, rng, 0, 4, (120, 120), ignore)
        assert all(click.column >= 200 for click in clicks)


def test_random_clicks_are_as_many_as_were_drawn() -> None:
    truth = square(30, 30, 100, size=200)
    nothing = np.zeros_like(truth)
    counts = []
    for seed in range(60):
        further = RandomClicks(0.5, positives=2, negatives=1)
        clicks = further.draw(truth, (80, 80), nothing, np.random.default_rng(seed))
        counts.append((sum(c.positive for c in clicks), sum(not c.positive for c in clicks)))
    assert {positives for positives, _ in counts} == {0, 1, 2}
    assert {negatives for _, negatives in counts} == {0, 1}
    assert 30 <= counts.count((0, 0)) <= 48  # half, and a sixth of the others
    assert RandomClicks(0.0, 9, 9).draw(truth, (80, 80), nothing, np.random.default_rng(0)) == []


def test_no_room_no_clicks() -> None:
    rng = np.random.default_rng(0)
    assert paper_clicks(square(5, 5, 6, size=512), rng, 3, 0, first=(7, 7)) == []
