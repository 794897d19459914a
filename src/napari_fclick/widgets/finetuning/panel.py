"""The panel "First Click: fine-tune": weights that learn a lab's own images."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import napari
from napari.utils.theme import get_theme
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_fclick.widgets.docking import Docked
from napari_fclick.widgets.finetuning.choice import Choice
from napari_fclick.widgets.finetuning.crops import Crop, crops_of
from napari_fclick.widgets.finetuning.curves import Curves
from napari_fclick.widgets.finetuning.data_view import DataView
from napari_fclick.widgets.finetuning.form import OptionsForm
from napari_fclick.widgets.finetuning.looking import Looking
from napari_fclick.widgets.finetuning.model import TuningModel
from napari_fclick.widgets.finetuning.outcome import DataSummary, Outcome
from napari_fclick.widgets.finetuning.result_view import ResultView
from napari_fclick.widgets.finetuning.running import Running, start_process
from napari_fclick.widgets.finetuning.shelf import Shelf
from napari_fclick.widgets.finetuning.texts import SelectableLine
from napari_fclick.widgets.loading import Choices, available_choices
from napari_fclick.widgets.sections import Scroller, Section
from napari_fclick.widgets.workers import Job, Worker

#: Parts that the progress bar has.
PARTS = 1000


class FineTunePanel(Docked):
    """Fine-tune the network on one's own images, and use the weights if they are better.

    Parameters
    ----------
    viewer : napari.Viewer
    start : callable, optional
        Takes a `Request`, returns a process such as `napari_fclick.finetuning.process.Job`.
    discover : callable, optional
        Returns the `Choices` of weights and devices.

    Attributes
    ----------
    model : TuningModel
        Where the fine-tuning stands.
    data, form, curves, result
        The parts.
    looking : Looking
        Reads the images that are chosen.
    shelf : Shelf
        The weights in use.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        start: Callable[[Any], Any] = start_process,
        discover: Callable[[], Choices] = available_choices,
    ) -> None:
        super().__init__()
        self.setWindowTitle("First Click: fine-tune")
        self._viewer = getattr(viewer, "__wrapped__", viewer)
        self._discover = discover
        self._worker = Worker("fclick-finetuning")
        # Weights that were chosen to be kept wait for nothing else.
        self.model, self.shelf = TuningModel(), Shelf(Worker("fclick-weights"))
        self.running = Running(self.model, self._worker, start)
        self._shown: Outcome | None = None
        self._in_use: str | None = None
        self._learned: Choice | None = None
        self._make_parts()
        self._lay_out()
        self._connect()
        self._look_for_choices()
        self.shelf.look()
        self._on_theme()
        self.looking.begin()

    @property
    def idle(self) -> bool:
        """Whether nothing is read, written or trained."""
        parts = (self.looking, self._worker, self.model, self.shelf)
        return not any(part.busy for part in parts)

    # --- making -------------------------------------------------------------------------

    def _make_parts(self) -> None:
        self.data, self.form = DataView(self._viewer), OptionsForm()
        self.curves, self.result = Curves(), ResultView()
        self.start, self.cancel = QPushButton("Start"), QPushButton("Stop")
        self.bar, self.status, self.left = QProgressBar(), SelectableLine(), QLabel()
        self.bar.setRange(0, PARTS)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Part of the time that is over")
        self.message = SelectableLine()
        self.in_use, self.roll_back = QLabel(), QPushButton("Roll back")
        self.in_use.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.roll_back.setToolTip("Go back to the weights that were in use before")
        self.looking = Looking(self.data, lambda: str(self.form.fields["weights"].value))

    def _lay_out(self) -> None:
        self.sections = {
            "images": Section("Images", self.data),
            "options": Section("Options", self.form),
            "curves": Section("Curves", self.curves),
            "result": Section("Result", self.result),
        }
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 4, 6, 4)
        for name in ("images", "options"):
            column.addWidget(self.sections[name])
        column.addLayout(_row((self.start, 2), (self.cancel, 1)))
        column.addWidget(self.bar)
        column.addLayout(_row((self.status, 1), (self.left, 0)))
        column.addWidget(self.message)
        for name in ("result", "curves"):
            column.addWidget(self.sections[name])
        column.addStretch(1)
        column.addLayout(_row((self.in_use, 1), (self.roll_back, 0)))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scroller(inside))

    def _connect(self) -> None:
        self.start.clicked.connect(lambda: self.begin())
        self.cancel.clicked.connect(lambda: self.running.cancel())
        self.roll_back.clicked.connect(lambda: self.shelf.roll_back())
        self.form.changed.connect(self.looking.follow)
        self.looking.changed.connect(self._show)
        self.model.changed.connect(self._show)
        self.model.summarised.connect(self._on_summary)
        self.shelf.changed.connect(self._on_shelf)
        self.shelf.reported.connect(self.message.tell)
        self.result.promoted.connect(self._promote)
        self.result.exported.connect(self._export)
        self._viewer.events.theme.connect(self._on_theme)
        # Where we are deleted with the window: what is said here holds no widget of ours.
        parts = (self.running, self.looking, self.data, self._worker, self.shelf)
        self._closing = partial(_close, *parts, self._viewer, self._on_theme)
        closing = self._closing
        self.destroyed.connect(lambda: closing())

    def close_all(self) -> None:
        """End what runs and remove its files; nothing can be begun afterwards."""
        self._closing()

    # --- acting -------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a fine-tuning; say why not where that cannot be."""
        problem = self._why_not()
        if problem:
            self.message.tell(problem, "warning")
            return
        try:
            options = self.form.options
        except ValueError as error:
            self.message.tell(str(error), "error")
            return
        self.message.tell("", "info")
        self._learned = self.data.choice
        self.running.start(self._learned, self.data.name, options)

    def _why_not(self) -> str:
        if self.model.busy:
            return "a fine-tuning is running"
        if self.shelf.keeping:
            return "the weights of the last one are being put into use or written: wait a moment"
        if not self.data.choice:
            return "nothing to learn from: add images and labels first"
        if self.looking.summary is not None and not self.looking.summary.usable:
            return "the images cannot be learned from, see above"
        return self.looking.problem

    def _promote(self) -> None:
        outcome = self.model.outcome
        if outcome is not None and outcome.promoted and outcome.out is not None:
            self.result.promote.setEnabled(False)
            self.shelf.promote(outcome.out, outcome.out.name.removesuffix(".safetensors"))

    def _export(self, out: Path) -> None:
        outcome = self.model.outcome
        if outcome is None or outcome.out is None:
            return
        export = self.shelf.export_file
        if out.suffix == ".zip":
            export = self.shelf.export_bioimageio
        export(outcome.out, out)

    # --- showing ------------------------------------------------------------------------

    def _show(self) -> None:
        model = self.model
        problem = self._why_not()
        self.start.setEnabled(not problem)
        self.start.setToolTip(problem or "Train in a process of its own; go on annotating")
        self._show_cancel()
        self.bar.setVisible(model.busy)
        self.bar.setValue(round(PARTS * model.fraction))
        self.status.tell(model.text, "error" if model.phase == "failed" else "info")
        self.left.setText(model.time_left)
        self.form.setEnabled(not model.busy)
        self.curves.show_model(model)
        self.sections["curves"].setVisible(bool(model.steps or model.watched))
        self._show_result()
        self._show_in_use()

    def _on_shelf(self) -> None:
        """Show what is in use; where that has changed, there may be new weights to start from."""
        found = self.shelf.in_use and self.shelf.in_use.name
        if self._in_use not in (None, found):
            self._look_for_choices()
        self._in_use = found
        self._show()

    def _on_summary(self, summary: DataSummary) -> None:
        """Show what the process found in the images, unless others were chosen meanwhile."""
        if self.data.choice is self._learned:
            self.looking.show(summary)

    def _show_cancel(self) -> None:
        stopping = self.model.phase == "cancelling"
        self.cancel.setEnabled(self.model.busy)
        self.cancel.setText("Stop at once" if stopping else "Stop")
        self.cancel.setToolTip(
            "Give up what was learned; the weights in use stay"
            if stopping
            else "End the training; the best so far is tested and kept"
        )

    def _show_result(self) -> None:
        outcome = self.model.outcome
        self.sections["result"].setVisible(outcome is not None)
        if outcome is None:
            self._shown = None
            return
        in_use = self.shelf.promoted is not None and self.shelf.promoted == outcome.out
        self.result.show_outcome(outcome, in_use, self.shelf.in_use and self.shelf.in_use.name)
        if outcome is not self._shown:
            self._shown = outcome
            self._show_changed(outcome)

    def _show_changed(self, outcome: Outcome) -> None:
        """Cut the pictures out of the images as they were learned from."""
        request = self.running.request
        changed = [each for each in outcome.changed if each.differs]
        if request is None or not changed:
            return

        def done(crops: list[Crop | None]) -> None:
            if outcome is self.model.outcome:
                self.result.gallery.show_objects(changed, crops)
                self.result.show_gallery()

        def failed(problem: str) -> None:
            if outcome is self.model.outcome:
                self._tell_error(problem)

        work = Job(lambda: crops_of(request.load(), changed), done, failed)
        self._worker.submit("crops", work)

    def _show_in_use(self) -> None:
        found = self.shelf.in_use
        self.in_use.setText("" if found is None else f"In use: {found.name}")
        self.in_use.setToolTip("" if found is None else f"The dock predicts with {found.name}")
        self.roll_back.setEnabled(found is not None and found.can_roll_back)

    def _look_for_choices(self) -> None:
        self._worker.submit("choices", Job(self._discover, self._show_choices, self._tell_error))

    def _show_choices(self, choices: Choices) -> None:
        self.form.offer("weights", choices.weights)
        self.form.offer("device", choices.devices)

    def _tell_error(self, problem: str) -> None:
        self.message.tell(problem, "error")

    def _on_theme(self, event: Any = None) -> None:
        self.curves.show_colours(get_theme(self._viewer.theme).text.as_hex())


def _close(
    running: Running,
    looking: Looking,
    data: DataView,
    worker: Worker,
    shelf: Shelf,
    viewer: Any,
    on_theme: Callable[..., None],
) -> None:
    """End and let go of everything, whatever of Qt's is gone already."""
    # What the user wanted to keep is copied before the run's files are removed.
    shelf.close()
    running.close()
    worker.close()
    looking.close()
    data.close_links()
    viewer.events.theme.disconnect(on_theme)


def _row(*widgets: tuple[QWidget, int]) -> QHBoxLayout:
    row = QHBoxLayout()
    for widget, stretch in widgets:
        row.addWidget(widget, stretch)
    return row
