"""Rough masks, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_fclick.training.roughness import RandomRoughness, Roughness, soften


def square() -> np.ndarray:
    """Return a square of 10 x 10 pixels, rows 10 to 19 and columns 20 to 29."""
    mask = np.zeros((40, 60), bool)
    mask[10:20, 20:30] = True
    return mask


def spans(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(mask)
    return int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())


def test_without_parameters_a_mask_stays_as_it_is() -> None:
    ragged = np.random.default_rng(0).random((30, 40)) < 0.4
    for mask in (square(), ragged, np.ones((5, 7), bool)):
        assert np.array_equal(Roughness()(mask), mask)


def test_a_shift_is_a_part_of_the_side() -> None:
    assert np.array_equal(
        Roughness(shift=(0.3, -0.2))(square()), np.roll(square(), (3, -2), (0, 1))
    )


def test_what_is_shifted_out_of_the_image_is_lost() -> None:
    mask = np.zeros((12, 12), bool)
    mask[:10, :10] = True
    assert Roughness(shift=(-0.5, 0))(mask).sum() == 50


def test_scale_is_about_the_middle() -> None:
    # Rows 9.5 to 19.5 about 14.5 become 4.5 to 24.5; at the edge one half is not above one half.
    top, bottom, left, right = spans(Roughness(scale=(2, 1))(square()))
    assert (left, right) == (20, 29)
    assert (top, bottom) == (5, 24)


def test_a_quarter_turn_swaps_the_sides() -> None:
    mask = np.zeros((41, 41), bool)
    mask[18:23, 10:31] = True  # 5 x 21 about (20, 20)
    assert np.array_equal(Roughness(angle=np.pi / 2)(mask), mask.T)


def test_a_part_is_cut_off() -> None:
    # The middle is at column 24.5: what is right of 26.5 goes, and then what is below 16.5.
    right = Roughness(cut=(0.0, 0.2))(square())
    assert spans(right) == (10, 19, 20, 26)
    assert spans(Roughness(cut=(np.pi / 2, 0.2))(square())) == (10, 16, 20, 29)


def test_a_disc_is_added_at_a_pixel_of_the_mask() -> None:
    added = Roughness(added=(0.0, 0.35))(square())
    assert spans(added) == (7, 19, 17, 29)  # of radius 3.5 about (10, 20)
    assert added[square()].all()


def test_a_bend_goes_no_further_than_it_may() -> None:
    bent = Roughness(bend=0.2, smoothness=0.2, seed=1)(square())
    assert not np.array_equal(bent, square())
    assert bent[12:18, 22:28].all()  # 2 pixels at the most
    assert spans(bent) >= (8, 0, 0, 0) and not bent[:, :18].any() and not bent[22:].any()


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="empty mask"):
        Roughness()(np.zeros((5, 5), bool))


def test_the_same_draw_makes_the_same_mask_and_mostly_one_like_it() -> None:
    shared = []
    for seed in range(40):
        first, second = (RandomRoughness().draw(np.random.default_rng(seed)) for _ in range(2))
        assert first == second
        rough = first(square())
        assert np.array_equal(rough, second(square()))
        shared.append((rough & square()).sum() / (rough | square()).sum())
    assert 0.4 < np.median(shared) < 0.9


def test_chances_of_a_part_cut_off_or_too_much() -> None:
    whole = replace(RandomRoughness(), cut=0, added=0).draw(np.random.default_rng(0))
    assert whole.cut is whole.added is None
    both = replace(RandomRoughness(), cut=1, added=1).draw(np.random.default_rng(0))
    assert both.cut is not None and both.added is not None


def test_some_masks_are_blurred() -> None:
    mask = square().astype(np.float32)
    softened = [soften(mask, np.random.default_rng(seed)) for seed in range(200)]
    assert np.mean([s is not mask for s in softened]) == pytest.approx(0.6, abs=0.1)
    assert all(s.min() >= 0 and s.max() <= 1.0001 for s in softened)
