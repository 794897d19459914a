"""What JPEG leaves of an image."""

from __future__ import annotations

from dataclasses import dataclass

import imagecodecs
import numpy as np

from napari_fclick.training.augmentation.base import Patch, Rng


@dataclass(frozen=True)
class Compression:
    """Store as JPEG of a quality from 1 to 100, and read again."""

    quality: int

    def __call__(self, patch: Patch) -> Patch:
        """Return the patch with the blocks and ringing of JPEG, in steps of 1/255."""
        pixels = np.rint(np.clip(patch.image, 0, 1) * 255).astype(np.uint8)
        stored = imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), level=self.quality)
        read = np.asarray(imagecodecs.jpeg8_decode(stored))
        return patch._replace(image=read.astype(np.float32) / np.float32(255))


@dataclass(frozen=True)
class RandomCompression:
    """A quality of ``least`` to ``most``."""

    least: int = 20
    most: int = 80

    def draw(self, patch: Patch, rng: Rng) -> Compression:
        """Return the quality."""
        return Compression(int(rng.integers(self.least, self.most + 1)))
