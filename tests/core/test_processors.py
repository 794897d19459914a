"""How many cores are computed on."""

from __future__ import annotations

import os

import pytest

from napari_fclick.core.processors import cores


def test_cores_that_may_not_be_used_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler gives a process some of a computer's cores; one of them stays free."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5}, raising=False)
    assert [cores(n) for n in (0, 5)] == [2, 5]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert cores(0) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores(0) == 63
