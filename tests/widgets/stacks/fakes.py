"""A stack with a tube in it, and a predictor that finds what is bright about the first click."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import ndimage

from napari_fclick.core import window
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.prediction import Prediction

SHAPE = (9, 40, 50)
#: What the pixel (3, 3) has in the first slice; one more in each of the next.
MARK = 5
#: Rows and columns of the tube, and of a click in it.
TUBE, CLICK = (slice(10, 22), slice(15, 30)), (16.0, 22.0)


def tube(shape: tuple[int, ...] = SHAPE, first: int = 1, last: int = 7) -> Any:
    """Return a stack whose slices from ``first`` to ``last`` have a bright rectangle."""
    data = np.zeros(shape, np.uint8)
    data[..., 3, 3] = MARK + np.arange(shape[-3]) % 90  # which slice it is
    data[(..., slice(first, last + 1), *TUBE)] = 200
    return data


class MadeStack:
    """A stack of any length whose slices are made when they are read."""

    def __init__(self, plane: Any, length: int) -> None:
        self._plane, self.dtype, self.ndim = plane, plane.dtype, 3
        self.shape = (length, *plane.shape)
        self.size = int(np.prod(self.shape))

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        wanted = np.arange(self.shape[0])[parts[0]]
        made = np.repeat(self._plane[None], np.size(wanted), 0)
        made[:, 3, 3] = MARK + wanted % 90
        return made.reshape(*np.shape(wanted), *self._plane.shape)[
            (*(slice(None),) * np.ndim(wanted), *parts[1:])
        ]


@dataclass
class TubePredictor:
    """Finds the bright part about the first click, less discs about negative ones.

    It remembers which slices it was asked about; with ``gate`` it waits to be let on, with
    ``error`` it raises.
    """

    name: str = "tubes"
    device: str = "cpu"
    gate: threading.Semaphore | None = None
    error: Exception | None = None
    asked: list[int] = field(default_factory=list)
    on_ask: Callable[[], None] = lambda: None
    limits: Any = None
    ndim: int = 0

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        limits: Any = None,
        typical_side: Any = None,
        bias: Any = None,
    ) -> Prediction:
        base = image[0] if isinstance(image, list) else image
        self.on_ask()
        self.limits, self.ndim = limits, base.ndim
        self.asked.append(int(np.ravel(base[3:4, 3:4])[0]) - MARK)
        if self.gate is not None:
            assert self.gate.acquire(timeout=20)
        if self.error is not None:
            raise self.error
        shape = window.image_shape(base)
        row, column = clicks.first.pixel
        box = Box(max(row - 20, 0), max(column - 20, 0), row + 20, column + 20)
        view = window.fit_window(box, shape, 64)
        pixels = np.asarray(base[view.slices])
        bright = (pixels if pixels.ndim == 2 else pixels[..., 0]) > 100
        parts, _ = ndimage.label(bright)
        here = parts[row - view.top, column - view.left]
        probability = np.where((parts == here) & (here > 0), 0.95, 0.02).astype(np.float32)
        y, x = np.mgrid[view.slices]
        for click in clicks:
            near = np.hypot(y - click.y, x - click.x) <= 3
            probability[near] = 0.95 if click.positive else 0.02
        if not bright.any():
            probability[:] = 0.02
        return Prediction(probability, view, clicks, shape)
