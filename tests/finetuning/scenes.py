"""Small labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_fclick.finetuning.sources import LabelledData, from_arrays
from napari_fclick.finetuning.split import SHORT
from napari_fclick.network import checkpoints


def squares(seed: int, side: int = 64, objects: int = 4) -> tuple[Any, Any]:
    """Return an image and labels of up to four bright squares, in its quarters."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((side, side), np.uint16)
    half = side // 2
    for number in range(objects):
        top, left = divmod(number, 2)
        y, x = top * half + rng.integers(3, 8), left * half + rng.integers(3, 8)
        labels[y : y + half // 2, x : x + half // 2] = number + 1
    image = (labels > 0) * 120 + rng.integers(0, 40, labels.shape)
    return image.astype(np.uint8), labels


def data(images: int, name: str = "squares", first: int = 0) -> LabelledData:
    """Return a data set of several images."""
    numbers = range(first, first + images)
    return from_arrays([(f"image{n}", *squares(n)) for n in numbers], name)


def learned(path: Path, digests: Sequence[str]) -> Path:
    """Write weights that say that they have learned from some images."""
    network, card = checkpoints.load("default")
    told = card.model_copy(update={"tuned": {"training": " ".join(d[:SHORT] for d in digests)}})
    checkpoints.save(path, network.state_dict(), told)
    return path


def folder(path: Path, images: int, first: int = 0) -> Path:
    """Write ``images/`` and ``labels/``."""
    for part in ("images", "labels"):
        (path / part).mkdir(parents=True, exist_ok=True)
    for number in range(first, first + images):
        image, labels = squares(number)
        tifffile.imwrite(path / f"images/image{number}.tif", image)
        tifffile.imwrite(path / f"labels/image{number}.tif", labels)
    return path
