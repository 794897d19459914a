"""What a predictor answers: asked for, received, dropped, kept."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from tests.session.fakes import FakePredictor, disc_prediction
from tests.session.making import answer, make, put

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.session import Place
from napari_fclick.session.predictions import KnownPredictions


def test_stale_answers_are_dropped() -> None:
    session = make()
    session.add(5, 5)
    old = session.answers.request()
    session.add(9, 9)
    new = session.answers.request()
    assert old is not None
    assert new is not None
    assert not session.answers.receive(session.place, old, old.run(FakePredictor()))
    assert session.prediction is None
    assert session.answers.pending
    assert not session.answers.fail(old.generation, "late")
    assert session.answers.receive(session.place, new, new.run(FakePredictor()))
    assert session.prediction is not None
    assert session.answers.request() is None


def test_undo_needs_no_new_prediction() -> None:
    session = make()
    session.add(20, 20)
    answer(session)
    first = session.prediction
    session.add(24, 20)
    answer(session)
    session.undo()
    assert session.prediction is first
    assert session.answers.request() is None
    session.redo()
    assert len(session.clicks) == 2
    assert session.answers.request() is None


def test_the_answer_to_the_longest_known_beginning_carries_over() -> None:
    session = make()
    session.add(20, 20)
    answer(session)
    first = session.prediction
    session.add(24, 20)
    session.add(28, 20)
    request = session.answers.request()
    assert request is not None
    assert request.previous is first
    session.move(0, 21, 21)
    request = session.answers.request()
    assert request is not None
    assert request.previous is None


def test_other_weights_are_asked_anew() -> None:
    session = make()
    session.add(20, 20)
    answer(session)
    before = session.answers.generation
    session.answers.forget()
    assert session.answers.pending
    assert session.answers.generation > before


def test_typical_side_is_the_median_of_the_objects() -> None:
    session = make()
    for i, radius in enumerate((3, 4, 8)):
        put(session, 12 + 20 * i, 12 + 20 * i, radius=radius)
    assert session.objects.typical_side == 9
    session.add(40, 10)
    request = session.answers.request()
    assert request is not None
    assert request.asked.typical_side == 9


def test_known_predictions_are_bounded() -> None:
    known, place = KnownPredictions(max_bytes=3000), (Place(), None)
    image = np.zeros((50, 50))
    sequences = [ClickSequence([Click(20, x)]) for x in range(10, 30)]
    for clicks in sequences:
        known.add(place, clicks, disc_prediction(image, clicks))
    found = [known.get(place, clicks) is not None for clicks in sequences]
    assert found == [False] * (len(sequences) - 2) + [True] * 2


def test_pixels_kept_for_the_next_click_count_too() -> None:
    def kept(pixels: int) -> Any:
        block = SimpleNamespace(nbytes=pixels)
        return SimpleNamespace(probability=np.zeros((2, 2), np.float32), block=block)

    known = KnownPredictions(max_bytes=3000)
    sequences = [ClickSequence([Click(20, x)]) for x in range(5)]
    for clicks in sequences:
        known.add((Place(), None), clicks, kept(1400))
    found = [known.get((Place(), None), clicks) is not None for clicks in sequences]
    assert found == [False, False, False, True, True]
