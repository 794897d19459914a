"""Intervals of mean changes: by hand, and how often they hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from napari_fclick.finetuning.intervals import ALIKE, paired_intervals


def test_of_one_object_an_image_it_is_students() -> None:
    changes = np.array([[1.0], [2.0], [4.0], [5.0]])
    ((low, high),) = paired_intervals(changes, ["a", "b", "c", "d"])
    expected = stats.ttest_1samp(changes[:, 0], 0).confidence_interval(0.95)
    assert (low, high) == pytest.approx((expected.low, expected.high))


def test_objects_of_one_image_tell_less() -> None:
    changes = np.array([[1.0], [2.0], [4.0], [5.0]])
    ((low, high),) = paired_intervals(changes, ["a", "a", "b", "b"])
    # Two objects an image: 1 + (2 - 1) * 0.1 as many are needed.
    assert ALIKE == 0.1
    told = 4 / 1.1
    reach = changes.std(ddof=1) / told**0.5 * stats.t.ppf(0.975, told - 1)
    assert (low, high) == pytest.approx((3 - reach, 3 + reach))


def test_what_never_varies_is_sure() -> None:
    assert paired_intervals(np.full((3, 2), -2.0), ["a", "a", "a"]) == [(-2.0, -2.0)] * 2


@pytest.mark.parametrize(
    ("objects", "images", "alike"), [(6, 1, 0.0), (12, 2, 0.0), (40, 2, 0.1), (60, 5, 0.1)]
)
def test_it_holds_what_it_promises(objects: int, images: int, alike: float) -> None:
    """Of changes with many zeros and a few large ones, it is above zero in 2.5 % at most."""
    rng = np.random.default_rng(0)
    where = [str(n % images) for n in range(objects)]
    wrong = 0
    for _ in range(1000):
        own = rng.standard_normal(images)[[int(n) for n in where]]
        each = rng.standard_t(3, objects) * (rng.random(objects) < 0.7) / np.sqrt(2.1)
        changes = np.sqrt(alike) * own + np.sqrt(1 - alike) * each
        ((_, high),) = paired_intervals(changes[:, None], where)
        wrong += high < 0
    assert wrong <= 35  # 25, and two standard deviations
