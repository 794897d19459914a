"""Brighter or darker by an offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class IntensityShift:
    """Add an offset."""

    offset: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch, clipped to [0, 1]."""
        return patch._replace(image=np.clip(patch.image + np.float32(self.offset), 0, 1))


@dataclass(frozen=True)
class RandomShift:
    """An offset of up to ``most`` either way."""

    most: float = 0.2

    def draw(self, patch: Patch, rng: Rng) -> IntensityShift:
        """Return the offset."""
        return IntensityShift(float(rng.uniform(-self.most, self.most)))
