"""Sessions killed at random moments: ``python -m tests.session.killing --kills 200``.

A process annotates without a window, and says after each step what must be in its file; it is
killed with -9 after a random while, and the file is opened and compared with what was said.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
from tests.session.test_journal import act, recorded, reopened

from napari_fclick.session import Session

ACTIONS = ("put", "put", "put", "add", "undo", "redo", "pick", "delete", "merge", "set", "clear")


def annotate(path: Path, seed: int, pipe: int) -> None:
    """Take random steps for ever; after each write "events objects checksum" to the pipe."""
    session, recorder = recorded(path)
    rng = np.random.default_rng(seed)

    def say() -> None:  # comes after the recorder, which listened first
        assert recorder.journal is not None
        os.write(pipe, f"{recorder.journal.events} {content(session)}\n".encode())

    session.stepped.connect(say)
    while True:
        y, x = rng.integers(6, 58, 2)
        try:
            act(session, str(rng.choice(ACTIONS)), int(y), int(x))
        except ValueError:
            continue


def content(session: Session) -> str:
    """Return the numbers of the objects and a checksum of the labels."""
    labels = b"" if session.labels is None else session.labels.tobytes()
    return f"{','.join(map(str, session.objects))} {zlib.crc32(labels) if any(labels) else 0}"


def kill_one(path: Path, seed: int, seconds: float) -> str:
    """Kill a session; return what is wrong with its file, or nothing."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        annotate(path, seed, into)
    os.close(into)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(out, "rb") as file:
        said = [line for line in file.read().decode().splitlines(keepends=True) if line[-1] == "\n"]
    if not said:
        return "" if not path.exists() else opened(path)
    events, _, rest = said[-1].strip().partition(" ")
    return opened(path, int(events), rest)


def opened(path: Path, events: int | None = None, said: str = "") -> str:
    """Say what is wrong with a file of which the last thing said is known."""
    try:
        session, journal = reopened(path)
    except ValueError as error:
        # Killed while the tables were being made: nothing had been done in it.
        return "" if events is None else str(error)
    try:
        if events is None:
            return ""
        extra = journal.events - events
        if journal.read_only or extra not in (0, 1):
            return f"{journal.events} events in the file, {events} were said"
        found = content(session)
        return f"{found} in the file, {said} was said" if not extra and found != said else ""
    finally:
        journal.close()


def main() -> None:
    """Kill sessions; print JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    rng, wrong = np.random.default_rng(chosen.seed), []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(chosen.kills):
            seconds = float(rng.uniform(0.01, 0.4))
            problem = kill_one(Path(folder) / f"{number}.fclick", number, seconds)
            if problem:
                wrong.append(f"kill {number} after {seconds:.3f} s: {problem}")
    print(json.dumps({"kills": chosen.kills, "lost": wrong}))


if __name__ == "__main__":
    main()
