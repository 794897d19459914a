"""Where a fine-tuning stands, from the events that its process sends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from psygnal import Signal
from pydantic import ValidationError

from napari_fclick.widgets.finetuning.outcome import DataSummary, Outcome

Phase = Literal["ready", "preparing", "running", "cancelling", "finished", "failed"]
#: Phases in which something goes on.
BUSY = ("preparing", "running", "cancelling")


class Step(NamedTuple):
    """A point of the loss curve."""

    step: int
    loss: float


class Watch(NamedTuple):
    """A point of the click curves, of the objects that are watched; step 0: the old weights."""

    step: int
    noc85: float
    noc90: float
    best: bool


class TuningModel:
    """One fine-tuning after the other, as far as they can be seen.

    Attributes
    ----------
    changed : Signal()
        Anything below is another.
    summarised : Signal(DataSummary)
        What the process found in the images.
    phase : str
    stage : str
        What is being done, in words.
    fraction : float in [0, 1]
        Of the time that there is.
    left : float or None
        Seconds.
    objects : int
        Tested so far, where the stage is a test.
    steps, watched : list of Step, Watch
        The curves.
    outcome : Outcome or None
    error : str
        Why it failed.
    """

    changed = Signal()
    summarised = Signal(DataSummary)

    def __init__(self) -> None:
        self.phase: Phase = "ready"
        self._clear()

    def _clear(self) -> None:
        self.stage, self.error = "", ""
        self.fraction = 0.0
        self.left: float | None = None
        self.objects = 0
        self.steps: list[Step] = []
        self.watched: list[Watch] = []
        self.outcome: Outcome | None = None

    @property
    def busy(self) -> bool:
        """Whether a fine-tuning goes on."""
        return self.phase in BUSY

    # --- what the panel does ------------------------------------------------------------

    def prepare(self) -> None:
        """Begin anew: the images are being put where the process reads them."""
        self._clear()
        self._become("preparing", "putting the images aside")

    def run(self) -> None:
        """Go on to what the process, started now, tells."""
        self._become("running", "starting")

    def cancel(self) -> None:
        """Training is to end; the best so far will be judged."""
        if self.phase == "running":
            self._become("cancelling", self.stage)

    def fail(self, error: str) -> None:
        """Give it up, and say why."""
        self.error = error
        self._become("failed", "")

    def _become(self, phase: Phase, stage: str) -> None:
        self.phase, self.stage = phase, stage
        self.changed.emit()

    # --- what the process tells ---------------------------------------------------------

    def take(self, events: list[dict[str, Any]]) -> None:
        """Take over what has happened; events of kinds not known are passed over."""
        for event in events:
            take = getattr(self, f"_take_{event.get('event')}", None)
            if take is not None and self.busy:
                take(event)
        if events:
            self.changed.emit()

    def _take_summary(self, event: Mapping[str, Any]) -> None:
        self.summarised.emit(DataSummary.model_validate(event))

    def _take_stage(self, event: Mapping[str, Any]) -> None:
        self.stage, self.objects = str(event["text"]), 0

    def _take_progress(self, event: Mapping[str, Any]) -> None:
        # Time estimates may go back and forth; a bar does not.
        self.fraction = max(self.fraction, min(float(event["fraction"]), 1.0))
        self.left = max(float(event["left"]), 0.0)
        self.objects = int(event.get("objects", 0))

    def _take_step(self, event: Mapping[str, Any]) -> None:
        self.steps.append(Step(int(event["step"]), float(event["loss"])))

    def _take_watch(self, event: Mapping[str, Any]) -> None:
        noc85, noc90 = float(event["NoC@85"]), float(event["NoC@90"])
        self.watched.append(Watch(int(event["step"]), noc85, noc90, bool(event["best"])))

    def _take_finished(self, event: Mapping[str, Any]) -> None:
        try:
            self.outcome = Outcome.model_validate(event["result"])
        except ValidationError as error:
            place = ".".join(map(str, error.errors()[0]["loc"]))
            self._take_failed({"error": f"the result cannot be read at {place!r}"})
            return
        self.fraction, self.left = 1.0, None
        self.phase, self.stage = "finished", ""

    def _take_failed(self, event: Mapping[str, Any]) -> None:
        self.error = str(event["error"])
        self.phase, self.stage = "failed", ""

    # --- in words -----------------------------------------------------------------------

    @property
    def text(self) -> str:
        """Where it stands, in a line."""
        if self.phase == "cancelling":
            what = "the best so far" if self.steps else "what was learned, if anything,"
            return f"stopping: {what} is being tested"
        if self.phase == "failed":
            return f"failed: {self.error}" if self.error else "failed"
        if self.phase == "finished":
            assert self.outcome is not None
            return f"done in {duration(self.outcome.seconds)}, {self.outcome.steps} steps"
        if self.objects and self.phase == "running":
            return f"{self.stage}: {self.objects} objects so far"
        return self.stage

    @property
    def time_left(self) -> str:
        """How long it will take still; empty where that is not known."""
        if self.left is None or self.phase != "running":
            return ""
        return f"{duration(self.left)} left"


def duration(seconds: float) -> str:
    """Return a time span in words, such as ``3 min 20 s``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 10 and rest:
        return f"{minutes} min {rest} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"
