"""Opening SQLite files, by one window for writing and by any for reading."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout


def connect(path: Path, *, write: bool) -> sqlite3.Connection:
    """Open a file; it is made where it is missing and to be written."""
    if not write:
        return _connect_reading(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=5)
    # Where a file system cannot share memory, SQLite keeps its older kind of journal.
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


def _connect_reading(path: Path) -> sqlite3.Connection:
    # Only a connection that may write removes its "-wal" and "-shm" files when it is closed.
    # But it would also write the "-wal" that a killed process has left into the file: where
    # there is one, the connection is read-only.
    mode = "ro" if _has_log(path) else "rw"
    address = f"{path.resolve().as_uri()}?mode="
    connection = sqlite3.connect(f"{address}{mode}", uri=True, isolation_level=None, timeout=5)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError:
        # Where nothing may be written beside it, the file is read as it stands.
        connection.close()
        read = f"{address}ro&immutable=1"
        connection = sqlite3.connect(read, uri=True, isolation_level=None)
    return connection


def _has_log(path: Path) -> bool:
    try:
        return Path(f"{path}-wal").stat().st_size > 0
    except OSError:
        return False


def lock(path: Path) -> FileLock | None:
    """Take hold of a file; None where another window has it, or it may not be written."""
    held = FileLock(f"{path}.lock")
    try:
        held.acquire(timeout=0)
    except (Timeout, OSError):
        return None
    return held


def release(held: FileLock | None) -> None:
    """Let go of a lock."""
    if held is not None:
        with suppress(OSError):  # while it is ours: nobody can be holding it
            Path(held.lock_file).unlink()
        held.release()


def remove_leftovers(path: Path) -> None:
    """Remove what SQLite keeps beside a file that nobody has open."""
    for ending in ("-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)


def discard(path: Path, connection: sqlite3.Connection | None, held: FileLock | None) -> None:
    """Remove a file that could not be made, so that it can be tried again."""
    if connection is not None:
        with suppress(sqlite3.Error):
            connection.close()
    if held is not None:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            remove_leftovers(path)
    release(held)
