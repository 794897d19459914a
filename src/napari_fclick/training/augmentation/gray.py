"""Take the colour away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng, is_gray


@dataclass(frozen=True)
class Gray:
    """Replace the three channels by their weighted mean."""

    weights: tuple[float, ...]

    def __call__(self, patch: Patch) -> Patch:
        """Return the gray patch."""
        weights = np.array(self.weights, np.float32)
        gray = patch.image @ (weights / weights.sum())
        return patch._replace(image=np.repeat(gray[..., None], 3, -1))


@dataclass(frozen=True)
class RandomGray:
    """Weights from 0.1 to 1, of colour images."""

    def draw(self, patch: Patch, rng: Rng) -> Gray | None:
        """Return the weights; None for gray images."""
        if is_gray(patch.image):
            return None
        return Gray(tuple(float(w) for w in rng.uniform(0.1, 1, 3)))
