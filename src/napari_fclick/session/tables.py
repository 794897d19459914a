"""The tables of a session file, and what the steps of a session are in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from napari_fclick.session import records
from napari_fclick.session.history import Change, Commit, Step
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.part_table import PartTable
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.restoring import Recorded
from napari_fclick.session.state import AcceptedObject

#: Runs a query, with values for its question marks, and returns its rows.
Query = Callable[..., list[Any]]

SCHEMA = """
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE weights (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, UNIQUE (name, sha256));
CREATE TABLE channels (id INTEGER PRIMARY KEY, value TEXT NOT NULL UNIQUE);
CREATE TABLE targets (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL,
    shape TEXT NOT NULL, dtype TEXT NOT NULL, spacing TEXT NOT NULL, unit TEXT NOT NULL);
CREATE TABLE steps (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, place TEXT NOT NULL,
    draft TEXT NOT NULL, settings TEXT NOT NULL, moved REAL,
    weights INTEGER REFERENCES weights (id), others TEXT NOT NULL,
    channels INTEGER REFERENCES channels (id));
CREATE TABLE clicks (
    step INTEGER NOT NULL REFERENCES steps (id), position INTEGER NOT NULL,
    y REAL NOT NULL, x REAL NOT NULL, positive INTEGER NOT NULL,
    PRIMARY KEY (step, position)) WITHOUT ROWID;
CREATE TABLE commits (
    step INTEGER PRIMARY KEY REFERENCES steps (id),
    target INTEGER NOT NULL REFERENCES targets (id),
    shape TEXT NOT NULL, renumbered TEXT NOT NULL, stack TEXT);
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
CREATE TABLE parts (block INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""


def insert_step(
    cursor: sqlite3.Cursor,
    step: Step,
    weights: int | None,
    channels: int | None,
    targets: Mapping[NumberedLabels, int],
    parts: PartTable,
) -> int:
    """Add a step, its clicks and its commit; return its number."""
    cursor.execute(
        "INSERT INTO steps (name, place, draft, settings, moved, weights, channels, others) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            step.name,
            records.dumps(records.place_out(step.place)),
            records.dumps(records.draft_out(step.after)),
            records.dumps(records.settings_out(step.settings_after)),
            step.moved,
            weights,
            channels,
            records.dumps(records.drafts_out((place, after) for place, _, after in step.others)),
        ),
    )
    number = int(cursor.lastrowid or 0)
    cursor.executemany(
        "INSERT INTO clicks VALUES (?, ?, ?, ?, ?)",
        # SQLite would take numpy's numbers for bytes.
        [
            (number, i, float(c.y), float(c.x), bool(c.positive))
            for i, c in enumerate(step.after.clicks)
        ],
    )
    if step.commit is not None:
        _insert_commit(cursor, number, step.commit, targets[step.commit.target])
        _insert_changes(cursor, number, step.commit.changes, parts)
    return number


def _insert_commit(cursor: sqlite3.Cursor, number: int, commit: Commit, target: int) -> None:
    cursor.execute(
        "INSERT INTO commits (step, target, shape, renumbered, stack) VALUES (?, ?, ?, ?, ?)",
        (
            number,
            target,
            records.dumps(commit.labels_shape),
            records.dumps(list(commit.renumbered.items())),
            None if commit.stack is None else records.dumps(records.run_out(commit.stack)),
        ),
    )
    cursor.executemany(
        "INSERT INTO patches VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                i,
                records.dumps(patch.key),
                records.dumps(patch.shape),
                patch.dtype.str,
                patch.before,
                patch.after,
            )
            for i, patch in enumerate(commit.patches)
        ],
    )


def _insert_changes(
    cursor: sqlite3.Cursor, number: int, changes: Sequence[Change], parts: PartTable
) -> None:
    known = [record for change in changes for record in (change.before, change.after) if record]
    parts.add(cursor, (part for record in known for part in record.parts))

    def text(record: AcceptedObject | None) -> str | None:
        if record is None:
            return None
        return records.dumps(records.object_out(record, parts.ranges(record.parts)))

    cursor.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?)",
        [
            (number, i, int(change.label), text(change.before), text(change.after))
            for i, change in enumerate(changes)
        ],
    )


def select_events(
    query: Query, labels: Sequence[NumberedLabels], parts: PartTable
) -> Iterator[tuple[str, Recorded | None]]:
    """Yield what was done, in order, with the steps that were new."""
    for kind, step in query("SELECT kind, step FROM events ORDER BY id"):
        yield kind, None if step is None else _recorded(query, int(step), labels, parts)


def _recorded(
    query: Query, number: int, labels: Sequence[NumberedLabels], parts: PartTable
) -> Recorded:
    name, place, draft, settings, moved, others = query(
        "SELECT name, place, draft, settings, moved, others FROM steps WHERE id = ?",
        (number,),
    )[0]
    question = "SELECT y, x, positive FROM clicks WHERE step = ? ORDER BY position"
    clicks = records.clicks_in(list(row) for row in query(question, (number,)))
    return Recorded(
        name,
        records.place_in(json.loads(place)),
        records.draft_in(json.loads(draft), clicks),
        records.settings_in(json.loads(settings)),
        _commit(query, number, labels, parts),
        moved,
        records.drafts_in(json.loads(others)),
    )


def _commit(
    query: Query, number: int, labels: Sequence[NumberedLabels], parts: PartTable
) -> Commit | None:
    found = query("SELECT target, shape, renumbered, stack FROM commits WHERE step = ?", (number,))
    if not found:
        return None
    target, shape, renumbered, stack = found[0]

    def record(text: str | None) -> AcceptedObject | None:
        data = None if text is None else json.loads(text)
        return None if data is None else records.object_in(data, parts.read(query, data["parts"]))

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
        tuple(Change(n, record(before), record(after)) for n, before, after in changes),
        tuple(json.loads(shape)),
        {int(old): int(new) for old, new in json.loads(renumbered)},
        None if stack is None else records.run_in(json.loads(stack)),
        number,
    )
