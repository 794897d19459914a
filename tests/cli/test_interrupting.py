"""Ctrl+C, in whatever command: one line, and exit code 130."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.evaluation.fakes import strips, write_folder

from napari_fclick.cli import main
from napari_fclick.core import file_parts
from napari_fclick.evaluation.workers import Here
from napari_fclick.network import checkpoints


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> str:
    """Run a command that is interrupted; return the one line that it tells."""
    monkeypatch.setattr(sys, "argv", ["napari-fclick", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    out, err = capsys.readouterr()
    assert out == ""
    (told,) = err.splitlines()
    return told


def test_a_short_command_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(file_parts, "read_image", interrupt)
    out = tmp_path / "mask.tif"
    told = line(monkeypatch, capsys, "segment", "a.png", "--click", "9,9", "--out", out)
    assert told == "interrupted"
    assert not out.exists()


def test_a_command_of_a_group_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(checkpoints, "available_weights", interrupt)
    assert line(monkeypatch, capsys, "weights", "list") == "interrupted"


def test_an_evaluation_tells_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(Here, "run", interrupt)
    folder = write_folder(tmp_path / "set", strips(2))
    told = line(monkeypatch, capsys, "evaluate", folder, "--method", "flood-fill")
    assert told == "interrupted before any game was done"
