"""What objects are in their planes, as a session file stores it: each once, many together.

An object in a stack has hundreds of parts, and every change of its record speaks of all of
them. They are stored in blocks, compressed, and records refer to them by ranges.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from napari_fclick.session import records
from napari_fclick.session.state import Part

#: The parts of one block in a row: its number, the first of them, and the one after the last.
Range = list[int]


class PartTable:
    """The parts that a file knows, and where they are in it."""

    def __init__(self) -> None:
        self._known: dict[Part, tuple[int, int]] = {}
        self._fresh: dict[Part, tuple[int, int]] = {}
        self._blocks: dict[int, tuple[Part, ...]] = {}

    # --- writing ------------------------------------------------------------------------

    def begin(self) -> None:
        """Forget what was added by a transaction that came to nothing."""
        self._fresh.clear()

    def settle(self) -> None:
        """Know for good what was added: it is in the file."""
        self._known |= self._fresh
        self._fresh.clear()

    def add(self, cursor: sqlite3.Cursor, parts: Iterable[Part]) -> None:
        """Store those parts that the file lacks, in one block."""
        lacking = [part for part in dict.fromkeys(parts) if self._find(part) is None]
        if lacking:
            text = records.dumps([records.part_out(part) for part in lacking])
            packed = zlib.compress(text.encode(), 6)
            cursor.execute("INSERT INTO parts (content) VALUES (?)", (packed,))
            block = int(cursor.lastrowid or 0)
            self._fresh |= {part: (block, position) for position, part in enumerate(lacking)}

    def ranges(self, parts: Iterable[Part]) -> list[Range]:
        """Return where parts are that were added, in their order."""
        found: list[Range] = []
        for part in parts:
            known = self._find(part)
            assert known is not None
            block, position = known
            if found and found[-1][0] == block and found[-1][2] == position:
                found[-1][2] = position + 1
            else:
                found.append([block, position, position + 1])
        return found

    def _find(self, part: Part) -> tuple[int, int] | None:
        return self._known.get(part) or self._fresh.get(part)

    # --- reading ------------------------------------------------------------------------

    def read(self, query: Callable[..., list[Any]], ranges: Iterable[Range]) -> tuple[Part, ...]:
        """Return the parts that a record refers to."""
        return tuple(
            part for block, start, stop in ranges for part in self._block(query, block)[start:stop]
        )

    def _block(self, query: Callable[..., list[Any]], block: int) -> tuple[Part, ...]:
        if block not in self._blocks:
            content = query("SELECT content FROM parts WHERE block = ?", (block,))[0][0]
            parts = tuple(map(records.part_in, json.loads(zlib.decompress(content))))
            self._blocks[block] = parts
            self._known |= {part: (block, position) for position, part in enumerate(parts)}
        return self._blocks[block]
