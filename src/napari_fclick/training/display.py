"""A run on a terminal: a bar of progress; elsewhere, the lines of the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from napari_fclick.training.logs import Progress, Report


@contextmanager
def shown(console: Console, quiet: bool = False) -> Iterator[Report | None]:
    """Show how a run is doing on a console, and its log lines.

    Parameters
    ----------
    console : Console
        Where it is no terminal, the lines come alone, with the time.
    quiet : bool
        Warnings only, for the processes that do not report.

    Yields
    ------
    callable or None
        To be told the progress after each step.
    """
    level = logging.WARNING if quiet else logging.INFO
    if quiet or not console.is_terminal:
        logging.basicConfig(level=level, format="%(asctime)s %(message)s")
        yield None
        return
    handler = RichHandler(console=console, show_path=False, show_level=False)
    logging.basicConfig(level=level, format="%(message)s", handlers=[handler])
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Bar(*columns, console=console) as bar:
        task = bar.add_task("reading", total=None)

        def report(progress: Progress) -> None:
            bar.update(
                task, completed=progress.step, total=progress.steps, description=summary(progress)
            )

        yield report


def summary(progress: Progress) -> str:
    """Return loss, IoU, pace, memory and the time left in one line."""
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    hours, minutes = divmod(minutes, 60)
    memory = "" if progress.memory_mb is None else f"{progress.memory_mb} MB  "
    return (
        f"loss {progress.loss:.3f}  IoU {progress.iou:.2f}  "
        f"{progress.samples_per_second:.1f} samples/s  {memory}"
        f"{hours}:{minutes:02}:{seconds:02} left"
    )
