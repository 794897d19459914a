"""Swap bright and dark."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Inversion:
    """Swap bright and dark."""

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch as its negative."""
        return patch._replace(image=np.float32(1) - patch.image)


@dataclass(frozen=True)
class RandomInversion:
    """Nothing is left to chance but whether."""

    def draw(self, patch: Patch, rng: Rng) -> Inversion:
        """Return the inversion."""
        return Inversion()
