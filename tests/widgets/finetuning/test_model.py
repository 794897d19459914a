"""Events of the process -> what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.widgets.finetuning.fakes import finished, progress, result, step, watch

from napari_fclick.widgets.finetuning.model import TuningModel, duration
from napari_fclick.widgets.finetuning.outcome import DataSummary


def running() -> TuningModel:
    model = TuningModel()
    model.prepare()
    model.run()
    return model


def test_a_whole_run() -> None:
    model = running()
    changes: list[str] = []
    summaries: list[DataSummary] = []
    model.changed.connect(lambda: changes.append(model.phase))
    model.summarised.connect(summaries.append)
    model.take(
        [
            {
                "event": "summary",
                "images": 5,
                "objects": 40,
                "training_images": 3,
                "validation_images": 2,
                "messages": [["warning", "specks"]],
                "training_objects": 30,
            },
            {"event": "stage", "stage": "training", "text": "learning from the images"},
            watch(0, 6.0),
            step(1, 1.5),
            step(4, 0.5),
            watch(4, 5.0, best=True),
            progress(0.25, 450.0),
        ]
    )
    assert changes == ["running"]
    assert [summary.messages for summary in summaries] == [(("warning", "specks"),)]
    assert model.text == "learning from the images"
    assert model.time_left == "7 min 30 s left"
    assert model.steps == [(1, 1.5), (4, 0.5)]
    assert model.watched == [(0, 6.0, 9.0, False), (4, 5.0, 8.0, True)]
    model.take([finished(Path("new.safetensors"))])
    assert changes == ["running", "finished"]
    assert model.outcome is not None
    assert model.outcome.out == Path("new.safetensors")
    assert model.fraction == 1
    assert model.text == "done in 9 min 43 s, 412 steps"
    assert not model.busy


def test_the_bar_does_not_go_back() -> None:
    model = running()
    model.take([progress(0.5, 300), progress(0.4, 360)])
    assert (model.fraction, model.left) == (0.5, 360)


def test_cancel_goes_on_until_the_best_is_judged() -> None:
    model = running()
    model.take([step(1, 1.5)])
    model.cancel()
    assert model.phase == "cancelling"
    assert model.busy
    assert model.time_left == ""
    model.take([{"event": "stage", "stage": "scoring after", "text": "testing"}])
    assert model.text == "stopping: the best so far is being tested"
    model.take([finished(Path("new.safetensors"))])
    assert model.phase == "finished"


def test_before_the_first_step_there_is_no_best() -> None:
    model = running()
    model.take([{"event": "stage", "stage": "scoring before", "text": "testing"}, watch(0, 6.0)])
    model.cancel()
    assert model.text == "stopping: what was learned, if anything, is being tested"


def test_failure_keeps_the_curves_and_nothing_comes_after_it() -> None:
    model = running()
    model.take([step(1, 1.0), {"event": "failed", "error": "the disk is full"}, step(2, 0.5)])
    assert model.phase == "failed"
    assert model.text == "failed: the disk is full"
    assert model.steps == [(1, 1.0)]
    model.prepare()
    assert model.steps == []
    assert model.error == ""


@pytest.mark.parametrize("broken", [{"promoted": True}, {**result(None), "steps": "many"}])
def test_a_result_that_cannot_be_read_is_a_failure(broken: dict[str, object]) -> None:
    model = running()
    model.take([{"event": "finished", "result": broken}])
    assert model.phase == "failed"
    assert "cannot be read" in model.error


def test_events_not_known_are_passed_over() -> None:
    model = running()
    model.take([{"event": "weather", "text": "fine"}])
    assert model.phase == "running"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (600, "10 min"),
        (725, "12 min"),
        (7260, "2 h 1 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_objects_that_were_tested_are_counted() -> None:
    model = running()
    model.take([{"event": "stage", "stage": "scoring before", "text": "testing the weights"}])
    assert model.text == "testing the weights"
    model.take([{**progress(0.05, 570.0), "objects": 12}])
    assert model.text == "testing the weights: 12 objects so far"
    model.take([{"event": "stage", "stage": "training", "text": "learning"}])
    assert model.text == "learning"
