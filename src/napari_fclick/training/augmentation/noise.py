"""Noise of the camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng, is_gray


@dataclass(frozen=True)
class Noise:
    """Add Gaussian noise of standard deviation ``sigma``; gray images stay gray."""

    sigma: float
    seed: int

    def __call__(self, patch: Patch) -> Patch:
        """Return the noisy patch, clipped to [0, 1]."""
        rng = np.random.default_rng(self.seed)
        channels = 1 if is_gray(patch.image) else 3
        noise = rng.standard_normal((*patch.labels.shape, channels), dtype=np.float32)
        return patch._replace(image=np.clip(patch.image + np.float32(self.sigma) * noise, 0, 1))


@dataclass(frozen=True)
class RandomNoise:
    """A standard deviation of ``least`` to ``most``."""

    least: float = 0.01
    most: float = 0.1

    def draw(self, patch: Patch, rng: Rng) -> Noise:
        """Return the noise."""
        return Noise(float(rng.uniform(self.least, self.most)), int(rng.integers(2**32)))
