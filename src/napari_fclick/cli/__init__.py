"""The command line: JSON to standard output, everything else to standard error.

A user's mistake ends with one line and exit code 2. torch and napari are imported by the
commands that need them, so that ``--help`` is quick. A module holds the commands of one job;
importing it adds them to the app.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

import typer

from napari_fclick.cli import evaluating, finding, learning, sessions, stacks, using, weights
from napari_fclick.cli.common import app, say
from napari_fclick.core.errors import one_line
from napari_fclick.core.processors import share_cores

__all__ = [
    "app",
    "evaluating",
    "finding",
    "learning",
    "main",
    "sessions",
    "stacks",
    "using",
    "weights",
]


def main() -> NoReturn:
    """Run the command line."""
    share_cores()  # before a command imports torch
    # What it says of a damaged file is in our own line.
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        if not message:  # no command given: its help has been printed
            sys.exit(2)
        message = message.replace("Value error, ", "")  # pydantic's, of which a user knows nothing
        _fail(f"{' '.join(message.split())} (see --help)")
    except (
        ValueError,
        TypeError,
        OSError,
        ImportError,
        MemoryError,
        RuntimeError,
        ArithmeticError,
        LookupError,
    ) as error:
        if os.environ.get("FCLICK_DEBUG"):
            raise
        _fail(one_line(error))
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str) -> NoReturn:
    say(f"error: {message}")
    sys.exit(2)
