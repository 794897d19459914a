"""Marks of absence go when the object that they belong to goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.session.fakes import bare_target
from tests.session.making import SIZE
from tests.session.test_stacks import PLANE, at, click, make_stack, recorded, reopened

from napari_fclick.session import Place, Session, accepting, editing
from napari_fclick.session.recorder import Recorder


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


def clicks_along(session: Session) -> dict[int, int]:
    """How many clicks each slice has."""
    return {index: len(draft.clicks) for index, draft in session.drafts_along(0).items()}


def test_a_mark_that_is_taken_back_gives_back_the_clicks() -> None:
    session = make_stack()
    session.labels[6, 30:40, 30:40] = 7
    click(session, 4)
    session.show(at(6), PLANE)
    editing.pick_up(session, 35, 35)
    session.add(20, 20)
    before = session.draft
    session.mark_absent()
    session.mark_absent(False)
    taken_back = session.draft
    assert replace(taken_back, seconds=before.seconds) == before
    assert taken_back.label == 7 and taken_back.seconds > before.seconds
    session.undo()
    assert session.draft.absent
    session.redo()
    assert session.draft == taken_back
    session.mark_absent()
    session.undo()
    assert session.draft == taken_back


def test_a_mark_takes_back_what_it_took_the_place_of_and_nothing_older() -> None:
    session = make_stack()
    click(session, 4)
    click(session, 6)
    session.mark_absent()
    session.show(at(4), PLANE)
    session.clear()  # the mark goes along
    session.add(20, 20)
    marked(session, 6)
    session.mark_absent(False)
    assert clicks_along(session) == {4: 1}


def test_a_mark_in_a_file_gives_back_the_clicks_too(tmp_path: Path) -> None:
    session = make_stack()
    recorder = recorded(tmp_path / "a.fclick", session)
    click(session, 4)
    click(session, 6)
    session.add(25, 25)
    session.mark_absent()
    recorder.close()
    session, journal = reopened(tmp_path / "a.fclick")
    session.show(at(6), PLANE)
    recorder = Recorder(session, bare_target())
    recorder.go_on_in(journal)
    session.mark_absent(False)
    assert clicks_along(session) == {4: 1, 6: 2}
    recorder.close()
    session, journal = reopened(tmp_path / "a.fclick")
    assert clicks_along(session) == {4: 1, 6: 2}
    session.undo()
    assert session.drafts_along(0)[6].absent
    journal.close()
