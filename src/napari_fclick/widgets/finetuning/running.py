"""One fine-tuning at a time, in a process of its own, joined to the model that is shown."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from qtpy.QtCore import QTimer

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.widgets.finetuning.choice import Choice, make_request
from napari_fclick.widgets.finetuning.model import TuningModel
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.finetuning.request import Request

#: Milliseconds between two looks at what the process has told.
POLL = 200


class Process(Protocol):
    """What `napari_fclick.finetuning.process.Job` does."""

    @property
    def running(self) -> bool:
        """Whether there are events to come."""

    def poll(self) -> list[dict[str, Any]]:
        """Return what has happened since."""

    def cancel(self) -> None:
        """End the training; the best so far is judged."""

    def kill(self) -> None:
        """End it at once."""

    def close(self) -> None:
        """End it if it runs, and let go of it."""


def start_process(request: Request) -> Process:
    """Start a fine-tuning."""
    from napari_fclick.finetuning.process import Job as FineTuningProcess

    return FineTuningProcess(request)


class Running:
    """Starts, listens to, cancels and ends the process; removes its files.

    Parameters
    ----------
    model : TuningModel
        Is told.
    worker : Worker
        Puts layers where the process reads them.
    start : callable
        Takes a `Request`, returns a `Process`.

    Attributes
    ----------
    request : Request or None
        What was asked last; its files are there until the next one, or `close`.
    """

    def __init__(
        self, model: TuningModel, worker: Worker, start: Callable[[Request], Process]
    ) -> None:
        self.request: Request | None = None
        self._model, self._worker, self._start = model, worker, start
        self._process: Process | None = None
        self._folder: TemporaryDirectory[str] | None = None
        self._timer = QTimer()
        self._timer.setInterval(POLL)
        self._timer.timeout.connect(self._poll)

    def start(self, choice: Choice, name: str, options: FineTuneOptions) -> None:
        """Begin a fine-tuning; what the one before came to is removed unless it was kept."""
        if self._model.busy:
            return
        self._clear()
        folder = TemporaryDirectory(prefix="fclick-finetuning-", ignore_cleanup_errors=True)
        self._folder = folder
        self._model.prepare()

        def prepare() -> Request:
            try:
                return make_request(choice, name, options, Path(folder.name))
            finally:
                if folder is not self._folder:  # stopped meanwhile
                    folder.cleanup()

        def done(request: Request) -> None:
            if folder is self._folder:
                self._on_prepared(request)

        def failed(problem: str) -> None:
            if folder is self._folder:
                self._clear()  # what was written would keep a full disk full
                self._model.fail(problem)

        self._worker.submit("prepare", Job(prepare, done, failed))

    def cancel(self) -> None:
        """End the training and judge the best so far; asked again, end it at once."""
        if self._model.phase == "running" and self._process is not None:
            self._process.cancel()
            self._model.cancel()
        elif self._model.phase == "cancelling" and self._process is not None:
            self._process.kill()
        elif self._model.phase == "preparing":
            self._clear()
            self._model.fail("stopped")

    def close(self) -> None:
        """End what runs, and remove all files."""
        self._clear()

    def _on_prepared(self, request: Request) -> None:
        self.request = request
        try:
            self._process = self._start(request)
        except OSError as error:
            self._model.fail(f"the training could not be started: {error}")
            return
        self._model.run()
        self._timer.start()

    def _poll(self) -> None:
        process = self._process
        if process is None:
            return
        self._model.take(process.poll())
        if not process.running:
            self._end()

    def _end(self) -> None:
        with suppress(RuntimeError):  # Qt may have deleted it first
            self._timer.stop()
        process, self._process = self._process, None
        if process is not None:
            process.close()

    def _clear(self) -> None:
        self._end()
        self.request = None
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()
