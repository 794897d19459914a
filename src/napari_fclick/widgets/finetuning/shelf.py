"""The weights that are in use, the way to others and back, and files for elsewhere."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from psygnal import Signal

from napari_fclick.core.paths import replacing
from napari_fclick.widgets.loading import weights_in_use
from napari_fclick.widgets.workers import Job, Worker

logger = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds that closing waits for files to be written.
PATIENCE = 60.0


class InUse(NamedTuple):
    """Which weights are in use, and whether others were before."""

    name: str
    can_roll_back: bool


class Shelf:
    """Promotes, rolls back and exports weights, off the GUI thread.

    Parameters
    ----------
    worker : Worker
        Of its own: what is to be kept must not wait until it is too late.

    Attributes
    ----------
    changed : Signal()
    reported : Signal(str, str)
        A message, and "info" or "error".
    in_use : InUse or None
        None until it is known.
    promoted : Path or None
        The file that was promoted last.
    """

    changed = Signal()
    reported = Signal(str, str)

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        #: What is being kept, by its kind: a newer one takes the place of one that waits.
        self._kept: dict[str, object] = {}
        self._adopted: str | None = None
        self.in_use: InUse | None = None
        self.promoted: Path | None = None

    @property
    def busy(self) -> bool:
        """Whether anything is read or written."""
        return self._worker.busy

    @property
    def keeping(self) -> bool:
        """Whether weights are still being put into use or exported; their file must stay."""
        return bool(self._kept)

    def close(self) -> None:
        """Come to the end of what was begun, at most `PATIENCE` seconds.

        Nobody is left to be told of it here; the dock hears of weights that came into use, and
        the log of what went wrong.
        """
        if self.keeping:
            ended = threading.Event()
            self._worker.submit("end", Job(ended.set, _ignore, _ignore))
            ended.wait(PATIENCE)
            self._kept.clear()
        self._worker.close()
        if self._adopted is not None:
            weights_in_use.changed.emit(self._adopted)

    def look(self) -> None:
        """Find out which weights are in use."""
        self._do("look", in_use, self._on_looked, "the weights in use could not be found")

    def promote(self, path: Path, name: str) -> None:
        """Put weights into use, in this program and in the dock."""

        def work() -> InUse:
            from napari_fclick.finetuning import promotion

            promotion.promote(path, name)
            found = in_use()
            self._adopted = found.name
            return found

        def done(found: InUse) -> None:
            self.promoted, self._adopted = path, None
            self._on_other(found, f"{found.name} is in use now")

        self._keep("promote", work, done, "the old weights stay in use")

    def roll_back(self) -> None:
        """Go back to the weights that were in use before."""

        def work() -> InUse:
            from napari_fclick.finetuning import promotion

            promotion.roll_back()
            return in_use()

        def done(found: InUse) -> None:
            self.promoted = None
            self._on_other(found, f"back to {found.name}")

        self._do("roll back", work, done, "could not be rolled back")

    def export_file(self, path: Path, out: Path) -> None:
        """Copy a weights file, at once or not at all."""

        def work() -> Path:
            with replacing(out) as partial:
                shutil.copyfile(path, partial)
            return out

        self._keep(f"export {out}", work, self._on_exported, "not written")

    def export_bioimageio(self, path: Path, out: Path) -> None:
        """Write a bioimage.io package."""

        def work() -> Path:
            from napari_fclick.finetuning.export import export_bioimageio

            return export_bioimageio(path, out)

        self.reported.emit(f"writing {out.name} …", "info")
        self._keep(f"export {out}", work, self._on_exported, "not written")

    def _keep(
        self, kind: str, work: Callable[[], T], done: Callable[[T], None], problem: str
    ) -> None:
        """Do what needs the file of a fine-tuning."""
        mine = object()

        def copied() -> T:
            try:
                return work()
            except Exception:
                logger.warning("%s: %s", kind, problem, exc_info=True)
                raise
            finally:
                if self._kept.get(kind) is mine:
                    del self._kept[kind]

        self._kept[kind] = mine
        self._do(kind, copied, done, problem)
        self.changed.emit()

    def _do(
        self, kind: str, work: Callable[[], T], done: Callable[[T], None], problem: str
    ) -> None:
        def failed(reason: str) -> None:
            self.reported.emit(f"{problem}: {reason}", "error")
            self.changed.emit()

        self._worker.submit(kind, Job(work, done, failed))

    def _on_looked(self, found: InUse) -> None:
        self.in_use = found
        self.changed.emit()

    def _on_other(self, found: InUse, message: str) -> None:
        self._on_looked(found)
        self.reported.emit(message, "info")
        weights_in_use.changed.emit(found.name)

    def _on_exported(self, out: Path) -> None:
        self.reported.emit(f"written: {out}", "info")
        self.changed.emit()


def in_use() -> InUse:
    """Return which weights are in use; imports torch and reads files."""
    from napari_fclick.finetuning import promotion

    name = promotion.active()
    return InUse(name, name != promotion.DEFAULT)


def _ignore(value: object) -> None:
    """Hear nothing of it."""
