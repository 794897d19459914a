"""The time budget: training has its part whatever the tests cost."""

from __future__ import annotations

import pytest

from napari_fclick.finetuning.budget import Budget


def test_what_is_left_and_what_is_set_aside() -> None:
    now = [100.0]
    budget = Budget(10, lambda: now[0])
    assert (budget.total, budget.left) == (600, 600)
    budget.reserve(100)
    assert budget.training_left == 600 - 115 - 6
    now[0] += 500
    assert (budget.left, budget.training_left) == (100, 0)
    now[0] += 500
    assert budget.left == 0


def test_it_may_have_begun_before() -> None:
    budget = Budget(1, lambda: 130.0, begun=100.0)
    assert (budget.seconds, budget.left) == (30, 30)


def test_tests_share_what_training_leaves() -> None:
    budget = Budget(10, lambda: 0.0)
    assert budget.share(0.5, 2) == pytest.approx(0.44 * 600 / 4)
    budget.spend(20, 2)
    assert budget.share(1, 1) == pytest.approx(0.44 * 600 - 40)
    budget.spend(1000, 1)
    assert budget.share(1, 1) == 0


def test_training_has_its_floor() -> None:
    now = [0.0]
    budget = Budget(10, lambda: now[0])
    now[0] = 240
    budget.begin_training()
    budget.reserve(10_000)  # tests that cannot be paid for
    assert budget.training_left == pytest.approx(0.6 * 360)  # more than that is not there
    now[0] += 16
    assert budget.training_left == pytest.approx(200)


def test_a_start_that_took_most_of_a_small_budget() -> None:
    budget = Budget(0.1, lambda: 5.0, begun=0.0)
    assert budget.share(1, 1) == pytest.approx(0.4)
    budget.begin_training()
    assert budget.training_left == pytest.approx(0.7)  # nothing is reserved but for writing
    assert budget.testing_left == pytest.approx(0.7)
    budget.reserve(100)
    assert budget.training_left == pytest.approx(0.6)
