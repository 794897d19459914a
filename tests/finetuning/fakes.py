"""A method that draws discs about positive clicks; and comparisons made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.finetuning.scoring import NAMES, Comparison, Figure

#: Numbers in a description, see `napari_fclick.network.recognition.describe`.
DESCRIBED = 128


@dataclass(frozen=True)
class FakeAnswer:
    mask: Any
    clicks: ClickSequence
    seconds: float = 0.0

    @property
    def probability(self) -> Any:
        return self.mask.astype(np.float32)

    @property
    def window(self) -> tuple[slice, slice]:
        return slice(0, self.mask.shape[0]), slice(0, self.mask.shape[1])

    def full_mask(self, threshold: float = 0.5, integrity: bool = True) -> Any:
        return self.mask


@dataclass
class Threshold:
    """Answers with the bright pixels of the square of a given radius about each positive click."""

    radius: int
    name: str = "threshold"
    device: str = "cpu"
    asked: int = 0

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        typical_side: float | None = None,
        bias: float | None = None,
    ) -> FakeAnswer:
        self.asked += 1
        near = np.zeros(image.shape[:2], bool)
        for row, column in (click.pixel for click in clicks.positives):
            r = self.radius
            near[max(row - r, 0) : row + r + 1, max(column - r, 0) : column + r + 1] = True
        return FakeAnswer(near & (image > 80), clicks)

    def describe(self, image: Any, click: Click) -> Any:
        """Tell how bright it is, again and again."""
        return np.full(DESCRIBED, image.mean() / 255, np.float32)


def comparison(
    before: float = 4.0, after: float = 2.0, half: float = 0.5, objects: int = 20, **others: float
) -> Comparison:
    """Return one whose NoC, NoC10 and NoC@85 changed as given, with an interval of this half-width.

    Other figures change by what is given, within an interval of half the width of 0.1.
    """
    figures = []
    for name in NAMES:
        if name in ("NoC", "NoC10", "NoC@85"):
            change = after - before
            figures.append(Figure(name, before, after, change - half, change + half))
        else:
            change = others.get(name.replace("@", "_"), 0.0)
            figures.append(Figure(name, 0.5, 0.5 + change, change - 0.1, change + 0.1))
    return Comparison(objects, 3, tuple(figures))
