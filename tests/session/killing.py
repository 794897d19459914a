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
from tests.session.test_journal import act, ensure_answer
from tests.session.test_stacks import (
    DEPTH,
    PLANE,
    RUN,
    at,
    carried,
    disc,
    known,
    make_stack,
    recorded,
    reopened,
)

from napari_fclick.session import Session, stacks
from napari_fclick.session.starting import start_of

ACTIONS = (
    *("put", "put", "add", "undo", "redo", "pick", "delete", "merge", "set", "clear"),
    *("show", "show", "absent", "correct", "stack", "stack"),
)


def annotate(path: Path, seed: int, pipe: int) -> None:
    """Take random steps for ever; after each write "events objects checksum" to the pipe."""
    session = make_stack()
    recorder = recorded(path, session)
    rng = np.random.default_rng(seed)

    def say() -> None:  # comes after the recorder, which listened first
        assert recorder.journal is not None
        os.write(pipe, f"{recorder.journal.events} {content(session)}\n".encode())

    session.stepped.connect(say)
    while True:
        y, x = rng.integers(6, 58, 2)
        try:
            take(session, str(rng.choice(ACTIONS)), int(y), int(x))
        except ValueError:
            continue


def take(session: Session, name: str, y: int, x: int) -> None:
    """Take one step, in this slice or in all that there are; ValueError where it cannot be."""
    match name:
        case "show":
            session.show(at(x % DEPTH), PLANE)
        case "absent":
            session.mark_absent()
        case "correct":
            stacks.correct_carried(session, start_of(carried(0, disc(y, x))), y + 2, x, False)
            ensure_answer(session)
        case "stack":
            free = sorted(set(range(DEPTH)) - session.drafts_along(0).keys())
            extra = [carried(index, disc(y, x)) for index in free]
            stacks.accept(session, known(session, extra), RUN)
        case _:
            act(session, name, y, x)


def content(session: Session) -> str:
    """Return the numbers of the objects, a checksum of the labels, and what is under way."""
    labels = session.labels
    checksum = 0 if labels is None or not labels.any() else zlib.crc32(labels.tobytes())
    under_way = ",".join(
        f"{index}:{len(draft.clicks)}" for index, draft in session.drafts_along(0).items()
    )
    return f"{','.join(map(str, session.objects))} {checksum} {under_way or '-'}"


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
