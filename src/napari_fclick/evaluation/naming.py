"""What is given to an evaluation: named so that no two are the same, none given twice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def refuse_twice(what: str, values: Sequence[T]) -> None:
    """Refuse values of which two are the same.

    Raises
    ------
    ValueError
        Telling the first that is given twice.
    """
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"{what} {value} is given twice")


def unique_names(folders: Sequence[Path]) -> list[str]:
    """Return as much of each folder's end as tells it from the others.

    Raises
    ------
    ValueError
        If a folder is given twice.
    """
    paths = [folder.resolve() for folder in folders]
    refuse_twice("folder", paths)
    return [_unique_name(path, paths) for path in paths]


def _unique_name(path: Path, others: Sequence[Path]) -> str:
    for depth in range(1, len(path.parts)):
        ends = [other.parts[-depth:] for other in others]
        if ends.count(path.parts[-depth:]) == 1:
            break
    return as_text("/".join(path.parts[-depth:]))


def as_text(name: str) -> str:
    r"""Return a file's name as text that can be written.

    Of a name that is no UTF-8 Python takes bytes for lone surrogates, which cannot be encoded; they
    are written as ``\udcfc``.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
