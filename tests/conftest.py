"""Fixtures and rules that all tests share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.commands import Command, Ended

from napari_fclick.core import places

ROOT = Path(__file__).resolve().parents[1]

if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a CUDA device where there is none; say what is to run in one process."""
    for item in items:
        # Windows share a screen and its keyboard; the tests of a file share what they prepare.
        in_window = ROOT / "tests" / "widgets" in item.path.parents
        item.add_marker(pytest.mark.xdist_group("windows" if in_window else str(item.path)))
    on_cuda = [item for item in items if item.get_closest_marker("cuda")]
    if on_cuda and not _has_cuda():
        for item in on_cuda:
            item.add_marker(pytest.mark.skip(reason="no CUDA device"))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """Data that is not part of the project: the folder ``shared`` beside it, or FCLICK_SHARED."""
    named = os.environ.get("FCLICK_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}; FCLICK_SHARED names the folder that has it")
    return folder


@pytest.fixture(autouse=True)
def _nothing_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither read nor write what the user of this machine has, in no process."""
    monkeypatch.setenv(places.HOME, str(tmp_path / "home"))


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command; it takes seconds less than in a process of its own."""
    from napari_fclick.cli import main

    def run(*arguments: Any) -> Ended:
        monkeypatch.setattr(sys, "argv", ["napari-fclick", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return Ended(int(ended.value.code or 0), told.out, told.err)

    return run
