"""The session file: what goes in comes out, whatever happens on the way."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.session.fakes import bare_target
from tests.session.making import SIZE, answer, make, put

from napari_fclick.session import NumberedLabels, Session, SessionError, accepting, access, editing
from napari_fclick.session.journal import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    DamagedError,
    Journal,
    JournalError,
)
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import check_image, reopen
from napari_fclick.session.signature import Channels, Signature

IMAGE = np.zeros((SIZE, SIZE), np.uint8)


def recorded(path: Path, session: Session | None = None) -> tuple[Session, Recorder]:
    session = make() if session is None else session
    recorder = Recorder(session, bare_target())
    recorder.begin_at(lambda: Journal.create(path, Signature.of(IMAGE)))
    return session, recorder


def reopened(path: Path) -> tuple[Session, Journal]:
    journal = Journal.open(path)
    opened = reopen(journal)
    session = Session(IMAGE)
    if opened.targets:
        session.set_labels(opened.targets[0])
    session.take_over(opened.restored)
    return session, journal


def same(one: Session, other: Session) -> None:
    labels = np.zeros((SIZE, SIZE), np.int32) if other.labels is None else other.labels
    assert np.array_equal(one.labels, labels)
    assert one.clicks == other.clicks
    assert one.settings == other.settings
    assert one.draft.label == other.draft.label
    assert list(one.objects) == list(other.objects)
    for label, record in one.objects.items():
        assert record.parts == other.objects[label].parts
        assert record.class_name == other.objects[label].class_name
    assert one.can_undo == other.can_undo
    assert one.can_redo == other.can_redo


def test_a_session_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.fclick"
    session, recorder = recorded(path)
    assert not path.exists()  # nothing was done yet
    put(session, 20, 20)
    put(session, 40, 40)
    session.undo()
    session.set(threshold=0.4, class_name="cell")
    session.add(30, 50)
    session.add(31, 52, positive=False)
    recorder.close()
    again, journal = reopened(path)
    same(session, again)
    assert again.settings.class_name == "cell"
    journal.close()
    assert [p.name for p in path.parent.iterdir()] == ["a.fclick"]


def test_undo_runs_on_after_reopening(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    for i in range(6):
        put(session, 8 + 8 * i, 30)
    editing.merge(session, 1, 2)
    editing.delete(session, 6)
    session.undo()
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    again.redo()
    session.redo()
    same(session, again)
    while session.can_undo:
        session.undo()
        again.undo()
        same(session, again)
    while session.can_redo:
        session.redo()
        again.redo()
    same(session, again)
    journal.close()


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["put", "add", "undo", "redo", "pick", "delete", "merge", "renumber", "set", "clear"]
        ),
        st.integers(6, SIZE - 7),
        st.integers(6, SIZE - 7),
    ),
    min_size=1,
    max_size=25,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(actions=ACTIONS, reopen_after=st.integers(0, 25))
def test_whatever_was_done_comes_back(
    tmp_path: Path, actions: list[tuple[str, int, int]], reopen_after: int
) -> None:
    path = tmp_path / "a.fclick"
    path.unlink(missing_ok=True)
    session, recorder = recorded(path)
    for number, (name, y, x) in enumerate(actions):
        if number == reopen_after and path.exists():
            recorder.close()
            session, journal = reopened(path)
            if session.target is None:
                session.set_labels(np.zeros((SIZE, SIZE), np.int32))
            recorder = Recorder(session, bare_target())
            recorder.go_on_in(journal)
        try:
            act(session, name, y, x)
        except ValueError:
            continue
    recorder.close()
    if path.exists():
        again, journal = reopened(path)
        same(session, again)
        journal.close()


def ensure_answer(session: Session) -> None:
    if session.answers.pending:
        answer(session, 6)


def act(session: Session, name: str, y: int, x: int) -> None:
    numbers = sorted(session.objects)
    match name:
        case "put":
            session.clear()
            session.add(y, x)
            ensure_answer(session)
            accepting.accept(session)
        case "add":
            session.add(y, x, bool(y % 3))
            ensure_answer(session)
        case "pick":
            editing.pick_up(session, y, x)
        case "delete":
            editing.delete(session, numbers[0] if numbers else 1)
        case "merge":
            editing.merge(session, *(numbers[:2] if len(numbers) > 1 else (1, 2)))
        case "renumber":
            editing.renumber(session, numbers[0] if numbers else 1, y)
        case "set":
            session.set(threshold=y / SIZE, policy=["keep", "replace", "background"][x % 3])
        case _:
            getattr(session, name)()


def test_what_was_there_before_comes_back_with_what_touched_it(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    session.labels[10:30, 10:30] = 5
    session.set(policy="replace")
    put(session, 28, 28)
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    again.undo()
    region = again.labels[23:34, 23:34]
    assert np.array_equal(region == 5, session.labels[23:34, 23:34] * 0 + _square()[23:34, 23:34])
    journal.close()


def _square() -> Any:
    square = np.zeros((SIZE, SIZE), np.int32)
    square[10:30, 10:30] = 1
    return square


def test_labels_that_hold_it_already_are_left_as_they_are(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    put(session, 20, 20)
    recorder.close()
    saved = session.labels.copy()
    saved[20, 20] = 9  # painted since
    journal = Journal.open(tmp_path / "a.fclick")
    opened = reopen(journal, [saved])
    assert opened.conflicts == 1
    assert saved[20, 20] == 9
    assert np.count_nonzero(saved == 1) == 80
    with pytest.raises(JournalError, match="shape"):
        reopen(journal, [np.zeros((3, 3), int)])
    journal.close()


def test_labels_converted_to_another_dtype_keep_their_numbers(tmp_path: Path) -> None:
    session = make(np.uint8, highest=254)
    _, recorder = recorded(tmp_path / "a.fclick", session)
    put(session, 10, 10)
    with pytest.raises(SessionError, match="choose others, such as of a wider dtype"):
        put(session, 30, 30)
    loaded = session.labels.copy()
    assert session.target is not None
    session.target.labels = session.labels.astype(np.int32)  # as napari converts a layer's data
    accepting.accept(session)
    put(session, 50, 50)
    recorder.close()
    with closing(Journal.open(tmp_path / "a.fclick")) as journal:
        (target,) = reopen(journal).targets
        assert np.array_equal(target.labels, session.labels)
        with pytest.raises(JournalError, match="cannot hold object 257: convert them to int32"):
            reopen(journal, [loaded])
        assert set(np.unique(loaded)) == {0, 255}
    # Nor does undo or redo write a number that has become another.
    session.undo()
    session.target.labels = session.labels.astype(np.uint8)
    with pytest.raises(ValueError, match="label 257 is not within 1 to 255"):
        session.redo()


def test_a_number_that_no_file_can_hold_is_not_given(tmp_path: Path) -> None:
    session = make(np.uint64, highest=2**63 - 2)
    _, recorder = recorded(tmp_path / "a.fclick", session)
    put(session, 10, 10)
    with pytest.raises(SessionError, match="label 9223372036854775808 is not within 1 to"):
        put(session, 30, 30)
    assert recorder.waiting == 0
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    same(session, again)
    journal.close()


def test_another_image_is_refused(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    session.add(5, 5)
    assert recorder.journal is not None
    journal = recorder.journal
    check_image(journal, Signature.of(IMAGE))
    other = Signature.of(IMAGE + 1)
    with pytest.raises(JournalError, match="pixels are not the same"):
        check_image(journal, other)
    check_image(journal, other, insist=True)
    for wrong in (Signature.of(IMAGE[1:]), Signature.of(IMAGE.astype(float))):
        with pytest.raises(JournalError, match="another image"):
            check_image(journal, wrong)
    with pytest.raises(JournalError, match="its shape is"):
        check_image(journal, Signature.of(IMAGE[1:]), insist=True)
    recorder.close()


def test_a_second_window_reads_only(tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    put(session, 20, 20)
    second = Journal.open(path)
    assert second.read_only
    assert np.array_equal(reopen(second).targets[0].labels, session.labels)
    with pytest.raises(JournalError, match="read-only"):
        second.set_about("key", "value")
    put(session, 40, 40)
    assert recorder.waiting == 0
    second.close()
    recorder.close()
    third = Journal.open(path)
    assert not third.read_only
    third.close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    said: list[str] = []
    recorder.failed.connect(said.append)
    recorder.recovered.connect(lambda: said.append("recovered"))
    put(session, 20, 20)
    journal = recorder.journal
    assert journal is not None
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")
    rng = np.random.default_rng(0)
    session.labels[30:60, :] = rng.integers(5, 2**30, (30, SIZE))  # does not compress
    session.set(policy="replace")
    put(session, 45, 20, 14)
    put(session, 45, 45, 14)
    assert recorder.waiting > 0
    assert len(said) == 1
    assert "full" in said[0]
    assert list(session.objects) == [1, 2, 3]
    with pytest.raises(JournalError, match="full"):
        journal.set_about("much", "x" * 10**6)
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert recorder.flush()
    assert recorder.waiting == 0
    assert said[1:] == ["recovered"]
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    assert list(again.objects) == list(session.objects)
    for label in session.objects:
        assert np.array_equal(again.labels == label, session.labels == label)
    journal.close()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("no folder")
    session, recorder = recorded(blocker / "a.fclick")
    said: list[str] = []
    recorder.failed.connect(said.append)
    put(session, 20, 20)
    assert len(said) == 1
    assert "cannot be written" in said[0]
    assert session.labels.any()
    recorder.begin_at(lambda: Journal.create(tmp_path / "b.fclick", Signature.of(IMAGE)))
    assert recorder.waiting == 0
    recorder.close()
    again, journal = reopened(tmp_path / "b.fclick")
    same(session, again)
    journal.close()


def test_save_as_goes_on_in_the_copy(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    with pytest.raises(JournalError, match="nothing to save"):
        recorder.save_as(tmp_path / "b.fclick")
    put(session, 20, 20)
    with pytest.raises(JournalError, match="end in"):
        recorder.save_as(tmp_path / "b.txt")
    recorder.save_as(tmp_path / "b.fclick")
    put(session, 40, 40)
    recorder.close()
    again, journal = reopened(tmp_path / "b.fclick")
    same(session, again)
    assert len(journal.targets) == 1
    journal.close()
    first, journal = reopened(tmp_path / "a.fclick")
    assert list(first.objects) == [1]
    journal.close()


def test_save_as_where_the_own_file_has_vanished(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    put(session, 20, 20)
    with pytest.raises(JournalError, match="this session's file already"):
        recorder.save_as(tmp_path / "a.fclick")
    Journal.create(tmp_path / "b.fclick", Signature.of(IMAGE)).close()
    (tmp_path / "a.fclick").unlink()
    recorder.save_as(tmp_path / "b.fclick")
    put(session, 40, 40)
    recorder.close()
    again, journal = reopened(tmp_path / "b.fclick")
    same(session, again)
    journal.close()


def test_a_file_that_was_deleted_while_it_was_open_is_told_of(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    said: list[str] = []
    recorder.failed.connect(said.append)
    put(session, 20, 20)
    for path in tmp_path.glob("a.fclick*"):
        path.unlink()
    put(session, 40, 40)
    assert [text for text in said if "is gone" in text] == said != []
    assert recorder.waiting == 2
    recorder.save_as(tmp_path / "b.fclick")
    recorder.close()
    again, journal = reopened(tmp_path / "b.fclick")
    same(session, again)
    journal.close()


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no file"):
        Journal.open(tmp_path / "none.fclick")
    text = tmp_path / "text.fclick"
    text.write_text("hello, this is not a database at all" * 100)
    with pytest.raises(JournalError, match="cannot be read"):
        Journal.open(text)
    foreign = tmp_path / "foreign.fclick"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(JournalError, match="no napari-fclick session"):
        Journal.open(foreign)
    with pytest.raises(JournalError, match="there already"):
        Journal.create(foreign, Signature.of(IMAGE))
    with sqlite3.connect(foreign) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    with pytest.raises(DamagedError, match="no schema version"):
        Journal.open(foreign)
    with pytest.raises(JournalError, match="end in"):
        Journal.create(tmp_path / "a.db", Signature.of(IMAGE))


@pytest.mark.parametrize(("version", "which"), [(3, "an earlier"), (99, "a newer")])
def test_files_of_other_versions_are_refused_and_left_as_they_are(
    tmp_path: Path, version: int, which: str
) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    put(session, 20, 20)
    recorder.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    message = f"by {which} version .*schema {version}; this one reads schema {SCHEMA_VERSION}"
    for attempt in (Journal.open, Journal.glance, partial(Journal.open, read_only=True)):
        with pytest.raises(JournalError, match=message):
            attempt(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


def read_all(path: Path) -> None:
    with closing(Journal.open(path)) as journal:
        _ = journal.image, journal.channels, journal.last_circumstances, journal.last_time
        reopen(journal)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE about SET value = CAST(x'ff' AS TEXT)",
        "UPDATE targets SET shape = '5'",
        "UPDATE targets SET spacing = '[1'",
        "UPDATE targets SET spacing = '[1]'",
        "UPDATE targets SET dtype = 'int33'",
        "UPDATE channels SET value = '{'",
        "UPDATE channels SET value = 7",
        "UPDATE events SET time = 'noon'",
    ],
)
def test_what_cannot_be_in_a_file_is_damage(tmp_path: Path, change: str) -> None:
    path = tmp_path / "a.fclick"
    session, recorder = recorded(path)
    recorder.set_channels(Channels(sources=("b.tif",)))
    put(session, 20, 20)
    recorder.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(JournalError, match=r"a\.fclick (is damaged|cannot be read)"):
        read_all(path)
    assert access.lock(path) is not None  # nobody holds it


def test_a_session_that_has_begun_takes_nothing_over(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    put(session, 20, 20)
    recorder.close()
    journal = Journal.open(tmp_path / "a.fclick")
    with pytest.raises(SessionError, match="begun already"):
        session.take_over(reopen(journal).restored)
    journal.close()


def test_weights_and_times_are_on_file(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    recorder.set_weights("discs", "abc")
    put(session, 20, 20)
    recorder.set_weights("other", "def")
    put(session, 40, 40)
    recorder.set_weights("discs", "abc")
    put(session, 50, 10)
    journal = recorder.journal
    assert journal is not None
    assert journal.weights == [("other", "def"), ("discs", "abc")]
    assert journal.events == 6
    assert journal.last_time > 1e9
    recorder.close()


def test_a_commit_costs_what_the_object_costs(tmp_path: Path) -> None:
    labels = np.zeros((9000, 9000), np.int32)
    session = Session(np.zeros((9000, 9000), np.uint8), labels)
    recorder = Recorder(session, bare_target())
    image = Signature.of(session.image, sample=False)
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", image))
    for x in range(20, 200, 20):
        session.add(100, x)
        answer(session, radius=8)
        accepting.accept(session)
    recorder.close()
    assert (tmp_path / "a.fclick").stat().st_size < 200_000


def test_a_file_that_is_open_is_not_replaced(tmp_path: Path) -> None:
    first, one = recorded(tmp_path / "a.fclick")
    put(first, 20, 20)
    second, other = recorded(tmp_path / "b.fclick")
    put(second, 40, 40)
    with pytest.raises(JournalError, match="open in another window"):
        other.save_as(tmp_path / "a.fclick")
    put(first, 50, 50)
    put(second, 10, 10)
    for session, recorder in ((first, one), (second, other)):
        assert recorder.waiting == 0
        recorder.close()
        assert recorder.journal is None
        path = tmp_path / ("a.fclick" if session is first else "b.fclick")
        again, journal = reopened(path)
        same(session, again)
        journal.close()


def test_a_window_that_reads_keeps_none_from_leaving_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    first = Journal.create(path, Signature.of(IMAGE))
    second = Journal.open(path)
    assert second.read_only
    first.set_about("note", "written while another window reads")
    first.close()
    assert second.about("note") == ""
    second.close()
    alone = tmp_path / "alone.fclick"
    alone.write_bytes(path.read_bytes())
    with closing(Journal.open(alone)) as journal:
        assert journal.about("note") == "written while another window reads"


def test_a_read_only_window_saves_what_it_saw(tmp_path: Path) -> None:
    first, recorder = recorded(tmp_path / "a.fclick")
    put(first, 20, 20)
    second, journal = reopened(tmp_path / "a.fclick")
    assert journal.read_only
    put(first, 40, 40)  # the other window goes on
    beside = Recorder(second, bare_target())
    beside.go_on_in(journal)
    second.undo()
    put(second, 50, 10)
    beside.save_as(tmp_path / "b.fclick")
    assert beside.waiting == 0
    beside.close()
    again, journal = reopened(tmp_path / "b.fclick")
    same(second, again)
    journal.close()
    recorder.close()


def test_a_file_that_could_not_be_made_can_be_made_later(tmp_path: Path, monkeypatch: Any) -> None:
    path = tmp_path / "a.fclick"

    def full(*_: Any) -> None:
        raise JournalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "set_about", full)
        with pytest.raises(JournalError, match="full"):
            Journal.create(path, Signature.of(IMAGE))
    assert list(tmp_path.iterdir()) == []
    Journal.create(path, Signature.of(IMAGE)).close()


def test_a_file_knows_its_image_whatever_it_is_used_with(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    put(session, 20, 20)
    recorder.close()
    again, journal = reopened(tmp_path / "a.fclick")
    beside = Recorder(again, bare_target())
    beside.set_image(Signature.of(IMAGE + 1))  # it was insisted on
    beside.go_on_in(journal)
    beside.set_image(Signature.of(IMAGE + 1))
    again.add(5, 5)
    assert journal.image == Signature.of(IMAGE)
    beside.close()


def test_an_image_that_was_not_looked_at_needs_insisting(tmp_path: Path) -> None:
    blind = Signature.of(IMAGE, sample=False)
    journal = Journal.create(tmp_path / "a.fclick", blind)
    with pytest.raises(JournalError, match="is not known"):
        check_image(journal, Signature.of(IMAGE))
    check_image(journal, Signature.of(IMAGE), insist=True)
    journal.close()


def test_what_was_erased_and_saved_stays_erased(tmp_path: Path) -> None:
    session, recorder = recorded(tmp_path / "a.fclick")
    put(session, 20, 20)
    put(session, 40, 40)
    editing.merge(session, 1, 2)
    recorder.close()
    saved = session.labels.copy()
    saved[18:20, 18:20] = 0  # by a brush
    wanted = saved.copy()
    journal = Journal.open(tmp_path / "a.fclick")
    assert reopen(journal, [saved]).conflicts > 0
    assert np.array_equal(saved, wanted)
    whole = session.labels.copy()
    assert reopen(journal, [whole]).conflicts == 0
    assert np.array_equal(whole, session.labels)
    journal.close()


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_labels_saved_at_any_moment_are_brought_up_to_date(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        session, recorder = recorded(Path(folder) / "a.fclick")
        saved = [session.labels.copy()]
        for _ in range(data.draw(st.integers(1, 7), "steps")):
            _edited(session, data)
            saved.append(session.labels.copy())
        recorder.close()
        old = saved[data.draw(st.integers(0, len(saved) - 1), "saved after")]
        with closing(Journal.open(Path(folder) / "a.fclick")) as journal:
            opened = reopen(journal, [old])
        assert np.array_equal(old, session.labels)
        assert opened.conflicts == 0
        again = Session(IMAGE, opened.targets[0])
        again.take_over(opened.restored)
        while again.can_undo:
            again.undo()
        assert not again.labels.any()


def _edited(session: Session, data: st.DataObject) -> None:
    """Do something to objects, such that they overlap often."""
    objects = list(session.objects)
    how = data.draw(st.sampled_from(["accept", "accept", "correct", "delete", "merge", "renumber"]))
    if how == "accept" or len(objects) < 2:
        session.set(policy=data.draw(st.sampled_from(["replace", "keep"])))
        session.add(*data.draw(st.tuples(st.integers(15, 30), st.integers(15, 30)), "click"))
        _answered(session)
        try:
            accepting.accept(session)
        except SessionError:
            session.clear()
        return
    label = data.draw(st.sampled_from(objects), how)
    if how == "renumber":
        editing.renumber(session, label, max(objects) + 1)
    elif how == "merge":
        editing.merge(session, label, next(n for n in objects if n != label))
    elif how == "delete":
        editing.delete(session, label)
    elif np.any(session.labels == label):
        row, column = np.argwhere(session.labels == label)[0]
        editing.pick_up(session, int(row), int(column))
        session.add(max(int(row) - 4, 0), int(column))
        _answered(session)
        accepting.accept(session)


def _answered(session: Session) -> None:
    if session.prediction is None:  # it is known where the same was clicked before
        answer(session)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_processes_lose_nothing_they_had_accepted() -> None:
    command = [sys.executable, "-m", "tests.session.killing", "--kills", "20"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert json.loads(done.stdout) == {"kills": 20, "lost": []}


def test_a_copy_made_while_it_is_open_has_the_objects(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.fclick", tmp_path / "copy" / "a.fclick"
    session, recorder = recorded(path)
    copy.parent.mkdir()
    for count in (1, 2):
        put(session, 20 * count, 20)
        copy.write_bytes(path.read_bytes())  # without what SQLite keeps beside it
        with closing(Journal.open(copy, read_only=True)) as journal:
            labels = [NumberedLabels(target.empty()) for target in journal.targets]
            assert len(journal.restore(labels).objects) == count
    recorder.close()
