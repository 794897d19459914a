"""Ctrl+C, in whatever command: one line, and exit code 130."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.commands import Command, Ended
from tests.evaluation.fakes import strips, write_folder

from napari_fclick.__main__ import main
from napari_fclick.core import file_parts
from napari_fclick.evaluation.workers import Here
from napari_fclick.network import checkpoints


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def line(done: Ended) -> str:
    """Return the one line that a command told which was interrupted."""
    assert (done.code, done.out) == (130, "")
    (told,) = done.lines
    return told


def test_a_short_command_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, command: Command, tmp_path: Path
) -> None:
    monkeypatch.setattr(file_parts, "read_image", interrupt)
    out = tmp_path / "mask.tif"
    told = line(command("segment", "a.png", "--click", "9,9", "--out", out))
    assert told == "interrupted"
    assert not out.exists()


def test_a_command_of_a_group_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.setattr(checkpoints, "available_weights", interrupt)
    assert line(command("weights", "list")) == "interrupted"


def test_an_evaluation_tells_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, command: Command, tmp_path: Path
) -> None:
    monkeypatch.setattr(Here, "run", interrupt)
    folder = write_folder(tmp_path / "set", strips(2))
    told = line(command("evaluate", folder, "--method", "flood-fill"))
    assert told == "interrupted before any game was done"


def test_what_commands_are_made_of_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Importing:
        __getattr__ = interrupt

    monkeypatch.setitem(sys.modules, "napari_fclick.cli", Importing())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr() == ("", "interrupted\n")
