"""Predictors whose answers are known beforehand, and stacks made by hand."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import window
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box, Window, whole_window
from napari_fclick.prediction import Prediction
from napari_fclick.propagation import Carry, Propagation, Rules, Spacing, Stack
from napari_fclick.propagation.carrying import anchor
from napari_fclick.propagation.stack import ISOTROPIC

Mask = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
PLAIN = Carry()
SQUARE = Box(10, 10, 20, 20)
#: Every rule off but that an object ends in an empty slice; and some rules.
OFF = Rules(
    contrast=None,
    trust=None,
    confidence=None,
    overlap=None,
    growth=None,
    shift=None,
    blank=None,
)
RULES = OFF.model_copy(update={"confidence": 0.6, "overlap": 0.2, "growth": 3.0})


class Plane(np.ndarray):
    """A plane that knows which slice it is."""

    index = -1

    def __array_finalize__(self, obj: Any) -> None:
        self.index = getattr(obj, "index", -1)


class Bright:
    """Answers with the image itself: its pixels are the probability, NaN is none.

    Pixels nearer to a negative click than to every positive one are left out. The window runs
    after the object as the predictor's does.

    Attributes
    ----------
    calls : list of int
        The slices that were asked about.
    asked : list of ClickSequence
    views : list of Window
        Those of the answers.
    limits : list
        What was handed over.
    """

    name = device = "bright"

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.asked: list[ClickSequence] = []
        self.views: list[Window] = []
        self.limits: list[Any] = []

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        limits: Any = None,
        **_: Any,
    ) -> Prediction:
        shape = window.image_shape(image)
        view = whole_window(shape, min(shape)) if previous is None else previous.view
        mask = None if previous is None else previous.kept().mask
        for _run in range(3):
            if mask is not None:
                view = window.next_window(view, mask, clicks, shape, 64)
            probability = self._probability(image, view, clicks)
            mask = keep_clicked(probability > 0.5, _points(clicks, view)).mask
        self.calls.append(getattr(image, "index", -1))
        self.asked.append(clicks)
        self.views.append(view)
        self.limits.append(limits)
        return Prediction(probability, view, clicks, shape)

    def _probability(self, image: Any, view: Window, clicks: ClickSequence) -> FloatArray:
        pixels = np.nan_to_num(np.asarray(image[view.slices], np.float32)).clip(0, 1)
        rows, columns = np.mgrid[view.slices]

        def nearest(which: Sequence[Any]) -> Any:
            far = [np.hypot(rows - c.pixel[0], columns - c.pixel[1]) for c in which]
            return np.min(far, axis=0)

        if clicks.negatives:
            pixels[nearest(clicks.negatives) < nearest(clicks.positives)] = 0
        return pixels


class Echo(Bright):
    """Answers with the mask that it was given: nothing is learnt from the image."""

    def predict(
        self, image: Any, clicks: ClickSequence, previous: Any = None, **other: Any
    ) -> Prediction:
        self.calls.append(getattr(image, "index", -1))
        return Prediction(previous.probability, previous.view, clicks, previous.image_shape)


class LazyPlane:
    """A plane made when it is read; it counts what is read of it."""

    ndim, dtype = 2, np.dtype(np.float32)

    def __init__(self, pixels: FloatArray, read: list[int]) -> None:
        self._pixels, self._read, self.shape = pixels, read, pixels.shape

    def __getitem__(self, index: Any) -> Any:
        out = self._pixels[index].copy()
        self._read.append(out.size)
        return out


class LazyStack:
    """A long stack of which each plane is made when it is asked for.

    Attributes
    ----------
    reads : dict of int to list of int
        How many pixels each reading of a slice took.
    most_held : int
        How many planes were alive at once.
    opened : Counter of int
        How often each slice was asked for.
    """

    def __init__(self, volume: Any) -> None:
        self._volume = volume
        self._alive: weakref.WeakSet[LazyPlane] = weakref.WeakSet()
        self.reads: dict[int, list[int]] = {}
        self.opened: Counter[int] = Counter()
        self.most_held = 0

    def read(self, index: int) -> LazyPlane:
        self.opened[index] += 1
        plane = LazyPlane(self._volume(index), self.reads.setdefault(index, []))
        self._alive.add(plane)
        self.most_held = max(self.most_held, len(self._alive))
        return plane


# --- stacks ---------------------------------------------------------------------------------


def stack_of(volume: NDArray[Any], spacing: Spacing = ISOTROPIC) -> Stack:
    """Return a stack whose planes know which slice they are."""

    def read(index: int) -> Plane:
        plane = volume[index].view(Plane)
        plane.index = index
        return plane

    return Stack(read, len(volume), spacing)


def rectangles(
    length: int, boxes: Mapping[int, Box | Sequence[Box]], shape: tuple[int, int] = (40, 40)
) -> FloatArray:
    """Return a stack of zeros with ones in the given boxes of the given slices."""
    volume = np.zeros((length, *shape), np.float32)
    for index, some in boxes.items():
        for box in [some] if isinstance(some, Box) else some:
            volume[index, box.top : box.bottom, box.left : box.right] = 1
    return volume


def column(length: int, box: Box = SQUARE) -> FloatArray:
    """Return a stack with the same box in every slice."""
    return rectangles(length, dict.fromkeys(range(length), box))


def disc(centre: tuple[float, float], radius: float, shape: tuple[int, int]) -> FloatArray:
    """Return a plane with a bright disc."""
    rows, columns = np.indices(shape)
    return (np.hypot(rows - centre[0], columns - centre[1]) <= radius).astype(np.float32)


def stored(mask: NDArray[Any]) -> StoredMask:
    """Store a mask that is not empty."""
    made = StoredMask.pack(np.asarray(mask, bool))
    assert made is not None
    return made


def of_box(box: Box) -> StoredMask:
    """Return the mask that fills a box."""
    made = StoredMask.pack(np.ones((box.bottom - box.top, box.right - box.left), bool), *box[:2])
    assert made is not None
    return made


# --- propagations ---------------------------------------------------------------------------


def mark(propagation: Propagation, index: int, mask: StoredMask) -> None:
    """Make a keyframe of a mask, clicked in its middle."""
    propagation.set_keyframe(index, ClickSequence([anchor(mask)]), mask)


def run(propagation: Propagation) -> list[int]:
    """Run all that is pending; return the slices as they came."""
    return [found.index for found in propagation.run()]


def boxes(propagation: Propagation) -> dict[int, Box]:
    """Return the bounds of the mask in each slice that has one."""
    return {i: s.mask.box for i, s in sorted(propagation.slices.items()) if s.mask is not None}


def stops(propagation: Propagation) -> list[tuple[int, str]]:
    """Return where it stopped and the name of the reason."""
    return [(end.index, end.reason.name) for end in propagation.ends]


def _points(clicks: ClickSequence, view: Window) -> list[tuple[int, int]]:
    return [(r - view.top, c - view.left) for r, c in (k.pixel for k in clicks.positives)]
