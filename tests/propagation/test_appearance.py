"""How an object stands out from what is around it, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.propagation.fakes import of_box

from napari_fclick.core.window import Box
from napari_fclick.propagation.appearance import CLEAR, contrast

BOX = Box(10, 10, 20, 20)
CHECKS = np.indices((30, 30)).sum(0) % 2


def plane(inside: float, around: float, noise: float = 1.0) -> np.ndarray:
    """Return a plane whose noise has a standard deviation of ``noise`` everywhere."""
    pixels = np.full((30, 30), around, np.float64)
    pixels[10:20, 10:20] = inside
    return pixels + noise * (2 * CHECKS - 1)


def test_in_standard_deviations() -> None:
    assert contrast(plane(7, 5), of_box(BOX)) == pytest.approx(2, abs=0.02)
    assert contrast(plane(5, 7), of_box(BOX)) == pytest.approx(-2, abs=0.02)
    assert contrast(plane(5, 5), of_box(BOX)) == pytest.approx(0, abs=0.02)


def test_a_large_object_is_thinned_out() -> None:
    box = Box(300, 300, 1500, 1500)
    pixels = np.random.default_rng(0).normal(5, 1, (1800, 1800)).astype(np.float32)
    pixels[300:1500, 300:1500] += 2
    read: list[int] = []

    class Counting:
        shape, ndim, dtype = pixels.shape, 2, pixels.dtype

        def __getitem__(self, index: Any) -> Any:
            read.append(pixels[index].size)
            return pixels[index]

    assert contrast(Counting(), of_box(box)) == pytest.approx(2, abs=0.02)
    assert sum(read) <= 512 * 512


def test_no_more_than_clear() -> None:
    assert contrast(plane(99, 5), of_box(BOX)) == CLEAR
    assert contrast(plane(5, 99), of_box(BOX)) == -CLEAR
    assert contrast(plane(6, 5, noise=0), of_box(BOX)) == CLEAR
    assert contrast(plane(5, 5, noise=0), of_box(BOX)) == 0


def test_what_is_far_away_and_the_rim_count_for_nothing() -> None:
    pixels = plane(7, 5)
    known = contrast(pixels, of_box(BOX))
    pixels[:6] = pixels[:, 24:] = 1000  # four pixels and more away, where three are looked at
    assert contrast(pixels, of_box(BOX)) == known
    pixels[9, 10:20] = 1000
    assert contrast(pixels, of_box(BOX)) == known


def test_channels_nan_and_the_image_as_a_whole() -> None:
    pixels = plane(7, 5)
    known = contrast(pixels, of_box(BOX))
    colours = np.stack([pixels - 1, pixels, pixels + 1], axis=-1)
    assert contrast(colours, of_box(BOX)) == pytest.approx(known)
    assert contrast([pixels, pixels[::2, ::2]], of_box(BOX)) == known
    assert contrast(pixels.astype(np.uint8), of_box(BOX)) == pytest.approx(known)
    holes = pixels.copy()
    holes[12:14] = holes[:, :9] = np.nan
    assert contrast(holes, of_box(BOX)) == pytest.approx(2, abs=0.05)
    assert contrast(pixels * np.nan, of_box(BOX)) == 0
    assert contrast(pixels, of_box(Box(0, 0, 30, 30))) == 0  # nothing around it
