"""The command line: looks at data, refuses nonsense in one line, prints JSON."""

from __future__ import annotations

import json
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import tifffile
from tests.commands import Command
from tests.finetuning.scenes import folder, learned

from napari_fclick.core.folders import SPLIT_FILE
from napari_fclick.finetuning import command
from napari_fclick.finetuning.sources import from_folder
from napari_fclick.finetuning.split import split_of


@pytest.fixture
def finetune(command: Command) -> Command:
    return partial(command, "finetune")


def test_looking_at_data(tmp_path: Path, finetune: Command) -> None:
    folder(tmp_path, 4)
    code, out, err = finetune(tmp_path, "--dry-run", "--json")
    assert code == 0
    found = json.loads(out)
    assert (found["training_images"], found["validation_images"]) == (2, 2)
    assert "8 objects in 2 images to learn from, 8 in 2 held back" in err
    assert not (tmp_path / SPLIT_FILE).exists()


def test_looking_tells_what_a_run_would(tmp_path: Path, finetune: Command) -> None:
    """What the weights to start from have learned from does not judge them."""
    images = folder(tmp_path / "set", 4)
    held = split_of(from_folder(images), store=False).validation
    weights = learned(tmp_path / "mine.safetensors", held[:1])
    done = finetune(images, "--dry-run", "--weights", weights)
    assert done.code == 0
    assert "8 objects in 2 images to learn from, 4 in 1 held back" in done.err
    assert "1 held-back image cannot judge" in done.err


def test_nothing_to_learn_from_is_told_once(tmp_path: Path, finetune: Command) -> None:
    folder(tmp_path, 1)
    labels = tmp_path / "labels/image0.tif"
    tifffile.imwrite(labels, 0 * tifffile.imread(labels))
    done = finetune(tmp_path, "--out", tmp_path / "a.safetensors")
    assert done.code == 2
    (line,) = (line for line in done.lines if "error: " in line)
    assert line == f"error: {tmp_path.name}: there is no object to learn from"


def test_one_image_is_one(tmp_path: Path, finetune: Command) -> None:
    folder(tmp_path, 1)
    done = finetune(tmp_path, "--dry-run")
    assert done.code == 0 and "4 objects in 1 image to learn from, 0 in 0 held back" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--general", "none"), "no folder none"),
        (("--replay", "set", "--replay", "none"), "no folder none"),
        (("--device", "abacus"), "no device 'abacus' here; there are: auto, cpu"),
        (("--weights", "none"), "no weights named 'none'"),
        (("--out", "none/a.safetensors"), "no folder none to write a.safetensors to"),
    ],
)
@pytest.mark.parametrize("run", [("--dry-run",), ("--out", "a.safetensors")])
def test_mistakes_are_told_before_the_data_are_read(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finetune: Command,
    arguments: tuple[str, ...],
    message: str,
    run: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "read", lambda *_: pytest.fail("the data were read"))
    done = finetune(folder(tmp_path / "set", 3), *run, *arguments)
    assert done.code == 2 and done.out == "" and message in done.lines[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--minutes", "0", "--out", "a.safetensors"), "--minutes: 0.0 should be greater than or"),
        (("--train-parts", "some", "--out", "a.safetensors"), "--train-parts: 'some' should be"),
        ((), "--out WEIGHTS is missing"),
        (("--out", "a.pth"), "written as .safetensors"),
        (("--out", "a.safetensors", "--weights", "none"), "no weights named 'none'"),
    ],
)
def test_mistakes_are_told_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    finetune: Command,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = finetune(folder(tmp_path / "set", 3), *arguments)
    assert done.code == 2 and done.out == "" and message in done.lines[-1]


def test_a_missing_folder(tmp_path: Path, finetune: Command) -> None:
    done = finetune(tmp_path, "--out", tmp_path / "a.safetensors")
    assert done.code == 2 and "holds no folder images/" in done.err


def test_sessions_that_are_none_are_mistakes(tmp_path: Path, finetune: Command) -> None:
    images = folder(tmp_path / "set", 4)
    done = finetune(images, "--dry-run", "--session", tmp_path / "no.fclick")
    assert done.code == 2 and done.err == f"error: no file {tmp_path / 'no.fclick'}\n"
    (tmp_path / "other.fclick").write_text("something else")
    done = finetune(images, "--dry-run", "--session", tmp_path / "other.fclick")
    assert done.code == 2
    (line,) = done.lines
    assert line.startswith("error: ") and "other.fclick" in line


@pytest.mark.parametrize("error", [FloatingPointError("the loss is nan"), IndexError("no image")])
def test_what_the_training_raises_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finetune: Command, error: Exception
) -> None:
    def failing(*args: object) -> None:
        raise error

    monkeypatch.setattr(command, "run", failing)
    done = finetune(folder(tmp_path, 3), "--out", tmp_path / "a.safetensors")
    assert done.code == 2 and done.err == f"error: {error}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finetune: Command, number: signal.Signals
) -> None:
    def training(*arguments: Any) -> None:
        stop = arguments[4]
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        raise ValueError("stopped before anything was learned")

    monkeypatch.setattr(command, "fine_tune", training)
    done = finetune(folder(tmp_path, 3), "--out", tmp_path / "a.safetensors")
    assert done.code == 2 and command.ENDING in done.err
