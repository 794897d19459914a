"""The window anchored on the first click: where the network looks.

The network runs at one input size on a square window of the image. Choosing that window is
worth as much as the network: an object that fills a tenth of it is a few blurred pixels, one
that sticks out of it is cut. This module holds the geometry - which windows to try, which one
fits a mask, how pixels get in and probabilities get out; `napari_fclick.predictor` runs the
network on them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core.arrays import Array, FloatArray, Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.resizing import resize

#: Side of a fitted window in multiples of the object's longer side.
FIT_FACTOR = 1.8
#: A window is kept while the object's longer side is within these fractions of its side.
KEEP_FRACTIONS = (0.25, 0.85)
#: No window is smaller or larger than this many pixels (an 8192 window costs 256 MB).
MIN_SIDE, MAX_SIDE = 32, 8192
#: Side of the canvas of a window made for a mask; the predictor looks at it anew at its own.
MASK_CANVAS = 256
#: Sides of the windows tried from a bare first click, in one batch; and of those tried after
#: them where the object runs out of the largest.
FIRST_SIDES = (48, 96, 192, 384, 768)
WIDER_SIDES = (1536, 3072)


class Box(NamedTuple):
    """Half-open bounds of a region: rows ``top`` to ``bottom``, columns ``left`` to ``right``."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def of(cls, rows: slice, columns: slice) -> Box:
        """Return the box of rows and columns, which `slices` gives back."""
        return cls(rows.start or 0, columns.start or 0, rows.stop, columns.stop)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.bottom - self.top, self.right - self.left

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns, to index an array with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def side(self) -> int:
        """The longer side in pixels."""
        return max(self.shape)

    @property
    def centre(self) -> tuple[float, float]:
        """Row and column of the middle, in pixels."""
        return (self.top + self.bottom - 1) / 2, (self.left + self.right - 1) / 2

    def holds(self, other: Box) -> bool:
        """Whether the other box lies inside this one."""
        return self.union(other) == self

    def shifted(self, rows: int, columns: int) -> Box:
        """Return the box moved."""
        return Box(self.top + rows, self.left + columns, self.bottom + rows, self.right + columns)

    def grown(self, margin: int, limit: Box) -> Box:
        """Return the box with a margin of so many pixels on each side, as far as the limit."""
        return Box(
            max(self.top - margin, limit.top),
            max(self.left - margin, limit.left),
            min(self.bottom + margin, limit.bottom),
            min(self.right + margin, limit.right),
        )

    def within(self, other: Box) -> tuple[slice, slice]:
        """Return rows and columns of this box in an array that covers the other."""
        return self.shifted(-other.top, -other.left).slices

    def shared(self, other: Box) -> Box | None:
        """Return what lies in both boxes; None where nothing does."""
        top, left = max(self.top, other.top), max(self.left, other.left)
        bottom, right = min(self.bottom, other.bottom), min(self.right, other.right)
        return Box(top, left, bottom, right) if top < bottom and left < right else None

    def union(self, other: Box) -> Box:
        """Return the smallest box around both."""
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


def mask_bounds(mask: Mask) -> Box | None:
    """Return the smallest box around what is True; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


@dataclass(frozen=True)
class Window:
    """A rectangle of the image and the size at which the network sees it.

    Parameters
    ----------
    top, left, height, width : int
        The rectangle in pixels of the image; it lies inside the image.
    input_height, input_width : int
        Its size at the network's input.
    canvas : (int, int)
        Rows and columns of the network's input; what the rectangle leaves of it, at the
        bottom and the right, is padding.
    """

    top: int
    left: int
    height: int
    width: int
    input_height: int
    input_width: int
    canvas: tuple[int, int]

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of the image."""
        return self.box.slices

    @property
    def box(self) -> Box:
        """The rectangle as a box."""
        return Box(self.top, self.left, self.top + self.height, self.left + self.width)

    @property
    def side(self) -> int:
        """The longer side in pixels of the image."""
        return max(self.height, self.width)

    def at(self, size: int) -> Window:
        """Return the same rectangle on a square canvas of another side."""
        height, width = (
            min(size, max(1, round(extent * size / self.side)))
            for extent in (self.height, self.width)
        )
        return replace(self, input_height=height, input_width=width, canvas=(size, size))

    def contains(self, click: Click) -> bool:
        """Whether the click's pixel lies in the window."""
        row, column = click.pixel
        return (
            self.top <= row < self.top + self.height
            and self.left <= column < self.left + self.width
        )

    def to_input(self, y: float, x: float) -> tuple[float, float]:
        """Return where a point of the image lies at the network's input."""
        return (
            (y - self.top + 0.5) * self.input_height / self.height - 0.5,
            (x - self.left + 0.5) * self.input_width / self.width - 0.5,
        )

    def to_pixel(self, click: Click) -> tuple[int, int]:
        """Return the pixel of the network's input that a click in the window comes to lie on."""
        y, x = self.to_input(*map(float, click.pixel))
        return (
            min(max(round(y), 0), self.input_height - 1),
            min(max(round(x), 0), self.input_width - 1),
        )

    def to_image(self, y: float, x: float) -> tuple[float, float]:
        """Return where a point of the network's input lies in the image: undoes `to_input`."""
        return (
            (y + 0.5) * self.height / self.input_height - 0.5 + self.top,
            (x + 0.5) * self.width / self.input_width - 0.5 + self.left,
        )

    def shrink(self, pixels: Array, antialias: bool = True) -> FloatArray:
        """Resize the window's pixels (h, w, C) to (input_height, input_width, C).

        The pixels may come thinned out by a constant step.
        """
        return resize(pixels, (self.input_height, self.input_width), antialias)

    def inner(self, canvas: FloatArray) -> FloatArray:
        """Return the part of a canvas that is not padding."""
        return canvas[: self.input_height, : self.input_width]

    def expand(self, probability: FloatArray) -> FloatArray:
        """Resize what the network says (canvas) to the window: the inverse of `shrink`."""
        return resize(
            self.inner(probability)[..., None], (self.height, self.width), antialias=False
        )[..., 0]


# --- choosing ---------------------------------------------------------------------------


def whole_window(shape: tuple[int, int], shorter_side: int) -> Window:
    """Return the released program's view: the whole image, its shorter side resized.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the image.
    shorter_side : int
        Of the network's input, in its pixels.

    Returns
    -------
    Window
        Its canvas is as large as the resized image.
    """
    height, width = shape
    least = min(height, width)
    size = (int(height * shorter_side / least), int(width * shorter_side / least))
    return Window(0, 0, height, width, *size, canvas=size)


def square_window(
    centre: tuple[float, float], side: float, shape: tuple[int, int], size: int
) -> Window:
    """Return the square of ``side`` pixels about ``centre``, shifted to lie in the image.

    Where the image is smaller than the square, the window is cut to the image and the
    network's input padded, so that pixels keep their aspect.

    Parameters
    ----------
    centre : (float, float)
        Row and column.
    side : float
        Pixels of the image; brought to `MIN_SIDE` .. `MAX_SIDE`.
    shape : (int, int)
        Rows and columns of the image.
    size : int
        Side of the network's input.

    Returns
    -------
    Window
        Within the image.
    """
    side = min(max(side, MIN_SIDE), MAX_SIDE, max(shape))
    length = max(1, round(side))
    spans = [_span(c, length, n) for c, n in zip(centre, shape, strict=True)]
    (top, height), (left, width) = spans
    return Window(top, left, height, width, height, width, canvas=(size, size)).at(size)


def first_windows(click: Click, shape: tuple[int, int], size: int) -> list[Window]:
    """Return the windows to try from a bare first click, small to large.

    Parameters
    ----------
    click : Click
        The first click; the windows are centred on it.
    shape : (int, int)
        Rows and columns of the image.
    size : int
        Side of the network's input.

    Returns
    -------
    list of Window
        Of the sides in `FIRST_SIDES`, as far as the image is larger; the last is a small image's
        whole.
    """
    longest = min(max(shape), MAX_SIDE)
    sides = [side for side in FIRST_SIDES if side < longest]
    if longest <= FIRST_SIDES[-1]:
        sides.append(longest)
    return [square_window(click.pixel, side, shape, size) for side in sides]


def wider_windows(click: Click, shape: tuple[int, int], size: int) -> list[Window]:
    """Return the windows to try where an object runs out of the largest of `first_windows`.

    Parameters
    ----------
    click, shape, size
        See `first_windows`.

    Returns
    -------
    list of Window
        Small to large; none where the image is no larger than the first windows.
    """
    sides = [side for side in WIDER_SIDES if side < max(shape)]
    sides.append(min(max(shape), MAX_SIDE))
    return [
        square_window(click.pixel, side, shape, size) for side in sides if side > FIRST_SIDES[-1]
    ]


def fit_window(box: Box, shape: tuple[int, int], size: int) -> Window:
    """Return the window in which the object in ``box`` has the size the network likes.

    Parameters
    ----------
    box : Box
        In pixels of the image.
    shape : (int, int)
        Rows and columns of the image.
    size : int
        Side of the network's input.

    Returns
    -------
    Window
        A square of `FIT_FACTOR` times the box's longer side about its middle.
    """
    return square_window(box.centre, max(box.side * FIT_FACTOR, box.side + 8), shape, size)


def touches_border(mask: Mask, window: Window, shape: tuple[int, int]) -> bool:
    """Whether the mask runs out of the window somewhere that is not the image's edge.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Of the window, at any resolution.
    window : Window
    shape : (int, int)
        Rows and columns of the image.
    """
    return bool(
        (window.top > 0 and mask[0].any())
        or (window.left > 0 and mask[:, 0].any())
        or (window.top + window.height < shape[0] and mask[-1].any())
        or (window.left + window.width < shape[1] and mask[:, -1].any())
    )


def mask_box(mask: Mask, window: Window) -> Box | None:
    """Return the bounds of a window's mask in pixels of the image; None where it is empty.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        Of the window, at any resolution.
    window : Window
    """
    bounds = mask_bounds(mask)
    if bounds is None:
        return None
    height, width = mask.shape
    # Whole numbers: a rounding error would add a row that the image does not have.
    return Box(
        bounds.top * window.height // height + window.top,
        bounds.left * window.width // width + window.left,
        -(-bounds.bottom * window.height // height) + window.top,
        -(-bounds.right * window.width // width) + window.left,
    )


def clicks_box(clicks: Iterable[Click]) -> Box:
    """Return the bounds of the pixels under the clicks, of which there is one at least."""
    rows, columns = zip(*(click.pixel for click in clicks), strict=True)
    return Box(min(rows), min(columns), max(rows) + 1, max(columns) + 1)


def fits(box: Box, window: Window) -> bool:
    """Whether an object in ``box`` is neither lost in the window nor cramped by it."""
    low, high = KEEP_FRACTIONS
    fraction = box.side / window.side
    return (fraction >= low or window.side <= MIN_SIDE) and fraction <= high


def next_window(
    window: Window,
    mask: Mask,
    clicks: ClickSequence,
    shape: tuple[int, int],
    size: int,
) -> Window:
    """Return the window for the next run: the same one while it serves.

    Grown while the mask touches its border, fitted again when the object is small in it or
    cramped, extended when a positive click falls outside. A negative click out there asks for
    nothing: outside the window nothing is marked.

    Parameters
    ----------
    window : Window
        The last one.
    mask : ndarray of bool, shape (h, w)
        What was found in it, at any resolution.
    clicks : ClickSequence
        All of the object's.
    shape : (int, int)
        Rows and columns of the image.
    size : int
        Side of the network's input.

    Returns
    -------
    Window
        On a canvas of that size.
    """
    found = mask_box(mask, window)
    reach = clicks_box(clicks.positives)
    box = reach if found is None else found.union(reach)
    if not all(window.contains(click) for click in clicks.positives):
        fitted = fit_window(box, shape, size)
        if fitted.box.holds(reach):
            return fitted
        return fit_window(reach, shape, size)  # the largest window, about the clicks
    if found is None:
        return window.at(size)
    if touches_border(mask, window, shape):
        return square_window(box.centre, max(window.side * 1.6, box.side * 1.3), shape, size)
    return window.at(size) if fits(box, window) else fit_window(box, shape, size)


# --- reading ----------------------------------------------------------------------------


def image_shape(image: Any) -> tuple[int, int]:
    """Return rows and columns of an image (H, W), (H, W, C) or a pyramid of them.

    Raises
    ------
    ValueError
        If it has another number of axes, or no pixels.
    """
    base = levels(image)[0]
    try:
        shape = tuple(int(n) for n in np.shape(base))
    except ValueError:  # dask says NaN
        raise ValueError(
            f"image has shape {np.shape(base)}, not all of it known: compute_chunk_sizes() tells it"
        ) from None
    if len(shape) not in (2, 3):
        raise ValueError(
            f"image has shape {shape}: {len(shape)} axes; allowed are (rows, columns) and "
            "(rows, columns, channels); take one slice of a stack"
        )
    if 0 in shape:
        raise ValueError(f"image has shape {shape}: no pixels")
    return shape[0], shape[1]


def levels(image: Any) -> Sequence[Any]:
    """Return a multiscale image's levels, finest first; a plain array is its only level."""
    if type(image).__name__ == "MultiScaleData":  # napari's list of levels has a shape, too
        return list(image)
    if hasattr(image, "shape") and hasattr(image, "dtype"):
        return [image]
    if isinstance(image, Sequence) and image and hasattr(image[0], "shape"):
        return image
    return [np.asarray(image)]


def is_frozen(image: Any) -> bool:
    """Whether a lazy image cannot change between two clicks: dask's, and what is made of them."""
    parts = getattr(image, "parts", None)
    if parts is not None:
        return all(is_frozen(part) for part in parts)
    return type(image).__module__.partition(".")[0] == "dask"


def read_window(image: Any, window: Window) -> Array:
    """Read the window's pixels, and no others.

    A window much larger than the network's input is read from a coarser level of a pyramid
    where there is one, else thinned out by a constant step.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), or a list of pyramid levels
    window : Window

    Returns
    -------
    ndarray, shape (h', w') or (h', w', C)
        Of the image's type.
    """
    level, (rows, columns) = level_of(image, window)
    longest = max(rows.stop - rows.start, columns.stop - columns.start)
    step = max(1, longest // _wanted(window))
    cut = level[rows.start : rows.stop : step, columns.start : columns.stop : step]
    return np.asarray(cut)


def level_of(image: Any, window: Window) -> tuple[Any, tuple[slice, slice]]:
    """Return the level of a pyramid that a window is read from, and where the window is in it.

    Parameters
    ----------
    image : array (H, W) or (H, W, C), or a list of pyramid levels
    window : Window

    Returns
    -------
    level : array
    where : (slice, slice)
        Rows and columns.
    """
    pyramid = levels(image)
    height, width = np.shape(pyramid[0])[:2]
    chosen = pyramid[0]
    for level in pyramid[1:]:
        shrunk = min(np.shape(level)[0] / height, np.shape(level)[1] / width)
        if window.side * shrunk >= _wanted(window):
            chosen = level
    zoom = (np.shape(chosen)[0] / height, np.shape(chosen)[1] / width)
    return chosen, level_slices(window, zoom)


def _wanted(window: Window) -> int:
    """Return how many pixels along a side are enough to be shrunk to the network's input."""
    return 2 * max(window.input_height, window.input_width)


def level_slices(window: Window, zoom: tuple[float, float]) -> tuple[slice, slice]:
    """Return a window's rows and columns in a level of a pyramid.

    Parameters
    ----------
    window : Window
    zoom : (float, float)
        Rows and columns of the level for one of the image's.
    """
    rows, columns = (
        slice(math.floor(s.start * z), max(math.floor(s.start * z) + 1, round(s.stop * z)))
        for s, z in zip(window.slices, zoom, strict=True)
    )
    return rows, columns


def _span(centre: float, length: int, limit: int) -> tuple[int, int]:
    """Return start and extent of ``length`` pixels about ``centre`` within 0 .. limit."""
    if length >= limit:
        return 0, limit
    start = math.floor(centre - (length - 1) / 2 + 0.5)
    return min(max(start, 0), limit - length), length
