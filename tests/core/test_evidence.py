"""What is known of the pixels that may change with a correcting click."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.evidence import DEEP, EVIDENCE, Pixels, Point, pixels_in_reach

SQUARE = np.zeros((80, 90), bool)
SQUARE[30:50, 30:50] = True
FIRST = Point(40, 40, True)


def known(*clicks: Point, mask: np.ndarray = SQUARE) -> Pixels:
    """Return what is known of the newest click, of an answer that is the mask."""
    found = np.where(mask, 0.8, 0.1).astype(np.float32)
    return pixels_in_reach(found, found * 0.5, mask, [FIRST, *clicks], 0.7)


def column(pixels: Pixels, name: str) -> np.ndarray:
    """Return one kind of evidence."""
    return pixels.evidence[:, EVIDENCE.index(name)]


def at(pixels: Pixels, row: int, column: int) -> int:
    """Return the number of a pixel."""
    (found,) = np.flatnonzero((pixels.rows == row) & (pixels.columns == column))
    return int(found)


def test_a_positive_click_reaches_what_is_not_the_object_yet() -> None:
    pixels = known(Point(40, 53, True))
    assert not SQUARE[pixels.rows, pixels.columns].any()
    depth = np.expm1(column(pixels, "depth"))
    assert depth.min() == pytest.approx(1) and depth.max() <= DEEP * 4 + 3
    assert len(pixels.evidence[0]) == len(EVIDENCE) and np.isfinite(pixels.evidence).all()
    here = at(pixels, 40, 53)
    assert column(pixels, "distance")[here] == 0 and column(pixels, "along")[here] == 0
    assert column(pixels, "depths")[here] == pytest.approx(1)
    assert column(pixels, "click_depth")[here] == pytest.approx(np.log(4))
    assert column(pixels, "click_depth_part")[here] == pytest.approx(4 / 20)
    assert column(pixels, "area")[here] == pytest.approx(np.log(400))
    # On the other side of the object the outline is 20 px away.
    assert column(pixels, "along")[at(pixels, 40, 26)] == pytest.approx(19 / 20)


def test_a_negative_click_reaches_what_is_the_object_now() -> None:
    pixels = known(Point(31, 31, False))
    assert SQUARE[pixels.rows, pixels.columns].all()
    assert np.expm1(column(pixels, "depth")).max() <= DEEP * 2 + 3 + 1e-4
    assert (column(pixels, "sign") == -1).all()
    # The way of a negative click is less: what the network is sure of speaks against it.
    assert column(pixels, "answer")[0] == pytest.approx(-np.log(0.8 / 0.2), abs=1e-5)


def test_the_border_of_the_window_is_the_outline_too() -> None:
    mask = np.zeros((40, 40), bool)
    mask[:, :20] = True
    pixels = pixels_in_reach(
        np.where(mask, 0.9, 0.1).astype(np.float32),
        np.zeros((40, 40), np.float32),
        mask,
        [Point(20, 10, True), Point(0, 0, False)],
        0.5,
    )
    assert np.expm1(column(pixels, "depth"))[at(pixels, 0, 0)] == pytest.approx(1)


def test_earlier_clicks_hold_their_ground() -> None:
    pixels = known(Point(28, 40, False), Point(53, 40, True), Point(40, 55, True))
    near, far = at(pixels, 40, 53), at(pixels, 28, 40)
    assert column(pixels, "other")[far] == 0
    assert column(pixels, "other")[near] > 0.5
    assert column(pixels, "nearer")[far] > column(pixels, "nearer")[near]
    assert column(pixels, "streak")[0] == 2
    assert (column(known(Point(40, 55, True)), "other") == 3).all()  # none: as far as counts


def test_what_lies_far_from_the_object_makes_no_difference() -> None:
    """A click off the window's part about the object, and a larger window around it."""
    large = np.pad(SQUARE, 60)
    moved = [Point(p.row + 60, p.column + 60, p.positive) for p in (FIRST, Point(40, 54, True))]
    found = np.where(large, 0.8, 0.1).astype(np.float32)
    wide = pixels_in_reach(found, found * 0.5, large, moved, 0.7)
    narrow = known(Point(40, 54, True))
    assert np.array_equal(wide.rows - 60, narrow.rows)
    assert np.array_equal(wide.evidence, narrow.evidence)
