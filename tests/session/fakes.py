"""A predictor that needs no weights: discs about positive clicks, less discs about negatives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import Kept, keep_clicked
from napari_fclick.session import NumberedLabels
from napari_fclick.session.target import Target


@dataclass(frozen=True, eq=False)
class FakePrediction:
    probability: Any
    window: tuple[slice, slice]
    clicks: ClickSequence
    image_shape: tuple[int, int]
    seconds: float = 0.012
    blank: bool = False

    def mask(self, threshold: float = 0.5, integrity: bool = True) -> Any:
        return self.kept(threshold).mask if integrity else self.probability > threshold

    def kept(self, threshold: float = 0.5) -> Kept:
        rows, columns = self.window
        points = [
            (c.pixel[0] - rows.start, c.pixel[1] - columns.start) for c in self.clicks.positives
        ]
        return keep_clicked(self.probability > threshold, points)


@dataclass
class FakePredictor:
    """Remembers what it was asked; with ``gate`` it waits to be let on."""

    radius: float = 5.0
    name: str = "discs"
    device: str = "cpu"
    gate: threading.Event | None = None
    error: Exception | None = None
    asked: list[Any] = field(default_factory=list)
    limits: Any = None

    def predict(
        self,
        image: Any,
        clicks: Any,
        previous: Any = None,
        *,
        channels: Any = None,
        limits: Any = None,
        typical_side: Any = None,
        bias: Any = None,
    ) -> FakePrediction:
        self.asked.append((clicks, previous, typical_side))
        self.limits = limits
        if self.gate is not None:
            assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return disc_prediction(image, clicks, self.radius)


def disc_prediction(image: Any, clicks: ClickSequence, radius: float = 5.0) -> FakePrediction:
    base = image[0] if isinstance(image, list) else image
    shape = (int(base.shape[0]), int(base.shape[1]))
    reach = int(radius) + 3
    rows = [c.pixel[0] for c in clicks]
    columns = [c.pixel[1] for c in clicks]
    window = (
        slice(max(0, min(rows) - reach), min(shape[0], max(rows) + reach + 1)),
        slice(max(0, min(columns) - reach), min(shape[1], max(columns) + reach + 1)),
    )
    y, x = np.mgrid[window]
    probability = np.zeros(y.shape, np.float32)
    for click in clicks:
        near = np.hypot(y - click.pixel[0], x - click.pixel[1]) <= radius
        probability[near] = 0.9 if click.positive else 0.1
    np.asarray(base[window[0], window[1]])  # as a network would, read the window
    return FakePrediction(probability, window, clicks, shape)


@dataclass
class SoftPredictor(FakePredictor):
    """Discs whose log-odds fall off by half a pixel; a click more adds two pixels, a bias of 1."""

    radius: float = 30.4

    def predict(
        self, image: Any, clicks: Any, previous: Any = None, *, bias: Any = None, **_: Any
    ) -> FakePrediction:
        self.asked.append((clicks, bias))
        radius = self.radius + 2 * (len(clicks) - 1)
        return soft_prediction(np.shape(image)[:2], clicks, radius, bias or 0.0)


def soft_prediction(
    shape: tuple[int, int], clicks: ClickSequence, radius: float, bias: float, seen: int = 60
) -> FakePrediction:
    """Return what `SoftPredictor` does, of so many pixels to each side of the first click."""
    row, column = clicks.first.pixel
    window = (
        slice(max(row - seen, 0), min(row + seen, shape[0])),
        slice(max(column - seen, 0), min(column + seen, shape[1])),
    )
    y, x = np.mgrid[window]
    probability = expit((radius - np.hypot(y - row, x - column)) / 2 + bias).astype(np.float32)
    return FakePrediction(probability, window, clicks, shape)


def bare_target(name: str = "objects") -> Callable[[NumberedLabels], Target]:
    """Return what describes labels of which nothing but the array is known."""

    def describe(labels: NumberedLabels) -> Target:
        shape = tuple(int(n) for n in labels.labels.shape)
        return Target(name, "", shape, str(labels.labels.dtype))

    return describe
