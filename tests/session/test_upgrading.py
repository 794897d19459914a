"""Files of earlier versions: read as they are, brought up to date where they are gone on with."""

from __future__ import annotations

import json
import sqlite3
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.session.making import put
from tests.session.test_journal import recorded, reopened, same

from napari_fclick.session import Session, editing
from napari_fclick.session.journal import APPLICATION_ID, SCHEMA_VERSION, Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.resuming import reopen

VERSION_1 = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE weights (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, UNIQUE (name, sha256));
CREATE TABLE targets (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL,
    shape TEXT NOT NULL, dtype TEXT NOT NULL, spacing TEXT NOT NULL, unit TEXT NOT NULL);
CREATE TABLE steps (
    id INTEGER PRIMARY KEY, time REAL NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL,
    draft TEXT NOT NULL, settings TEXT NOT NULL, moved REAL,
    weights INTEGER REFERENCES weights (id));
CREATE TABLE clicks (
    step INTEGER NOT NULL REFERENCES steps (id), position INTEGER NOT NULL,
    y REAL NOT NULL, x REAL NOT NULL, positive INTEGER NOT NULL,
    PRIMARY KEY (step, position)) WITHOUT ROWID;
CREATE TABLE commits (
    step INTEGER PRIMARY KEY REFERENCES steps (id),
    target INTEGER NOT NULL REFERENCES targets (id),
    shape TEXT NOT NULL, renumbered TEXT NOT NULL);
CREATE TABLE patches (
    step INTEGER NOT NULL REFERENCES commits (step), position INTEGER NOT NULL,
    region TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL,
    before BLOB NOT NULL, after BLOB NOT NULL, PRIMARY KEY (step, position));
CREATE TABLE changes (
    step INTEGER NOT NULL REFERENCES commits (step), position INTEGER NOT NULL,
    label INTEGER NOT NULL, before TEXT, after TEXT, PRIMARY KEY (step, position)) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY, time REAL NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('do', 'undo', 'redo')),
    step INTEGER REFERENCES steps (id));
"""


def as_version_1(path: Path, old: Path) -> None:
    """Write what a file holds as version 1 wrote it: parts stood in the records then."""
    with sqlite3.connect(path) as new, sqlite3.connect(old) as connection:
        connection.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; {VERSION_1}"
        )
        blocks = {
            block: json.loads(zlib.decompress(content))
            for block, content in new.execute("SELECT block, content FROM parts")
        }

        def record(text: str | None) -> str | None:
            if text is None:
                return None
            data = json.loads(text)
            parts = [part for b, i, j in data["parts"] for part in blocks[b][i:j]]
            data["parts"] = [{k: v for k, v in part.items() if k != "kind"} for part in parts]
            return json.dumps(data)

        def draft(text: str) -> str:
            return json.dumps({k: v for k, v in json.loads(text).items() if k != "absent"})

        for table in ("about", "weights", "targets", "clicks", "patches", "events"):
            copy(connection, table, new.execute(f"SELECT * FROM {table}").fetchall())
        commits = new.execute("SELECT step, target, shape, renumbered FROM commits").fetchall()
        copy(connection, "commits", commits)
        steps = new.execute(
            "SELECT id, time, name, place, draft, settings, moved, weights FROM steps"
        ).fetchall()
        copy(connection, "steps", [(*s[:4], draft(s[4]), *s[5:]) for s in steps])
        changes = new.execute("SELECT * FROM changes").fetchall()
        copy(connection, "changes", [(*c[:3], record(c[3]), record(c[4])) for c in changes])
    new.close()
    connection.close()


def copy(connection: sqlite3.Connection, table: str, rows: list[Any]) -> None:
    for row in rows:
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)


@pytest.fixture
def old(tmp_path: Path) -> tuple[Session, Path]:
    session, recorder = recorded(tmp_path / "new.fclick")
    recorder.set_weights("discs", "abc")
    put(session, 20, 20)
    put(session, 40, 40)
    editing.merge(session, 1, 2)
    session.add(50, 10)
    recorder.close()
    as_version_1(tmp_path / "new.fclick", tmp_path / "old.fclick")
    return session, tmp_path / "old.fclick"


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    connection.close()
    return int(found)


def test_an_older_file_is_gone_on_with(old: tuple[Session, Path]) -> None:
    session, path = old
    again, journal = reopened(path)
    same(session, again)
    assert version(path) == SCHEMA_VERSION
    recorder = Recorder(again, lambda _: journal.targets[0])
    recorder.go_on_in(journal)
    again.undo()
    again.mark_absent()
    session.undo()
    session.mark_absent()
    recorder.close()
    last, journal = reopened(path)
    same(session, last)
    assert last.draft.absent
    while session.can_undo:
        session.undo()
        last.undo()
        same(session, last)
    journal.close()


def test_an_older_file_that_is_only_read_stays_as_it_is(old: tuple[Session, Path]) -> None:
    session, path = old
    content = path.read_bytes()
    journal = Journal.open(path, read_only=True)
    opened = reopen(journal)
    assert np.array_equal(opened.targets[0].labels, session.labels)
    assert opened.restored.objects == session.objects
    assert path.read_bytes() == content
    # A copy of it is up to date.
    journal.copy_to(path.with_name("copy.fclick")).close()
    assert version(path.with_name("copy.fclick")) == SCHEMA_VERSION
    assert version(path) == 1
    journal.close()


def test_a_file_without_a_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(JournalError, match="no schema version"):
        Journal.open(path)
