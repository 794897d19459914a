"""Numbers of things in words."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """Return a count of things, such as "1 image" or "3 images"."""
    return f"{count} {what}{'s' * (count != 1)}"
