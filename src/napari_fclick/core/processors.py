"""How many processor cores to compute on."""

from __future__ import annotations

import os


def cores(wanted: int = 0) -> int:
    """Return how many cores to use: as many as are wanted, for 0 all but one.

    Threads that wait for one another on all cores are slowed down many times over by anything
    else that wants one.
    """
    return wanted or max(1, _allowed() - 1)


def _allowed() -> int:
    """Return how many cores this process may use; schedulers of clusters give it but some."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1
