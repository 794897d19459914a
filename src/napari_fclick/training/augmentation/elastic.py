"""Bend a patch, image and labels together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng, resample, smooth_noise


@dataclass(frozen=True)
class Elastic:
    """Move pixels by up to ``reach`` pixels along each axis, smoothly.

    Parameters
    ----------
    reach : float
        Largest displacement in pixels.
    sigma : float
        Pixels over which the displacement varies.
    seed : int
        Of the field of displacements.
    """

    reach: float
    sigma: float
    seed: int

    def __call__(self, patch: Patch) -> Patch:
        """Return the bent patch; what came from outside is ignored."""
        rng = np.random.default_rng(self.seed)
        shape = patch.labels.shape
        down, right = (self.reach * smooth_noise(shape, self.sigma, rng) for _ in range(2))
        rows, columns = np.indices(shape, np.float32)
        points = patch.points.copy()
        for _ in range(5):  # where a pixel goes is where it is found to come from
            r, c = (
                np.clip(np.rint(v), 0, side - 1).astype(int)
                for v, side in zip(points.T, shape, strict=True)
            )
            points = patch.points - np.stack([down[r, c], right[r, c]], -1)
        return resample(patch, rows + down, columns + right, points)


@dataclass(frozen=True)
class RandomElastic:
    """Displacements of up to ``most`` of the shorter side, over 0.08 to 0.2 of it."""

    most: float = 0.04

    def draw(self, patch: Patch, rng: Rng) -> Elastic:
        """Return the bending."""
        side = min(patch.labels.shape)
        reach = side * float(rng.uniform(0.2, 1)) * self.most
        return Elastic(reach, side * float(rng.uniform(0.08, 0.2)), int(rng.integers(2**32)))
