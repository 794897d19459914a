"""Out of focus."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import ndimage

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Blur:
    """Blur with a Gaussian of ``sigma`` pixels."""

    sigma: float

    def __call__(self, patch: Patch) -> Patch:
        """Return the blurred patch; its labels stay."""
        return patch._replace(
            image=ndimage.gaussian_filter(patch.image, (self.sigma, self.sigma, 0))
        )


@dataclass(frozen=True)
class RandomBlur:
    """A sigma of ``least`` to ``most`` pixels."""

    least: float = 0.4
    most: float = 1.5

    def draw(self, patch: Patch, rng: Rng) -> Blur:
        """Return the blur."""
        return Blur(float(rng.uniform(self.least, self.most)))
