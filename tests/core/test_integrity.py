from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fclick.core.integrity import keep_clicked

Mask = NDArray[np.bool_]


def drawn(*rows: str) -> Mask:
    return np.array([[c == "#" for c in row] for row in rows])


TWO = drawn(
    "##....",
    "##....",
    "....##",
    "....##",
)


def test_keeps_the_component_under_the_click() -> None:
    kept = keep_clicked(TWO, [(0, 1)])
    np.testing.assert_array_equal(kept.mask, drawn("##....", "##....", "......", "......"))
    assert not kept.fell_back


def test_corners_join() -> None:
    chain = drawn("#...", ".#..", "..#.", "#..#")
    kept = keep_clicked(chain, [(0, 0)])
    np.testing.assert_array_equal(kept.mask, drawn("#...", ".#..", "..#.", "...#"))


def test_every_positive_click_keeps_its_own() -> None:
    three = drawn("#.#.#")
    kept = keep_clicked(three, [(0, 0), (0, 4)])
    np.testing.assert_array_equal(kept.mask, drawn("#...#"))
    assert not kept.fell_back


def test_a_later_click_suffices() -> None:
    kept = keep_clicked(TWO, [(3, 0), (3, 5)])
    np.testing.assert_array_equal(kept.mask, drawn("......", "......", "....##", "....##"))
    assert not kept.fell_back


def test_falls_back_to_the_component_nearest_the_first_click() -> None:
    kept = keep_clicked(TWO, [(2, 2), (3, 3)])  # the second is nearer to the other one
    np.testing.assert_array_equal(kept.mask, drawn("##....", "##....", "......", "......"))
    assert kept.fell_back


@pytest.mark.parametrize("outside", [(-1, 5), (0, 6), (4, 0), (2, -4)])
def test_click_outside_the_array_is_ignored(outside: tuple[int, int]) -> None:
    kept = keep_clicked(TWO, [(3, 4), outside])
    np.testing.assert_array_equal(kept.mask, drawn("......", "......", "....##", "....##"))
    # A negative index must not wrap around to the component at the other end.
    only = keep_clicked(TWO, [outside])
    assert only.fell_back


def test_nothing_stays_nothing() -> None:
    empty = np.zeros((3, 4), bool)
    kept = keep_clicked(empty, [(1, 1)])
    assert not kept.mask.any()
    assert not kept.fell_back
    assert kept.mask is not empty


@pytest.mark.parametrize("clicks", [[(0, 0), (3, 5)], [(0, 0)]])
def test_does_not_touch_what_it_is_given(clicks: list[tuple[int, int]]) -> None:
    given = TWO.copy()
    kept = keep_clicked(given, clicks)
    kept.mask[:] = True
    np.testing.assert_array_equal(given, TWO)


def test_a_hole_stays_open() -> None:
    ring = drawn("###", "#.#", "###")
    np.testing.assert_array_equal(keep_clicked(ring, [(0, 0)]).mask, ring)


def test_corners_hold_together_by_eight_neighbours_only() -> None:
    mask = np.eye(4, dtype=bool)
    assert keep_clicked(mask, [(1, 1)]).mask.sum() == 4
    assert keep_clicked(mask, [(1, 1)], connectivity=4).mask.sum() == 1
