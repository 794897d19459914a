"""Between the base weights and the tuned ones."""

from __future__ import annotations

import math

import torch

from napari_fclick.finetuning.blending import Tried, blend, chosen


def test_blends_by_hand() -> None:
    base = {"weight": torch.tensor([0.0, 2.0]), "count": torch.tensor(3)}
    tuned = {"weight": torch.tensor([4.0, 4.0]), "count": torch.tensor(9)}
    half = blend(base, tuned, 0.5)
    assert half["weight"].tolist() == [2, 3]
    assert half["count"] == 9
    assert blend(base, tuned, 0)["weight"].tolist() == [0, 2]
    assert blend(base, tuned, 1)["weight"].tolist() == [4, 4]
    assert base["weight"].tolist() == [0, 2]


def test_the_smallest_blend_with_most_of_the_gain_is_taken() -> None:
    tried = [Tried(0.6, 2.0, 0), Tried(0.4, 2.5, 0), Tried(0.2, 4.0, 0)]
    assert chosen(tried, before=5.0) == 0.4  # 2.5 of 3, and 2.4 are enough
    assert chosen(tried, before=5.0, enough=1.0) == 0.6
    assert chosen(tried, before=3.4) == 0.6
    forgetting = [tried[0]._replace(excess=0.1), *tried[1:]]
    assert chosen(forgetting, before=5.0) == 0.4
    all_forget = [each._replace(excess=each.alpha) for each in tried]
    assert chosen(all_forget, before=5.0) == 0.2  # which forgets least


def test_where_nothing_is_gained_or_known_the_best_blend_is_taken() -> None:
    assert chosen([Tried(0.6, 6.0, 0), Tried(0.4, 5.5, 0)], before=5.0) == 0.4
    assert chosen([Tried(0.6, -0.6, 0), Tried(0.4, -0.4, 0)], before=-math.inf) == 0.6
