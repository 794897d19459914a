"""How much memory the process has used."""

from __future__ import annotations

import sys


def peak_memory_mb() -> int | None:
    """Return the most memory that was resident so far, in MB; None where it cannot be told."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10))
