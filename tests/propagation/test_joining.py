"""What two sides make of a slice between them."""

from __future__ import annotations

import numpy as np
import pytest
from tests.propagation.fakes import of_box

from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.propagation.joining import Side, agreed, signed_distance


def side(box: Box, lost: bool = False) -> Side:
    pixels = (box.bottom - box.top) * (box.right - box.left)
    return Side(SliceMask(5, Kind.CARRIED, of_box(box), pixels=pixels), lost)


BELOW, ABOVE = Box(10, 10, 20, 20), Box(10, 14, 20, 24)


def test_signed_distance() -> None:
    mask = np.zeros((1, 7), bool)
    mask[0, 2:5] = True
    padded = np.pad(mask, ((3, 3), (0, 0)))
    assert signed_distance(padded)[3].tolist() == [-2, -1, 1, 1, 1, -1, -2]
    assert signed_distance(np.ones((3, 3), bool))[1].tolist() == [1, 2, 1]
    assert np.isneginf(signed_distance(np.zeros((2, 2), bool))).all()


def test_the_outlines_of_two_sides_are_mixed() -> None:
    found = agreed(side(BELOW), side(ABOVE), 0.5, 0.3)
    assert found is not None and found.mask is not None and found.kind is Kind.BETWEEN
    assert found.agreement == pytest.approx(60 / 140)
    assert found.mask.box[1::2] == (12, 22)


@pytest.mark.parametrize(
    ("one", "other", "nearness", "box"),
    [
        (side(BELOW), side(Box(30, 30, 35, 35)), 0.6, BELOW),
        (side(Box(30, 30, 35, 35)), side(BELOW), 0.4, BELOW),
        (side(BELOW), side(ABOVE, lost=True), 0.1, BELOW),
        (side(BELOW, lost=True), side(ABOVE), 0.9, ABOVE),
        (side(BELOW), None, 0.1, BELOW),
        (None, side(ABOVE), 0.9, ABOVE),
    ],
)
def test_or_one_counts_alone(
    one: Side | None, other: Side | None, nearness: float, box: Box
) -> None:
    found = agreed(one, other, nearness, 0.3)
    assert found is not None and found.mask is not None and found.mask.box == box
    assert found.kind is Kind.BETWEEN and found.agreement is not None
    assert found.alone == (one is None or other is None)


def test_nothing_of_nothing() -> None:
    assert agreed(None, None, 0.5, 0.3) is None
