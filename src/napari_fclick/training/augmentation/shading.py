"""Uneven illumination."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Shading:
    """Multiply with 1 + a linear ramp that runs from -slope to slope along each axis."""

    rows: float
    columns: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the shaded patch, clipped to [0, 1]."""
        height, width = patch.labels.shape
        down = np.linspace(-self.rows, self.rows, height, dtype=np.float32)[:, None]
        right = np.linspace(-self.columns, self.columns, width, dtype=np.float32)[None]
        return patch._replace(image=np.clip(patch.image * (1 + down + right)[..., None], 0, 1))


@dataclass(frozen=True)
class RandomShading:
    """Slopes of up to ``most`` either way."""

    most: float = 0.4

    def draw(self, patch: Patch, rng: Rng) -> Shading:
        """Return the slopes."""
        rows, columns = rng.uniform(-self.most, self.most, 2)
        return Shading(float(rows), float(columns))
