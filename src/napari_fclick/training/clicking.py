"""The clicks of a batch: how it starts, how it is corrected, and their maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.training import losses
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.simulation import PAPER_SIDE, SimulatedClick, correction

Clicks = list[SimulatedClick]


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
            [SimulatedClick(round(r), round(c), sign > 0) for r, c, sign in known if sign]
            for known in clicks.tolist()
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

    def placed(self, device: torch.device) -> PlacedClicks:
        """Return the clicks as they are now, on a device."""
        return PlacedClicks.of(self.clicks, self._truths.shape[-2:], device)


@dataclass(frozen=True)
class PlacedClicks:
    """Clicks of a batch on a device, which draws their maps; the losses see how near they are.

    Attributes
    ----------
    points : float32 Tensor (N, K, 2)
        Rows and columns, the first click first.
    signs : float32 Tensor (N, K)
        1, -1, or 0 where there is no further click.
    shape : (int, int)
        Of the maps.
    """

    points: Tensor
    signs: Tensor
    shape: tuple[int, int]

    @classmethod
    def of(
        cls, clicks: Sequence[Clicks], shape: tuple[int, int], device: torch.device
    ) -> PlacedClicks:
        """Bring clicks to a device, without waiting for it."""
        most = max(len(known) for known in clicks)
        table = torch.zeros(len(clicks), most, 3)
        for row, known in zip(table, clicks, strict=True):
            row[: len(known)] = torch.tensor(
                [(c.row, c.column, 1 if c.positive else -1) for c in known]
            )
        if device.type == "cuda":
            table = table.pin_memory()
        table = table.to(device, non_blocking=True)
        return cls(table[..., :2], table[..., 2], shape)

    def guidance(self, preprocessing: Preprocessing) -> Guidance:
        """Return the maps for the network; see `core.guidance.guidance_maps`."""
        width = preprocessing.click_width
        maps = [self._drawn(self.signs == sign, width) for sign in (1, -1)]
        first = self._drawn(self.signs[:, :1] == 1, preprocessing.first_click_width)
        return Guidance(torch.stack(maps, 1), first[:, None])

    @cached_property
    def positive(self) -> Tensor:
        """To the positive clicks; this and the others are `losses.closeness`, (N, H, W)."""
        return self._near(self.signs == 1)

    @cached_property
    def negative(self) -> Tensor:
        """To the negative clicks."""
        return self._near(self.signs == -1)

    @cached_property
    def first(self) -> Tensor:
        """To the first click."""
        return self._near(self.signs[:, :1] == 1)

    def _near(self, wanted: Tensor) -> Tensor:
        # tau belongs to the paper's 512 pixels
        tau = losses.TAU * max(self.shape) / PAPER_SIDE
        return losses.closeness(self.shape, self.points[:, : wanted.shape[1]], wanted, tau)

    def _drawn(self, wanted: Tensor, width: float) -> Tensor:
        """Draw the wanted clicks (N, K) as Gaussians; where they overlap, the nearest counts."""
        factor = -4 * math.log(2) / width**2
        points = self.points[:, : wanted.shape[1]]
        rows, columns = (
            torch.exp(factor * losses.distances(points[..., axis], length) ** 2)
            for axis, length in enumerate(self.shape)
        )
        rows = rows * wanted[..., None]
        out = torch.zeros(len(points), *self.shape, device=points.device)
        # One after the other: all at once takes K times the memory.
        for i in range(wanted.shape[1]):
            out = torch.maximum(out, rows[:, i, :, None] * columns[:, i, None, :])
        return out
