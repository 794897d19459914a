"""The time budget."""

from __future__ import annotations

from napari_fclick.finetuning.budget import Budget


def test_what_is_left_and_what_is_set_aside() -> None:
    now = [100.0]
    budget = Budget(10, lambda: now[0])
    assert (budget.total, budget.left, budget.share(0.1)) == (600, 600, 60)
    budget.reserve(100)
    assert budget.training_left == 600 - 115 - 6
    now[0] += 500
    assert (budget.left, budget.training_left, budget.share(0.5)) == (100, 0, 100)
    now[0] += 500
    assert budget.left == 0
