from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.guidance import CLICK_WIDTH, FIRST_CLICK_WIDTH, guidance_map, guidance_maps


def test_widths_are_the_papers() -> None:
    assert (CLICK_WIDTH, FIRST_CLICK_WIDTH) == (10, 30)


@pytest.mark.parametrize("width", [10.0, 30.0])
def test_half_of_the_maximum_at_half_of_the_width(width: float) -> None:
    values = guidance_map((81, 81), [(40, 40)], width)
    half = int(width / 2)
    assert values[40, 40] == 1
    assert values[40 + half, 40] == pytest.approx(0.5, abs=1e-6)
    assert values[40, 40 - half] == pytest.approx(0.5, abs=1e-6)
    assert values[40, 40 + 2 * half] == pytest.approx(0.5**4, abs=1e-6)  # (2d)^2 = 4 d^2


def test_diagonal_distance() -> None:
    # d^2 = 3^2 + 4^2 = 25 = (10 / 2)^2
    assert guidance_map((9, 9), [(1, 1)], 10)[4, 5] == pytest.approx(0.5, abs=1e-6)


def test_between_pixels() -> None:
    row = guidance_map((1, 4), [(0, 1.5)], 10)[0]
    assert row[1] == row[2] == pytest.approx(2 ** (-4 * 0.25 / 100), abs=1e-6)
    assert row[0] == row[3]


def test_no_points_is_zeros() -> None:
    values = guidance_map((3, 5), [])
    assert values.dtype == np.float32
    assert values.shape == (3, 5)
    assert not values.any()


def test_nearest_point_counts() -> None:
    one, other = [(4, 4)], [(4, 12)]
    both = guidance_map((9, 17), one + other)
    apart = np.maximum(guidance_map((9, 17), one), guidance_map((9, 17), other))
    np.testing.assert_array_equal(both, apart)
    assert both[4, 8] == pytest.approx(2 ** (-4 * 16 / 100), abs=1e-6)
    assert both.max() == 1


def test_point_outside_leaves_its_tail() -> None:
    values = guidance_map((3, 3), [(1, -5)], 10)
    assert values[1, 0] == pytest.approx(0.5, abs=1e-6)
    assert guidance_map((3, 3), [(1e6, 1e6)]).max() == 0


def test_an_objects_three_maps() -> None:
    maps = guidance_maps((9, 9), [(4, 4), (1, 1)], [(7, 7)], first=(4, 4), width=4, first_width=8)
    assert maps.shape == (3, 9, 9)
    assert np.array_equal(maps[0], guidance_map((9, 9), [(4, 4), (1, 1)], 4))
    assert np.array_equal(maps[1], guidance_map((9, 9), [(7, 7)], 4))
    assert maps[2, 4, 8] == 0.5  # half of the first click's own width away
