"""Stretch or squeeze a patch."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.affine import apply_linear
from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Scale:
    """Multiply distances from the middle along rows and columns."""

    rows: float
    columns: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the scaled patch, of the same size; a border nothing is known of is ignored."""
        return apply_linear(patch, np.diag([self.rows, self.columns]))


@dataclass(frozen=True)
class RandomScale:
    """Each axis by its own factor from 1 / ``most`` to ``most``: shapes change, not only sizes."""

    most: float = 1.3

    def draw(self, patch: Patch, rng: Rng) -> Scale:
        """Return the scaling."""
        limit = math.log(self.most)
        rows, columns = np.exp(rng.uniform(-limit, limit, 2))
        return Scale(float(rows), float(columns))
