"""What is being clicked, in all planes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.session.making import SIZE

from napari_fclick.session import Place, Session, SessionError

PLANE = np.zeros((SIZE, SIZE), np.uint8)


def test_drafts_along_an_axis() -> None:
    labels = np.zeros((2, 5, SIZE, SIZE), np.int32)
    session = Session(PLANE, labels, Place((2, 3), (0, 3)))
    session.add(5, 5)
    session.show(Place((2, 3), (0, 1)), PLANE)
    session.add(6, 6)
    session.show(Place((2, 3), (1, 1)), PLANE)
    session.add(7, 7)
    session.show(Place((2, 3), (0, 2)), PLANE)
    assert [(i, d.clicks.first.y) for i, d in session.drafts_along(1).items()] == [(1, 6), (3, 5)]
    assert session.drafts_along(0) == {}
    with pytest.raises(SessionError, match=r"axis 2 is not one of .*\[0, 1\]"):
        session.drafts_along(2)
