"""How many processor cores to compute on, and how to share them."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

#: How often a thread that has done its part looks whether the others have, before it sleeps.
#: libgomp's own count is thirty times as high: threads that are kept off a core by another program
#: are waited for on all others all the while, and slowed down fiftyfold.
LOOKS = 10_000


def cores(wanted: int = 0) -> int:
    """Return how many cores to use: as many as are wanted, for 0 all but one.

    Threads that wait for one another on all cores are slowed down many times over by anything
    else that wants one.
    """
    return wanted or max(1, _allowed() - 1)


def share_cores(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have threads that wait for one another sleep soon, so that other programs slow them less.

    It counts for processes that load torch after that, where torch computes with libgomp (Linux).
    What the environment says of it already stands.

    Parameters
    ----------
    environment : mutable mapping
        To change: this process's, or one made for another.
    """
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", str(LOOKS))


def _allowed() -> int:
    """Return how many cores this process may use; schedulers of clusters give it but some."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux tells
        return os.cpu_count() or 1
