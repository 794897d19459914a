"""The tables of a session file, and what the steps of a session are in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from napari_fclick.session import records
from napari_fclick.session.history import Change, Commit, Step, StoredPatch
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.restoring import Recorded

#: Runs a query, with values for its question marks, and returns its rows.
Query = Callable[..., list[Any]]

SCHEMA = """
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


def insert_step(
    cursor: sqlite3.Cursor,
    step: Step,
    when: float,
    weights: int | None,
    targets: Mapping[NumberedLabels, int],
) -> int:
    """Add a step, its clicks and its commit; return its number."""
    cursor.execute(
        "INSERT INTO steps (time, name, place, draft, settings, moved, weights) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            when,
            step.name,
            records.dumps(records.place_out(step.place)),
            records.dumps(records.draft_out(step.after)),
            records.dumps(records.settings_out(step.settings_after)),
            step.moved,
            weights,
        ),
    )
    number = int(cursor.lastrowid or 0)
    cursor.executemany(
        "INSERT INTO clicks VALUES (?, ?, ?, ?, ?)",
        [(number, i, c.y, c.x, c.positive) for i, c in enumerate(step.after.clicks)],
    )
    if step.commit is not None:
        _insert_commit(cursor, number, step.commit, targets[step.commit.target])
    return number


def _insert_commit(cursor: sqlite3.Cursor, number: int, commit: Commit, target: int) -> None:
    cursor.execute(
        "INSERT INTO commits VALUES (?, ?, ?, ?)",
        (
            number,
            target,
            records.dumps(commit.labels_shape),
            records.dumps(list(commit.renumbered.items())),
        ),
    )
    cursor.executemany(
        "INSERT INTO patches VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                i,
                records.dumps(records.where_out(patch.where)),
                records.dumps(patch.shape),
                patch.dtype.str,
                patch.before,
                patch.after,
            )
            for i, patch in enumerate(commit.patches)
        ],
    )
    cursor.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
        [
            (number, i, change.label, _object_text(change.before), _object_text(change.after))
            for i, change in enumerate(commit.changes)
        ],
    )


def select_events(
    query: Query, labels: Sequence[NumberedLabels]
) -> Iterator[tuple[str, Recorded | None]]:
    """Yield what was done, in order, with the steps that were new."""
    for kind, step in query("SELECT kind, step FROM events ORDER BY id"):
        yield kind, None if step is None else _recorded(query, int(step), labels)


def _recorded(query: Query, number: int, labels: Sequence[NumberedLabels]) -> Recorded:
    name, place, draft, settings, when, moved = query(
        "SELECT name, place, draft, settings, time, moved FROM steps WHERE id = ?", (number,)
    )[0]
    question = "SELECT y, x, positive FROM clicks WHERE step = ? ORDER BY position"
    clicks = records.clicks_in(list(row) for row in query(question, (number,)))
    return Recorded(
        name,
        records.place_in(json.loads(place)),
        records.draft_in(json.loads(draft), clicks),
        records.settings_in(json.loads(settings)),
        when,
        _commit(query, number, labels),
        moved,
    )


def _commit(query: Query, number: int, labels: Sequence[NumberedLabels]) -> Commit | None:
    found = query("SELECT target, shape, renumbered FROM commits WHERE step = ?", (number,))
    if not found:
        return None
    target, shape, renumbered = found[0]
    patches = query(
        "SELECT region, shape, dtype, before, after FROM patches WHERE step = ? ORDER BY position",
        (number,),
    )
    changes = query(
        "SELECT label, before, after FROM changes WHERE step = ? ORDER BY position", (number,)
    )
    return Commit(
        tuple(
            StoredPatch(
                records.where_in(json.loads(region)),
                tuple(json.loads(extent)),
                np.dtype(dtype),
                before,
                after,
            )
            for region, extent, dtype, before, after in patches
        ),
        labels[target - 1],
        tuple(Change(n, _object(before), _object(after)) for n, before, after in changes),
        tuple(json.loads(shape)),
        {int(old): int(new) for old, new in json.loads(renumbered)},
    )


def _object_text(record: Any) -> str | None:
    return None if record is None else records.dumps(records.object_out(record))


def _object(text: str | None) -> Any:
    return None if text is None else records.object_in(json.loads(text))
