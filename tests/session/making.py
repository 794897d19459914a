"""Sessions of a small image, and objects in them, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.session.fakes import FakePredictor

from napari_fclick.core.masks import StoredMask
from napari_fclick.session import Place, Session, SessionError, accepting, editing
from napari_fclick.session.answers import stored_mask

SIZE = 64


class Clock:
    now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def make(dtype: Any = np.int32, **kwargs: Any) -> Session:
    labels = np.zeros((SIZE, SIZE), dtype)
    return Session(np.zeros((SIZE, SIZE), np.uint8), labels, clock=Clock(), **kwargs)


def answer(session: Session, radius: float = 5.0, predictor: Any = None) -> None:
    """Give the session the answer to its clicks: discs, or what a predictor says."""
    request = session.answers.request()
    assert request is not None
    found = request.run(predictor or FakePredictor(radius))
    assert session.answers.receive(session.place, request, found)


def mask_at(session: Session, place: Place) -> StoredMask | None:
    """Return the mask that a plane's answer comes to; None where there is no answer."""
    found = session.answers.at(place)
    return None if found is None else stored_mask(found, session.settings)


def put(session: Session, y: float, x: float, radius: float = 5.0) -> Any:
    """Click an object and accept it."""
    session.add(y, x)
    answer(session, radius)
    return accepting.accept(session)


def check_object_1_is_refused(
    session: Session, at: tuple[int, int], merged: tuple[int, int], message: str
) -> None:
    """Check that object 1 can be changed in no way."""
    for change in (
        lambda: editing.pick_up(session, *at),
        lambda: editing.delete(session, 1),
        lambda: editing.merge(session, *merged),
        lambda: editing.renumber(session, 1, 9),
    ):
        with pytest.raises(SessionError, match=message):
            change()
