"""One evaluation from beginning to end, which may be interrupted and gone on with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from napari_fclick.core import places
from napari_fclick.core.errors import one_line
from napari_fclick.evaluation.benchmark import Plan
from napari_fclick.evaluation.games import Game
from napari_fclick.evaluation.results import Header, ResultsFile
from napari_fclick.evaluation.workers import Cluster, Here, Player

#: Wraps the games, given with their number, as they come in: to show progress.
Track = Callable[[Iterable[Game], int], Iterable[Game]]


class Interrupted(KeyboardInterrupt):
    """The user interrupted a run; its message says what is kept and where."""


@contextmanager
def open_results(file: Path | None, header: Header, resume: bool) -> Iterator[ResultsFile]:
    """Open a results file, by default one in the user's cache folder that goes when all is done.

    A new file in which no game was kept goes, too: the same command would be refused for it.

    Parameters
    ----------
    file : Path or None
    header : dict
        See `napari_fclick.evaluation.benchmark.Plan.header`; the default file's name is made of
        it, so that the same run finds it again.
    resume : bool
        Go on with the file that is there.

    Raises
    ------
    FileExistsError, ValueError
        See `napari_fclick.evaluation.results.ResultsFile`.
    OSError
        If nothing can be written in the cache folder.
    RuntimeError
        If anything goes wrong while there are games: it tells where they are kept.
    """
    kept = _open(header, resume) if file is None else ResultsFile(file, header, resume)
    done = False
    try:
        with closing(kept):
            yield kept
        done = True
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        if not kept.games:
            raise
        raise RuntimeError(
            f"{one_line(error)}; {len(kept.games)} games are kept in "
            f"{kept.path}; the same command with --resume goes on"
        ) from error
    finally:
        # Once it is closed: on Windows no open file can be deleted.
        ours = file is None and (done or not kept.games)
        if ours or (kept.is_new and not kept.games):
            kept.path.unlink(missing_ok=True)


def _open(header: Header, resume: bool) -> ResultsFile:
    try:
        return ResultsFile(_default_file(header, resume), header, resume)
    except OSError as error:
        raise OSError(
            f"nothing can be written in {cache_folder()} ({error.strerror}): choose --results FILE"
        ) from error


def play(
    plan: Plan,
    player: Player,
    runner: Here | Cluster,
    kept: ResultsFile,
    track: Track | None = None,
) -> list[Game]:
    """Play what a plan has left to do, and return all of its games in the order of reports.

    Parameters
    ----------
    plan, player : Plan, Player
    runner : Here or Cluster
    kept : ResultsFile
        Gets each game as soon as it is done.
    track : callable, optional
        Shows progress.

    Raises
    ------
    Interrupted
        If the user interrupts.
    """
    player.take(plan.opened)
    keys = plan.keys()
    left = sum(key not in kept.games for key in keys)
    try:
        if left:
            games: Iterable[Game] = runner.run(player, plan.tasks(kept.games))
            for game in track(games, left) if track else games:
                kept.add(game)
    except KeyboardInterrupt:
        done = sum(key in kept.games for key in keys)
        raise Interrupted(
            f"interrupted: {done} of {len(keys)} games are kept in {kept.path}; the same command "
            "with --resume goes on"
            if done
            else "interrupted before any game was done"
        ) from None
    # Of images that could not be read there are no games.
    return [kept.games[key] for key in keys if key in kept.games]


def cache_folder() -> Path:
    """Return the folder of results files that no place was chosen for."""
    return places.cache_folder() / "evaluate"


def _default_file(header: Header, resume: bool) -> Path:
    """Return the newest file of this run to be resumed, or a new one.

    The same command may run twice at a time: each process has a file of its own.
    """
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:16]
    left = sorted(cache_folder().glob(f"{digest}-*.jsonl"), key=lambda file: file.stat().st_mtime)
    if resume and left:
        return left[-1]
    new = cache_folder() / f"{digest}-{os.getpid()}.jsonl"
    new.unlink(missing_ok=True)  # of a process long gone that had the same number
    return new
