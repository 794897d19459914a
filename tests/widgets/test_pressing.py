"""What is predicted while the mouse button is still down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.session.fakes import FakePredictor, disc_prediction
from tests.widgets.steps import until

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.session import Session
from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.moved import camera_of

IMAGE = np.zeros((64, 64), np.uint8)
Opened = tuple[FirstClickWidget, Session, Any]


@pytest.fixture
def opened(open_dock: Callable[..., FirstClickWidget], mouse: Any) -> Opened:
    """Return a dock on an image, its session, and a hand on the mouse."""
    widget = open_dock(IMAGE)
    assert widget.controller.session is not None
    return widget, widget.controller.session, mouse(widget.controller.viewer)


def test_a_press_is_answered_before_its_release(opened: Opened, predictor: FakePredictor) -> None:
    widget, session, hand = opened
    hand.press((30, 20))
    assert widget.wait_idle()
    assert not session.clicks and len(predictor.asked) == 1
    hand.release((30, 20))
    assert session.clicks == ClickSequence([Click(30, 20)])
    assert session.prediction is not None and len(predictor.asked) == 1
    hand.click((40, 20))
    assert widget.wait_idle()
    assert len(predictor.asked) == 2
    assert predictor.asked[1][1] is not None  # the answer before is handed on


def test_a_release_waits_for_what_its_press_asked(opened: Opened, predictor: FakePredictor) -> None:
    widget, session, hand = opened
    predictor.gate = threading.Event()
    hand.click((30, 20))
    assert session.answers.pending
    predictor.gate.set()
    assert widget.wait_idle()
    assert session.prediction is not None and len(predictor.asked) == 1
    session.undo()
    session.redo()
    assert session.prediction is not None


def test_a_press_that_becomes_a_drag_leaves_nothing(
    opened: Opened, predictor: FakePredictor
) -> None:
    widget, session, hand = opened
    hand.drag((30, 20), (50, 40))
    assert widget.wait_idle()
    assert not session.clicks and session.prediction is None
    hand.click((10, 10))
    assert widget.wait_idle()
    assert session.clicks == ClickSequence([Click(10, 10)])
    assert predictor.asked[-1] == (session.clicks, None, None)


def test_a_click_is_where_its_press_was(opened: Opened) -> None:
    widget, session, hand = opened
    zoom = camera_of(widget.controller.viewer).zoom
    hand.drag((30, 20), (30, 20 + 2 / zoom))
    assert session.clicks == ClickSequence([Click(30, 20)])


@pytest.mark.parametrize("early", [True, False])
def test_a_press_that_cannot_be_answered(
    opened: Opened, predictor: FakePredictor, early: bool
) -> None:
    widget, session, hand = opened
    predictor.error = ValueError("the disk is gone")
    if early:
        hand.press((30, 20))
        assert widget.wait_idle()
        assert session.answers.failure is None
        hand.release((30, 20))  # asked once more
    else:
        predictor.gate = threading.Event()
        hand.click((30, 20))
        predictor.gate.set()
    until(lambda: session.answers.failure is not None)
    assert session.answers.failure == "the disk is gone"
    assert len(predictor.asked) == (2 if early else 1)


def test_nothing_is_asked_ahead_where_it_would_be_in_vain(
    opened: Opened, predictor: FakePredictor
) -> None:
    widget, _, hand = opened
    hand.press((30, 20), button=2)  # a first click that is negative
    hand.release((30, 20))
    hand.press((-5, 20))  # outside
    hand.release((-5, 20))
    hand.press((30, 20), modifiers=("Control",))  # picks an object up
    hand.release((30, 20))
    assert widget.wait_idle() and not predictor.asked


def test_an_answer_ahead_of_its_click_is_dropped_when_things_changed() -> None:
    session = Session(IMAGE)
    place = session.place
    request = session.answers.request_ahead(30, 20)
    assert request is not None
    answer = disc_prediction(IMAGE, request.clicks)
    session.answers.forget()
    assert not session.answers.receive_ahead(place, request, answer)
    request = session.answers.request_ahead(30, 20)
    assert request is not None
    session.add(10, 10)
    assert not session.answers.receive_ahead(place, request, answer)
    assert session.answers.request_ahead(12, 12) is None  # depends on an answer that is to come
    session.undo()
    assert session.answers.receive_ahead(place, request, answer)
    assert session.answers.request_ahead(30, 20) is None  # known
    session.add(30, 20)
    assert session.prediction is answer
