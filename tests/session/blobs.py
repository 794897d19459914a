"""An image of bright discs, and a predictor that finds the bright part about a click."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import tifffile
from scipy import ndimage
from skimage import io

from napari_fclick.core import window
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.prediction import Prediction

SHAPE, RADIUS = (160, 200), 7
#: Middles of the discs; of some that are much larger.
DISCS = tuple((y, x) for y in (20, 60, 100, 140) for x in (20, 60, 100, 140, 180))
#: Discs elsewhere, for another image.
OTHERS = tuple((y + 9, x - 8) for y, x in DISCS[:15])
#: Numbers that the discs have in `labels_of`.
NUMBERS = tuple(range(1, len(DISCS) + 1))


def disc(y: float, x: float, radius: float = RADIUS, shape: tuple[int, int] = SHAPE) -> Any:
    """Return which pixels lie in a disc."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def labels_of(discs: Any = DISCS) -> Any:
    """Return the discs' numbers."""
    labels = np.zeros(SHAPE, np.uint16)
    for number, (y, x) in enumerate(discs, 1):
        labels[disc(y, x)] = number
    return labels


def blobs(discs: Any = DISCS, seed: int = 0) -> Any:
    """Return an image of discs, with noise."""
    noise = np.random.default_rng(seed).normal(0, 6, SHAPE)
    return np.clip(40 + 130 * (labels_of(discs) > 0) + noise, 0, 255).astype(np.uint8)


def write_folder(folder: Path) -> Path:
    """Write three images, the first with labels of four discs, the last without a disc."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    for name, image in (("a", blobs()), ("b", blobs(OTHERS, seed=4)), ("c", blobs((), seed=5))):
        io.imsave(folder / f"images/{name}.png", image, check_contrast=False)
    tifffile.imwrite(folder / "labels/a.tif", labels_of(DISCS[:4]))
    return folder


@dataclass
class BlobPredictor:
    """Is sure of what is bright about the first click, and not of anything else.

    With ``error`` it raises; ``on_ask`` is called for each click.
    """

    name: str = "blobs"
    device: str = "cpu"
    confidence: float = 0.97
    error: Exception | None = None
    gate: threading.Event | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    card: Any = field(default_factory=lambda: SimpleNamespace(sha256="abc", source=lambda _: ""))
    on_ask: Callable[[], None] = lambda: None

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
        self.on_ask()
        if self.error is not None:
            raise self.error
        base = image[0] if isinstance(image, list) else image
        base = base[..., 0] if base.ndim == 3 else base
        self.asked.append((clicks.first.pixel, typical_side, bias))
        shape = window.image_shape(base)
        row, column = clicks.first.pixel
        box = Box(max(row - 25, 0), max(column - 25, 0), row + 25, column + 25)
        view = window.fit_window(box, shape, 64)
        bright = ndimage.median_filter(np.asarray(base[view.slices]), 3) > 110
        parts, _ = ndimage.label(bright)
        here = parts[row - view.top, column - view.left]
        probability = np.full(parts.shape, 0.02, np.float32)
        if here:
            probability[parts == here] = self.confidence
        else:
            y, x = np.mgrid[view.slices]
            probability[np.hypot(y - row, x - column) <= 6] = 0.6
        for click in clicks.negatives:
            y, x = np.mgrid[view.slices]
            probability[np.hypot(y - click.y, x - click.x) <= 3] = 0.02
        return Prediction(probability, view, clicks, shape)
