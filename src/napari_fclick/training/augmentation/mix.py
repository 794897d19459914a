"""Reorder and scale the channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng, is_gray


@dataclass(frozen=True)
class ChannelMix:
    """Take the channels in another order and multiply each with its gain."""

    order: tuple[int, ...]
    gains: tuple[float, ...]

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch in other colours, clipped to [0, 1]."""
        image = patch.image
        if self.order != (0, 1, 2):
            image = image[..., list(self.order)]
        return patch._replace(image=np.clip(image * np.array(self.gains, np.float32), 0, 1))


@dataclass(frozen=True)
class RandomMix:
    """Gains of 0.75 to 1.2 for colour images, and now and then another order."""

    reordered: float = 0.15

    def draw(self, patch: Patch, rng: Rng) -> ChannelMix | None:
        """Return the mix; None for gray images."""
        if is_gray(patch.image):
            return None
        order: tuple[int, ...] = (0, 1, 2)
        if rng.random() < self.reordered:
            order = tuple(int(i) for i in rng.permutation(3))
        return ChannelMix(order, tuple(float(g) for g in rng.uniform(0.75, 1.2, 3)))


@dataclass(frozen=True)
class RandomTint:
    """Gains of 0.3 to 1 for gray images, as fluorescence is shown in one colour."""

    def draw(self, patch: Patch, rng: Rng) -> ChannelMix | None:
        """Return the mix; None for colour images."""
        if not is_gray(patch.image):
            return None
        return ChannelMix((0, 1, 2), tuple(float(g) for g in rng.uniform(0.3, 1, 3)))
