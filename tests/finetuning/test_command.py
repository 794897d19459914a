"""The command line: looks at data, refuses nonsense in one line, prints JSON."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import tifffile
from tests.finetuning.scenes import folder, learned

from napari_fclick.cli import main
from napari_fclick.core.folders import SPLIT_FILE
from napari_fclick.finetuning import command
from napari_fclick.finetuning.sources import from_folder
from napari_fclick.finetuning.split import split_of


def called(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["napari-fclick", "finetune", *map(str, arguments)])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


def test_looking_at_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder(tmp_path, 4)
    assert called(monkeypatch, tmp_path, "--dry-run", "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert (found["training_images"], found["validation_images"]) == (2, 2)
    assert "8 objects in 2 images to learn from, 8 in 2 held back" in err
    assert not (tmp_path / SPLIT_FILE).exists()


def test_looking_tells_what_a_run_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """What the weights to start from have learned from does not judge them."""
    images = folder(tmp_path / "set", 4)
    held = split_of(from_folder(images), store=False).validation
    weights = learned(tmp_path / "mine.safetensors", held[:1])
    assert called(monkeypatch, images, "--dry-run", "--weights", weights) == 0
    told = capsys.readouterr().err
    assert "8 objects in 2 images to learn from, 4 in 1 held back" in told
    assert "1 held-back image cannot judge" in told


def test_nothing_to_learn_from_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    folder(tmp_path, 1)
    labels = tmp_path / "labels/image0.tif"
    tifffile.imwrite(labels, 0 * tifffile.imread(labels))
    assert called(monkeypatch, tmp_path, "--out", tmp_path / "a.safetensors") == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "error: " in line)
    assert line == f"error: {tmp_path.name}: there is no object to learn from"


def test_one_image_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    folder(tmp_path, 1)
    assert called(monkeypatch, tmp_path, "--dry-run") == 0
    assert "4 objects in 1 image to learn from, 0 in 0 held back" in capsys.readouterr().err


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
    capsys: Any,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(monkeypatch, folder(tmp_path / "set", 3), *arguments) == 2
    out, err = capsys.readouterr()
    assert out == "" and message in err.splitlines()[-1]


def test_a_missing_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert called(monkeypatch, tmp_path, "--out", tmp_path / "a.safetensors") == 2
    assert "holds no folder images/" in capsys.readouterr().err


def test_sessions_that_are_none_are_mistakes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    images = folder(tmp_path / "set", 4)
    assert called(monkeypatch, images, "--dry-run", "--session", tmp_path / "no.fclick") == 2
    assert capsys.readouterr().err == f"error: no file {tmp_path / 'no.fclick'}\n"
    (tmp_path / "other.fclick").write_text("something else")
    assert called(monkeypatch, images, "--dry-run", "--session", tmp_path / "other.fclick") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "other.fclick" in line


@pytest.mark.parametrize("error", [FloatingPointError("the loss is nan"), IndexError("no image")])
def test_what_the_training_raises_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, error: Exception
) -> None:
    def failing(*args: object) -> None:
        raise error

    monkeypatch.setattr(command, "run", failing)
    assert called(monkeypatch, folder(tmp_path, 3), "--out", tmp_path / "a.safetensors") == 2
    assert capsys.readouterr().err == f"error: {error}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, number: signal.Signals
) -> None:
    def training(*arguments: Any) -> None:
        stop = arguments[4]
        assert not stop()
        signal.raise_signal(number)
        assert stop()
        raise ValueError("stopped before anything was learned")

    monkeypatch.setattr(command, "fine_tune", training)
    assert called(monkeypatch, folder(tmp_path, 3), "--out", tmp_path / "a.safetensors") == 2
    assert command.ENDING in capsys.readouterr().err
