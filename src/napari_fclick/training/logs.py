"""How a run is doing: on the way, and in the files it leaves."""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_fclick.core.errors import installs
from napari_fclick.core.paths import replacing

logger = logging.getLogger(__name__)

COLUMNS = ("step", "loss", "iou", "lr", "samples_per_second", "seconds", "memory_mb")
SCORE_COLUMNS = ("step", "score", "value")
#: Format of a column's numbers.
_FORMATS = {
    "loss": ".4f",
    "iou": ".4f",
    "lr": ".2e",
    "samples_per_second": ".1f",
    "seconds": ".0f",
    "value": ".4f",
}


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    Attributes
    ----------
    step, steps : int
        Done, and in all.
    loss, iou : float
        Of the step just done; IoU of its last forward pass, a mean over the batch.
    lr : float
        Learning rate of the heads.
    samples_per_second : float
        Since this call of `Trainer.run` began; over all processes.
    memory_mb : int or None
        The most that was resident; see `napari_fclick.core.memory`.
    seconds, seconds_left : float
        Trained so far, all runs together; and still to go at this pace.
    """

    step: int
    steps: int
    loss: float
    iou: float
    lr: float
    samples_per_second: float
    memory_mb: int | None
    seconds: float
    seconds_left: float


#: Called after each step, on the process that writes.
Report = Callable[[Progress], None]


class Log:
    """The files of a run: CSV, TensorBoard's events, and the curve as a picture.

    What needs a package that is not installed is left out, with one warning.

    Parameters
    ----------
    folder : Path
        Gets ``log.csv``, ``validation.csv``, ``curve.png`` and ``tensorboard/``.
    step : int
        Where the run goes on: lines of later steps, which are done again, are dropped.
    """

    def __init__(self, folder: Path, step: int = 0) -> None:
        self.folder, self._begin = folder, step
        self._events: Any = None
        self._warned: set[str] = set()
        for path in (self.path, self.scores_path):
            _drop_later(path, step)

    @property
    def path(self) -> Path:
        """Loss, IoU and pace; a line every ``log_every`` steps."""
        return self.folder / "log.csv"

    @property
    def scores_path(self) -> Path:
        """What validations measured; a line a score."""
        return self.folder / "validation.csv"

    def write(self, progress: Progress) -> None:
        """Add a line."""
        values = asdict(progress)
        row = _formatted({name: values[name] for name in COLUMNS})
        left = f"{progress.seconds_left / 60:.0f} min left"
        logger.info("%s, %s", " ".join(f"{k} {v}" for k, v in row.items()), left)
        _append(self.path, COLUMNS, [row])
        names = ("loss", "iou", "lr", "samples_per_second")
        self._add(progress.step, {f"train/{name}": values[name] for name in names})

    def write_scores(self, step: int, scores: Mapping[str, float]) -> None:
        """Add what a validation measured."""
        rows = [
            _formatted({"step": step, "score": name, "value": value})
            for name, value in scores.items()
        ]
        logger.info("step %d: %s", step, " ".join(f"{r['score']} {r['value']}" for r in rows))
        _append(self.scores_path, SCORE_COLUMNS, rows)
        self._add(step, {f"validation/{name}": value for name, value in scores.items()})

    def draw(self) -> None:
        """Draw what was written so far as ``curve.png``."""
        if not self.path.exists():
            return
        try:
            from napari_fclick.training.curve import draw_curve
        except ImportError:
            self._warn(f"no curve is drawn: {installs('plot')}")
            return
        draw_curve(read_rows(self.path), read_rows(self.scores_path), self.folder / "curve.png")

    def close(self) -> None:
        """Draw the curve and finish the files."""
        self.draw()
        if self._events is not None:
            self._events.close()

    def _add(self, step: int, values: Mapping[str, float]) -> None:
        if self._events is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                self._warn(f"nothing is written for TensorBoard: {installs('train')}")
                return
            self._events = SummaryWriter(
                str(self.folder / "tensorboard"), purge_step=self._begin + 1
            )
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def _warn(self, message: str) -> None:
        if message not in self._warned:
            self._warned.add(message)
            logger.warning(message)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Return the lines of a log; none, if there is no such file.

    What a kill left of a last line is not counted.
    """
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if None not in row.values()]


def _formatted(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: format(value, _FORMATS.get(name, "")) for name, value in values.items()}


def _append(path: Path, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if fresh:
            writer.writeheader()
        writer.writerows(rows)


def _drop_later(path: Path, step: int) -> None:
    rows = read_rows(path)
    if not rows:
        return
    with replacing(path) as partial, partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row for row in rows if int(row["step"]) <= step)
