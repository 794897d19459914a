"""Reads what was chosen to learn from, a moment after the last change, off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable

from psygnal import Signal

from napari_fclick.widgets.finetuning.choice import summary_of
from napari_fclick.widgets.finetuning.data_view import DataView
from napari_fclick.widgets.finetuning.outcome import DataSummary
from napari_fclick.widgets.timers import single_shot
from napari_fclick.widgets.workers import Job, Worker

#: Milliseconds after which images that were chosen are read, so that several choices are one.
DELAY = 300


class Looking:
    """What is known of the images that are chosen.

    Parameters
    ----------
    data : DataView
        Where they are chosen, and what was found is shown.
    weights : callable
        Returns the name of the weights to start from.

    Attributes
    ----------
    changed : Signal()
        Anything below is another.
    summary : DataSummary or None
        None until they were read.
    problem : str
        Why they cannot be read.
    """

    changed = Signal()

    def __init__(self, data: DataView, weights: Callable[[], str]) -> None:
        self._weights, self._known = weights, weights()
        self._data, self._reader = data, Worker("fclick-reading")
        self.summary: DataSummary | None = None
        self.problem = ""
        self._delay = single_shot(self._look, DELAY, parent=data)
        data.changed.connect(self.begin)

    @property
    def busy(self) -> bool:
        """Whether something is being read, or about to be."""
        return self._delay.isActive() or self._reader.busy

    def begin(self) -> None:
        """Read soon, as other images were chosen, or others of them can be held back."""
        self._known = self._weights()
        self.summary, self.problem = None, ""
        self._reader.drop("look")
        if self._data.choice:
            self._data.show_looking()
            self._delay.start()
        else:
            self._delay.stop()
        self.changed.emit()

    def follow(self) -> None:
        """Read anew, if the weights to start from are others."""
        if self._weights() != self._known:
            self.begin()

    def show(self, summary: DataSummary) -> None:
        """Show what was found, here or in the process that fine-tunes."""
        self.summary = summary
        self._data.show_summary(summary)

    def close(self) -> None:
        """Read no more."""
        self._reader.close()

    def _look(self) -> None:
        choice, name, weights = self._data.choice, self._data.name, self._known

        def done(summary: DataSummary) -> None:
            if (choice, weights) == (self._data.choice, self._known):
                self.show(summary)
                self.changed.emit()

        def failed(problem: str) -> None:
            if (choice, weights) == (self._data.choice, self._known):
                self.problem = problem
                self._data.show_problem(problem)
                self.changed.emit()

        self._reader.submit("look", Job(lambda: summary_of(choice, name, weights), done, failed))
