"""Turn a patch about its middle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.affine import apply_linear
from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Rotation:
    """Turn by an angle in degrees, rows towards columns."""

    degrees: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the turned patch; corners that nothing is known of are ignored."""
        angle = math.radians(self.degrees)
        cos, sin = math.cos(angle), math.sin(angle)
        return apply_linear(patch, np.array([[cos, -sin], [sin, cos]]))


@dataclass(frozen=True)
class RandomRotation:
    """Any angle up to ``most`` degrees either way; flips and transposes do the rest."""

    most: float = 45.0

    def draw(self, patch: Patch, rng: Rng) -> Rotation:
        """Return the rotation."""
        return Rotation(float(rng.uniform(-self.most, self.most)))
