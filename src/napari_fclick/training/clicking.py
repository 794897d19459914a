"""The clicks of a batch: how it starts, how it is corrected, and their maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_fclick.core.guidance import guidance_maps
from napari_fclick.network.checkpoints import Preprocessing
from napari_fclick.training import losses
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.simulation import (
    PAPER_SIDE,
    SimulatedClick,
    correction,
    paper_clicks,
)

Mask = NDArray[np.bool_]
Clicks = list[SimulatedClick]
Rng = np.random.Generator


class Guidance(NamedTuple):
    """Maps of a batch: (N, 2, H, W) positive and negative, (N, 1, H, W) first."""

    clicks: Tensor
    first: Tensor


class BatchClicks:
    """The simulated clicks of one batch.

    Each sample has a random stream of its own, of the step and of its place in the whole
    batch, so that it is clicked the same however the batch is spread over processes.

    Parameters
    ----------
    config : TrainingConfig
    target : uint8 Tensor (N, H, W)
    clicks : Tensor (N, K, 3)
        What each sample begins with: row, column, sign; see `dataset.Sample`.
    step : int
    offset : int
        Samples of the whole batch that other processes have before these.
    """

    def __init__(
        self, config: TrainingConfig, target: Tensor, clicks: Tensor, step: int, offset: int = 0
    ) -> None:
        self._config = config
        self._truths = (target == 1).numpy()
        self._ignored = (target == losses.IGNORE).numpy()
        shared = np.random.default_rng((config.seed, step, 1))
        #: Corrections that this batch gets.
        self.corrections = int(shared.choice(len(config.corrections), p=config.corrections))
        places = range(offset, offset + len(target))
        self._rngs = [np.random.default_rng((config.seed, step, 2, place)) for place in places]
        self.clicks = [
            self._start(truth, ignored, known, rng)
            for truth, ignored, known, rng in zip(
                self._truths, self._ignored, clicks.tolist(), self._rngs, strict=True
            )
        ]

    @property
    def gone(self) -> NDArray[np.bool_]:
        """Which samples show no object: only the mask that they are handed tells of one, (N,)."""
        return np.asarray(~self._truths.any((1, 2)))

    def correct(self, guesses: NDArray[np.bool_]) -> None:
        """Add a click to each sample, where its guess (N, H, W) is wrong; some are passed over."""
        config = self._config
        for i, rng in enumerate(self._rngs):
            if rng.random() < config.second_look:
                continue
            off = rng.random() < config.correction_jitter
            jitter = float(rng.uniform(0, 0.7)) if off else 0.0
            taken = [(c.row, c.column) for c in self.clicks[i]]
            click = correction(self._truths[i], guesses[i], taken, self._ignored[i], rng, jitter)
            if click is None:
                continue
            if rng.random() < config.wrong_click:
                click = click._replace(positive=not click.positive)
            self.clicks[i].append(click)

    def keep_mask(self) -> NDArray[np.bool_]:
        """Draw which samples are shown the previous mask, (N,)."""
        return np.array([rng.random() >= self._config.mask_drop for rng in self._rngs])

    def guidance(self, preprocessing: Preprocessing, device: torch.device) -> Guidance:
        """Return the maps for the network."""
        size = self._truths.shape[-2:]
        maps = [
            guidance_maps(
                size,
                _pixels(known, True),
                _pixels(known, False),
                (known[0].row, known[0].column),
                preprocessing.click_width,
                preprocessing.first_click_width,
            )
            for known in self.clicks
        ]
        stacked = torch.from_numpy(np.array(maps)).to(device, non_blocking=True)
        return Guidance(stacked[:, :2], stacked[:, 2:])

    def near(self, device: torch.device) -> NearClicks:
        """Return how near the clicks are, for the losses."""
        return NearClicks(self.clicks, self._truths.shape[-2:], device)

    def _start(self, truth: Mask, ignored: Mask, known: list[list[float]], rng: Rng) -> Clicks:
        clicks = [SimulatedClick(round(r), round(c), sign > 0) for r, c, sign in known if sign]
        config, first = self._config, clicks[0]
        if len(clicks) > 1:  # a person's
            return clicks
        # A slice without the object tells nothing of where else one would click on it.
        if truth.any() and rng.random() < config.extra_chance:
            most = config.extra_clicks
            negatives = most if config.extra_negatives is None else config.extra_negatives
            wanted = int(rng.integers(most + 1)), int(rng.integers(negatives + 1))
            clicks += paper_clicks(truth, rng, *wanted, (first.row, first.column), ignored)
        return clicks


class NearClicks:
    """`losses.closeness` of a batch, each (N, H, W), computed when a loss asks for it."""

    def __init__(
        self, clicks: Sequence[Clicks], shape: tuple[int, int], device: torch.device
    ) -> None:
        self._clicks, self._shape, self._device = clicks, shape, device

    @cached_property
    def positive(self) -> Tensor:
        """To the positive clicks."""
        return self._maps(lambda known: _pixels(known, True))

    @cached_property
    def negative(self) -> Tensor:
        """To the negative clicks."""
        return self._maps(lambda known: _pixels(known, False))

    @cached_property
    def first(self) -> Tensor:
        """To the first click."""
        return self._maps(lambda known: _pixels(known[:1], True))

    def _maps(self, choose: Callable[[Clicks], list[tuple[int, int]]]) -> Tensor:
        tau = losses.TAU * max(self._shape) / PAPER_SIDE
        maps = [losses.closeness(self._shape, choose(known), tau) for known in self._clicks]
        return torch.stack(maps).to(self._device)


def _pixels(clicks: Clicks, positive: bool) -> list[tuple[int, int]]:
    return [(c.row, c.column) for c in clicks if c.positive == positive]
