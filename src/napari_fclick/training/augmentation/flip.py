"""Mirror a patch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Flip:
    """Mirror an axis: 0 turns it upside down, 1 swaps left and right."""

    axis: int

    def __call__(self, patch: Patch) -> Patch:
        """Return the mirrored patch."""
        points = patch.points.copy()
        points[:, self.axis] = patch.labels.shape[self.axis] - 1 - points[:, self.axis]
        rough = None if patch.rough is None else np.flip(patch.rough, self.axis)
        image, labels = np.flip(patch.image, self.axis), np.flip(patch.labels, self.axis)
        return Patch(image, labels, points, rough)


@dataclass(frozen=True)
class RandomFlip:
    """Nothing is left to chance but whether."""

    axis: int

    def draw(self, patch: Patch, rng: Rng) -> Flip:
        """Return the flip."""
        return Flip(self.axis)
