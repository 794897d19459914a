"""The command line, run in the test's own process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Ended(NamedTuple):
    """A command that has ended: its exit code, and what it printed and told."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it told, line by line."""
        return self.err.splitlines()


#: Takes the arguments of ``napari-fclick``.
Command = Callable[..., Ended]
