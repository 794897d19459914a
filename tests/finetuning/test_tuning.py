"""The training of a fine-tuning: where it runs, and that it always does something."""

from __future__ import annotations

import pytest
import torch
from tests.finetuning.scenes import data

from napari_fclick.finetuning.objects import LearningSet
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.tuning import OnDevice, Tuned, Tuning
from napari_fclick.network import checkpoints
from napari_fclick.training.dataset import Sample
from napari_fclick.training.forward import Forward, Outcome


def tune(stopped: bool, seconds: float = 0.0) -> Tuned:
    sets = [LearningSet("own", data(2).images)]
    options = FineTuneOptions(size=64, batch=2)
    card = checkpoints.load("default")[1]
    return Tuning(
        sets, options, card, -1, lambda: seconds, None, lambda event: None, lambda: stopped,
        torch.device("cpu"),
    ).run()  # fmt: skip


@pytest.mark.parametrize("stopped", [False, True])
def test_without_time_a_step_is_made_unless_it_is_stopped(stopped: bool) -> None:
    assert tune(stopped).steps == (0 if stopped else 1)


@pytest.mark.parametrize("good", [0, 3])
def test_what_was_learned_before_a_step_failed_is_kept(
    good: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forward = Forward.__call__

    def failing(self: Forward, batch: Sample, step: int) -> Outcome:
        found = forward(self, batch, step)
        return found._replace(loss=found.loss * float("nan")) if step == good else found

    monkeypatch.setattr(Forward, "__call__", failing)
    if good:
        tuned = tune(stopped=False, seconds=60)
        assert tuned.steps == good
        assert all(value.isfinite().all() for value in tuned.state.values())
        assert "the training ends early: the loss of step 4 is nan" in caplog.text
    else:
        with pytest.raises(FloatingPointError, match=r"stay as they were$"):
            tune(stopped=False, seconds=60)


def test_it_runs_where_it_was_asked_to() -> None:
    assert OnDevice(chosen=torch.device("cuda", 1)).device == torch.device("cuda", 1)
    # Where training was not tried, the CPU does it.
    assert OnDevice(chosen=torch.device("mps")).device == torch.device("cpu")
