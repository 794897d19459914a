"""The session file: SQLite, written at every click and commit, usable after any interruption.

Steps and events are only ever added. What a session had come to is what its events, in their
order, come to (`napari_fclick.session.restoring`). Labels are stored as compressed patches, so
that a commit costs what the object costs, however large the labels are.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from napari_fclick.core.errors import one_line
from napari_fclick.core.paths import same_file
from napari_fclick.session import access, tables
from napari_fclick.session.history import Commit, Step
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.part_table import PartTable
from napari_fclick.session.restoring import Restored, restore
from napari_fclick.session.signature import Channels, Signature
from napari_fclick.session.target import TARGET_COLUMNS, Target

SUFFIX = ".fclick"
#: Key of the path that the session was saved under since, and went on in.
MOVED = "moved"
#: "fclk": tells the file from other SQLite files.
APPLICATION_ID = 0x66636C6B
SCHEMA_VERSION = 4


#: What reading a file raises to which something happened.
_DAMAGE = (KeyError, IndexError, TypeError, ValueError, OverflowError, zlib.error)


class JournalError(ValueError):
    """A session file that cannot be made, read or written; one line says why."""


class DamagedError(JournalError):
    """A session file to which something happened."""


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read, or holds what cannot be, that it is so."""
    try:
        yield
    except JournalError:
        raise
    except sqlite3.Error as error:
        corrupt = getattr(error, "sqlite_errorname", "").startswith("SQLITE_CORRUPT")
        kind = DamagedError if corrupt else JournalError
        raise kind(f"{path} cannot be read: {error}") from error
    except _DAMAGE as error:
        raise DamagedError(f"{path} is damaged: {one_line(error, 120)}") from error


@dataclass(frozen=True)
class Circumstances:
    """With what a step was made.

    Attributes
    ----------
    weights : (str, str) or None
        Name and sha256 of the weights that answered.
    channels : Channels
        What was looked at together with the image.
    """

    weights: tuple[str, str] | None = None
    channels: Channels = field(default_factory=Channels)


class Journal:
    """A session file that is open; make one with `create` or `open`.

    Attributes
    ----------
    path : Path
    read_only : bool
        Another window has the file open, or it may not be written.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FileLock | None) -> None:
        self.path = path
        self.read_only = lock is None
        self._connection, self._lock = connection, lock
        self._now = Circumstances()
        self._weights: int | None = None
        self._channels: int | None = None
        self._targets: dict[NumberedLabels, int] = {}
        self._parts = PartTable()

    # --- opening ------------------------------------------------------------------------

    @classmethod
    def create(cls, path: Path, image: Signature) -> Journal:
        """Make a session file.

        Parameters
        ----------
        path : Path
            Ends in ``.fclick``; its folder is made where it is missing.
        image : Signature
            Of the image that is annotated.

        Raises
        ------
        JournalError
            If there is a file already, or it cannot be written.
        """
        if path.suffix != SUFFIX:
            raise JournalError(f"{path}: session files end in {SUFFIX}")
        if path.exists():
            raise JournalError(f"{path} is there already: open it, or choose another name")
        lock: FileLock | None = None
        connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = access.lock(path)
            if lock is None:
                raise JournalError(f"{path} cannot be written")
            connection = access.connect(path, write=True)
            connection.executescript(
                f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {SCHEMA_VERSION}; {tables.SCHEMA} COMMIT;"
            )
            journal = cls(path, connection, lock)
            journal.set_about("image", image.model_dump_json())
            journal._fold()
        except (sqlite3.Error, OSError, JournalError) as error:
            access.discard(path, connection, lock)
            if isinstance(error, JournalError):
                raise
            raise JournalError(f"{path} cannot be written: {error}") from error
        return journal

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Journal:
        """Open a session file, read-only where another window has it open.

        Raises
        ------
        JournalError
            If there is none, or it is of another kind, another version or damaged. It is left as
            it is then.
        """
        if not path.is_file():
            raise JournalError(f"no file {path}")
        lock = None if read_only else access.lock(path)
        connection: sqlite3.Connection | None = None
        try:
            with _reading(path):
                connection = access.connect(path, write=False)
                _check(path, connection)
                if lock is None:
                    # What is read is one state of the file, whatever another window adds to it;
                    # and that window can write, and close the file whole, as if nobody read it.
                    connection = _copied(connection)
                else:
                    connection.close()
                    connection = access.connect(path, write=True)
        except BaseException:
            if connection is not None:
                connection.close()
            access.release(lock)
            raise
        return cls(path, connection, lock)

    @staticmethod
    def glance(path: Path) -> dict[str, str]:
        """Return what a file tells about its session as a whole, and read no more of it.

        Raises
        ------
        JournalError
            Where `open` would.
        """
        with _reading(path), closing(access.connect(path, write=False)) as connection:
            _check(path, connection)
            rows = connection.execute("SELECT key, value FROM about")
            return {str(key): str(value) for key, value in rows}

    def close(self) -> None:
        """Let go of the file; it is whole by itself then."""
        with suppress(sqlite3.Error):
            self._connection.close()
        access.release(self._lock)
        self._lock = None

    def copy_to(self, path: Path) -> Journal:
        """Write a copy of the file and return it open; this one stays open, too.

        Raises
        ------
        JournalError
            If it cannot be written; a file that is there is replaced only when all is well.
        """
        if path.suffix != SUFFIX:
            raise JournalError(f"{path}: session files end in {SUFFIX}")
        if same_file(path, self.path):
            raise JournalError(f"{path} is this session's file already")
        lock = access.lock(path)
        if lock is None:
            raise JournalError(f"{path} is open in another window, or may not be written")
        partial = path.with_name(path.name + ".partial")
        try:
            partial.unlink(missing_ok=True)
            with closing(sqlite3.connect(partial)) as copy:
                self._connection.backup(copy)
            access.remove_leftovers(path)
            partial.replace(path)
            connection = access.connect(path, write=True)
        except (sqlite3.Error, OSError) as error:
            partial.unlink(missing_ok=True)
            access.release(lock)
            raise JournalError(f"{path} cannot be written: {error}") from error
        return Journal(path, connection, lock)

    def take_numbers_of(self, other: Journal) -> None:
        """Know what another file knows and how it numbers it, of which this is a copy."""
        self._targets, self._now = dict(other._targets), other._now
        self._weights, self._channels = other._weights, other._channels
        self._parts = other._parts

    # --- writing ------------------------------------------------------------------------

    def set_about(self, key: str, value: str) -> None:
        """Store something about the session as a whole.

        Raises
        ------
        JournalError
            Wherever writing fails; the file is then as it was before.
        """
        with self._transaction() as cursor:
            cursor.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (key, value))

    def set_circumstances(self, now: Circumstances) -> None:
        """Note with what steps are made from now on; raises as `set_about` does."""
        if now == self._now:
            return
        weights = channels = None
        with self._transaction() as cursor:
            if now.weights is not None:
                weights = _numbered(cursor, "weights", ("name", "sha256"), now.weights)
            if now.channels != Channels():
                value = (now.channels.model_dump_json(),)
                channels = _numbered(cursor, "channels", ("value",), value)
        self._now, self._weights, self._channels = now, weights, channels

    def add_target(self, labels: NumberedLabels, target: Target) -> None:
        """Note what labels are that steps will speak of; raises as `set_about` does.

        Labels that have changed since, such as their scale or dtype, are known as they are now.
        Their shape stays that of the objects, and a scale or a file is not lost to labels that
        know none.
        """
        number = self._targets.get(labels)
        if number is not None:
            known = self.targets[number - 1]
            if not target.has_scale:
                target = replace(target, spacing=known.spacing, unit=known.unit)
            target = replace(target, source=target.source or known.source)
            target = replace(target, shape=known.shape)
            if target != known:
                with self._transaction() as cursor:
                    cursor.execute(
                        f"UPDATE targets SET ({TARGET_COLUMNS}) = (?, ?, ?, ?, ?, ?) WHERE id = ?",
                        (*target.row, number),
                    )
            return
        with self._transaction() as cursor:
            cursor.execute(
                f"INSERT INTO targets ({TARGET_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", target.row
            )
            number = int(cursor.lastrowid or 0)
        self._targets[labels] = number

    @property
    def labels(self) -> list[NumberedLabels]:
        """The labels that its targets stand for, as far as they are known."""
        return list(self._targets)

    def record(self, step: Step, how: str, when: float, *, more: bool = False) -> None:
        """Store a step that was done, or that one was undone or done again.

        Parameters
        ----------
        step : Step
        how : {"do", "undo", "redo"}
        when : float
            Seconds since the epoch.
        more : bool
            Whether a step with objects follows at once: what makes that one safe does so for this.

        Raises
        ------
        JournalError
            Wherever writing fails; the file is then as it was before.
        """
        # Clicks survive a killed process; accepted objects survive a power cut, too.
        safety = "NORMAL" if step.commit is None or more else "FULL"
        self._parts.begin()
        with self._transaction(safety) as cursor:
            number = None
            if how == "do":
                number = tables.insert_step(
                    cursor, step, self._weights, self._channels, self._targets, self._parts
                )
            cursor.execute(
                "INSERT INTO events (time, kind, step) VALUES (?, ?, ?)", (when, how, number)
            )
        self._parts.settle()
        if step.commit is not None and not more:
            self._fold()

    def _fold(self) -> None:
        """Have the file itself hold all, so that a copy made while it is open has the objects."""
        with suppress(sqlite3.Error):  # it is written all the same, beside the file
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    @contextmanager
    def _transaction(self, safety: str = "NORMAL") -> Iterator[sqlite3.Cursor]:
        if self.read_only:
            raise JournalError(f"{self.path} is open read-only")
        cursor = self._connection.cursor()
        try:
            # Where it was removed, SQLite would go on writing into what nobody finds again.
            if not self.path.exists():
                raise JournalError(f"{self.path} is gone: it was moved or deleted")
            cursor.execute(f"PRAGMA synchronous = {safety}")
            cursor.execute("BEGIN IMMEDIATE")
            yield cursor
            cursor.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                cursor.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error | OSError):
                raise JournalError(f"{self.path} cannot be written: {error}") from error
            raise
        finally:
            cursor.close()

    # --- reading ------------------------------------------------------------------------

    def about(self, key: str, default: str = "") -> str:
        """Return what `set_about` stored."""
        row = self._rows("SELECT value FROM about WHERE key = ?", (key,))
        return str(row[0][0]) if row else default

    @property
    def image(self) -> Signature:
        """The signature of the image that was annotated.

        Raises
        ------
        JournalError
            If the file does not tell it.
        """
        text = self.about("image")
        try:
            return Signature.model_validate_json(text)
        except ValueError:
            raise DamagedError(
                f"{self.path} is damaged: it does not tell what image it is about"
            ) from None

    @property
    def weights(self) -> list[tuple[str, str]]:
        """Names and sha256 of the weights that answered; those used last come last."""
        query = (
            "SELECT weights.name, sha256 FROM weights JOIN steps ON steps.weights = weights.id "
            "GROUP BY weights.id ORDER BY max(steps.id)"
        )
        return [(str(name), str(sha256)) for name, sha256 in self._rows(query)]

    @property
    def channels(self) -> list[Channels]:
        """What was looked at together with the image, from time to time; the last comes last."""
        query = (
            "SELECT value FROM channels JOIN steps ON steps.channels = channels.id "
            "GROUP BY value ORDER BY max(steps.id)"
        )
        with _reading(self.path):
            return [Channels.model_validate_json(value) for (value,) in self._rows(query)]

    def circumstances(self, commit: Commit) -> Circumstances:
        """Return with what a commit, which was read from this file, was made."""
        return self._circumstances("steps.id = ?", commit.step)

    @property
    def last_circumstances(self) -> Circumstances:
        """With what its last step was made."""
        return self._circumstances("steps.id = (SELECT max(id) FROM steps)")

    def _circumstances(self, which: str, *values: Any) -> Circumstances:
        query = (
            "SELECT weights.name, sha256, value FROM steps "
            "LEFT JOIN weights ON weights.id = steps.weights "
            f"LEFT JOIN channels ON channels.id = steps.channels WHERE {which}"
        )
        rows = self._rows(query, values)
        if not rows:
            return Circumstances()
        name, sha256, value = rows[0]
        with _reading(self.path):
            return Circumstances(
                None if name is None else (str(name), str(sha256)),
                Channels() if value is None else Channels.model_validate_json(value),
            )

    @property
    def targets(self) -> list[Target]:
        """The labels that were written into."""
        query = f"SELECT {TARGET_COLUMNS} FROM targets ORDER BY id"
        with _reading(self.path):
            return [Target.from_row(*row) for row in self._rows(query)]

    @property
    def events(self) -> int:
        """How many steps, undos and redos it holds."""
        return int(self._rows("SELECT count(*) FROM events")[0][0])

    @property
    def last_time(self) -> float:
        """When it was written last, in seconds since the epoch; 0 for never."""
        with _reading(self.path):
            return float(self._rows("SELECT coalesce(max(time), 0) FROM events")[0][0])

    def restore(self, labels: Sequence[NumberedLabels]) -> Restored:
        """Return what the session had come to.

        Parameters
        ----------
        labels : sequence of NumberedLabels
            What stands for each of `targets`; nothing is written into them. Steps to come
            may speak of them.

        Raises
        ------
        JournalError
            If the file is damaged.
        """
        if len(labels) != len(self.targets):
            raise JournalError(f"{len(labels)} labels are given for {len(self.targets)} targets")
        self._targets = {target: number for number, target in enumerate(labels, start=1)}
        with _reading(self.path):
            return restore(tables.select_events(self._rows, labels, self._parts))

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        with _reading(self.path):
            return self._connection.execute(query, values).fetchall()


def _numbered(
    cursor: sqlite3.Cursor, table: str, columns: Sequence[str], values: Sequence[str]
) -> int:
    """Return the number of a row of a table; it is added where it is not there yet."""
    marks = ", ".join("?" * len(columns))
    cursor.execute(f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)
    wanted = " AND ".join(f"{column} = ?" for column in columns)
    return int(cursor.execute(f"SELECT id FROM {table} WHERE {wanted}", values).fetchone()[0])


def _check(path: Path, connection: sqlite3.Connection) -> None:
    """Raise JournalError where a file is none of ours, or its tables are of another version."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise JournalError(f"{path} is no napari-fclick session")
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version < 1:
        raise DamagedError(f"{path} is damaged: it tells no schema version")
    if version != SCHEMA_VERSION:
        which = "a newer" if version > SCHEMA_VERSION else "an earlier"
        raise JournalError(
            f"{path} was written by {which} version of napari-fclick (schema {version}; this one "
            f"reads schema {SCHEMA_VERSION})"
        )


def _copied(connection: sqlite3.Connection) -> sqlite3.Connection:
    """Return a file that may not be changed as a copy in memory."""
    copy = sqlite3.connect(":memory:", isolation_level=None)
    connection.backup(copy)
    connection.close()
    return copy
