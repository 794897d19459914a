"""One step: the anchor, the memory of the shape, and what a mask is next to another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.propagation.fakes import (
    OFF,
    Bright,
    boxes,
    column,
    mark,
    of_box,
    rectangles,
    run,
    stack_of,
    stored,
)

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box, Window
from napari_fclick.propagation import Carry, Propagation, Spacing, carrying
from napari_fclick.propagation.carrying import CONFLICT, Carrier, as_prediction, begin
from napari_fclick.session.starting import start_prediction
from napari_fclick.session.state import Start

SQUARE = Box(10, 10, 20, 20)
LARGE = Box(10, 10, 30, 30)


# --- what a mask is -------------------------------------------------------------------------


def test_anchor() -> None:
    assert carrying.anchor(of_box(Box(10, 20, 15, 25))) == Click(12, 22)
    assert carrying.anchor(of_box(Box(3, 4, 4, 5))) == Click(3, 4)
    ring = np.ones((9, 9), bool)
    ring[3:6, 3:6] = False
    row, x = carrying.anchor(stored(ring)).pixel
    assert ring[row, x]  # not in the hole in its middle


def test_weighted_anchor() -> None:
    mask, box = of_box(SQUARE), Box(5, 5, 25, 25)
    probability = np.zeros((20, 20), np.float32)
    assert carrying.weighted_anchor(mask, probability, box) is None
    probability[0, 0] = 1  # outside of the mask
    assert carrying.weighted_anchor(mask, probability, box) is None
    probability[9, 9] = 0.5  # (14, 14), 5 deep: 2.5
    probability[5, 6] = 0.9  # (10, 11), 1 deep: 0.9
    assert carrying.weighted_anchor(mask, probability, box) == Click(14, 14)
    probability[7, 8] = 0.9  # (12, 13), 3 deep: 2.7
    assert carrying.weighted_anchor(mask, probability, box) == Click(12, 13)


def test_confidence() -> None:
    probability = np.array([[0.9, 0.7, 0.4, 0.8]], np.float32)
    mask = np.array([[True, True, False, False]])
    assert carrying.confidence(probability, mask) == pytest.approx(1.6 / 2.4)
    assert carrying.confidence(probability, mask & False) == 0


def test_overlap_and_distance() -> None:
    one, other = of_box(Box(0, 0, 4, 4)), of_box(Box(2, 2, 6, 6))
    assert carrying.overlap(one, other) == 4 / 28
    assert carrying.overlap(one, one) == 1
    assert carrying.overlap(one, of_box(Box(9, 9, 12, 12))) == 0
    assert carrying.distance(one, other, Spacing(9, 1.5, 2)) == 5  # 3 down, 4 across
    assert carrying.distance(one, one, Spacing()) == 0


def seen(height: int, width: int, size: int = 64) -> Window:
    """The upper left part of an image, as the network sees it."""
    return Window(0, 0, height, width, size, size, (size, size))


def test_blank() -> None:
    everywhere = seen(4, 4)
    plane = np.zeros((4, 6), np.uint8)
    plane[:, 5] = 1
    assert carrying.is_blank(plane, everywhere)
    assert not carrying.is_blank(plane, seen(4, 6))
    assert carrying.is_blank([plane, plane[::2, ::2]], everywhere)
    assert carrying.is_blank(np.stack([plane, plane], -1), everywhere)
    assert carrying.is_blank(np.stack([plane, plane + 1, plane + 7], -1), everywhere)
    seethrough = np.zeros((4, 4, 4), np.uint8)
    seethrough[:2, :, 3] = 255  # an alpha channel, which the network does not see
    assert carrying.is_blank(seethrough, everywhere)
    for empty in (np.nan, np.inf):
        floats = np.full((4, 4), empty)
        assert carrying.is_blank(floats, everywhere)
        floats[0, 0] = 3
        assert carrying.is_blank(floats, everywhere)
        floats[0, 1] = 4
        assert not carrying.is_blank(floats, everywhere)


class CountedLevel:
    """A level of a pyramid that counts the pixels that are read of it."""

    def __init__(self, pixels: Any) -> None:
        self.pixels, self.read = pixels, 0
        self.shape, self.ndim, self.dtype = pixels.shape, pixels.ndim, pixels.dtype

    def __getitem__(self, index: Any) -> Any:
        found = self.pixels[index]
        self.read += found.size
        return found


def test_of_a_large_window_the_level_that_the_network_sees_is_read() -> None:
    base = np.zeros((800, 800), np.uint8)
    base[100:600, 100:600] = 9
    view = seen(800, 800)
    pyramid = [CountedLevel(base[::step, ::step]) for step in (1, 2, 4, 8)]
    assert not carrying.is_blank(pyramid, view)
    assert [level.read for level in pyramid] == [0, 0, 200 * 200, 0]


def test_of_a_large_blank_window_no_finer_level_is_read() -> None:
    pyramid = [CountedLevel(np.zeros((800 // n, 800 // n), np.uint8)) for n in (1, 2, 4, 8)]
    assert carrying.is_blank(pyramid, seen(800, 800))
    assert [level.read for level in pyramid] == [0, 0, 200 * 200, 0]  # and none of it twice


def test_what_is_lost_where_pixels_are_thinned_out_is_not_blank() -> None:
    base = np.zeros((800, 800), np.uint8)
    base[3, 3] = 9
    view = seen(800, 800)
    assert not carrying.is_blank(base, view)
    assert not carrying.is_blank([np.kron(base, np.ones((2, 2))), base], seen(1600, 1600))
    assert carrying.is_blank([base, base[::4, ::4]], view)  # what nothing is read of


# --- beginning ------------------------------------------------------------------------------


def test_a_mask_as_if_the_network_had_said_it() -> None:
    made = as_prediction(of_box(SQUARE), (40, 50))
    assert made.view.box.holds(SQUARE) and made.image_shape == (40, 50)
    assert made.clicks == ClickSequence([Click(14, 14)])
    assert made.full_mask().sum() == 100 and made.full_mask()[10:20, 10:20].all()


def test_what_the_network_said_of_a_keyframe_is_gone_on_from() -> None:
    plane = rectangles(1, {0: SQUARE}, (80, 80))[0]
    known = Bright().predict(plane * np.float32(0.8), ClickSequence([Click(14, 14)]))
    front = begin(3, of_box(SQUARE), plane, known)
    assert front.prediction is known
    assert (front.index, front.pixels, front.reference.contrast.at(0)) == (3, 100, 3)
    assert front.reference.confidence == pytest.approx(0.8)
    # A mask that was there, or taken as it is, tells nothing of how sure the network is.
    start = Start(ClickSequence([Click(14, 14)]), of_box(SQUARE))
    taken = begin(3, of_box(SQUARE), plane, start_prediction(start, (80, 80)))
    assert taken.reference.confidence is None
    # A mask that was drawn farther out is no part of it.
    beyond = begin(3, of_box(Box(0, 0, 80, 80)), plane, known)
    assert beyond.prediction is not known and beyond.reference.confidence is None


# --- a step ---------------------------------------------------------------------------------


def test_the_anchor_is_moved_onto_the_object() -> None:
    volume = rectangles(2, {0: SQUARE, 1: Box(10, 16, 20, 26)})
    predictor = Bright()
    made = Propagation(stack_of(volume), predictor, OFF)
    mark(made, 0, of_box(SQUARE))
    run(made)
    # Of the old square columns 16 to 19 are bright; 4 deep at most, at column 16.
    assert [clicks.first.pixel for clicks in predictor.asked] == [(14, 14), (13, 16)]
    assert made.slices[1].clicks.first == Click(13, 16)
    assert boxes(made)[1] == Box(10, 16, 20, 26)


def test_the_conflict_counts_from_a_share_on() -> None:
    assert CONFLICT * 100 == 3
    asked: list[Any] = []

    def others(index: int, box: Box) -> Any:
        asked.append((index, box))
        return np.zeros((box.bottom - box.top, box.right - box.left), bool)

    front = begin(0, of_box(SQUARE), column(1)[0])
    carrier = Carrier(Bright(), Spacing(), Carry(), others=others)
    carried = carrier.carry(front, 7, column(1)[0])
    assert carried is not None and not carried.clicks.negatives
    assert asked == [(7, carried.front.prediction.view.box)]


def test_what_is_allowed() -> None:
    for wrong in ({"threshold": 1.1}, {"threshold": -0.1}, {"x": 1}):
        with pytest.raises(ValueError, match="validation error"):
            Carry(**wrong)
