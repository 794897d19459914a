from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_fclick.core.pyramids import coarser_region, write_levels


def strided(base: Any, *steps: int) -> list[Any]:
    return [base, *(base[(..., slice(None, None, s), slice(None, None, s))].copy() for s in steps)]


@given(
    # Smaller sizes do not tell the step: 4 pixels thinned out by 2 or by 3 are 2 pixels.
    st.integers(20, 60),
    st.integers(20, 60),
    st.integers(2, 5),
    st.tuples(*[st.integers(0, 59)] * 4),
)
def test_a_coarser_level_is_what_striding_the_finest_gives(
    height: int, width: int, step: int, ends: tuple[int, int, int, int]
) -> None:
    rows = sorted((ends[0] % height, ends[1] % height))
    columns = sorted((ends[2] % width, ends[3] % width))
    base = np.arange(height * width).reshape(height, width) % 7
    levels = strided(base, step)
    where = (slice(rows[0], rows[1] + 1), slice(columns[0], columns[1] + 1))
    value = np.random.default_rng(0).integers(0, 99, base[where].shape)
    write_levels(levels, where, value)
    np.testing.assert_array_equal(levels[0][where], value)
    np.testing.assert_array_equal(levels[1], levels[0][::step, ::step])


@pytest.mark.parametrize(
    ("size", "coarse", "picked"),
    [
        (9, 5, [0, 2, 4, 6, 8]),  # the last, half a pixel, was kept
        (9, 4, [0, 2, 4, 6]),  # it was cut off
        (10, 7, [0, 1, 2, 4, 5, 7, 8]),  # no whole step
        (3, 3, [0, 1, 2]),
        (5, 1, [0]),
    ],
)
def test_which_pixels_a_level_shows(size: int, coarse: int, picked: list[int]) -> None:
    found = coarser_region((slice(0, size),), (size,), (coarse,))
    assert found == ((slice(0, coarse),), (picked,))


def test_a_number_for_all() -> None:
    levels = strided(np.zeros((8, 8), int), 2, 4)
    write_levels(levels, (slice(2, 7), slice(1, 6)), 5)
    for level, step in zip(levels, (1, 2, 4), strict=True):
        np.testing.assert_array_equal(level, levels[0][::step, ::step])
    assert levels[0].sum() == 5 * 25


def test_a_slice_of_a_stack() -> None:
    levels = strided(np.zeros((3, 8, 8), int), 2)
    write_levels(levels, (1, slice(2, 7), slice(1, 6)), np.full((5, 5), 4))
    np.testing.assert_array_equal(levels[1], levels[0][:, ::2, ::2])
    assert levels[1][1].any() and not levels[1][0].any()


def test_a_slice_that_coarser_levels_skip() -> None:
    base = np.zeros((4, 8, 8), int)
    levels = [base, base[::2, ::2, ::2].copy()]
    write_levels(levels, (1, slice(0, 8), slice(0, 8)), 9)
    assert not levels[1].any()
    write_levels(levels, (2, slice(0, 8), slice(0, 8)), 9)
    np.testing.assert_array_equal(levels[1], levels[0][::2, ::2, ::2])


def test_zarr() -> None:
    base = zarr.zeros((64, 64), chunks=(16, 16), dtype="uint16")
    half = zarr.zeros((32, 32), chunks=(16, 16), dtype="uint16")
    value = np.arange(100, dtype=np.uint16).reshape(10, 10)
    write_levels([base, half], (slice(11, 21), slice(30, 40)), value)
    np.testing.assert_array_equal(half[:, :], base[:, :][::2, ::2])
