"""Methods whose answers are known beforehand, and games made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_fclick import ClickSequence
from napari_fclick.core.window import whole_window
from napari_fclick.evaluation.games import Game
from napari_fclick.prediction import Prediction


class Grower:
    """Answers with what has the grey of the first click's pixel: ``step`` columns more a click.

    On images whose greys are their labels, it finds the object from the left to the right.
    """

    device = "none"

    def __init__(self, step: int) -> None:
        self.step = step
        self.name = f"grower-{step}"
        self.previous: list[Prediction | None] = []

    def predict(
        self, image: Any, clicks: ClickSequence, previous: Any = None, **_: Any
    ) -> Prediction:
        self.previous.append(previous)
        mask = np.asarray(image) == image[clicks.first.pixel]
        mask[:, np.flatnonzero(mask.any(0))[0] + self.step * len(clicks) :] = False
        return answer(mask, clicks)


def answer(mask: NDArray[np.bool_], clicks: ClickSequence) -> Prediction:
    height, width = mask.shape
    view = whole_window((height, width), min(height, width))
    return Prediction(mask.astype(np.float32), view, clicks, (height, width))


def find_grower(name: str, device: str = "auto") -> Grower:
    """Stand in for `find_method`; ``grower-4`` takes 4 columns a click."""
    return Grower(int(name.removeprefix("grower-")))


def strip(columns: int = 20) -> NDArray[np.bool_]:
    """Return 10 rows and 20 columns of an object in 20 x 40 pixels."""
    truth = np.zeros((20, 40), bool)
    truth[5:15, 10 : 10 + columns] = True
    return truth


def write_folder(folder: Path, planes: Sequence[NDArray[Any]]) -> Path:
    """Write images/ and labels/ whose greys are their labels."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True, exist_ok=True)
        for number, labels in enumerate(planes):
            file = folder / part / f"{number}.tif"
            tifffile.imwrite(file, labels.astype(np.uint16), photometric="minisblack")
    return folder


def strips(count: int = 3, images: int = 2) -> list[NDArray[Any]]:
    """Return labels with strips below each other, 10 rows and 4, 8, 12 .. columns."""
    labels = np.zeros((15 * count + 5, 4 * count + 20), np.uint16)
    for k in range(count):
        labels[15 * k + 5 : 15 * k + 15, 10 : 14 + 4 * k] = k + 1
    return [np.roll(labels, image, axis=1) for image in range(images)]


def game(ious: Sequence[float], item: str = "a/1", **other: Any) -> Game:
    """Return a game of which only the IoUs matter."""
    count = len(ious)
    fields: dict[str, Any] = {
        "set": "s",
        "method": "m",
        "object": item,
        "ious": list(ious),
        "boundary": list(ious),
        "clicks": [(k, k, True) for k in range(count)],
        "centrality": [1.0] * count,
        "ms": [10.0 * (k + 1) for k in range(count)],
    }
    return Game(**(fields | other))
