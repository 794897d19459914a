"""Each formula against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from napari_fclick.training import losses

LN2 = math.log(2)  # the cross-entropy of a logit of 0


def test_closeness() -> None:
    points = torch.tensor([[[0.0, 0.0], [0.0, 300.0]]]).repeat(3, 1, 1)
    wanted = torch.tensor([[True, False], [True, True], [False, False]])
    near, two, none = losses.closeness((2, 301), points, wanted)
    assert near[0, 0] == 1
    assert near[0, 25] == pytest.approx(0.75)
    assert near[1, 0] == pytest.approx(0.99)
    assert near[0, 100] == near[0, 300] == 0
    assert two[0, 290] == pytest.approx(0.9)
    assert none.sum() == 0


def test_cross_entropy_loss() -> None:
    # 1 at probability 0.9, 0 at 0.5, the rest ignored.
    logits = torch.tensor([[[[math.log(9), 0.0, 5.0]]]])
    target = torch.tensor([[[1, 0, losses.IGNORE]]])
    loss = losses.cross_entropy_loss(logits, target)
    assert float(loss) == pytest.approx((LN2 - math.log(0.9)) / 2)


def test_global_click_loss() -> None:
    # y = 1 on a positive click: b = 2; y = 0 far from clicks: a = 0.8; the rest ignored.
    logits = torch.zeros(1, 1, 1, 3)
    target = torch.tensor([[[1, 0, losses.IGNORE]]])
    near_pos, near_neg = torch.tensor([[[1.0, 1.0, 1.0]]]), torch.zeros(1, 1, 3)
    loss = losses.global_click_loss(logits, target, near_pos, near_neg)
    assert float(loss) == pytest.approx((2.0 + 0.8) / 2 * LN2)
    # a negative click on the background weighs it by 0.8 + 0.5 * 1.2
    near_neg[0, 0, 1] = 0.5
    loss = losses.global_click_loss(logits, target, near_pos, near_neg)
    assert float(loss) == pytest.approx((2.0 + 1.4) / 2 * LN2)


def test_first_click_loss_weighs_inside_only() -> None:
    logits = torch.zeros(1, 1, 1, 2)
    target = torch.tensor([[[1, 0]]])
    loss = losses.first_click_loss(logits, target, torch.tensor([[[0.25, 1.0]]]))
    assert float(loss) == pytest.approx((0.8 + 0.25 * 1.2 + 0.8) / 2 * LN2)


def test_normalised_focal_loss() -> None:
    # Two pixels, p of the right class 0.5 and 0.9: weights 0.25 and 0.01, normalised to mean 1.
    logits = torch.tensor([[[[0.0, math.log(9)]]]])
    target = torch.tensor([[[1, 1]]])
    scale = 2 / (0.25 + 0.01)
    expected = 0.5 * scale * (0.25 * LN2 - 0.01 * math.log(0.9)) / 2
    assert float(losses.normalised_focal_loss(logits, target)) == pytest.approx(expected, rel=1e-4)


def test_dice_loss() -> None:
    logits = torch.tensor([[[[0.0, 0.0, -100.0]]]])
    target = torch.tensor([[[1, losses.IGNORE, 0]]])
    # overlap 0.5, sum 0.5 + 1
    assert float(losses.dice_loss(logits, target)) == pytest.approx(1 - (2 * 0.5 + 1) / (1.5 + 1))
