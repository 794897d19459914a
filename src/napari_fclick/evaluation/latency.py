"""What a click costs, end to end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.memory import peak_memory_mb
from napari_fclick.predictor import Prediction, Predictor

#: Distance in pixels between the bright discs of the test image, and their radius.
SPACING, RADIUS = 64, 20
#: Side of the lazy image's chunks.
CHUNK = 1024


def discs(rows: NDArray[Any], columns: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the test image at these rows (h, 1) and columns (1, w): discs on a lattice."""
    half = np.abs(np.arange(SPACING) - SPACING // 2)
    distance = np.hypot(half[:, None], half[None])
    tile = (40 + 160 / (1 + np.exp(distance - RADIUS))).astype(np.uint8)
    return np.asarray(tile[rows % SPACING, columns % SPACING])


def lazy_discs(side: int) -> Any:
    """Return the test image as a dask array whose chunks are made when they are read."""
    import dask.array as da

    rows = da.arange(side, chunks=CHUNK)[:, None]
    columns = da.arange(side, chunks=CHUNK)[None, :]
    chunks = (rows.chunks[0], columns.chunks[1])  # dask would guess wrong where they are single
    return da.map_blocks(discs, rows, columns, dtype=np.uint8, chunks=chunks)


def measure(predictor: Predictor, size: int, repeats: int, lazy: bool = False) -> dict[str, Any]:
    """Time first and later clicks: window, network, integrity and full mask.

    Parameters
    ----------
    predictor : Predictor
    size : int
        Side of the image in pixels.
    repeats : int
        Objects clicked; each gets a first and three later clicks.
    lazy : bool
        Make the image lazily, chunk by chunk, as one would read it from a disk.

    Returns
    -------
    dict
        Milliseconds (median and 95th percentile) of first and later clicks, the shares of
        their parts, and the process's peak memory in MB.

    Raises
    ------
    ValueError
        If the image would hold no object.
    """
    if size < 2 * SPACING:
        raise ValueError(f"size {size} is too small to measure on: at least {2 * SPACING}")
    image = lazy_discs(size) if lazy else discs(np.arange(size)[:, None], np.arange(size)[None])
    rng = np.random.default_rng(0)
    _one_object(predictor, image, size, rng)  # warms caches, as the first object of a day does
    first: list[float] = []
    later: list[float] = []
    parts = dict.fromkeys(("window", "network", "integrity"), 0.0)
    for _ in range(repeats):
        times = _one_object(predictor, image, size, rng)
        first.append(sum(times[0].values()))
        later += [sum(t.values()) for t in times[1:]]
        for timing in times:
            for part, seconds in timing.items():
                parts[part] += seconds
    whole = sum(parts.values())
    return {
        "size": size,
        "lazy": lazy,
        "weights": predictor.name,
        "device": str(predictor.device),
        "threads": torch.get_num_threads(),
        "first": _summary(first),
        "later": _summary(later),
        "share": {part: round(seconds / whole, 3) for part, seconds in parts.items()},
        "peak_memory_mb": peak_memory_mb(),
    }


def _one_object(
    predictor: Predictor, image: Any, size: int, rng: np.random.Generator
) -> list[dict[str, float]]:
    """Click one disc and three corrections about it; return the seconds of each part."""
    cells = size // SPACING
    row, column = (int(rng.integers(cells)) * SPACING + SPACING // 2 for _ in range(2))
    offsets = ((0, 0, True), (RADIUS - 6, 0, True), (0, RADIUS + 6, False), (5 - RADIUS, 0, True))
    clicks, prediction, times = ClickSequence(), None, []
    for dy, dx, positive in offsets:
        clicks = clicks.add(Click(row + dy, column + dx, positive))
        started = time.perf_counter()
        prediction = predictor.predict(image, clicks, prediction)
        answered = time.perf_counter()
        prediction.full_mask()
        done = time.perf_counter()
        times.append(_parts(prediction, answered - started, done - answered))
    return times


def _parts(prediction: Prediction, predicting: float, masking: float) -> dict[str, float]:
    network = prediction.timings["network"]
    return {"window": predicting - network, "network": network, "integrity": masking}


def _summary(seconds: list[float]) -> dict[str, float]:
    milliseconds = 1000 * np.array(seconds)
    return {
        "median_ms": round(float(np.median(milliseconds)), 1),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 1),
    }
