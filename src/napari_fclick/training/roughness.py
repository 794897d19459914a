"""Make a mask as rough as one that was drawn for a neighbouring slice, or in a hurry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.arrays import Mask
from napari_fclick.training.augmentation.base import FloatImage, Rng, smooth_noise

Pair = tuple[float, float]

#: How far beyond its bounds a mask may grow, in parts of its longer side.
MARGIN = 0.75


@dataclass(frozen=True)
class Roughness:
    """A perturbation with all its parameters; as it stands it changes nothing.

    Lengths are parts of the longer side of the mask's bounds, so that masks of any size
    become equally rough.

    Parameters
    ----------
    angle : float
        Rotation about the mask's centroid, in radians.
    scale : (rows, columns)
        Factors about the centroid.
    shift : (rows, columns)
        Of the whole mask.
    bend : float
        Largest displacement of an elastic warp, along each axis.
    smoothness : float
        Length over which the warp varies.
    seed : int
        Of the warp.
    cut : (direction, distance), optional
        What lies further than ``distance`` from the centroid in a ``direction`` (radians,
        0 to the right) is cut off.
    added : (place, radius), optional
        A disc that is added. Its middle is a pixel of the mask: the one that a ``place`` in
        [0, 1) comes to in reading order.
    """

    angle: float = 0.0
    scale: Pair = (1.0, 1.0)
    shift: Pair = (0.0, 0.0)
    bend: float = 0.0
    smoothness: float = 0.1
    seed: int = 0
    cut: Pair | None = None
    added: Pair | None = None

    def __call__(self, mask: Mask) -> Mask:
        """Return the rough mask, (H, W); what would lie outside of the array is lost.

        Raises
        ------
        ValueError
            If the mask is empty.
        """
        pixels = np.argwhere(mask)
        if not len(pixels):
            raise ValueError("an empty mask cannot be made rough")
        low, high = pixels.min(0), pixels.max(0) + 1
        side = int((high - low).max())
        margin = int(np.ceil(MARGIN * side))
        start = np.maximum(low - margin, 0)
        part = tuple(slice(int(a), int(b)) for a, b in zip(start, high + margin, strict=True))
        rough = np.zeros_like(mask)
        rough[part] = self._within(mask[part], pixels - start, side)
        return rough

    def _within(self, mask: Mask, pixels: NDArray[np.intp], side: int) -> Mask:
        grid = np.indices(mask.shape, np.float32)
        middle = pixels.mean(0)
        source = self._source(grid, middle, side)
        rough: Mask = ndimage.map_coordinates(mask.astype(np.float32), source, order=1) > 0.5
        if self.cut is not None:
            direction, distance = self.cut
            rows, columns = grid[0] - middle[0], grid[1] - middle[1]
            rough &= rows * np.sin(direction) + columns * np.cos(direction) <= distance * side
        if self.added is not None:
            place, radius = self.added
            row, column = pixels[int(place * len(pixels))]
            rough |= np.hypot(grid[0] - row, grid[1] - column) < radius * side
        return rough

    def _source(self, grid: FloatImage, middle: NDArray[np.float64], side: int) -> FloatImage:
        """Return where each pixel comes from, (2, h, w)."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        back = np.array([[cos, -sin], [sin, cos]]) / np.array(self.scale)[:, None]
        moved = middle + np.array(self.shift) * side
        offsets = grid - moved[:, None, None]
        source = np.einsum("ij,jhw->ihw", back, offsets) + middle[:, None, None]
        if self.bend:
            rng, shape = np.random.default_rng(self.seed), (grid.shape[1], grid.shape[2])
            sigma = max(self.smoothness * side, 1.0)
            source += (
                self.bend * side * np.stack([smooth_noise(shape, sigma, rng) for _ in range(2)])
            )
        found: FloatImage = source.astype(np.float32)
        return found


@dataclass(frozen=True)
class RandomRoughness:
    """All at once, each by little; now and then a part is missing or too much.

    Parameters
    ----------
    turn : float
        Largest rotation in radians.
    stretch : float
        Scales are exp(-stretch) to exp(stretch).
    shift : float
        Standard deviation of the shift.
    bend : float
        Largest bend.
    cut, added : float
        Chances of a part cut off, and of one too much.
    """

    turn: float = 0.25
    stretch: float = 0.25
    shift: float = 0.06
    bend: float = 0.15
    cut: float = 0.25
    added: float = 0.25

    def draw(self, rng: Rng) -> Roughness:
        """Return a perturbation."""
        scale = np.exp(rng.uniform(-self.stretch, self.stretch, 2))
        shift = rng.normal(0, self.shift, 2)
        return Roughness(
            angle=float(rng.uniform(-self.turn, self.turn)),
            scale=(float(scale[0]), float(scale[1])),
            shift=(float(shift[0]), float(shift[1])),
            bend=float(rng.uniform(0, self.bend)),
            smoothness=float(rng.uniform(0.08, 0.2)),
            seed=int(rng.integers(2**32)),
            cut=_drawn(self.cut, (0, 2 * np.pi), (0.1, 0.45), rng),
            added=_drawn(self.added, (0, 1), (0.1, 0.35), rng),
        )


def _drawn(chance: float, first: Pair, second: Pair, rng: Rng) -> Pair | None:
    if rng.random() >= chance:
        return None
    return float(rng.uniform(*first)), float(rng.uniform(*second))


def soften(mask: FloatImage, rng: Rng) -> FloatImage:
    """Return a mask (h, w) as it is, or blurred as a network's probabilities are (60 %)."""
    if rng.random() >= 0.6:
        return mask
    blurred: FloatImage = ndimage.gaussian_filter(mask, float(rng.uniform(0.7, 4)))
    return blurred
