"""How many cores are computed on."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_fclick.core.processors import LOOKS, cores, share_cores

#: What says how threads wait for one another.
WAITING = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def test_cores_that_may_not_be_used_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler gives a process some of a computer's cores; one of them stays free."""
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 4, 5}, raising=False)
    assert [cores(n) for n in (0, 5)] == [2, 5]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert cores(0) == 1
    monkeypatch.delattr(os, "sched_getaffinity")
    assert cores(0) == 63


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"GOMP_SPINCOUNT": str(LOOKS)}),
        ({"GOMP_SPINCOUNT": "7"}, {"GOMP_SPINCOUNT": "7"}),
        ({"OMP_WAIT_POLICY": "active"}, {"OMP_WAIT_POLICY": "active"}),
    ],
)
def test_what_the_environment_says_of_waiting_stands(
    before: dict[str, str], after: dict[str, str]
) -> None:
    share_cores(before)
    assert before == after


def test_the_command_line_shares_before_torch_is_loaded() -> None:
    """libgomp reads the environment when it is loaded, and never again."""
    code = """
import os, sys
from napari_fclick import cli
def app(**_):
    assert "torch" not in sys.modules
    print(os.environ["GOMP_SPINCOUNT"])
cli.app = app
cli.main()
"""
    environment = {k: v for k, v in os.environ.items() if k not in WAITING}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == [str(LOOKS)]
