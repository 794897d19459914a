"""Sets of images and labels -> training windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from napari_fclick.core import intensity, window
from napari_fclick.core.clicks import Click
from napari_fclick.core.folders import IGNORE_LABEL, ImageSet, ObjectRef, Plane
from napari_fclick.core.peaks import peak
from napari_fclick.core.window import Box, Window
from napari_fclick.training.augmentation import augment
from napari_fclick.training.losses import IGNORE


class Sample(NamedTuple):
    """One training window.

    Attributes
    ----------
    image : Tensor (3, S, S) in [0, 1]
    target : uint8 Tensor (S, S): 0, 1, `IGNORE`
    first : Tensor (2,): row and column of the first click
    inner : Tensor (2,): rows and columns of the canvas that are not padding
    """

    image: torch.Tensor
    target: torch.Tensor
    first: torch.Tensor
    inner: torch.Tensor


class WindowDataset(Dataset[Sample]):
    """Windows about objects; sample ``i`` is a function of the seed and of ``i`` alone.

    Parameters
    ----------
    sets : sequence of ImageSet
    weights : sequence of float
        How often each set is drawn, relative to the others.
    size : int
        Side of the network's input.
    seed : int
    length : int
        Samples before the data set ends.
    """

    def __init__(
        self, sets: Sequence[ImageSet], weights: Sequence[float], size: int, seed: int, length: int
    ) -> None:
        kept = [(s, w) for s, w in zip(sets, weights, strict=True) if s.objects and w > 0]
        if not kept:
            raise ValueError("no set holds an object to train on")
        self.sets = [s for s, _ in kept]
        self.weights = np.array([w for _, w in kept]) / sum(w for _, w in kept)
        self.size, self.seed, self.length = size, seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self.seed, index))
        chosen = self.sets[int(rng.choice(len(self.sets), p=self.weights))]
        ref = chosen.draw(rng)
        return make_sample(chosen.plane(ref), ref, self.size, rng)


def make_sample(plane: Plane, ref: ObjectRef, size: int, rng: np.random.Generator) -> Sample:
    """Cut, resize and augment one window about an object."""
    first = _draw_first(plane.labels, ref, rng)
    view = _draw_window(ref.box, first, plane.labels.shape, size, rng)
    pixels = window.read_window(plane.image, view)
    values = intensity.to_rgb(view.shrink(intensity.to_float(pixels)))
    image = augment(intensity.stretch(values, jointly=intensity.is_colour(pixels)), rng)
    labels = plane.labels[view.slices]
    truth = view.shrink((labels == ref.label)[..., None].astype(np.float32))[..., 0] > 0.5
    ignored = view.shrink((labels == IGNORE_LABEL)[..., None].astype(np.float32))[..., 0] > 0.25
    target = np.full((size, size), IGNORE, np.uint8)
    target[: view.input_height, : view.input_width] = np.where(
        truth, 1, np.where(ignored, IGNORE, 0)
    )
    canvas = np.zeros((size, size, 3), np.float32)
    canvas[: view.input_height, : view.input_width] = image
    point = np.array(view.to_input(*first), np.float32)
    canvas, target, point, inner = _turn(
        canvas, target, point, (view.input_height, view.input_width), rng
    )
    return Sample(
        torch.from_numpy(np.ascontiguousarray(canvas.transpose(2, 0, 1))),
        torch.from_numpy(np.ascontiguousarray(target)),
        torch.from_numpy(point),
        torch.tensor(inner),
    )


def _draw_first(labels: NDArray[Any], ref: ObjectRef, rng: np.random.Generator) -> tuple[int, int]:
    """Return the first click: the middle of the object, or somewhat off it."""
    box = ref.box
    region = labels[box.top : box.bottom, box.left : box.right] == ref.label
    jitter = 0.0 if rng.random() < 0.4 else float(rng.uniform(0, 0.8))
    found = peak(region, rng=rng, jitter=jitter)
    assert found is not None  # an indexed object has pixels
    return found.pixel[0] + box.top, found.pixel[1] + box.left


def _draw_window(
    box: Box,
    first: tuple[int, int],
    shape: tuple[int, ...],
    size: int,
    rng: np.random.Generator,
) -> Window:
    """Draw a window as the predictor chooses them: fitted to the object, or a first try.

    First tries are centred on the click and of any scale; fitted windows are centred on
    what an imperfect mask of the object spans.
    """
    image = (shape[0], shape[1])
    if rng.random() < 0.35:
        factor = float(np.exp(rng.uniform(np.log(0.6), np.log(12))))
        return window.square_window(first, box.side * factor, image, size)
    factor = float(np.exp(rng.uniform(np.log(1.15), np.log(4))))
    side = max(box.side * factor, box.side + 8)
    slack = 0.15 * side
    centre = (
        (box.top + box.bottom - 1) / 2 + float(rng.uniform(-slack, slack)),
        (box.left + box.right - 1) / 2 + float(rng.uniform(-slack, slack)),
    )
    fitted = window.square_window(centre, side, image, size)
    if fitted.contains(Click(*first)):
        return fitted
    return window.square_window(first, side, image, size)


def _turn(
    image: NDArray[Any],
    target: NDArray[Any],
    point: NDArray[np.float32],
    inner: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.float32], tuple[int, int]]:
    """Flip the unpadded part and transpose, at random; padding stays at bottom and right."""
    height, width = inner
    if rng.random() < 0.5:
        image[:height], target[:height] = image[:height][::-1].copy(), target[:height][::-1].copy()
        point[0] = height - 1 - point[0]
    if rng.random() < 0.5:
        image[:, :width] = image[:, :width][:, ::-1].copy()
        target[:, :width] = target[:, :width][:, ::-1].copy()
        point[1] = width - 1 - point[1]
    if rng.random() < 0.5:
        image, target = image.transpose(1, 0, 2), target.T
        point, inner = point[::-1].copy(), (width, height)
    return image, target, point, inner
