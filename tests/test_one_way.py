"""A correcting click only adds, or only takes away."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Window
from napari_fclick.one_way import one_way
from napari_fclick.prediction import Prediction, existing
from napari_fclick.predictor import Predictor

SHAPE = (100, 100)
WIDE = Window(0, 0, 100, 100, 100, 100, canvas=(100, 100))
PART = Window(0, 0, 50, 100, 50, 100, canvas=(100, 100))
FIRST, SECOND = Click(20, 20), Click(22, 40)


def random(seed: int, view: Window = WIDE) -> np.ndarray:
    """Return a probability in which half of the pixels hang together with all clicks."""
    out = np.random.default_rng(seed).random((view.height, view.width)).astype(np.float32) / 2
    out[10:40, 10:60] += 0.5
    return out


def answer(*clicks: Click, view: Window = WIDE, seed: int = 0) -> Prediction:
    """Return the answer before the correction."""
    return Prediction(random(seed, view), view, ClickSequence(clicks), SHAPE)


def corrected(previous: Prediction | None, *new: Click) -> np.ndarray:
    """Return what another answer becomes after new clicks."""
    known = () if previous is None else tuple(previous.clicks)
    return one_way(random(1), WIDE, ClickSequence([*known, *new]), previous)


@pytest.mark.parametrize("positive", [True, False])
def test_at_every_threshold(positive: bool) -> None:
    before = answer(FIRST, SECOND)
    found = corrected(before, Click(50, 50, positive))
    wanted = np.maximum if positive else np.minimum
    assert np.array_equal(found, wanted(random(1), random(0)))
    for threshold in (0.2, 0.5, 0.8):
        was, now = before.probability > threshold, found > threshold
        assert not ((was & ~now) if positive else (now & ~was)).any()


def test_the_first_correction_may_change_anything() -> None:
    assert np.array_equal(corrected(answer(FIRST), Click(50, 50, False)), random(1))
    assert np.array_equal(corrected(None, FIRST), random(1))


def test_a_mask_that_a_person_accepted_is_no_guess() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[10:40, 10:60] = mask[70:80, 70:80] = True  # in two parts
    stored = StoredMask.pack(mask)
    assert stored is not None
    before = existing(stored, ClickSequence([FIRST]), SHAPE)
    found = one_way(random(1), WIDE, ClickSequence([FIRST, Click(60, 60)]), before)
    assert (found[mask] > 0.5).all()
    carried = existing(stored, ClickSequence([FIRST]), SHAPE, guess=True)
    again = ClickSequence([FIRST, Click(60, 60)])
    assert np.array_equal(one_way(random(1), WIDE, again, carried), random(1))


def test_clicks_of_both_signs_and_clicks_that_were_moved_may_change_anything() -> None:
    before = answer(FIRST, SECOND)
    both = corrected(before, Click(50, 50), Click(60, 60, False))
    assert np.array_equal(both, random(1))
    added = corrected(before, Click(50, 50), Click(60, 60))
    assert np.array_equal(added, np.maximum(random(1), random(0)))
    moved = ClickSequence([FIRST, Click(30, 30), Click(50, 50)])
    assert np.array_equal(one_way(random(1), WIDE, moved, before), random(1))


def test_what_was_not_the_objects_is_not_added() -> None:
    before = answer(FIRST, SECOND)
    before.probability[80:90, 80:90] = 0.9  # hangs together with no click
    found = corrected(before, Click(50, 50))
    assert np.array_equal(found[80:90, 80:90], random(1)[80:90, 80:90])


def test_what_was_not_looked_at_before_is_open() -> None:
    before = answer(FIRST, SECOND, view=PART)
    found = corrected(before, Click(60, 60, False))
    assert np.array_equal(found[50:], random(1)[50:])
    assert np.array_equal(found[:50], np.minimum(random(1)[:50], before.probability))


def test_the_default_weights_keep_to_it() -> None:
    predictor = Predictor.from_weights("default")
    rows, columns = np.indices((160, 160))
    image = np.hypot((rows - 80) / 1.3, columns - 70) < 30
    noisy = (image * 90 + np.random.default_rng(0).integers(0, 80, image.shape)).astype(np.uint8)
    clicks, made = ClickSequence([Click(80, 70)]), None
    for click in (Click(60, 90), Click(112, 75), Click(80, 108, False), Click(45, 70)):
        made = predictor.predict(noisy, clicks, made)
        before, clicks = made, clicks.add(click)
        if len(clicks) < 3:
            continue
        made = predictor.predict(noisy, clicks, before)
        was, now = before.full_mask(integrity=False), made.full_mask(integrity=False)
        kept = before.full_mask()
        if click.positive:
            assert not (kept & ~now).any()
        else:
            assert not (now & ~was).any()
