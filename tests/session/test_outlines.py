"""Outlines of new objects follow those that were accepted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit
from tests.session.fakes import FakePrediction, SoftPredictor, soft_prediction
from tests.session.making import answer

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.session import Session, records
from napari_fclick.session.accepting import accept
from napari_fclick.session.outlines import (
    BIASES,
    LEAST,
    REMEMBERED,
    First,
    Outlines,
    best_bias,
    gains,
)
from napari_fclick.session.place import Place
from napari_fclick.session.state import Answer, Part, Settings

SHAPE = (200, 800)
RADIUS = SoftPredictor().radius


def soft(radius: float, bias: float = 0.0, seen: int = 60) -> FakePrediction:
    return soft_prediction(SHAPE, ClickSequence([Click(100, 100)]), radius, bias, seen)


def accepted(more: float, at: tuple[int, int] = (100, 100)) -> tuple[Any, Box]:
    y, x = np.mgrid[-40:41, -40:41]
    box = Box(at[0] - 40, at[1] - 40, at[0] + 41, at[1] + 41)
    return np.hypot(y, x) <= RADIUS + more, box


def first(bias: float = 0.0, radius: float = RADIUS) -> First:
    return First(soft(radius, bias), bias)


def test_what_was_accepted_tells_how_much_more_or_less_belongs_to_an_object() -> None:
    larger, as_it_is, smaller = (gains(first(), *accepted(r)) for r in (2, 0, -2))
    assert larger is not None and as_it_is is not None and smaller is not None
    assert [float(BIASES[np.argmax(each)]) for each in (larger, as_it_is, smaller)] == [1, 0, -1]
    assert larger[BIASES == 0] == 0 and larger[BIASES == 1] == pytest.approx(0.12, abs=0.01)


@pytest.mark.parametrize("bias", [-1.0, 0.5, 1.5])
def test_it_tells_the_same_whatever_was_added_to_the_first_answer(bias: float) -> None:
    plain, biased = gains(first(), *accepted(2)), gains(first(bias), *accepted(2))
    assert plain is not None and biased is not None
    np.testing.assert_allclose(plain, biased, atol=1e-6)


def test_a_large_window_is_thinned_out() -> None:
    whole = gains(first(), *accepted(3))
    y, x = np.mgrid[-320:321, -320:321]
    click = Click(2000, 2000)
    probability = expit((8 * RADIUS - np.hypot(*np.mgrid[-1000:1000, -1000:1000])) / 16)
    window = (slice(1000, 3000), slice(1000, 3000))
    large = FakePrediction(probability, window, ClickSequence([click]), (4000, 4000))
    found = gains(
        First(large, 0.0), np.hypot(y, x) <= 8 * (RADIUS + 3), Box(1680, 1680, 2321, 2321)
    )
    assert whole is not None and found is not None
    np.testing.assert_allclose(found, whole, atol=0.02)


def test_a_first_answer_that_meant_something_else_tells_nothing() -> None:
    assert gains(first(), *accepted(0, (100, 700))) is None
    assert gains(first(radius=8), *accepted(0)) is None


def test_one_that_reaches_beyond_the_window_is_told_as_it_is() -> None:
    whole, part = (gains(First(soft(RADIUS, seen=seen), 0.0), *accepted(2)) for seen in (60, 25))
    assert whole is not None and part is not None
    assert 0 < part.max() < whole.max() / 2  # what lies outside is missed whatever is added


def test_a_few_that_differ_tell_nothing() -> None:
    larger, smaller = (gains(first(), *accepted(r)) for r in (2, -2))
    assert larger is not None and smaller is not None
    assert best_bias([larger] * (LEAST - 1)) == 0
    assert best_bias([larger] * LEAST) == 1
    assert best_bias([larger, smaller] * 3) == 0
    assert best_bias([larger * 0.1] * LEAST) == 0  # no more than may be chance


def test_other_images_count_once_each() -> None:
    images: list[Outlines] = []
    for _ in range(2):
        some = Outlines(images)
        for label in range(1, 9):
            some.learn(label, first(), *accepted(2))
    new = Outlines(images)
    assert new.bias == 0  # two images
    Outlines(images).learn(1, first(), *accepted(2))
    assert new.bias == 1
    for label in range(1, 10):
        new.learn(label, first(), *accepted(0))
    assert new.bias == 0  # what it knows itself counts for more


def test_images_of_long_ago_are_forgotten() -> None:
    images: list[Outlines] = []
    for _ in range(REMEMBERED + 5):
        Outlines(images)
    assert len(images) == REMEMBERED


# --- in a session -----------------------------------------------------------------------


def click_and_answer(session: Session, predictor: SoftPredictor, y: float, x: float) -> float:
    session.add(y, x)
    if session.prediction is None:  # it may be known
        answer(session, predictor=predictor)
    return float(session.answers.trail(session.place)[-1].bias)


def accept_some(
    session: Session, predictor: SoftPredictor, count: int, corrected: bool = True
) -> None:
    for _ in range(count):
        x = 50 + 90 * len(session.objects)
        click_and_answer(session, predictor, 100, x)
        if corrected:
            click_and_answer(session, predictor, 105, x)
        accept(session)


@pytest.fixture
def session() -> Session:
    return Session(np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint16))


def test_new_objects_follow_those_accepted_before(session: Session) -> None:
    predictor = SoftPredictor()
    accept_some(session, predictor, LEAST)
    assert {bias for _, bias in predictor.asked} == {0.0}
    assert click_and_answer(session, predictor, 100, 700) == 1
    assert click_and_answer(session, predictor, 105, 700) == 1  # it keeps its own
    session.clear()
    session.set(as_accepted=False)
    assert click_and_answer(session, predictor, 100, 710) == 0


def test_good_first_answers_are_left_as_they_are(session: Session) -> None:
    predictor = SoftPredictor()
    accept_some(session, predictor, 5, corrected=False)
    assert click_and_answer(session, predictor, 100, 740) == 0


def test_who_moves_the_threshold_draws_the_outlines(session: Session) -> None:
    predictor = SoftPredictor()
    accept_some(session, predictor, LEAST)
    session.set(threshold=0.4)
    assert click_and_answer(session, predictor, 100, 700) == 0
    session.clear()
    session.set(threshold=0.5)
    assert click_and_answer(session, predictor, 100, 710) == 1


def test_what_is_accepted_at_another_threshold_tells_nothing(session: Session) -> None:
    predictor = SoftPredictor()
    session.set(threshold=0.3)
    accept_some(session, predictor, LEAST, corrected=False)
    session.set(threshold=0.5)
    assert click_and_answer(session, predictor, 100, 700) == 0


def test_what_is_undone_or_answered_by_other_weights_tells_nothing(session: Session) -> None:
    predictor = SoftPredictor()
    accept_some(session, predictor, LEAST)
    session.undo()
    assert session.answers.outlines.bias == 0
    session.undo()  # the correcting click
    session.clear()
    accept_some(session, predictor, 1)
    assert session.answers.outlines.bias == 1
    session.answers.forget()
    assert session.answers.outlines.bias == 0


def test_it_is_on_file() -> None:
    place, clicks = Place(), ClickSequence([Click(5, 5)])
    part = Part(place, clicks, Box(0, 0, 9, 9), 50, (Answer(1, None, None, 0.5),))
    data = records.part_out(part)
    assert records.part_in(data) == part
    off = Settings(as_accepted=False)
    assert records.settings_in(records.settings_out(off)) == off
