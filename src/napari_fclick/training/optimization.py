"""What learns, by which rule, how fast, and the moving average of the weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from napari_fclick.network.fcanet import FCANet
from napari_fclick.training.config import TrainingConfig, TrainParts

#: Stages of the backbone, counted from its end, that learn with the heads (`late`).
LATE_STAGES = 2
#: Momentum of batch norms; published backbones have less, which short trainings cannot afford.
NORM_MOMENTUM = 0.1


def frozen_modules(network: FCANet, parts: TrainParts) -> list[nn.Module]:
    """Return the modules that do not learn."""
    backbone = network.backbone
    if parts == "heads":
        return [backbone]
    if parts == "late":
        return [backbone.stem, *backbone.stages[:-LATE_STAGES]]
    return []


def batch_norms(module: nn.Module) -> Iterator[nn.BatchNorm2d | nn.SyncBatchNorm]:
    """Yield the batch norms in a module."""
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d | nn.SyncBatchNorm):
            yield each


def train_mode(network: FCANet, config: TrainingConfig) -> None:
    """Switch to training mode, all but what is frozen: that keeps its statistics, too."""
    network.train()
    held = frozen_modules(network, config.train_parts)
    if config.freeze_batch_norm:
        held += batch_norms(network)
    for module in held:
        module.eval()


def make_optimizer(network: FCANet, config: TrainingConfig) -> torch.optim.Optimizer:
    """Return the optimizer of a run; its groups are the backbone and the rest.

    Parameters that do not learn are left out of it and need no gradient any more.
    """
    for module in frozen_modules(network, config.train_parts):
        module.requires_grad_(False)
    named = [(n, p) for n, p in network.named_parameters() if p.requires_grad]
    groups = [
        {"params": [p for n, p in named if n.startswith("backbone.")], "peak": config.backbone_lr},
        {"params": [p for n, p in named if not n.startswith("backbone.")], "peak": config.lr},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            groups, config.lr, momentum=config.momentum, weight_decay=config.weight_decay
        )
    return torch.optim.AdamW(groups, config.lr, weight_decay=config.weight_decay)


def rate_factor(config: TrainingConfig, step: int) -> float:
    """Return the learning rate of a step, counted from 0, as a fraction of its peak.

    Over the phases that leave it to the schedule it falls from 1 to 0: by (1 - t)^power
    (poly), by half a cosine, or not at all (constant). Other phases have their own rate.
    """
    warm = min(1.0, (step + 1) / max(config.warmup, 1))
    begin = scheduled = 0
    for phase in config.phases:
        inside = step < begin + phase.steps
        if inside and phase.rate is not None:
            return warm * phase.rate
        if phase.rate is None:
            scheduled += min(max(step - begin, 0), phase.steps)
        if inside:
            break
        begin += phase.steps
    return warm * _scheduled(config, scheduled / max(config.scheduled_steps, 1))


def _scheduled(config: TrainingConfig, time: float) -> float:
    if config.schedule == "poly":
        return float((1 - time) ** config.power)
    if config.schedule == "cosine":
        return (1 + math.cos(math.pi * time)) / 2
    return 1.0


def set_rates(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set each group's learning rate to a fraction of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * factor


class MovingAverage:
    """Exponential moving average of a network's weights and statistics.

    Parameters
    ----------
    network : nn.Module
        What it starts from.
    decay : float in [0, 1)
        Of the average at each step; less at the beginning. 0: the average is the weights.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.state = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the weights after a step (counted from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        means: list[Tensor] = []
        values: list[Tensor] = []
        for name, value in network.state_dict().items():
            if value.dtype.is_floating_point:
                means.append(self.state[name])
                values.append(value)
            else:
                self.state[name].copy_(value)
        torch._foreach_lerp_(means, values, 1 - decay)  # one launch on a GPU, not hundreds
