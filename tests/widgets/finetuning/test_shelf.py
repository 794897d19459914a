"""Promotion, the way back, and files for elsewhere: with real weights, in the test's folder."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from napari_fclick.finetuning import promotion
from napari_fclick.network import checkpoints
from napari_fclick.widgets.finetuning.shelf import InUse, Shelf
from napari_fclick.widgets.loading import weights_in_use
from napari_fclick.widgets.workers import Worker


@pytest.fixture
def told() -> Iterator[list[str]]:
    """The names that the docks are told."""
    names: list[str] = []
    weights_in_use.changed.connect(names.append)
    yield names
    weights_in_use.changed.disconnect(names.append)


@pytest.fixture
def shelf(qtbot: QtBot) -> Iterator[Shelf]:
    worker = Worker("test")
    shelf = Shelf(worker)
    shelf.look()
    qtbot.waitUntil(lambda: not worker.busy, timeout=20_000)
    yield shelf
    worker.close(10)


def done(shelf: Shelf, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: not shelf._worker.busy, timeout=20_000)


def test_promote_and_roll_back(shelf: Shelf, qtbot: QtBot, tmp_path: Path, told: list[str]) -> None:
    assert shelf.in_use == InUse("default", can_roll_back=False)
    new = tmp_path / "mine.safetensors"
    new.write_bytes(checkpoints.find("default").read_bytes())
    shelf.promote(new, "mine")
    done(shelf, qtbot)
    assert shelf.in_use == InUse("mine", can_roll_back=True)
    assert shelf.promoted == new
    assert promotion.active() == "mine"
    assert (checkpoints.user_folder() / "mine.safetensors").is_file()
    shelf.roll_back()
    done(shelf, qtbot)
    assert promotion.active() == "default"
    assert shelf.in_use == InUse("default", can_roll_back=False)
    assert shelf.promoted is None
    assert told == ["mine", "default"]


def test_weights_that_are_damaged_are_not_used(
    shelf: Shelf, qtbot: QtBot, tmp_path: Path, told: list[str]
) -> None:
    messages: list[tuple[str, str]] = []
    shelf.reported.connect(lambda *message: messages.append(message))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(checkpoints.find("default").read_bytes()[:-100])
    shelf.promote(damaged, "mine")
    done(shelf, qtbot)
    ((text, level),) = messages
    assert level == "error"
    assert text.startswith("the old weights stay in use: ")
    assert promotion.active() == "default"
    assert told == []


def test_export_writes_whole_files(shelf: Shelf, qtbot: QtBot, tmp_path: Path) -> None:
    source, out = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    source.write_bytes(b"weights")
    shelf.export_file(source, out)
    done(shelf, qtbot)
    assert out.read_bytes() == b"weights"
    messages: list[str] = []
    shelf.reported.connect(lambda text, level: messages.append(f"{level}: {text}"))
    shelf.export_file(source, tmp_path / "nowhere" / "b.safetensors")
    done(shelf, qtbot)
    (message,) = messages
    assert message.startswith("error: not written: ")


def test_export_without_its_extra_says_so(
    shelf: Shelf, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "napari_fclick.finetuning.export", None)
    messages: list[str] = []
    shelf.reported.connect(lambda text, level: messages.append(f"{level}: {text}"))
    shelf.export_bioimageio(tmp_path / "a.safetensors", tmp_path / "a.zip")
    done(shelf, qtbot)
    assert messages[0] == "info: writing a.zip …"
    assert messages[1].startswith("error: not written: ")


def test_the_dock_hears_of_weights_that_came_into_use_while_it_closed(
    qtbot: QtBot, tmp_path: Path, told: list[str]
) -> None:
    shelf = Shelf(Worker("test"))
    new = tmp_path / "tuned.safetensors"
    new.write_bytes(checkpoints.find("default").read_bytes())
    shelf.promote(new, "mine")
    shelf.close()
    assert promotion.active() == "mine"
    assert told == ["mine"]


def test_a_job_is_waited_for_after_an_older_one_of_its_kind(qtbot: QtBot) -> None:
    shelf = Shelf(Worker("test"))
    begun, first, second = threading.Event(), threading.Event(), threading.Event()

    def older() -> bool:
        begun.set()
        return first.wait(10)

    def newer() -> bool:
        assert shelf.keeping  # though one of its kind has come to its end
        return second.wait(10)

    results: list[bool] = []
    shelf._keep("export", older, results.append, "not written")
    assert begun.wait(10)
    shelf._keep("export", newer, results.append, "not written")
    first.set()
    qtbot.waitUntil(lambda: results == [True])
    assert shelf.keeping
    second.set()
    qtbot.waitUntil(lambda: results == [True, True])
    assert not shelf.keeping
    shelf.close()
