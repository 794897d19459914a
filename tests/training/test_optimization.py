"""What learns, and how fast, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from napari_fclick.network.fcanet import COMPACT, FCANet
from napari_fclick.training import optimization
from napari_fclick.training.config import PhaseConfig, TrainingConfig


def config(**settings: Any) -> TrainingConfig:
    settings.setdefault("phases", (PhaseConfig(steps=10),))
    return TrainingConfig(**{"warmup": 0, **settings})


def test_poly_by_hand() -> None:
    run = config(power=0.9)
    assert optimization.rate_factor(run, 0) == 1
    assert optimization.rate_factor(run, 5) == pytest.approx(0.5**0.9)
    assert optimization.rate_factor(run, 9) == pytest.approx(0.1**0.9)


def test_cosine_and_constant_by_hand() -> None:
    assert optimization.rate_factor(config(schedule="cosine"), 5) == pytest.approx(0.5)
    quarter = config(schedule="cosine", phases=(PhaseConfig(steps=4),))
    assert optimization.rate_factor(quarter, 1) == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert optimization.rate_factor(config(schedule="constant"), 9) == 1


def test_warmup_rises_in_equal_steps() -> None:
    run = config(schedule="constant", warmup=4)
    assert [optimization.rate_factor(run, s) for s in range(5)] == [0.25, 0.5, 0.75, 1, 1]


def test_the_paper_decays_and_then_stays_constant() -> None:
    phases = (PhaseConfig(steps=30), PhaseConfig(steps=3, rate=0.01))
    run = config(phases=phases)
    assert optimization.rate_factor(run, 15) == pytest.approx(0.5**0.9)
    assert [optimization.rate_factor(run, s) for s in (30, 31, 32)] == [0.01] * 3
    assert run.scheduled_steps == 30


def test_a_constant_phase_in_between_takes_no_time_of_the_schedule() -> None:
    phases = (PhaseConfig(steps=5), PhaseConfig(steps=7, rate=2.0), PhaseConfig(steps=5))
    run = config(phases=phases, power=1.0)
    found = [optimization.rate_factor(run, s) for s in (4, 5, 11, 12, 16)]
    assert found == pytest.approx([0.6, 2, 2, 0.5, 0.1])


def test_sgd_takes_the_papers_constants() -> None:
    network = FCANet(COMPACT)
    run = config(optimizer="sgd", lr=0.07, backbone_lr=0.007, weight_decay=5e-4)
    optimizer = optimization.make_optimizer(network, run)
    assert isinstance(optimizer, torch.optim.SGD)
    optimization.set_rates(optimizer, 0.5)
    backbone, rest = optimizer.param_groups
    assert (backbone["lr"], rest["lr"]) == (0.0035, 0.035)
    assert backbone["momentum"] == 0.9 and rest["weight_decay"] == 5e-4
    assert len(backbone["params"]) == len(list(network.backbone.parameters()))


@pytest.mark.parametrize(
    ("parts", "stem", "last"), [("all", True, True), ("late", False, True), ("heads", False, False)]
)
def test_parts_that_do_not_learn(parts: Any, stem: bool, last: bool) -> None:
    network = FCANet(COMPACT)
    run = config(train_parts=parts)
    optimizer = optimization.make_optimizer(network, run)
    backbone = network.backbone
    assert all(p.requires_grad == stem for p in backbone.stem.parameters())
    assert all(p.requires_grad == stem for p in backbone.stages[1].parameters())
    for stage in (2, 3):
        assert all(p.requires_grad == last for p in backbone.stages[stage].parameters())
    assert all(p.requires_grad for p in network.head.parameters())
    learning = [p for group in optimizer.param_groups for p in group["params"]]
    assert len(learning) == sum(p.requires_grad for p in network.parameters())
    optimization.train_mode(network, run)
    assert backbone.stem.training == stem and backbone.stages[3].training == last
    assert network.head.training


def test_frozen_batch_norms_keep_their_statistics() -> None:
    network = FCANet(COMPACT)
    optimization.train_mode(network, config(freeze_batch_norm=True))
    before = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    network(torch.rand(2, 6, 64, 64), torch.rand(2, 1, 64, 64))
    after = network.state_dict()
    assert before and all(torch.equal(v, after[k]) for k, v in before.items())
    assert network.training


def test_synchronised_batch_norms_are_frozen_too() -> None:
    network = FCANet(COMPACT)
    count = len(list(optimization.batch_norms(network)))
    nn.SyncBatchNorm.convert_sync_batchnorm(network)
    norms = list(optimization.batch_norms(network))
    assert len(norms) == count and all(isinstance(n, nn.SyncBatchNorm) for n in norms)
    optimization.train_mode(network, config(freeze_batch_norm=True))
    assert not any(norm.training for norm in norms)


def test_moving_average_by_hand() -> None:
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data.fill_(0)
    average = optimization.MovingAverage(layer, 0.9)
    layer.weight.data.fill_(1)
    average.update(layer, 0)  # decay 1 / 10
    assert float(average.state["weight"]) == pytest.approx(0.9)
    average.update(layer, 1000)  # decay 0.9
    assert float(average.state["weight"]) == pytest.approx(0.91)


def test_no_average_is_the_weights() -> None:
    layer = nn.Linear(1, 1)
    average = optimization.MovingAverage(layer, 0.0)
    layer.weight.data.fill_(3)
    average.update(layer, 7)
    assert float(average.state["weight"]) == 3
