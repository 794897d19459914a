"""A mask kept small, against the plain array that it stands for."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box

#: The plain array reaches from -REACH to REACH on both axes.
REACH = 24
MASKS = st.tuples(st.integers(1, 9), st.integers(1, 9)).flatmap(lambda s: arrays(bool, s))
PLACES = st.integers(-12, 12)
SIDES = st.integers(0, 10)


@given(MASKS, PLACES, PLACES, PLACES, PLACES, SIDES, SIDES)
def test_within_is_what_a_plain_array_has_there(
    mask: np.ndarray, top: int, left: int, row: int, column: int, height: int, width: int
) -> None:
    plain = np.zeros((2 * REACH, 2 * REACH), bool)
    at = (top + REACH, left + REACH)
    plain[at[0] : at[0] + mask.shape[0], at[1] : at[1] + mask.shape[1]] = mask
    kept = StoredMask.pack(mask, top, left)
    assert (kept is None) == (not mask.any())
    if kept is None:
        return
    rows, columns = row + REACH, column + REACH
    expected = plain[rows : rows + height, columns : columns + width]
    assert np.array_equal(kept.within(Box(row, column, row + height, column + width)), expected)
    inside = np.argwhere(plain) - REACH
    assert kept.box == (*inside.min(0), *(inside.max(0) + 1))
    assert np.array_equal(kept.unpack(), kept.within(kept.box))
    assert np.count_nonzero(kept.unpack()) == np.count_nonzero(mask)


def test_the_same_masks_are_equal() -> None:
    mask = np.zeros((6, 7), bool)
    mask[2:4, 3:6] = True
    kept = StoredMask.pack(mask, 10, 20)
    assert kept is not None and kept.box == (12, 23, 14, 26)
    assert kept == StoredMask.pack(mask[2:4, 3:6], 12, 23)
    assert kept != StoredMask.pack(mask, 10, 21)
    mask[2, 3] = False
    assert kept != StoredMask.pack(mask, 10, 20)


def test_what_is_handed_out_is_a_copy() -> None:
    kept = StoredMask.pack(np.ones((3, 3), bool))
    assert kept is not None
    kept.unpack()[:] = False
    kept.within(kept.box)[:] = False
    assert kept.unpack().all()


def test_masks_meet_in_a_pixel_not_in_their_bounds() -> None:
    corner = StoredMask.pack(np.array([[True, True], [True, False]]), 4, 5)
    beside = StoredMask.pack(np.ones((2, 2), bool), 5, 6)
    on_it = StoredMask.pack(np.ones((1, 1), bool), 4, 6)
    assert corner is not None and beside is not None and on_it is not None
    assert not corner.meets(beside) and not beside.meets(corner)
    assert corner.meets(on_it) and on_it.meets(corner) and not on_it.meets(beside)
