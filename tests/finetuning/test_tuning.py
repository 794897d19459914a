"""The training of a fine-tuning: where it runs, and that it always does something."""

from __future__ import annotations

import pytest
import torch
from tests.finetuning.scenes import data

from napari_fclick.finetuning.objects import LearningSet
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.tuning import OnDevice, Tuned, Tuning
from napari_fclick.network import checkpoints


def tune(stopped: bool) -> Tuned:
    sets = [LearningSet("own", data(2).images)]
    options = FineTuneOptions(size=64, batch=2)
    card = checkpoints.load("default")[1]
    return Tuning(
        sets, options, card, -1, lambda: 0.0, None, lambda event: None, lambda: stopped,
        torch.device("cpu"),
    ).run()  # fmt: skip


@pytest.mark.parametrize("stopped", [False, True])
def test_without_time_a_step_is_made_unless_it_is_stopped(stopped: bool) -> None:
    assert tune(stopped).steps == (0 if stopped else 1)


def test_it_runs_where_it_was_asked_to() -> None:
    assert OnDevice(chosen=torch.device("cuda", 1)).device == torch.device("cuda", 1)
    # Where training was not tried, the CPU does it.
    assert OnDevice(chosen=torch.device("mps")).device == torch.device("cpu")
