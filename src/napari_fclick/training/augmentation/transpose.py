"""Swap rows and columns."""

from __future__ import annotations

from dataclasses import dataclass

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Transpose:
    """Swap rows and columns."""

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch, (w, h)."""
        points = patch.points[:, ::-1].copy()
        rough = None if patch.rough is None else patch.rough.T
        return Patch(patch.image.transpose(1, 0, 2), patch.labels.T, points, rough)


@dataclass(frozen=True)
class RandomTranspose:
    """Nothing is left to chance but whether."""

    def draw(self, patch: Patch, rng: Rng) -> Transpose:
        """Return the swap."""
        return Transpose()
