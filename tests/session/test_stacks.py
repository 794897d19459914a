"""One object in the slices of a stack: absent, corrected where it was carried, accepted at once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.session.fakes import FakePredictor, bare_target, disc_prediction
from tests.session.making import SIZE, Clock, answer, mask_at, put

from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.labels import OverlapPolicy, make_patch
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.session import (
    Draft,
    Place,
    Session,
    SessionError,
    accepting,
    editing,
    stack_plan,
    stacks,
)
from napari_fclick.session.journal import Journal
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import reopen
from napari_fclick.session.signature import Signature
from napari_fclick.session.stack_chunks import joined
from napari_fclick.session.stack_plan import Stakes
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.starting import start_of
from napari_fclick.session.state import Start

PLANE = np.zeros((SIZE, SIZE), np.uint8)
DEPTH = 9
RUN = StackRun(0, rules={"empty": 2}, carry={"threshold": 0.6})


def at(index: int) -> Place:
    return Place((1, 2), (index,))


def make_stack(labels: Any = None, depth: int = DEPTH) -> Session:
    if labels is None:
        labels = np.zeros((depth, SIZE, SIZE), np.int32)
    return Session(PLANE, labels, at(4), clock=Clock())


def click(session: Session, index: int, y: float = 20, x: float = 20) -> None:
    session.show(at(index), PLANE)
    session.add(y, x)
    answer(session)


def disc(y: float = 20, x: float = 20, radius: float = 5) -> StoredMask:
    found = disc_prediction(PLANE, ClickSequence([Click(y, x)]), radius)
    rows, columns = found.window
    mask = StoredMask.pack(found.mask(), rows.start, columns.start)
    assert mask is not None
    return mask


def carried(index: int, mask: StoredMask | None = None, kind: Kind = Kind.CARRIED) -> SliceMask:
    return SliceMask(index, kind, mask or disc(), ClickSequence([Click(20, 20)]))


def known(session: Session, extra: Iterable[SliceMask] = ()) -> list[SliceMask]:
    """What a propagation would hold: the clicked slices as they are, and others."""
    made = []
    for index, draft in session.drafts_along(0).items():
        if draft.absent:
            made.append(SliceMask(index, Kind.ABSENT, None))
        else:
            mask = mask_at(session, session.place.moved(0, index))
            made.append(SliceMask(index, Kind.KEYFRAME, mask, draft.clicks))
    return [*made, *extra]


def planned(session: Session, slices: Iterable[SliceMask]) -> Stakes:
    """What accepting the slices would do; nothing is written."""
    return stack_plan.planned(stack_plan.gathered(session, slices, 0)).stakes


# --- what was clicked -------------------------------------------------------------------


def test_absent_is_a_step_and_a_click_takes_it_back() -> None:
    session = make_stack()
    session.add(5, 5)
    session.mark_absent()
    assert session.draft.absent
    assert not session.clicks
    assert list(session.drafts_along(0)) == [4]
    session.mark_absent()  # it is marked already
    with pytest.raises(SessionError, match="marked as not being here"):
        accepting.accept(session)
    assert session.answers.request() is None
    session.undo()
    assert session.clicks.first == Click(5, 5)
    session.redo()
    session.add(6, 6)
    assert not session.draft.absent
    session.undo()
    assert session.draft.absent
    session.clear()
    assert session.draft == Draft()
    session.undo()
    session.mark_absent(False)
    assert session.clicks == ClickSequence([Click(5, 5)])
    session.mark_absent(False)
    assert len(session.history.done) == 3


def test_a_carried_mask_is_corrected_in_one_step() -> None:
    session = make_stack()
    start = start_of(carried(4))
    stacks.correct_carried(session, start, 22, 22, positive=False)
    assert [c.positive for c in session.clicks] == [True, False]
    assert session.draft.made == 1
    request = session.answers.request()
    assert request is not None
    assert request.previous is not None  # the carried mask
    assert np.array_equal(request.previous.mask(0.5, integrity=False).sum(), 81)
    with pytest.raises(SessionError, match="clicks of its own"):
        stacks.correct_carried(session, start, 5, 5)
    session.undo()
    assert session.draft == Draft()
    assert not session.can_undo
    with pytest.raises(ClickError, match="outside the image"):
        stacks.correct_carried(session, start, SIZE, 5)
    stacks.begin_from(session, start)
    kept = session.mask()
    assert kept is not None
    assert np.count_nonzero(kept.mask) == 81  # without asking the network


def test_correcting_begins_with_a_click_on_the_mask() -> None:
    off = SliceMask(4, Kind.BETWEEN, disc(40, 40), ClickSequence([Click(20, 20)]))
    assert start_of(off).clicks == ClickSequence([Click(40, 40)])
    two = ClickSequence([Click(21, 20), Click(30, 30, False)])
    assert start_of(SliceMask(4, Kind.CARRIED, disc(), two)).clicks == two
    with pytest.raises(SessionError, match="slice 7: there is no mask"):
        start_of(SliceMask(7, Kind.ABSENT, None))


def test_answers_of_planes_that_are_not_on_show() -> None:
    session = make_stack()
    session.add(20, 20)
    session.show(at(6), PLANE)
    request = session.answers.request_at(at(4), PLANE)
    assert request is not None
    assert mask_at(session, at(4)) is None
    assert session.answers.request_at(at(6), PLANE) is None
    assert session.answers.receive(at(4), request, request.run(FakePredictor()))
    assert mask_at(session, at(4)) == disc()
    assert session.answers.request_at(at(4), PLANE) is None
    session.answers.forget()
    assert not session.answers.receive(at(4), request, request.run(FakePredictor()))
    assert mask_at(session, at(4)) is None
    again = session.answers.request_at(at(4), PLANE)
    session.show(at(4), PLANE)
    session.add(30, 30)
    assert again is not None
    assert not session.answers.receive(at(4), again, again.run(FakePredictor()))


def test_others_are_the_pixels_of_other_objects() -> None:
    session = make_stack()
    session.labels[3, :10, :10] = 2
    session.labels[3, 5:10, :10] = 3
    taken = stacks.others(session, 0)
    assert np.count_nonzero(taken(3, Box(0, 0, 8, 8))) == 64
    assert not taken(2, Box(0, 0, 8, 8)).any()
    session.show(at(3), PLANE)
    editing.pick_up(session, 2, 2)
    assert np.count_nonzero(stacks.others(session, 0)(3, Box(0, 0, 8, 8))) == 24
    with pytest.raises(SessionError, match="no labels"):
        stacks.others(Session(PLANE, place=at(4)), 0)


# --- accepting --------------------------------------------------------------------------


def test_all_slices_are_one_step() -> None:
    session = make_stack()
    put(session, 50, 50)
    click(session, 2)
    click(session, 5)
    session.show(at(7), PLANE)
    session.mark_absent()
    before = session.labels.copy()
    slices = known(session, [carried(3), carried(4, kind=Kind.BETWEEN), carried(6)])
    drafts = session.drafts_along(0)
    said: list[str] = []
    session.reported.connect(said.append)
    record = stacks.accept(session, slices, RUN)
    assert said == [f"object 2: {81 * 5} voxels in 5 slices"]
    assert record.label == 2
    assert [(session.labels[i] == 2).sum() for i in range(DEPTH)] == [
        0,
        0,
        81,
        81,
        81,
        81,
        81,
        0,
        0,
    ]
    assert {part.place.index[0]: part.kind for part in record.parts} == {
        2: "keyframe", 3: "carried", 4: "between", 5: "keyframe", 6: "carried",
    }  # fmt: skip
    assert record.parts[-1].by_person
    assert record.area == 405
    assert record.made == 2
    assert session.drafts_along(0) == {}
    commit = session.history.done[-1].commit
    assert commit is not None
    assert commit.stack is not None
    assert (commit.stack.slices, commit.stack.absent) == ((2, 3, 4, 5, 6), (7,))
    assert [part.place.index[0] for part in commit.parts] == [2, 3, 4, 5, 6]
    step = session.undo()
    assert step is not None
    assert step.name == "accept object 2 in 5 slices"
    assert np.array_equal(session.labels, before)
    assert session.drafts_along(0) == drafts
    assert list(session.objects) == [1]
    session.redo()
    assert session.drafts_along(0) == {}
    assert session.objects[2] == record


def test_answers_and_derived_clicks_are_noted() -> None:
    session = make_stack()
    click(session, 2)
    session.show(at(4), PLANE)
    stacks.correct_carried(session, start_of(carried(4)), 24, 24)
    answer(session)
    record = stacks.accept(session, known(session, [carried(3)]), RUN)
    parts = {part.place.index[0]: part for part in record.parts}
    assert [answer.clicks for answer in parts[4].answers] == [2]
    assert [parts[4].derived(each) for each in parts[4].clicks] == [True, False]
    assert [parts[3].derived(each) for each in parts[3].clicks] == [True]
    assert [parts[2].derived(each) for each in parts[2].clicks] == [False]
    assert isinstance(parts[4].start, Start)


@pytest.mark.parametrize("policy", ["keep", "replace", "background"])
def test_what_is_at_stake_is_told_and_true(policy: str) -> None:
    session = make_stack()
    session.labels[3, 10:20, 10:30] = 7
    session.labels[4, 20:30, 10:30] = 8
    session.set(policy=policy)
    click(session, 2)
    slices = known(session, [carried(3), carried(4)])
    told = stacks.foresee(session, slices, 0)
    before = session.labels.copy()
    plan = planned(session, slices)
    assert np.array_equal(before, session.labels)
    assert told is None  # no number is known yet
    assert session.objects.next_label == 9
    told = stacks.foresee(session, slices, 0)
    assert told is not None
    assert told() == plan
    stacks.accept(session, slices, RUN)
    lost = {n: int((before == n).sum() - (session.labels == n).sum()) for n in (7, 8)}
    touched = {7: 35, 8: 46}
    assert lost == (touched if policy == "replace" else {7: 0, 8: 0})
    assert plan.overwritten == (touched if policy == "replace" else {})
    assert plan.withheld == ({} if policy == "replace" else touched)
    assert plan.written == (session.labels == 9).sum()
    assert plan.slices == 3


def test_what_is_taken_from_accepted_objects_is_theirs_no_more() -> None:
    session = make_stack()
    click(session, 2)
    stacks.accept(session, known(session, [carried(3), carried(4)]), RUN)
    session.set(policy="replace")
    click(session, 3)
    stacks.accept(session, known(session, [carried(4, disc(20, 20, 2)), carried(5)]), RUN)
    parts = session.objects[1].parts
    areas = {part.place.index[0]: part.area for part in parts}
    assert areas == {2: 81, 3: 0, 4: 68} == {n: (session.labels[n] == 1).sum() for n in areas}
    session.undo()
    assert {part.area for part in session.objects[1].parts} == {81}


def test_what_is_refused_and_writes_nothing() -> None:
    session = make_stack()
    with pytest.raises(SessionError, match="click on the object in a slice"):
        stacks.accept(session, [carried(3)], RUN)
    click(session, 4)
    slices = known(session)
    assert stacks.foresee(session, [carried(3)], 0) is None
    session.add(21, 21)
    answer(session)
    with pytest.raises(SessionError, match="slice 4 is not as it was"):
        stacks.accept(session, slices, RUN)
    session.undo()
    click(session, 6)
    with pytest.raises(SessionError, match="slice 6 is not as it was"):
        stacks.accept(session, slices, RUN)
    session.clear()
    session.mark_absent()
    with pytest.raises(SessionError, match="slice 6 is not as it was"):
        stacks.accept(session, [*slices, carried(6)], RUN)
    with pytest.raises(SessionError, match="slice 9: the labels have slices 0 to 8"):
        stacks.accept(session, [*slices, carried(9)], RUN)
    session.labels[4] = 3
    session.target.forget()  # type: ignore[union-attr]
    with pytest.raises(SessionError, match="all its pixels belong to object 3"):
        stacks.accept(session, slices, RUN)
    session.set_labels(None)
    with pytest.raises(SessionError, match="choose a Labels layer"):
        stacks.accept(session, slices, RUN)


def test_a_clicked_slice_that_others_keep_is_remembered() -> None:
    session = make_stack()
    session.labels[4] = 3
    click(session, 4)
    record = stacks.accept(session, known(session, [carried(5), carried(6)]), RUN)
    assert [(p.place.index[0], p.area) for p in record.parts] == [(5, 81), (6, 81), (4, 0)]
    session.labels[5] = 0
    assert session.history.done[-1].name == f"accept object {record.label} in 2 slices"


def test_a_number_taken_behind_our_back() -> None:
    session = make_stack()
    assert session.objects.next_label == 1
    session.labels[5, 18:22, 18:22] = 1
    click(session, 4)
    assert stacks.accept(session, known(session, [carried(5)]), RUN).label == 2


class FullDisk:
    """Labels of which, from some time on, no more can be written."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.array = np.zeros(shape, np.int32)
        self.shape, self.dtype = self.array.shape, self.array.dtype
        self.left = 10**6

    def __getitem__(self, where: Any) -> Any:
        return self.array[where]

    def __setitem__(self, where: Any, value: Any) -> None:
        self.left -= 1
        if self.left == 0:
            # The first chunk of the region was written.
            self.array[where][:3] = np.asarray(value)[:3]
            raise OSError("no space left on device")
        self.array[where] = value


def test_a_full_disk_leaves_nothing_half_done() -> None:
    labels = FullDisk((DEPTH, SIZE, SIZE))
    session = make_stack(labels)
    click(session, 4)
    slices = known(session, [carried(i) for i in (2, 3, 5, 6)])
    labels.left = 3
    with pytest.raises(SessionError, match="cannot be written: no space left"):
        stacks.accept(session, slices, RUN)
    assert not labels.array.any()
    assert list(session.drafts_along(0)) == [4]
    assert not session.objects
    labels.left = 10**6
    stacks.accept(session, slices, RUN)
    written = labels.array.copy()
    labels.array[4, 20, 20] = 50  # by a brush
    labels.left = 4
    with pytest.raises(SessionError, match="no space left"):
        session.undo()
    written[4, 20, 20] = 50
    assert np.array_equal(labels.array, written)
    session.undo()
    assert labels.array[4, 20, 20] == 50
    assert np.count_nonzero(labels.array) == 1


class Chunked:
    """Labels whose chunks have several slices; it counts what is written into and read."""

    def __init__(self, array: Any, chunks: tuple[int, ...]) -> None:
        self.array, self.chunks, self.writes, self.most_read = array, chunks, 0, 0
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, where: Any) -> Any:
        found = self.array[where]
        self.most_read = max(self.most_read, found.size)
        return found

    def __setitem__(self, where: Any, value: Any) -> None:
        self.writes += 1
        self.array[where] = value


def shrunk_and_grown(session: Session) -> None:
    """Accept an object over others, and again in other slices, with one that it is gone from."""
    session.labels[3, 18:40, 18:40] = 7
    session.labels[5, 22:23, :] = 8
    session.set(policy="replace")
    accepted(session)
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 20)
    session.show(at(5), PLANE)
    session.mark_absent()
    session.show(at(4), PLANE)
    moved = [carried(3, disc(24, 30)), carried(2, disc(20, 20, 2)), carried(1, disc(12, 50, 3))]
    stacks.accept(session, known(session, moved), RUN)


def test_slices_of_a_chunk_are_written_at_once(tmp_path: Path) -> None:
    made = []
    for chunks in ((1, SIZE, SIZE), (4, SIZE, SIZE)):
        array = np.zeros((DEPTH, SIZE, SIZE), np.int32)
        labels = Chunked(array, chunks)
        session = make_stack(labels)
        recorder = recorded(tmp_path / f"{chunks[0]}.fclick", session)
        states = []
        shrunk_and_grown(session)
        for _ in range(6):
            states.append(array.copy())
            session.undo()
        for _ in range(6):
            session.redo()
        states.append(array.copy())
        recorder.close()
        again, journal = reopened(tmp_path / f"{chunks[0]}.fclick")
        states.append(np.asarray(again.labels).copy())
        assert again.objects == session.objects
        journal.close()
        made.append((states, labels.writes))
    (one, often), (other, seldom) = made
    assert all(np.array_equal(a, b) for a, b in zip(one[:-1], other[:-1], strict=True))
    assert np.array_equal(one[-1] == 9, other[-1] == 9)
    assert seldom < often / 2


def test_joined_patches_lie_along_any_axis() -> None:
    array = np.arange(2 * 5 * 6 * 7).reshape(2, 5, 6, 7)
    labels = Chunked(array.copy(), (1, 5, 6, 3))
    place = Place((1, 2), (1, 0))  # rows and columns before the axis of the slices
    patches = []
    for index, top in ((3, 0), (5, 2)):
        where = place.moved(3, index).where(slice(top, top + 3), slice(1, 4))
        patches.append(make_patch(array, np.ones((3, 3), bool), where, 9, OverlapPolicy.REPLACE))
    joined(labels, 3, patches).apply(labels)
    for patch in patches:
        patch.apply(array)
    assert np.array_equal(labels.array, array)
    assert labels.writes == 1


def test_a_file_knows_slices_between_those_that_it_is_removed_from(tmp_path: Path) -> None:
    array = np.zeros((DEPTH, SIZE, SIZE), np.int32)
    session = make_stack(Chunked(array, (4, SIZE, SIZE)))
    recorder = recorded(tmp_path / "a.fclick", session)
    accepted(session, range(7), 5)
    for index in (1, 5):
        session.show(at(index), PLANE)
        editing.pick_up(session, 20, 20)
    for index in (0, 3):
        session.show(at(index), PLANE)
        session.mark_absent()
    moved = [carried(2, disc(24, 30)), carried(4), carried(6)]
    stacks.accept(session, known(session, moved), RUN)
    recorder.close()
    assert np.flatnonzero(array.any((1, 2))).tolist() == [1, 2, 4, 5, 6]
    again, journal = reopened(tmp_path / "a.fclick")
    assert np.array_equal(np.asarray(again.labels), array)
    journal.close()


def test_slices_in_which_an_object_lies_far_apart_are_not_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stack_plan, "TOGETHER", 1000)
    labels = Chunked(np.zeros((DEPTH, SIZE, SIZE), np.int32), (DEPTH, SIZE, SIZE))
    session = Session(PLANE, labels, at(4), highest=0)
    click(session, 4)
    places = {3: (26, 26), 5: (26, 50), 6: (50, 50)}
    moved = [carried(index, disc(*place, 3)) for index, place in places.items()]
    stacks.accept(session, known(session, moved), RUN)
    assert all(labels.array[index][place] == 1 for index, place in places.items())
    assert labels.most_read <= 1000


# --- objects that are there already -----------------------------------------------------


def accepted(session: Session, indices: Iterable[int] = range(2, 7), keyframe: int = 4) -> int:
    click(session, keyframe)
    rest = [carried(index) for index in indices if index != keyframe]
    return stacks.accept(session, known(session, rest), RUN).label


def test_an_object_is_carried_anew() -> None:
    session = make_stack()
    label = accepted(session)
    session.show(at(3), PLANE)
    editing.pick_up(session, 20, 20)
    session.show(at(6), PLANE)
    session.mark_absent()
    session.show(at(3), PLANE)
    smaller = [carried(5, disc(20, 20, 2)), carried(7, disc(20, 20, 2))]
    record = stacks.accept(session, known(session, smaller), RUN)
    assert record.label == label
    found = [int((session.labels[i] == label).sum()) for i in range(DEPTH)]
    assert found == [0, 0, 81, 81, 81, 13, 0, 13, 0]
    assert sorted(part.place.index[0] for part in record.parts) == [2, 3, 4, 5, 7]
    assert list(session.objects) == [label]
    session.undo()
    assert [int((session.labels[i] == label).sum()) for i in range(2, 7)] == [81] * 5


@pytest.mark.parametrize("from_file", [False, True])
def test_of_large_planes_no_more_is_read_than_is_about_the_object(
    monkeypatch: pytest.MonkeyPatch, from_file: bool
) -> None:
    for name, value in (("WHOLE_PLANE", 1000), ("FIRST_LOOK", 16), ("ABOUT", 4)):
        monkeypatch.setattr(editing, name, value)
    labels = Chunked(np.zeros((DEPTH, SIZE, SIZE), np.int32), (1, SIZE, SIZE))
    session = Session(PLANE, labels, at(4), highest=1, clock=Clock())
    if from_file:
        labels.array[2:7, 15:25, 15:25] = label = 1
    else:
        label = accepted(session)
    for index in (4, 6):
        session.show(at(index), PLANE)
        editing.pick_up(session, 20, 20)
    session.mark_absent()
    session.show(at(8), PLANE)
    session.mark_absent()
    labels.most_read = 0
    stacks.accept(session, known(session, [carried(3), carried(5)]), RUN)
    assert np.flatnonzero((labels.array == label).any((1, 2))).tolist() == [2, 3, 4, 5]
    assert labels.most_read < SIZE * SIZE


def test_a_slice_in_which_others_keep_all_of_it_is_none_of_its_own(tmp_path: Path) -> None:
    session = make_stack()
    recorder = recorded(tmp_path / "a.fclick", session)
    label = accepted(session)
    session.labels[3, 40:60, 40:60] = 7
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 20)
    record = stacks.accept(session, known(session, [carried(3, disc(50, 50))]), RUN)
    assert not (session.labels[3] == label).any()
    assert record.part(at(3)) is None
    assert record.area == np.count_nonzero(session.labels == label)
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    assert again.objects == session.objects
    journal.close()
    session.undo()
    assert session.objects[label].area == np.count_nonzero(session.labels == label)


def test_slices_of_an_object_that_was_not_accepted_here_shrink() -> None:
    session = make_stack()
    session.labels[3:6, 10:30, 10:30] = 5
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 20)
    stacks.accept(session, known(session, [carried(5)]), RUN)
    assert [int((session.labels[i] == 5).sum()) for i in (3, 4, 5)] == [400, 400, 81]


def test_a_correction_is_written_where_it_was_begun() -> None:
    session = make_stack()
    session.labels[3:6, 10:30, 10:30] = 5
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 20)
    slices = known(session, [carried(5)])
    other = np.zeros_like(session.labels)
    other[4, 40:50, 40:50] = 5
    session.set_labels(other)
    with pytest.raises(SessionError, match="object 5 is not where it was picked up"):
        stacks.accept(session, slices, RUN)
    assert np.count_nonzero(other) == 100


def test_two_objects_cannot_be_corrected_as_one() -> None:
    session = make_stack()
    session.labels[3, 10:30, 10:30] = 5
    session.labels[4, 10:30, 10:30] = 6
    for index in (3, 4):
        session.show(at(index), PLANE)
        editing.pick_up(session, 20, 20)
    with pytest.raises(SessionError, match=r"different objects \(5, 6\)"):
        stacks.accept(session, known(session), RUN)
    session.show(at(8), PLANE)
    with pytest.raises(SessionError, match="being corrected"):
        editing.delete(session, 5)


def test_objects_in_stacks_are_edited_as_others_are() -> None:
    session = make_stack()
    first = accepted(session)
    second = accepted(session, range(6, 9), 8)
    editing.classify(session, first, "tube")
    editing.renumber(session, second, 30)
    assert (session.labels == 30).sum() == 81 * 2  # in slice 6 the first one keeps its pixels
    editing.merge(session, 30, first)
    assert (session.labels == first).sum() == 81 * 7
    assert session.objects[first].class_name == "tube"
    editing.delete(session, first)
    assert not session.labels.any()
    while session.can_undo:
        session.undo()
    assert not session.labels.any()
    while session.can_redo:
        session.redo()
    assert not session.objects


# --- in a file --------------------------------------------------------------------------


def recorded(path: Path, session: Session) -> Recorder:
    recorder = Recorder(session, bare_target())
    image = Signature.of(np.zeros(session.labels.shape, np.uint8), sample=False)
    recorder.begin_at(lambda: Journal.create(path, image))
    return recorder


def reopened(path: Path) -> tuple[Session, Journal]:
    journal = Journal.open(path)
    opened = reopen(journal)
    session = Session(PLANE, place=opened.restored.place or at(4))
    if opened.targets:
        session.set_labels(opened.targets[0])
    session.take_over(opened.restored)
    return session, journal


def test_a_stack_goes_on_where_it_ended(tmp_path: Path) -> None:
    session = make_stack()
    recorder = recorded(tmp_path / "a.fclick", session)
    label = accepted(session)
    click(session, 1, 40, 40)
    session.show(at(2), PLANE)
    stacks.correct_carried(session, Start(ClickSequence([Click(40, 40)]), disc(40, 40)), 45, 45)
    session.show(at(3), PLANE)
    session.mark_absent()
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    assert again.drafts_along(0).keys() == {1, 2, 3}
    for index, draft in session.drafts_along(0).items():
        found = again.drafts.at(at(index))
        assert (found.clicks, found.start, found.absent) == (
            draft.clicks,
            draft.start,
            draft.absent,
        )
    assert again.objects[label].parts == session.objects[label].parts
    one, other = (each.history.done[1].commit for each in (session, again))
    assert one is not None
    assert other is not None
    assert one.stack == other.stack
    for _ in range(4):
        session.undo()
        again.undo()
    assert not again.labels.any()
    assert list(again.drafts_along(0)) == [4]
    assert again.drafts.at(at(4)).clicks == session.drafts.at(at(4)).clicks
    again.redo()
    assert again.objects[label].area == 81 * 5
    assert again.drafts_along(0) == {}
    journal.close()


def test_slices_that_stay_as_they_were_are_in_the_file(tmp_path: Path) -> None:
    session = make_stack()
    mask, box = disc().unpack(), disc().box
    session.labels[3:6, box.top : box.bottom, box.left : box.right] = mask * 5
    recorder = recorded(tmp_path / "a.fclick", session)
    session.show(at(4), PLANE)
    editing.pick_up(session, 20, 20)
    stacks.accept(session, known(session, [carried(3), carried(5)]), RUN)
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    assert np.array_equal(again.labels, session.labels)
    journal.close()


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    session = make_stack()
    recorder = recorded(tmp_path / "a.fclick", session)
    click(session, 4, np.int64(20), np.float32(20))
    box = Box(*(np.int64(n) for n in disc().box))
    mask = StoredMask(box, disc().bits)
    stacks.accept(session, known(session, [carried(5, mask)]), RUN)
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    assert again.objects == session.objects
    journal.close()


def test_hundreds_of_slices_are_fast_and_small(tmp_path: Path) -> None:
    depth = 500
    session = make_stack(np.zeros((depth, SIZE, SIZE), np.int32), depth)
    path = tmp_path / "a.fclick"
    recorder = recorded(path, session)
    click(session, 250)
    slices = known(session, [carried(i) for i in range(depth) if i != 250])
    began = time.process_time()
    stacks.accept(session, slices, RUN)
    assert time.process_time() - began < 1  # 0.3 s; it was seconds where it grew with the square
    journal = recorder.journal
    assert journal is not None

    def size() -> int:
        pages, page = (
            journal._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "page_size")
        )
        return int(pages * page)

    first = size()
    assert first < 400_000
    for name in ("a", "b", "c", "d"):
        editing.classify(session, 1, name)
    assert size() - first < 40_000
    recorder.close()
