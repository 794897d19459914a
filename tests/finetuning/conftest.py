"""Splits of data without a folder stay out of the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_splits_of_ones_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = tmp_path / "user-splits"
    monkeypatch.setattr("napari_fclick.finetuning.split.user_folder", lambda: folder)
