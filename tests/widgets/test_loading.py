"""Weights as the dock loads them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from napari_fclick.widgets import loading


@pytest.fixture
def threads() -> Iterator[int]:
    """Have torch compute on three cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield 3
    torch.set_num_threads(before)


@pytest.mark.parametrize(("cores", "used"), [(1, 1), (2, 2), (7, 3)])
def test_a_core_is_left_to_the_window(
    threads: int, monkeypatch: pytest.MonkeyPatch, cores: int, used: int
) -> None:
    """And no more are taken than torch was told to take."""
    monkeypatch.setattr(loading, "cores", lambda: cores)
    loading.load_predictor("default", "cpu")
    assert torch.get_num_threads() == used
