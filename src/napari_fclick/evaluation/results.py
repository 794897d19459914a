"""The results file: a line for each object as soon as it is done, so that nothing is done twice.

The first line says what run the rows are of; a run with another protocol, other methods or other
objects is refused. A last line cut short, as a crash leaves it, is dropped.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pydantic import ValidationError

from napari_fclick.evaluation.games import Game

FORMAT = "napari-fclick evaluation 1"
#: What a run is made of, as plain JSON.
Header = dict[str, Any]
Key = tuple[str, str, str]


class ResultsFile:
    """Rows of a run, on disk as soon as they are known.

    Parameters
    ----------
    path : Path
    header : dict
        What the run is made of.
    resume : bool
        Go on with the rows that are there; else the file must not be there.

    Attributes
    ----------
    games : dict of key to Game
        All rows: those that were there, and those added.
    is_new : bool
        Whether there was nothing to go on with.

    Raises
    ------
    FileExistsError
        If the file is there, and it is not to be resumed.
    ValueError
        If it is of another run, or no results file.
    OSError
        If it cannot be written; also of `add`.
    """

    def __init__(self, path: Path, header: Header, resume: bool) -> None:
        self.path = path
        self.games: dict[Key, Game] = {}
        header = json.loads(json.dumps({"format": FORMAT} | header))
        there = path.exists() and path.stat().st_size > 0
        self.is_new = not there
        if there and not resume:
            raise FileExistsError(
                f"{path} holds results already: go on with them (--resume), or choose another file"
            )
        end = self._read(header) if there else 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = path.open("r+b" if there else "wb")
        self._file.seek(end)
        self._file.truncate()
        if not end:
            self._write(header)

    def add(self, game: Game) -> None:
        """Append a row; it is on the disk when this returns."""
        self.games[game.key] = game
        self._write(game.model_dump(by_alias=True))

    def close(self) -> None:
        """Close the file; the rows stay."""
        with suppress(OSError):  # of what could not be written, which was told
            self._file.close()

    def _write(self, row: dict[str, Any]) -> None:
        try:
            self._file.write(json.dumps(row).encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            # Where a disk is full, it names no file.
            raise type(error)(error.errno, error.strerror, str(self.path)) from None

    def _read(self, header: Header) -> int:
        """Read the rows that are whole, and return where they end; 0 without a header."""
        content = self.path.read_bytes()
        end = content.rfind(b"\n") + 1
        lines = content[:end].splitlines()
        if not lines:
            self._check_torn(content, header)
            return 0
        try:
            self._check(json.loads(lines[0]), header)
            for line in lines[1:]:
                game = Game.model_validate_json(line)
                self.games[game.key] = game
        except (ValidationError, json.JSONDecodeError, UnicodeDecodeError, AttributeError):
            raise ValueError(f"{self.path} is no results file of an evaluation") from None
        return end

    def _check_torn(self, content: bytes, header: Header) -> None:
        """Refuse to write over what is not the beginning of our header."""
        if not json.dumps(header).encode().startswith(content):
            raise ValueError(f"{self.path} is no results file of an evaluation")

    def _check(self, found: Header, wanted: Header) -> None:
        if found.get("format") != FORMAT:
            raise ValueError(f"{self.path} is no results file of an evaluation")
        for name in wanted.keys() | found.keys():
            if found.get(name) != wanted.get(name):
                raise ValueError(
                    f"{self.path} is of another run: its {name} is {_short(found.get(name))}, "
                    f"that of this run {_short(wanted.get(name))}"
                )


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 160 else f"{text[:157]}..."
