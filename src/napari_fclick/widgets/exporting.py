"""Objects of the session at hand, written for other programs."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from napari_fclick.core.words import counted
from napari_fclick.session.exporting import export, possible_files
from napari_fclick.session.journal import JournalError
from napari_fclick.widgets.activity import Activity
from napari_fclick.widgets.journaling import Journaling
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Exporting:
    """Writes the current session's objects, off the GUI thread.

    Parameters
    ----------
    controller : Controller
    journaling : Journaling
        Knows the file that they are in.
    """

    def __init__(self, controller: Controller, journaling: Journaling) -> None:
        self._controller, self._journaling = controller, journaling
        self._worker = Worker("napari-fclick-export")
        self._activity = Activity(self._on_cancelled)

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._worker.busy

    def close(self) -> None:
        """Write nothing more."""
        self._activity.end()
        self._worker.close()

    def files_of(self, kind: str, out: Path) -> list[Path]:
        """Return the files that `export` may write for the current session."""
        kept, layers = self._journaling.current, 1
        if kept is not None and kept.recorder.journal is not None:
            with suppress(JournalError):  # then the export will say what is wrong
                layers = len(kept.recorder.journal.targets)
        return possible_files(kind, out, layers)

    def export(self, kind: str, out: Path) -> None:
        """Write the current session's objects as "coco", "tiff" or "csv", off the GUI thread."""
        kept, path = self._journaling.current, self._journaling.path
        if kept is None or path is None:
            self._controller.say(
                "there is nothing to export yet: accept an object first", "warning"
            )
            return
        if kept.recorder.waiting and not kept.recorder.flush():
            count = kept.recorder.waiting
            self._controller.say(
                "an export would lack what is not in the file yet, "
                f"{counted(count, 'step')}: save the session elsewhere first (Save as …)",
                "error",
            )
            return
        kept.recorder.describe_anew()
        self._activity.begin(f"First Click: writing {out.name}")
        job = Job(lambda: export(path, kind, out), self._on_exported, self._on_not_exported)
        self._worker.submit("export", job)

    def _on_exported(self, written: list[Path]) -> None:
        self._activity.end()
        self._controller.say("wrote " + " and ".join(str(each) for each in written))

    def _on_not_exported(self, problem: str) -> None:
        self._activity.end()
        self._controller.say(problem, "error")

    def _on_cancelled(self) -> None:
        self._worker.drop("export")
        self._controller.say("nothing more is exported; a file that was begun may still come")
