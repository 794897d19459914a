"""Fine-tuning in a process of its own: started, listened to, cancelled, never left behind."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO

from napari_fclick.core.processors import cores, share_cores
from napari_fclick.finetuning.child import Event
from napari_fclick.finetuning.request import Request

#: The last events, after which no other comes.
LAST = ("finished", "failed")
#: Characters of the process's messages that are told where it ended without a word.
TOLD = 300


class Job:
    """A fine-tuning in a process of its own; it ends with this process, however this one ends.

    Nothing here blocks but `wait`.

    Parameters
    ----------
    request : Request
    command : sequence of str, optional
        What is run instead of this Python's `napari_fclick.finetuning.child`.
    """

    def __init__(self, request: Request, command: Sequence[str] | None = None) -> None:
        module = (sys.executable, "-m", "napari_fclick.finetuning.child")
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._ended = False
        self._killed = False
        #: The last event, once it was polled.
        self.last: Event | None = None
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            command or module,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
            env=_environment(request.options.threads),
            encoding="utf-8",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # of Windows alone
        )
        self._say(request.model_dump_json())
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether there are events to come."""
        return not self._ended

    def poll(self) -> list[Event]:
        """Return what has happened since it was asked last; does not wait.

        The last event is ``finished`` or ``failed``; a process that was killed, or ended without
        a word, has failed.
        """
        found: list[Event] = []
        with suppress(queue.Empty):
            while not self._ended:
                found += self._taken(self._events.get_nowait())
        return found

    def wait(self, timeout: float | None = None) -> Event | None:
        """Wait for the last event and return it; None where it has not come in ``timeout`` s."""
        end = None if timeout is None else time.monotonic() + timeout
        with suppress(queue.Empty):
            while not self._ended:
                left = None if end is None else max(end - time.monotonic(), 0.0)
                self._taken(self._events.get(timeout=left))
        return self.last

    def cancel(self) -> None:
        """End the training; the best so far is judged, and then the last event comes."""
        self._say("cancel")

    def kill(self) -> None:
        """End it at once; weights that are in use stay as they are."""
        self._killed = True
        self._process.kill()

    def close(self) -> None:
        """End it if it runs, and let go of it."""
        if self._process.poll() is None:
            self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        self._messages.close()

    # --- helpers ------------------------------------------------------------------------

    def _say(self, line: str) -> None:
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(OSError, ValueError):  # it is gone: the last event will say so
            pipe.write(line + "\n")
            pipe.flush()

    def _listen(self) -> None:
        """Put events into the queue, on a thread of its own; None at the end."""
        pipe: IO[str] | None = self._process.stdout
        assert pipe is not None
        with suppress(OSError, ValueError):
            for line in pipe:
                with suppress(json.JSONDecodeError):
                    self._events.put(json.loads(line))
        self._events.put(None)

    def _taken(self, event: Event | None) -> list[Event]:
        if event is None:
            event = {"event": "failed", "error": self._why()}
        if event["event"] in LAST:
            self._ended, self.last = True, event
        return [event]

    def _why(self) -> str:
        if self._killed:
            return "stopped"
        code = self._process.wait()
        with suppress(ValueError, OSError):
            self._messages.seek(0, os.SEEK_END)
            self._messages.seek(max(0, self._messages.tell() - TOLD))
            words = " ".join(self._messages.read().decode("utf-8", "replace").split())
            return f"the process ended with code {code}: {words}".rstrip(": ")
        return f"the process ended with code {code}"


def _environment(threads: int) -> dict[str, str]:
    """Return the child's environment.

    Libraries that count cores by themselves get as many; modules are not looked for in the working
    folder, where a file of the user's may have the name of one that is needed.
    """
    own = {"OMP_NUM_THREADS": str(cores(threads)), "PYTHONSAFEPATH": "1"}
    environment = {**os.environ, **own}
    share_cores(environment)
    return environment
