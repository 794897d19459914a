"""Paths to files: what may be written there, and how a file takes the place of another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path, *, through: bool = False) -> Iterator[Path]:
    """Give a path to write to; it takes the place of ``path`` when all is written, or never.

    What is there and no file, such as a pipe, is written to as it is.

    Parameters
    ----------
    path : Path
    through : bool
        Of a link, replace the file that it leads to, not the link: ``/dev/stdout`` is one.
    """
    if path.exists() and not path.is_file():
        yield path
        return
    target = path.resolve() if through else path
    partial = target.with_name(target.name + ".partial")
    try:
        yield partial
        partial.replace(target)
    except BaseException as error:
        # Where a disk is full, what was written of it would keep it full.
        with suppress(OSError):
            partial.unlink()
        if isinstance(error, OSError) and error.errno and _tells_of(error, partial):
            # Who asked for a file knows of no other.
            raise type(error)(error.errno, error.strerror, str(path)) from None
        raise


def _tells_of(error: OSError, file: Path) -> bool:
    """Whether an error may be one of a file: where a disk is full, it names none."""
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return not names or str(file) in names


def is_hidden(file: Path) -> bool:
    """Whether a file is passed over: some systems leave a ``._a.png`` beside each ``a.png``."""
    return file.name.startswith(".")


def same_file(one: Path, other: Path) -> bool:
    """Say whether two paths lead to the same file; one that leads nowhere leads to no other's."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def check_file_path(path: Path) -> None:
    """Refuse a path to which no file can be written.

    Raises
    ------
    IsADirectoryError
        If it is a folder itself.
    FileNotFoundError
        If its folder does not exist.
    PermissionError
        If nothing may be written there.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: name a file in it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} to write {path.name} to")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise PermissionError(f"{path} may not be written: choose another folder")


def make_folder(path: Path) -> None:
    """Make a folder to write to, and those around it; one that is there stays as it is.

    Raises
    ------
    NotADirectoryError
        If it is a file.
    OSError
        If it cannot be made.
    """
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"{path} is a file: name a folder")
    path.mkdir(parents=True, exist_ok=True)
