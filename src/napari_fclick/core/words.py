"""Numbers and names of things in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable


def counted(count: int | str, what: str) -> str:
    """Return a count of things, such as "1 image", "3 images" or "no images"."""
    return f"{count} {what}{'s' * (str(count) != '1')}"


def size_of(shape: Iterable[int]) -> str:
    """Return a shape, such as "512 x 512"."""
    return " x ".join(map(str, shape))


def named(what: str, names: Collection[object]) -> str:
    """Return what things are called, such as "slice 3" or "slices 3, 5"."""
    return f"{what}{'s' * (len(names) > 1)} {', '.join(map(str, names))}"
