"""Clicks as seeds, on masks small enough to be drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Window
from napari_fclick.evaluation.methods.seeds import Border, Seeds, draw_seeds


def drawn(
    *points: tuple[float, float, bool], side: int = 9, seen: int = 9, border: Border = "unknown"
) -> Seeds:
    view = Window(0, 0, side, side, seen, seen, canvas=(seen, seen))
    return draw_seeds(view, ClickSequence(Click(*p) for p in points), 0.01, border)


def test_a_disc_of_two_pixels() -> None:
    seeds = drawn((4, 4, True))
    expected = ["..#..", ".###.", "#####", ".###.", "..#.."]
    np.testing.assert_array_equal(
        seeds.inside[2:7, 2:7], [[mark == "#" for mark in row] for row in expected]
    )
    assert seeds.inside.sum() == 13
    assert not seeds.outside.any()


def test_discs_grow_with_the_image() -> None:
    seeds = drawn((200, 200, True), side=400, seen=400)
    assert seeds.inside[200].sum() == 2 * 4 + 1


def test_where_discs_meet_the_nearest_click_counts_and_then_the_later() -> None:
    seeds = drawn((4, 2, True), (4, 4, False))
    np.testing.assert_array_equal(np.flatnonzero(seeds.inside[4]), [0, 1, 2])
    np.testing.assert_array_equal(np.flatnonzero(seeds.outside[4]), [3, 4, 5, 6])


def test_a_click_on_an_earlier_click_takes_its_place() -> None:
    seeds = drawn((4, 4, True), (4, 4, False))
    assert not seeds.inside.any()
    assert not seeds.leave_a_question


@pytest.mark.parametrize(
    ("border", "alone", "corrected"),
    [("unknown", False, False), ("first", True, False), ("outside", True, True)],
)
def test_the_border(border: Border, alone: bool, corrected: bool) -> None:
    assert drawn((4, 1, True), border=border).outside[0, 8] == alone
    seeds = drawn((4, 1, True), (4, 6, False), border=border)
    assert seeds.outside[0, 8] == corrected
    assert not (seeds.inside & seeds.outside).any()
    assert seeds.inside[4, 0]  # a positive disc at the border stays inside


def test_clicks_on_an_image_seen_smaller() -> None:
    seeds = drawn((0, 0, True), (99, 50, False), side=100, seen=20)
    assert seeds.clicks == (((0, 0), True), ((19, 10), False))
