"""From a choice to a process and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from napari.layers import Image, Labels
from pytestqt.qtbot import QtBot
from tests.widgets.finetuning.fakes import FakeProcess, finished

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.widgets.finetuning import running as module
from napari_fclick.widgets.finetuning.choice import Choice, LayerPair
from napari_fclick.widgets.finetuning.model import TuningModel
from napari_fclick.widgets.finetuning.running import Running
from napari_fclick.widgets.workers import Worker

OPTIONS = FineTuneOptions()


@pytest.fixture
def choice(cells: Any) -> Choice:
    return Choice((LayerPair(Image(cells[0], name="cells"), Labels(cells[1], name="objects")),))


@pytest.fixture
def worker(qtbot: QtBot) -> Iterator[Worker]:
    worker = Worker("test")
    yield worker
    worker.close(10)


def started(request: Any) -> FakeProcess:
    return FakeProcess(request)


def begun(worker: Worker, choice: Choice, qtbot: QtBot) -> tuple[Running, TuningModel, FakeProcess]:
    model = TuningModel()
    running = Running(model, worker, started)
    running.start(choice, "mine", OPTIONS)
    assert model.phase == "preparing"
    qtbot.waitUntil(lambda: model.phase == "running", timeout=20_000)
    process: Any = running._process
    return running, model, process


def folder_of(running: Running) -> Path:
    assert running.request is not None
    return running.request.out.parent


def test_files_are_there_until_the_next_start(worker: Worker, choice: Choice, qtbot: QtBot) -> None:
    running, model, process = begun(worker, choice, qtbot)
    folder = folder_of(running)
    assert {path.name for path in (folder / "layers").iterdir()} == {"0-image.npy", "0-labels.npy"}
    process.events = [finished(folder / "mine.safetensors")]
    qtbot.waitUntil(lambda: model.phase == "finished")
    qtbot.waitUntil(lambda: process.calls == ["close"])
    assert folder.is_dir()
    running.start(choice, "mine", OPTIONS)
    assert not folder.exists()
    qtbot.waitUntil(lambda: model.phase == "running")
    running.close()


def test_cancel_asks_and_then_ends(worker: Worker, choice: Choice, qtbot: QtBot) -> None:
    running, model, process = begun(worker, choice, qtbot)
    running.cancel()
    assert process.calls == ["cancel"]
    assert model.phase == "cancelling"
    running.cancel()
    assert process.calls == ["cancel", "kill"]
    qtbot.waitUntil(lambda: model.phase == "failed")
    assert model.error == "stopped"
    running.close()


def test_close_while_running(worker: Worker, choice: Choice, qtbot: QtBot) -> None:
    running, _, process = begun(worker, choice, qtbot)
    folder = folder_of(running)
    running.close()
    assert process.calls == ["close"]
    assert not folder.exists()
    running.close()


def test_stopped_while_the_layers_are_written(
    worker: Worker, choice: Choice, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, folders = threading.Event(), []

    def slow(choice: Choice, name: str, options: FineTuneOptions, folder: Path) -> Any:
        folders.append(folder)
        assert gate.wait(20)
        (folder / "late").mkdir(parents=True)

    monkeypatch.setattr(module, "make_request", slow)
    model = TuningModel()
    running = Running(model, worker, started)
    running.start(choice, "mine", OPTIONS)
    qtbot.waitUntil(lambda: bool(folders))
    running.cancel()
    assert model.phase == "failed"
    gate.set()
    qtbot.waitUntil(lambda: not worker.busy)
    assert model.phase == "failed"
    assert not folders[0].exists()


def test_layers_that_cannot_be_written(worker: Worker, qtbot: QtBot) -> None:
    class Broken:
        ndim, multiscale, name = 2, False, "broken"

        @property
        def data(self) -> Any:
            raise OSError("the disk is gone")

    broken: Any = Broken()
    model = TuningModel()
    running = Running(model, worker, started)
    running.start(Choice((LayerPair(broken, broken),)), "mine", OPTIONS)
    folder = Path(running._folder.name) if running._folder else None
    qtbot.waitUntil(lambda: model.phase == "failed", timeout=20_000)
    assert model.error == "the disk is gone"
    assert folder is not None and not folder.exists()


def test_a_process_that_cannot_be_started(worker: Worker, choice: Choice, qtbot: QtBot) -> None:
    def start(request: Any) -> FakeProcess:
        raise OSError("no more processes")

    model = TuningModel()
    running = Running(model, worker, start)
    running.start(choice, "mine", OPTIONS)
    qtbot.waitUntil(lambda: model.phase == "failed", timeout=20_000)
    assert "no more processes" in model.error
    running.close()
