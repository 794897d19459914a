"""How much the pixels of a plane look like some objects, and not like what is about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

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
#: At that size, so many pixels a side are looked at at most.
LOOKED_AT = 2048
#: Standard deviations of the Gaussians that pixels are looked at with, in radii of the objects.
BLURS = (1 / 6, 1 / 3, 2 / 3)
#: What lies about an object, in radii: so far from it, and so wide.
APART, ABOUT = 0.2, 0.4
#: Part of the features' mean variance that is added to each: few objects tell little of it.
STEADY = 0.01
#: Of more objects than `MANY` the areas of the smallest and the largest tenth say nothing, as
#: labels hold slivers, and objects in one: the others may be smaller, or larger, by this factor.
MANY, TAILS, WIDER = 10, (10.0, 90.0), 1.5
#: Fewer log-odds than this are rounding errors.
TOLD = 1e-6
#: What stands out as much as the accepted objects did, or more, is as clear as can be.
CLEAR = 1.0
#: So many radii, two objects' middles are apart at least.
BETWEEN = 1.2


class Look(NamedTuple):
    """What tells objects from what is about them.

    Attributes
    ----------
    radius : float
        Of a circle as large as the median of them, in pixels of the plane.
    areas : (int, int)
        Of the smallest and the largest of them, in pixels of the plane; see `MANY`.
    grey : bool
        Whether the plane that it was learned from has no colours.
    weights : ndarray of float64, shape (F,)
        Of the features, whose sum is log-odds.
    offset : float
        What is added to that.
    apart : float
        By how much the log-odds of the objects' pixels are above those of what is about them.
    """

    radius: float
    areas: tuple[int, int]
    grey: bool
    weights: NDArray[np.float64]
    offset: float
    apart: float

    def magnified(self, ratio: float) -> Look:
        """Return what such objects look like where their areas are so many times larger."""
        smallest, largest = (max(1, round(area * ratio)) for area in self.areas)
        radius = self.radius * math.sqrt(ratio)
        return self._replace(radius=radius, areas=(smallest, largest))


class Seen:
    """The pixels of a plane, in a size that fits objects.

    Parameters
    ----------
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
    limits : (float, float) or None
        Intensities that are black and white; None for percentiles.
    radius : float
        Of the objects, in pixels of the plane.
    centre : (float, float)
        Row and column about which a large plane is looked at.
    grey : bool, optional
        Whether the plane has no colours worth a look; by default whether it has none.

    Attributes
    ----------
    view : Window
    radius : float
        Of the objects, in the pixels that are looked at.
    grey : bool
        Whether they have no colours.
    features : ndarray of float64, shape (h, w, F)
    """

    def __init__(
        self,
        plane: Any,
        limits: tuple[float, float] | None,
        radius: float,
        centre: tuple[float, float],
        grey: bool | None = None,
    ) -> None:
        shape = image_shape(plane)
        self.view = _view(shape, radius, centre)
        self.zooms = (
            self.view.input_height / self.view.height,
            self.view.input_width / self.view.width,
        )
        self.radius = radius * self.zooms[0]
        nowhere = ClickSequence([Click(self.view.top, self.view.left)])
        reader = WindowReader(plane, shape, nowhere, None, limits)
        pixels = reader.read(self.view, Preprocessing())
        self.grey = bool((pixels == pixels[..., :1]).all()) if grey is None else grey
        self.features = _features(pixels[..., : 1 if self.grey else 3], self.radius)

    def sampled(self, mask: StoredMask, margin: int = 0) -> tuple[tuple[slice, slice], Mask]:
        """Return where a mask and a margin lie among the pixels looked at, and which it holds."""
        starts, stops = mask.box[:2], mask.box[2:]
        sizes = self.view.input_height, self.view.input_width
        where, pixels = [], []
        for start, stop, first, zoom, size in zip(
            starts, stops, self.view.box[:2], self.zooms, sizes, strict=True
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

    def thinned(self, taken: Mask) -> Mask:
        """Return which of the pixels that are looked at are of an object."""
        sizes = self.view.input_height, self.view.input_width
        rows, columns = (
            ((np.arange(size) + 0.5) / zoom).astype(int)
            for size, zoom in zip(sizes, self.zooms, strict=True)
        )
        return np.asarray(taken[np.ix_(rows, columns)])


class Sampled(NamedTuple):
    """The pixels of some objects, and of what is about them.

    Attributes
    ----------
    one, other : ndarray of float64, shape (n, F)
        Features of their pixels, and of those about them.
    areas : list of int
        Of the objects, in pixels of the plane.
    grey : bool
        Whether the plane has no colours.
    """

    one: NDArray[np.float64]
    other: NDArray[np.float64]
    areas: list[int]
    grey: bool


def sample(seen: Seen, examples: Sequence[StoredMask], taken: Mask) -> Sampled:
    """Return what some objects of a plane look like, and what is about them.

    Parameters
    ----------
    seen : Seen
        The plane that they are in.
    examples : sequence of StoredMask
        The objects; at least one, all with pixels.
    taken : ndarray of bool
        Of the pixels in `region_of` them: those of any object. They say nothing of what lies about
        the examples.
    """
    like = np.zeros(seen.features.shape[:2], bool)
    for example in examples:
        where, inside = seen.sampled(example)
        like[where] |= inside
    distance = ndimage.distance_transform_edt(~like)
    about = distance > max(1.0, APART * seen.radius)
    about &= (distance < seen.radius + 1.5) & ~seen.thinned(taken)
    areas = [example.area for example in examples]
    return Sampled(seen.features[like], seen.features[about], areas, seen.grey)


def learn(*samples: Sampled) -> Look:
    """Learn what tells objects from what is about them, by linear discriminant analysis.

    Parameters
    ----------
    *samples : Sampled
        One or more, of planes that were all seen with the same radius, in pixels of the plane, and
        of which all have colours or none has.
    """
    one = np.concatenate([each.one for each in samples])
    other = np.concatenate([each.other for each in samples])
    weights, offset = _discriminant(one, other)
    apart = float((one.mean(axis=0) - other.mean(axis=0)) @ weights) if weights.any() else 0.0
    areas = [area for each in samples for area in each.areas]
    smallest, largest = min(areas), max(areas)
    if len(areas) > MANY:
        low, high = np.percentile(areas, TAILS)
        smallest, largest = max(smallest, round(low / WIDER)), min(largest, round(high * WIDER))
    return Look(_radius(areas), (smallest, largest), samples[0].grey, weights, offset, apart)


class Likeness:
    """How much each pixel of a plane looks like some objects.

    Parameters
    ----------
    seen : Seen
    look : Look
        Learned there, or in another plane.

    Attributes
    ----------
    region : Box
        What is looked at, in pixels of the plane.
    score : ndarray of float64, shape (h, w)
        Log-odds of the pixels that are looked at: above 0 they look like the objects.

    Raises
    ------
    ValueError
        If one of both planes has colours and the other has none.
    """

    def __init__(self, seen: Seen, look: Look) -> None:
        if seen.grey != look.grey:
            raise ValueError("one image has colours, the other has none")
        self._seen, self._apart, self.region = seen, look.apart, seen.view.box
        self.score = seen.features @ look.weights + look.offset

    def places(self) -> list[tuple[int, int]]:
        """Return pixels of the plane that objects may lie about, the likeliest first."""
        smooth = ndimage.gaussian_filter(self.score, BLURS[1] * self._seen.radius)
        apart = max(3, round(BETWEEN * self._seen.radius) | 1)
        peaks = (smooth == ndimage.maximum_filter(smooth, size=apart)) & (smooth > TOLD)
        rows, columns = np.nonzero(peaks)
        order = np.argsort(-smooth[rows, columns], kind="stable")
        points = [self._seen.view.to_image(float(rows[at]), float(columns[at])) for at in order]
        box = self.region
        return [
            (
                min(max(round(y), box.top), box.bottom - 1),
                min(max(round(x), box.left), box.right - 1),
            )
            for y, x in points
        ]

    def contrast(self, mask: StoredMask) -> float:
        """Return by how much more a mask's pixels look like the objects than those about it.

        As part of what it was with the accepted objects, within -`CLEAR` to `CLEAR`; 0 where
        nothing can be said.
        """
        reach = max(1, round(ABOUT * self._seen.radius))
        where, inside = self._seen.sampled(mask, reach + 2)
        score, near = self.score[where], ndimage.binary_dilation(inside)
        about = ndimage.binary_dilation(near, iterations=reach) & ~near
        if not inside.any() or not about.any() or self._apart < TOLD:
            return 0.0
        contrast = (score[inside].mean() - score[about].mean()) / self._apart
        return float(np.clip(contrast, -CLEAR, CLEAR))


def radius_of(examples: Sequence[StoredMask]) -> float:
    """Return the radius of a circle as large as the median of some objects, in pixels."""
    return _radius([example.area for example in examples])


def _radius(areas: Sequence[int]) -> float:
    return float(np.sqrt(np.median(areas) / np.pi))


def region_of(shape: tuple[int, int], radius: float, centre: tuple[float, float]) -> Box:
    """Return the part of a plane in which objects are looked for.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the plane.
    radius : float
        Of the objects, in pixels.
    centre : (float, float)
        Row and column about which a large plane is looked at.
    """
    return _view(shape, radius, centre).box


def centres_of(shape: tuple[int, int], radius: float) -> list[tuple[float, float]]:
    """Return rows and columns about which a plane is to be looked at, to see all of it.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the plane.
    radius : float
        Of the objects, in pixels. What lies on the border of a region is in the next one, too.
    """
    box = _view(shape, radius, (0.0, 0.0)).box
    axes = []
    for size, side in zip(shape, box.shape, strict=True):
        step = max(side // 2, side - math.ceil(4 * radius), 1)
        count = 1 + math.ceil((size - side) / step)
        axes.append(np.linspace(side / 2, size - side / 2, count).tolist())
    return [(y, x) for y in axes[0] for x in axes[1]]


def _view(shape: tuple[int, int], radius: float, centre: tuple[float, float]) -> Window:
    zoom = min(1.0, RADIUS / radius)
    most = min(MAX_SIDE, int(LOOKED_AT / zoom))
    tops, sizes = [], []
    for middle, size in zip(centre, shape, strict=True):
        sizes.append(min(size, most))
        tops.append(min(max(round(middle - most / 2), 0), size - sizes[-1]))
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


def _features(pixels: FloatArray, radius: float) -> NDArray[np.float64]:
    """Return what pixels (h, w, C) look like: (h, w, F), Gaussians and their derivatives."""
    found = []
    for values in np.moveaxis(pixels.astype(np.float64), -1, 0):
        for blur in BLURS:
            sigma = blur * radius
            found.append(ndimage.gaussian_filter(values, sigma))
            found.append(sigma * ndimage.gaussian_gradient_magnitude(values, sigma))
            found.append(sigma**2 * ndimage.gaussian_laplace(values, sigma))
    return np.stack(found, axis=-1)


def _discriminant(
    one: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Return weights and offset of log-odds; 0 where there is nothing to tell them apart by."""
    if not len(one) or not len(other):
        return np.zeros(one.shape[-1]), 0.0
    middles = one.mean(axis=0), other.mean(axis=0)
    spread = np.concatenate([one - middles[0], other - middles[1]])
    within = spread.T @ spread / len(spread)
    steady = STEADY * np.trace(within) / len(within) + 1e-6  # of pixels from 0 to 1
    weights = np.linalg.solve(within + steady * np.eye(len(within)), middles[0] - middles[1])
    return weights, float(-(middles[0] + middles[1]) @ weights / 2)
