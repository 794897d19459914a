"""Marks of absence go when the object that they belong to goes."""

from __future__ import annotations

import numpy as np
from tests.session.making import SIZE
from tests.session.test_stacks import PLANE, at, click, make_stack

from napari_fclick.session import Place, Session, accepting


def marked(session: Session, index: int) -> None:
    session.show(at(index), PLANE)
    session.mark_absent()


def test_marks_go_with_the_last_click_and_come_back() -> None:
    session = make_stack()
    click(session, 4)
    click(session, 5)
    marked(session, 7)
    marked(session, 2)
    session.show(at(5), PLANE)
    session.remove(0)
    assert session.drafts_along(0).keys() == {2, 4, 7}  # slice 4 has a click still
    session.show(at(4), PLANE)
    session.clear()
    assert session.drafts_along(0) == {}
    session.undo()
    assert session.drafts_along(0).keys() == {2, 4, 7}
    session.redo()
    assert session.drafts_along(0) == {}


def test_accepting_one_slice_takes_its_marks_along() -> None:
    session = make_stack()
    marked(session, 6)
    click(session, 4)
    accepting.accept(session)
    assert session.drafts_along(0) == {}
    session.undo()
    assert session.drafts_along(0).keys() == {4, 6}
    session.redo()
    click(session, 4, 40, 40)
    assert session.drafts_along(0).keys() == {4}


def test_marks_are_taken_back_one_by_one() -> None:
    session = make_stack()
    marked(session, 6)
    marked(session, 7)
    session.clear()
    assert session.drafts_along(0).keys() == {6}


def test_marks_of_objects_along_another_axis_stay() -> None:
    labels = np.zeros((3, 5, SIZE, SIZE), np.int32)
    session = Session(PLANE, labels, Place((2, 3), (0, 1)))
    for index in ((0, 1), (2, 3)):
        session.show(Place((2, 3), index), PLANE)
        session.add(20, 20)
    for index in ((0, 3), (1, 1), (1, 3)):
        session.show(Place((2, 3), index), PLANE)
        session.mark_absent()
    session.show(Place((2, 3), (0, 1)), PLANE)
    session.clear()
    indices = [(0, 1), (2, 3), (0, 3), (1, 1), (1, 3)]
    left = [index for index in indices if session.drafts.at(Place((2, 3), index)).begun]
    assert left == [(2, 3), (0, 3), (1, 3)]  # (0, 3) lies on a line with a click in (2, 3)
