"""The process that fine-tunes: ``python -m napari_fclick.finetuning.child``.

The first line on its standard input is a `Request`; after it the line ``cancel`` may come. It
writes an event a line to standard output, and messages to standard error. It ends when its
standard input is closed or its parent is gone, however that came about; an interrupt from the
keyboard, which a terminal and a notebook send to the parent's children, too, does not end it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from napari_fclick.core.errors import one_line
from napari_fclick.core.processors import cores

#: When it began; its time budget counts from here.
BEGUN = time.monotonic()
#: Seconds between two looks at whether the parent is still there.
LOOK = 1.0
#: How much others go first.
NICENESS = 10
#: Exit code where the parent is gone.
ORPHANED = 3

Event = dict[str, Any]


class Wishes:
    """What the parent wants, listened to on threads of their own.

    Parameters
    ----------
    lines : text file
        Each line a wish; its end means that the parent is gone.
    leave : callable
        Ends the process at once.
    """

    def __init__(self, lines: TextIO, leave: Callable[[], None]) -> None:
        self._lines, self._leave = lines, leave
        self._cancelled = threading.Event()
        self._parent = os.getppid()
        for work in (self._listen, self._look_at_parent):
            threading.Thread(target=work, daemon=True).start()

    def cancelled(self) -> bool:
        """Whether training is to end."""
        return self._cancelled.is_set()

    def _listen(self) -> None:
        for line in self._lines:
            if line.strip() == "cancel":
                self._cancelled.set()
        self._leave()

    def _look_at_parent(self) -> None:
        # Another process may hold the other end of the pipe open; a new parent tells, too.
        while os.getppid() == self._parent:
            time.sleep(LOOK)
        self._leave()


def use_threads(wanted: int) -> None:
    """Have torch use so many cores; see `napari_fclick.core.processors.cores`."""
    import torch

    torch.set_num_threads(cores(wanted))


def main() -> int:
    """Read a request, do it, and tell how it goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Whatever else writes to standard output must not get between the events.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    # The parent writes UTF-8, whatever this system's own encoding is.
    lines = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
    first = lines.readline()
    wishes = Wishes(lines, lambda: _leave(first))
    with suppress(AttributeError, OSError):
        os.nice(NICENESS)

    def tell(event: Event) -> None:
        try:
            out.write(json.dumps(event) + "\n")
        except OSError:
            _leave(first)

    try:
        _work(first, tell, wishes.cancelled)
    except Exception as error:
        # Nobody reads a traceback here: whatever went wrong is told in one line.
        tell({"event": "failed", "error": _message(error)})
        return 1
    return 0


def _message(error: Exception) -> str:
    # What a look-up raises is the bare key.
    kind = f"{type(error).__name__}: " if isinstance(error, LookupError) else ""
    return kind + one_line(error)


def _leave(request: str) -> None:
    """End at once: nobody is there to remove the temporary files but this process."""
    with suppress(ValueError, AttributeError):
        scratch = json.loads(request).get("scratch")
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)
    os._exit(ORPHANED)


def _work(line: str, tell: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
    # Imported here: torch takes seconds, and a parent that goes meanwhile must be noticed.
    from napari_fclick.finetuning.finetuning import fine_tune
    from napari_fclick.finetuning.request import Request

    request = Request.model_validate_json(line)
    use_threads(request.options.threads)
    if request.scratch is not None:
        tempfile.tempdir = str(request.scratch)
    out = Path(request.out)
    result = fine_tune(request.load(), request.options, out, tell, cancelled, BEGUN)
    tell({"event": "finished", "result": result.as_json()})


if __name__ == "__main__":
    # Without clearing up: a thread that waits for standard input would not let go of it.
    code = main()
    sys.stderr.flush()
    os._exit(code)
