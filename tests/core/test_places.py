"""Where a user's files lie."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from napari_fclick.core import places
from napari_fclick.network import checkpoints


def test_one_folder_can_hold_them_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NAPARI_FCLICK_HOME", str(tmp_path))
    assert places.data_folder() == tmp_path / "data"
    assert places.cache_folder() == tmp_path / "cache"
    assert places.config_folder() == tmp_path / "config"


@pytest.mark.parametrize("home", [None, ""])
def test_without_it_they_are_the_system_s(
    monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv(places.HOME)
    if home is not None:
        monkeypatch.setenv(places.HOME, home)
    assert places.data_folder() == platformdirs.user_data_path("napari-fclick", appauthor=False)
    assert places.cache_folder() == platformdirs.user_cache_path("napari-fclick", appauthor=False)
    assert places.config_folder() == platformdirs.user_config_path("napari-fclick", appauthor=False)


def test_other_processes_keep_theirs_there_too(tmp_path: Path) -> None:
    program = "from napari_fclick.session import autosave; print(autosave.sessions_folder())"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()) == places.data_folder() / "sessions"
    assert tmp_path in checkpoints.user_folder().parents
