"""Picking up, deleting, merging, renumbering and classifying objects."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.session.making import answer, check_object_1_is_refused, make, put
from tests.session.test_journal import recorded

from napari_fclick.core.clicks import ClickError
from napari_fclick.core.peaks import peak
from napari_fclick.session import Place, Session, SessionError, accepting, editing
from napari_fclick.session.journal import Journal
from napari_fclick.session.resuming import reopen
from napari_fclick.session.starting import start_from


def two_objects() -> Session:
    session = make()
    put(session, 20, 20)
    put(session, 40, 40)
    return session


def test_a_correction_keeps_all_pixels_of_an_object_that_was_there_before(tmp_path: Path) -> None:
    session = make()
    session.labels[20:40, 20:40] = 7
    _, recorder = recorded(tmp_path / "a.fclick", session)
    editing.pick_up(session, 30, 30)
    session.add(30, 42)
    answer(session)
    accepting.accept(session)
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick")) as journal:
        (target,) = reopen(journal).targets
        assert np.array_equal(target.labels == 7, session.labels == 7)


def test_a_merge_keeps_all_pixels_of_an_object_that_was_there_before(tmp_path: Path) -> None:
    session = make()
    session.labels[50:60, 2:6] = 7
    _, recorder = recorded(tmp_path / "a.fclick", session)
    editing.merge(session, put(session, 20, 20).label, 7)
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick")) as journal:
        (target,) = reopen(journal).targets
        assert np.array_equal(target.labels, session.labels)


def test_objects_of_other_labels_are_not_taken_for_those_here() -> None:
    session = two_objects()
    first = session.target
    other = np.zeros_like(session.labels)
    other[20:30, 20:30] = 1
    session.set_labels(other)
    before = dict(session.objects)
    message = "the number 1 is that of an object accepted into"
    check_object_1_is_refused(session, (25, 25), (1, 2), message)
    assert session.objects == before
    assert put(session, 50, 50).label == 3
    with pytest.raises(SessionError, match="the number 2 is taken"):
        editing.renumber(session, 3, 2)
    session.undo()
    session.set_labels(first)
    editing.delete(session, 1)
    session.undo()
    assert session.objects == before


def test_a_correction_is_written_where_it_was_begun() -> None:
    session = make()
    session.labels[20:40, 20:40] = 5
    first = session.target
    other = np.zeros_like(session.labels)
    other[5:15, 5:15] = 5
    editing.pick_up(session, 30, 30)
    session.add(30, 42)
    answer(session)
    session.set_labels(other)
    with pytest.raises(SessionError, match="object 5 is not where it was picked up"):
        accepting.accept(session)
    assert np.count_nonzero(other) == 100
    session.set_labels(first)
    assert accepting.accept(session).label == 5


def test_a_large_stack_is_not_read_through_for_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.zeros((3, 64, 64), np.int32)
    session = Session(np.zeros((64, 64)), labels, Place((1, 2), (0,)))
    put(session, 20, 20)
    put(session, 40, 40)
    editing.delete(session, 1)
    monkeypatch.setattr(editing, "READ_THROUGH", 100)
    with pytest.raises(SessionError, match="choose 3 or a higher one"):
        editing.renumber(session, 2, 1)
    editing.renumber(session, 2, 3)


def test_nothing_is_merged_into_an_object_that_is_being_corrected() -> None:
    session = two_objects()
    editing.pick_up(session, 42, 41)
    with pytest.raises(SessionError, match="object 2 is being corrected"):
        editing.merge(session, 1, 2)


def test_an_object_larger_than_any_window_is_not_picked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session = two_objects()
    monkeypatch.setattr(editing, "MAX_SIDE", 5)
    with pytest.raises(SessionError, match="at most 5 px can be corrected"):
        editing.pick_up(session, 42, 41)
    assert not session.clicks


def test_pick_up_begins_with_the_mask_and_a_click_in_its_middle() -> None:
    session = two_objects()
    before = session.labels.copy()
    assert editing.pick_up(session, 42, 41) == 2
    assert session.draft.label == 2
    assert [c.pixel for c in session.clicks] == [(40, 40)]
    assert not session.answers.pending  # the mask is there: nothing is to be predicted
    found = session.mask()
    assert found is not None
    assert np.count_nonzero(found.mask) == np.count_nonzero(before == 2)
    accepting.accept(session)
    assert np.array_equal(session.labels, before)
    assert session.objects[2].parts[0].start is not None


def test_the_next_click_goes_on_from_the_mask() -> None:
    session = two_objects()
    editing.pick_up(session, 40, 40)
    session.add(40, 46)
    request = session.answers.request()
    assert request is not None
    assert request.previous is not None
    assert request.previous.probability.max() == 1
    assert [a.clicks for a in request.trail] == [2]
    answer(session)
    record = accepting.accept(session)
    assert record.label == 2
    assert np.count_nonzero(session.labels == 2) == record.area > 81
    assert len(session.objects) == 2
    while session.can_undo:
        session.undo()
    assert not session.labels.any()


def test_a_moved_first_click_still_begins_with_the_mask() -> None:
    session = two_objects()
    editing.pick_up(session, 40, 40)
    session.move(0, 41, 41)
    request = session.answers.request()
    assert request is not None
    assert request.previous is not None


def test_an_object_of_several_pieces_keeps_them() -> None:
    session = make()
    session.labels[5:8, 5:8] = 7
    session.labels[50:60, 50:60] = 7
    assert editing.pick_up(session, 6, 6) == 7
    found = session.mask()
    assert found is not None
    assert np.count_nonzero(found.mask) == 9 + 100
    assert session.clicks.first.pixel in {(54, 54), (54, 55), (55, 54), (55, 55)}


def test_a_corrected_object_gives_up_what_it_had_elsewhere() -> None:
    session = make()
    session.labels[5:8, 5:8] = 7
    session.labels[50:60, 50:60] = 7
    editing.pick_up(session, 6, 6)
    session.add(50, 50)  # the disc about it is the whole answer
    session.remove(0)
    answer(session)
    accepting.accept(session)
    assert not session.labels[5:8, 5:8].any()
    session.undo()
    assert (session.labels[5:8, 5:8] == 7).all()


def test_pick_up_needs_an_object_and_an_empty_hand() -> None:
    session = two_objects()
    with pytest.raises(SessionError, match="no object to pick up"):
        editing.pick_up(session, 1, 1)
    with pytest.raises(ClickError, match="outside"):
        editing.pick_up(session, 1, 1000)
    session.add(5, 5)
    with pytest.raises(SessionError, match="accept or clear"):
        editing.pick_up(session, 20, 20)


@pytest.mark.parametrize(("number", "dtype"), [(-1, np.int32), (2**63, np.uint64)])
def test_what_has_no_number_of_an_object_is_not_picked_up(number: int, dtype: Any) -> None:
    session = make(dtype)
    session.labels[15:26, 15:26] = number
    with pytest.raises(SessionError, match=f"label {number} is not within 1 to"):
        editing.pick_up(session, 20, 20)
    assert not session.clicks


def test_delete_and_undo() -> None:
    session = two_objects()
    before = session.labels.copy()
    editing.delete(session, 1)
    assert set(np.unique(session.labels)) == {0, 2}
    assert list(session.objects) == [2]
    session.undo()
    assert np.array_equal(session.labels, before)
    assert set(session.objects) == {1, 2}
    session.redo()
    assert set(np.unique(session.labels)) == {0, 2}
    with pytest.raises(SessionError, match="no object 1"):
        editing.delete(session, 1)


def test_an_object_without_pixels_can_be_deleted(tmp_path: Path) -> None:
    session = make()
    _, recorder = recorded(tmp_path / "a.fclick", session)
    put(session, 20, 20)
    session.set(policy="replace")
    put(session, 22, 20, radius=9)
    assert not (session.labels == 1).any()
    editing.delete(session, 1)
    assert list(session.objects) == [2]
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick")) as journal:
        opened = reopen(journal)
    assert np.array_equal(opened.targets[0].labels, session.labels)
    assert list(opened.restored.objects) == [2]
    session.undo()
    assert list(session.objects) == [1, 2]


def test_merge() -> None:
    session = two_objects()
    pixels = np.count_nonzero(session.labels)
    made = sum(record.made for record in session.objects.values())
    editing.merge(session, 1, 2)
    assert np.count_nonzero(session.labels == 2) == pixels
    assert session.objects[2].area == pixels
    assert session.objects[2].made == made == 2
    assert list(session.objects) == [2]
    session.undo()
    assert {1, 2} == set(session.objects) == set(np.unique(session.labels)) - {0}
    with pytest.raises(SessionError, match="itself"):
        editing.merge(session, 1, 1)
    with pytest.raises(SessionError, match="no object 9"):
        editing.merge(session, 1, 9)


def test_merging_with_an_object_from_elsewhere_knows_all_of_it() -> None:
    session = make()
    session.labels[50:60, 2:6] = 7
    put(session, 20, 20)
    label = next(iter(session.objects))
    editing.merge(session, 7, label)
    record = session.objects[label]
    assert record.area == np.count_nonzero(session.labels == label) == 81 + 40
    assert record.box == (15, 2, 60, 26)
    session.undo()
    editing.merge(session, label, 7)
    assert session.objects[7].area == 81 + 40
    assert session.objects[7].box == (15, 2, 60, 26)


def test_renumber() -> None:
    session = two_objects()
    editing.renumber(session, 1, 9)
    assert set(session.objects) == set(np.unique(session.labels)) - {0} == {2, 9}
    assert session.objects[9].label == 9
    assert session.objects.next_label == 10
    session.undo()
    assert set(session.objects) == {1, 2}
    with pytest.raises(SessionError, match="taken"):
        editing.renumber(session, 1, 2)
    with pytest.raises(SessionError, match="not within 1 to"):
        editing.renumber(session, 1, 0)


def test_a_number_of_another_plane_is_taken() -> None:
    labels = np.zeros((3, 64, 64), np.int32)
    labels[2, 5, 5] = 7
    session = Session(np.zeros((64, 64)), labels, Place((1, 2), (0,)))
    put(session, 20, 20)
    with pytest.raises(SessionError, match="the number 7 is taken"):
        editing.renumber(session, 8, 7)
    editing.renumber(session, 8, 6)
    assert labels[0, 20, 20] == 6
    assert labels[2, 5, 5] == 7


def test_classify() -> None:
    session = two_objects()
    editing.classify(session, 1, "nucleus")
    assert session.objects[1].class_name == "nucleus"
    session.undo()
    assert session.objects[1].class_name == ""
    session.set(class_name="cell")
    assert put(session, 10, 50).class_name == "cell"
    with pytest.raises(SessionError, match="was not accepted"):
        editing.classify(session, 77, "cell")


def test_an_object_at_hand_cannot_be_deleted() -> None:
    session = two_objects()
    editing.pick_up(session, 20, 20)
    with pytest.raises(SessionError, match="being corrected"):
        editing.delete(session, 1)


def test_objects_of_several_planes() -> None:
    labels = np.zeros((3, 64, 64), np.int32)
    image = np.zeros((64, 64))
    session = Session(image, labels, Place((1, 2), (0,)))
    put(session, 20, 20)
    session.labels[1, 15:26, 15:26] = 1
    session.show(Place((1, 2), (1,)), image)
    editing.pick_up(session, 20, 20)
    accepting.accept(session)
    assert [part.place.index for part in session.objects[1].parts] == [(0,), (1,)]
    editing.delete(session, 1)
    assert not labels.any()
    session.undo()
    assert labels[0].any()
    assert labels[1].any()


def test_large_planes_are_searched_from_what_is_known(monkeypatch: Any) -> None:
    monkeypatch.setattr(editing, "WHOLE_PLANE", 100)
    monkeypatch.setattr(editing, "FIRST_LOOK", 8)
    session = make()
    session.labels[10:50, 20:23] = 4
    editing.pick_up(session, 12, 21)
    start = session.draft.start
    assert start is not None
    assert start.mask.box == (10, 20, 50, 23)
    assert start.mask.unpack().all()


def test_several_objects_are_deleted_in_one_step(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    for y, x in ((20, 20), (24, 27), (28, 20), (50, 50)):  # the boxes of three overlap
        put(session, y, x)
    before = session.labels.copy()
    editing.delete(session, 3, 1, 2)
    assert list(session.objects) == [4]
    assert np.array_equal(session.labels, np.where(before == 4, 4, 0))
    with closing(Journal.open(tmp_path / "a.fclick", read_only=True)) as journal:
        (target,) = reopen(journal).targets
        assert np.array_equal(target.labels, session.labels)
    session.undo()
    assert np.array_equal(session.labels, before)
    assert list(session.objects) == [1, 2, 3, 4]
    session.redo()
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick")) as journal:
        opened = reopen(journal)
        assert np.array_equal(opened.targets[0].labels, session.labels)
        assert list(opened.restored.objects) == [4]


def test_where_one_cannot_be_deleted_none_is() -> None:
    session = two_objects()
    before = session.labels.copy()
    with pytest.raises(SessionError, match="no object 9"):
        editing.delete(session, 1, 9)
    assert np.array_equal(session.labels, before)
    assert list(session.objects) == [1, 2]


def test_several_objects_get_a_class_in_one_step() -> None:
    session = two_objects()
    editing.classify(session, [1, 2], "cell")
    assert [record.class_name for record in session.objects.values()] == ["cell", "cell"]
    session.undo()
    assert [record.class_name for record in session.objects.values()] == ["", ""]


def test_the_middle_of_a_large_object_is_found_in_a_part_of_its_pixels(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[int] = []

    def counting(mask: Any) -> Any:
        looked_at.append(mask.size)
        return peak(mask)

    monkeypatch.setattr("napari_fclick.core.peaks.peak", counting)
    mask = np.zeros((2000, 1500), bool)
    mask[100:1900, 200:1400] = True
    start = start_from(mask, 10, 20)
    assert start is not None
    row, column = start.clicks.first.pixel
    assert looked_at == [looked_at[0]] and looked_at[0] < 300_000
    assert min(row - 10 - 100, 1900 - row + 10, column - 20 - 200, 1400 - column + 20) > 590
    thread = np.zeros((2000, 1500), bool)
    thread[1, :] = True  # nothing of it is left in every few pixels
    start = start_from(thread, 0, 0)
    assert start is not None and start.clicks.first.pixel[0] == 1


def test_slices_of_labels_from_elsewhere_stay_unless_accepted_or_on_show() -> None:
    labels = np.full((4, 64, 64), 7, np.int32)
    session = Session(np.zeros((64, 64)), labels, Place((1, 2), (1,)))
    editing.pick_up(session, 20, 20)
    accepting.accept(session)
    session.show(Place((1, 2), (2,)), session.image)
    editing.renumber(session, 7, 9)
    assert labels[:, 0, 0].tolist() == [7, 9, 9, 7]
    editing.delete(session, 9)
    assert labels[:, 0, 0].tolist() == [7, 0, 0, 7]
    session.undo()
    session.undo()
    assert (labels == 7).all()
