"""How much the pixels of a plane look like some objects, and not like what is about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.window import MAX_SIDE, Box, Window, image_shape
from napari_fclick.reading import WindowReader

#: The plane is looked at in such a size that the objects have this radius, but not enlarged.
RADIUS = 6.0
#: At that size, so many pixels a side are looked at at most: of a larger plane those about the
#: last object.
LOOKED_AT = 2048
#: Standard deviations of the Gaussians that pixels are looked at with, in radii of the objects.
BLURS = (1 / 6, 1 / 3, 2 / 3)
#: What lies about an object, in radii: so far from it, and so wide.
APART, ABOUT = 0.2, 0.4
#: Part of the features' mean variance that is added to each: few objects tell little of it.
STEADY = 0.01
#: Fewer log-odds than this are rounding errors.
TOLD = 1e-6
#: A contrast of so many log-odds is as clear as can be.
CLEAR = 8.0
#: So many radii, two objects' middles are apart at least.
BETWEEN = 1.2


class Likeness:
    """Tells objects from what is about them by linear discriminant analysis of their pixels.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
    limits : (float, float) or None
        Intensities that are black and white; None for percentiles.
    examples : sequence of StoredMask
        The objects; at least one, all with pixels.
    taken : ndarray of bool
        Of the pixels in `region_of` the examples: those of any object. They say nothing of what
        lies about the examples.

    Attributes
    ----------
    region : Box
        What is looked at, in pixels of the plane.
    score : ndarray of float64, shape (h, w)
        Log-odds of the pixels that are looked at: above 0 they look like the examples.
    """

    def __init__(
        self,
        plane: Any,
        limits: tuple[float, float] | None,
        examples: Sequence[StoredMask],
        taken: Mask,
    ) -> None:
        shape = image_shape(plane)
        self._view = _view(shape, examples)
        self.region = self._view.box
        self._zooms = (
            self._view.input_height / self._view.height,
            self._view.input_width / self._view.width,
        )
        self._radius = _radius(examples) * self._zooms[0]
        nowhere = ClickSequence([Click(self._view.top, self._view.left)])
        reader = WindowReader(plane, shape, nowhere, None, limits)
        features = _features(reader.read(self._view, Preprocessing()), self._radius)
        like = np.zeros(features.shape[:2], bool)
        for example in examples:
            where, inside = self._sampled(example)
            like[where] |= inside
        distance = ndimage.distance_transform_edt(~like)
        about = distance > max(1.0, APART * self._radius)
        about &= (distance < self._radius + 1.5) & ~self._thinned(taken)
        self.score = _discriminant(features, like, about)

    def places(self) -> list[tuple[int, int]]:
        """Return pixels of the plane that objects may lie about, the likeliest first."""
        smooth = ndimage.gaussian_filter(self.score, BLURS[1] * self._radius)
        apart = max(3, round(BETWEEN * self._radius) | 1)
        peaks = (smooth == ndimage.maximum_filter(smooth, size=apart)) & (smooth > TOLD)
        rows, columns = np.nonzero(peaks)
        order = np.argsort(-smooth[rows, columns], kind="stable")
        points = [self._view.to_image(float(rows[at]), float(columns[at])) for at in order]
        box = self.region
        return [
            (
                min(max(round(y), box.top), box.bottom - 1),
                min(max(round(x), box.left), box.right - 1),
            )
            for y, x in points
        ]

    def contrast(self, mask: StoredMask) -> float:
        """Return by how much more a mask's pixels look like the examples than those about it.

        In log-odds, within -`CLEAR` to `CLEAR`; 0 where nothing can be said.
        """
        reach = max(1, round(ABOUT * self._radius))
        where, inside = self._sampled(mask, reach + 2)
        score, near = self.score[where], ndimage.binary_dilation(inside)
        about = ndimage.binary_dilation(near, iterations=reach) & ~near
        if not inside.any() or not about.any():
            return 0.0
        return float(np.clip(score[inside].mean() - score[about].mean(), -CLEAR, CLEAR))

    def _sampled(self, mask: StoredMask, margin: int = 0) -> tuple[tuple[slice, slice], Mask]:
        """Return where a mask and a margin lie among the pixels looked at, and which it holds."""
        starts, stops = mask.box[:2], mask.box[2:]
        sizes = self._view.input_height, self._view.input_width
        where, pixels = [], []
        for start, stop, first, zoom, size in zip(
            starts, stops, self.region[:2], self._zooms, sizes, strict=True
        ):
            low = math.floor((start - first) * zoom) - margin
            high = math.ceil((stop - first) * zoom) + margin
            small = np.arange(min(max(low, 0), size), min(max(high, 0), size))
            where.append(slice(int(small[0]), int(small[-1]) + 1) if small.size else slice(0, 0))
            pixels.append(np.floor((small + 0.5) / zoom).astype(int) + first - start)
        (rows, columns), (height, width) = pixels, mask.box.shape
        inside = np.zeros((len(rows), len(columns)), bool)
        y, x = (rows >= 0) & (rows < height), (columns >= 0) & (columns < width)
        inside[np.ix_(y, x)] = mask.unpack()[np.ix_(rows[y], columns[x])]
        return (where[0], where[1]), inside

    def _thinned(self, taken: Mask) -> Mask:
        """Return which of the pixels that are looked at are of an object."""
        sizes = self._view.input_height, self._view.input_width
        rows, columns = (
            ((np.arange(size) + 0.5) / zoom).astype(int)
            for size, zoom in zip(sizes, self._zooms, strict=True)
        )
        return np.asarray(taken[np.ix_(rows, columns)])


def region_of(shape: tuple[int, int], examples: Sequence[StoredMask]) -> Box:
    """Return the part of a plane in which objects like some are looked for.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the plane.
    examples : sequence of StoredMask
        About the last one, where the plane is too large to be looked at as a whole.
    """
    return _view(shape, examples).box


def _view(shape: tuple[int, int], examples: Sequence[StoredMask]) -> Window:
    zoom = min(1.0, RADIUS / _radius(examples))
    most = min(MAX_SIDE, int(LOOKED_AT / zoom))
    tops, sizes = [], []
    for centre, size in zip(examples[-1].box.centre, shape, strict=True):
        sizes.append(min(size, most))
        tops.append(min(max(round(centre - most / 2), 0), size - sizes[-1]))
    inner = [max(1, round(size * zoom)) for size in sizes]
    return Window(
        top=tops[0],
        left=tops[1],
        height=sizes[0],
        width=sizes[1],
        input_height=inner[0],
        input_width=inner[1],
        canvas=(inner[0], inner[1]),
    )


def _radius(examples: Sequence[StoredMask]) -> float:
    """Return the radius of a circle as large as the median of some objects, in pixels."""
    areas = [np.count_nonzero(example.unpack()) for example in examples]
    return float(np.sqrt(np.median(areas) / np.pi))


def _features(pixels: FloatArray, radius: float) -> NDArray[np.float64]:
    """Return what pixels (h, w, 3) look like: (h, w, F), Gaussians and their derivatives."""
    grey = bool((pixels == pixels[..., :1]).all())
    found = []
    for channel in range(1 if grey else 3):
        values = pixels[..., channel].astype(np.float64)
        for blur in BLURS:
            sigma = blur * radius
            found.append(ndimage.gaussian_filter(values, sigma))
            found.append(sigma * ndimage.gaussian_gradient_magnitude(values, sigma))
            found.append(sigma**2 * ndimage.gaussian_laplace(values, sigma))
    return np.stack(found, axis=-1)


def _discriminant(features: NDArray[np.float64], like: Mask, about: Mask) -> NDArray[np.float64]:
    """Return log-odds of all pixels; 0 where there is nothing to tell them apart by."""
    if not like.any() or not about.any():
        return np.zeros(features.shape[:2])
    one, other = features[like], features[about]
    middles = one.mean(axis=0), other.mean(axis=0)
    spread = np.concatenate([one - middles[0], other - middles[1]])
    within = spread.T @ spread / len(spread)
    steady = STEADY * np.trace(within) / len(within) + 1e-6  # of pixels from 0 to 1
    weights = np.linalg.solve(within + steady * np.eye(len(within)), middles[0] - middles[1])
    score: NDArray[np.float64] = (features - (middles[0] + middles[1]) / 2) @ weights
    return score
