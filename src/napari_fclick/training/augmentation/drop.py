"""Leave a channel out."""

from __future__ import annotations

from dataclasses import dataclass

from napari_fclick.training.augmentation.base import Patch, Rng, is_gray


@dataclass(frozen=True)
class ChannelDrop:
    """Set a channel to 0."""

    channel: int

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch without the channel."""
        image = patch.image.copy()
        image[..., self.channel] = 0
        return patch._replace(image=image)


@dataclass(frozen=True)
class RandomDrop:
    """Any of the three, of colour images."""

    def draw(self, patch: Patch, rng: Rng) -> ChannelDrop | None:
        """Return which channel; None for gray images."""
        return None if is_gray(patch.image) else ChannelDrop(int(rng.integers(3)))
