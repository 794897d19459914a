"""How an object stands out from what is around it, worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.propagation.fakes import of_box

from napari_fclick.core.window import Box
from napari_fclick.propagation.appearance import CLEAR, KeyContrast, contrast

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


class Counting:
    """Pixels that count how many of them are read, and over how many they are spread."""

    def __init__(self, pixels: np.ndarray) -> None:
        self.pixels, self.read, self.spread = pixels, 0, 0
        self.shape, self.ndim, self.dtype = pixels.shape, pixels.ndim, pixels.dtype

    def __getitem__(self, index: Any) -> Any:
        found = self.pixels[index]
        self.read += found.size
        self.spread += self.pixels[tuple(slice(i.start, i.stop) for i in index)].size
        return found


LARGE = Box(300, 300, 1500, 1500)


def large(noise: float = 1.0) -> np.ndarray:
    """Return a plane with a large object that is two brighter than what is around it."""
    pixels = np.random.default_rng(0).normal(5, noise, (1800, 1801)).astype(np.float32)
    pixels[300:1500, 300:1500] += 2
    return pixels


def halved(pixels: np.ndarray) -> np.ndarray:
    """Return the next level of a pyramid: the means of four pixels each."""
    height, width = (n // 2 * 2 for n in pixels.shape)
    return pixels[:height, :width].reshape(height // 2, 2, width // 2, 2).mean((1, 3))


def test_a_large_object_is_thinned_out() -> None:
    plane = Counting(large())
    assert contrast(plane, of_box(LARGE)) == pytest.approx(2, abs=0.02)
    assert plane.read <= 512 * 512


def pyramid(fine: np.ndarray) -> list[np.ndarray]:
    """Return a plane with coarser levels, in which noise is averaged away."""
    made = [fine]
    for _ in range(3):
        made.append(halved(made[-1]))
    return made


def test_of_a_pyramid_the_level_that_still_has_what_is_looked_at_is_read() -> None:
    levels = [Counting(level) for level in pyramid(large(noise=4))]
    assert contrast(levels, of_box(LARGE)) == pytest.approx(2, abs=0.1)
    assert [level.read > 0 for level in levels] == [False, False, True, False]
    assert levels[2].spread <= 512 * 512
    fine, *coarser = pyramid(large())
    small = of_box(Box(700, 700, 720, 720))
    assert contrast([fine, *coarser], small) == contrast(fine, small)


def test_what_is_left_is_told_of_the_same_level() -> None:
    fine = large(noise=4)
    shrunk = np.random.default_rng(1).normal(5, 4, fine.shape)
    shrunk[700:760, 700:760] += 2
    small = of_box(Box(700, 700, 760, 760))
    assert contrast(pyramid(shrunk), small) == pytest.approx(0.5, abs=0.1)
    before = KeyContrast(pyramid(fine), of_box(LARGE))
    assert before.at(0) == pytest.approx(0.5, abs=0.1)
    assert before.left(pyramid(shrunk), small) == pytest.approx(1, abs=0.2)


def test_a_keyframe_without_contrast_tells_nothing() -> None:
    faint = KeyContrast(plane(5.4, 5), of_box(BOX))
    assert faint.left(plane(5, 5), of_box(BOX)) == 1
    clear = KeyContrast(plane(7, 5), of_box(BOX))
    assert clear.left(plane(6, 5), of_box(BOX)) == pytest.approx(0.5, abs=0.02)
    assert clear.left(plane(5, 7), of_box(BOX)) == pytest.approx(-1, abs=0.02)


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
    alpha = np.indices((30, 30))[:1].transpose(1, 2, 0) * 99  # the network does not see it
    assert contrast(np.concatenate([colours, alpha], -1), of_box(BOX)) == pytest.approx(known)
    assert contrast([pixels, pixels[::2, ::2]], of_box(BOX)) == known
    assert contrast(pixels.astype(np.uint8), of_box(BOX)) == pytest.approx(known)
    for nothing in (np.nan, -3.4e38, np.finfo(np.float64).min):  # the others mark "no data"
        holes = pixels.copy()
        holes[12:14] = holes[:, :9] = nothing
        with np.errstate(all="raise"):
            assert contrast(holes, of_box(BOX)) == pytest.approx(2, abs=0.05)
            assert contrast(np.stack([holes] * 3, -1), of_box(BOX)) == contrast(holes, of_box(BOX))
    assert contrast(pixels * np.nan, of_box(BOX)) == 0
    assert contrast(pixels, of_box(Box(0, 0, 30, 30))) == 0  # nothing around it
