"""Bend the scale of intensities."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Gamma:
    """Raise intensities to a power; below 1 brightens."""

    power: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch with other intensities."""
        return patch._replace(image=np.power(np.clip(patch.image, 0, 1), np.float32(self.power)))


@dataclass(frozen=True)
class RandomGamma:
    """Powers from exp(-``spread``) to exp(``spread``), both ways alike."""

    spread: float = 0.7

    def draw(self, patch: Patch, rng: Rng) -> Gamma:
        """Return the power."""
        return Gamma(math.exp(rng.uniform(-self.spread, self.spread)))
