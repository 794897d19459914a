"""Long tasks in napari's activity dock, where they can be cancelled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.utils import cancelable_progress


class _Task(cancelable_progress):  # type: ignore[misc]
    """A task of unknown length that tells at once when it is cancelled."""

    def cancel(self) -> None:
        """Do what the annotator asks for by the task's button."""
        super().cancel()
        if self.cancel_callback is not None:
            self.cancel_callback()


class Activity:
    """One kind of task, such as loading weights; the newest is the one that shows.

    Parameters
    ----------
    cancelled : callable
        The annotator cancelled it.
    """

    def __init__(self, cancelled: Callable[[], None]) -> None:
        self._cancelled = cancelled
        self._task: Any = None

    @property
    def running(self) -> bool:
        """Whether a task shows."""
        return self._task is not None

    def begin(self, what: str) -> None:
        """Show a task, in place of one that has not ended."""
        self.end()
        self._task = _Task(total=0, desc=what, cancel_callback=self._on_cancel, leave=False)

    def end(self) -> None:
        """Show it no more."""
        task, self._task = self._task, None
        if task is not None:
            task.close()

    def _on_cancel(self) -> None:
        self.end()
        self._cancelled()
