"""What of an image becomes a sample: a window about an object, or the paper's crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity, window
from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click
from napari_fclick.core.object_sets import IGNORE_LABEL, ObjectRef, Plane
from napari_fclick.core.peaks import peak
from napari_fclick.core.resizing import resize_8bit
from napari_fclick.core.window import Box, Window
from napari_fclick.training.augmentation.base import FloatImage, Labels, Patch, Rng
from napari_fclick.training.losses import IGNORE

#: The largest jitter of a first click that is off the middle.
MOST_JITTER = 0.8


class Piece(NamedTuple):
    """A patch and the signs of its clicks, (K,) of bool."""

    patch: Patch
    positive: Mask


class Cutter(Protocol):
    """Cuts a piece that holds an object, or a part of it, out of an image."""

    def __call__(self, plane: Plane, ref: ObjectRef, rng: Rng, rough: Mask | None = None) -> Piece:
        """Return a piece of at most the network's input in size.

        Parameters
        ----------
        plane, ref : Plane, ObjectRef
            The object.
        rng : Generator
        rough : ndarray of bool (H, W), optional
            The mask that the network is handed with the first click, to be cut like the labels.

        Raises
        ------
        ValueError
            If nothing of the object is left at that size.
        """


@dataclass(frozen=True)
class WindowCutter:
    """Windows as the predictor chooses them: fitted to the object, or a first try.

    Parameters
    ----------
    size : int
        Side of the network's input.
    first_jitter : float
        Chance of a first click off the object's middle.
    """

    size: int
    first_jitter: float = 0.6

    def __call__(self, plane: Plane, ref: ObjectRef, rng: Rng, rough: Mask | None = None) -> Piece:
        """Return the window's pixels, stretched to [0, 1]; see `Cutter`."""
        clicks = ref.clicks or (self._first(plane.labels, ref, rng),)
        shape = plane.labels.shape
        first, size = clicks[0][:2], (shape[0], shape[1])
        view = _draw_window(ref.box, first, size, self.size, rng)
        piece = piece_of(plane, ref.label, view, clicks, rough)
        if (piece.patch.labels == 1).any() or not (plane.labels[view.slices] == ref.label).any():
            return piece
        # It is too thin to be seen in so large a window: the click must not stand for nothing.
        closer = window.square_window(first, self.size, size, self.size)
        return piece_of(plane, ref.label, closer, clicks, rough)

    def _first(self, labels: NDArray[Any], ref: ObjectRef, rng: Rng) -> tuple[int, int, bool]:
        box = ref.box
        region = labels[box.slices] == ref.label
        row, column = first_click(region, self.first_jitter, rng)
        return row + box.top, column + box.left, True


@dataclass(frozen=True)
class WholeCutter:
    """The paper's view: the shorter side resized, a random crop holding part of the object.

    Intensities are the released program's: of 8-bit images the value / 255.

    Parameters
    ----------
    size : int
        The shorter side, and the side of the crop.
    first_jitter : float
        Chance of a first click off the middle of what the crop shows of the object.
    """

    size: int
    first_jitter: float = 0.0

    def __call__(self, plane: Plane, ref: ObjectRef, rng: Rng, rough: Mask | None = None) -> Piece:
        """Return the crop; see `Cutter`. The paper has no rough masks: none comes along."""
        height, width = plane.labels.shape
        view = window.whole_window((height, width), self.size)
        target = target_of(plane.labels, ref.label, view)
        crop = self._crop(target, ref, rng)
        first = np.array([first_click(target[crop] == 1, self.first_jitter, rng)], np.float32)
        return Piece(Patch(_unit(plane.image, view)[crop], target[crop], first), np.array([True]))

    def _crop(self, target: Labels, ref: ObjectRef, rng: Rng) -> tuple[slice, slice]:
        """Draw a crop about a pixel of the object, anywhere in it."""
        inside = np.flatnonzero(target == 1)
        if not inside.size:
            raise ValueError(f"object {ref.label} is gone at {self.size} pixels")
        pixel = divmod(int(rng.choice(inside)), target.shape[1])
        top, left = (
            int(rng.integers(max(at - self.size + 1, 0), max(min(at, side - self.size), 0) + 1))
            for at, side in zip(pixel, target.shape, strict=True)
        )
        return slice(top, top + self.size), slice(left, left + self.size)


def piece_of(
    plane: Plane,
    label: int,
    view: Window,
    clicks: Sequence[tuple[float, float, bool]],
    rough: Mask | None,
) -> Piece:
    """Return what a window shows: its pixels stretched to [0, 1], and the clicks in it."""
    pixels = window.read_window(plane.image, view)
    values = intensity.to_rgb(view.shrink(intensity.to_float(pixels)))
    image = intensity.stretch(values, jointly=intensity.is_colour(pixels))
    kept = [c for c in clicks if view.contains(Click(c[0], c[1]))]
    labels = target_of(plane.labels[view.slices], label, view)
    points = np.array([view.to_input(c[0], c[1]) for c in kept], np.float32)
    points = np.clip(points, 0, np.array(labels.shape, np.float32) - 1)
    shown = None if rough is None else _rough_of(rough, view)
    return Piece(Patch(image, labels, points, shown), np.array([c[2] for c in kept]))


def target_of(labels: NDArray[Any], label: int, view: Window) -> Labels:
    """Return 1 on an object, 0 off it and `IGNORE`, at the size of the network's input."""
    truth = view.shrink((labels == label)[..., None].astype(np.float32))[..., 0] > 0.5
    ignored = view.shrink((labels == IGNORE_LABEL)[..., None].astype(np.float32))[..., 0] > 0.25
    return np.where(truth, 1, np.where(ignored, IGNORE, 0)).astype(np.uint8)


def _rough_of(rough: Mask, view: Window) -> FloatImage:
    shrunk = view.shrink(rough[view.slices][..., None].astype(np.float32))[..., 0]
    return (shrunk > 0.5).astype(np.float32)


def first_click(region: Mask, chance: float, rng: Rng) -> tuple[int, int]:
    """Return the first click on a region: its middle (Eq. 11), or with a chance somewhat off it.

    Raises
    ------
    ValueError
        If the region is empty.
    """
    jitter = float(rng.uniform(0, MOST_JITTER)) if rng.random() < chance else 0.0
    found = peak(region, rng=rng, jitter=jitter)
    if found is None:
        raise ValueError("an object without pixels cannot be clicked on")
    return found.pixel


def _unit(pixels: NDArray[Any], view: Window) -> FloatImage:
    """Return an image (h, w, 3) in [0, 1] as the released program scales it."""
    if pixels.dtype == np.uint8:
        size = (view.input_height, view.input_width)
        small = resize_8bit(pixels.reshape(*pixels.shape[:2], -1), size)
        return intensity.to_rgb(small.astype(np.float32)) / np.float32(255)
    values = intensity.to_rgb(view.shrink(intensity.to_float(pixels), antialias=False))
    return intensity.stretch(values, jointly=intensity.is_colour(pixels))


def _draw_window(
    box: Box,
    first: tuple[float, float],
    shape: tuple[int, int],
    size: int,
    rng: np.random.Generator,
) -> Window:
    """Draw a window as the predictor chooses them: fitted to the object, or a first try.

    First tries are centred on the click and of any scale; fitted windows are centred on
    what an imperfect mask of the object spans.
    """
    if rng.random() < 0.35:
        factor = float(np.exp(rng.uniform(np.log(0.6), np.log(12))))
        return window.square_window(first, box.side * factor, shape, size)
    factor = float(np.exp(rng.uniform(np.log(1.15), np.log(4))))
    side = max(box.side * factor, box.side + 8)
    slack = 0.15 * side
    row, column = box.centre
    centre = (
        row + float(rng.uniform(-slack, slack)),
        column + float(rng.uniform(-slack, slack)),
    )
    fitted = window.square_window(centre, side, shape, size)
    if fitted.contains(Click(*first)):
        return fitted
    return window.square_window(first, side, shape, size)
