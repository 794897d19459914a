"""Labels that sessions write into, and which object numbers are free in them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Pixels that are read at a time, unless one row of them is more.
BLOCK = 16_000_000


class NumberedLabels:
    """Labels to write into, and the object numbers in them.

    All sessions that write into the same labels share one, so that no two objects get the
    same number.

    Parameters
    ----------
    labels : array
        Indexed with slices only.
    highest : int, optional
        The highest object number in them, where it is known.

    Attributes
    ----------
    labels : array
    taken : set of int
        The numbers of accepted objects.
    version : int
        Grows when the labels have to be counted anew.
    """

    def __init__(self, labels: Any, highest: int | None = None) -> None:
        self.labels = labels
        self.taken: set[int] = set()
        self.version = 0
        self._counted = highest
        self._seen = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the labels."""
        return tuple(int(n) for n in self.labels.shape)

    @property
    def known(self) -> bool:
        """Whether `highest` costs nothing."""
        return self._counted is not None

    @property
    def highest(self) -> int:
        """The highest number that is taken; the labels are read where it is not known."""
        if self._counted is None:
            self._counted = highest_label(self.labels)
        return max(self._counted, self._seen, *self.taken, 0)

    def saw(self, label: int) -> None:
        """Note a number that something else wrote, such as a brush, be it during a count."""
        self._seen = max(self._seen, label)

    def forget(self) -> None:
        """Have the labels counted anew: they were changed behind our back."""
        self._counted = None
        self.version += 1

    def found(self, highest: int, version: int) -> None:
        """Note a count made elsewhere, unless the labels have changed since it began."""
        if version == self.version:
            self._counted = highest


def highest_label(labels: Any) -> int:
    """Return the highest object number in labels; 0 where there is none.

    Parameters
    ----------
    labels : array
        numpy, zarr or anything that indexes like them; read block by block, so that labels
        larger than memory will do.
    """
    return max((int(np.max(labels[block])) for block in _blocks_of(labels)), default=0)


def holds(labels: Any, label: int) -> bool:
    """Whether a number is anywhere in labels, which are read block by block until it is found."""
    return any(bool(np.any(np.asarray(labels[block]) == label)) for block in _blocks_of(labels))


def _blocks_of(labels: Any) -> Iterator[tuple[slice, ...]]:
    shape = tuple(int(n) for n in labels.shape)
    if not shape or 0 in shape:
        return iter(())
    chunks = getattr(labels, "chunks", None)
    sizes = chunks if chunks and all(isinstance(n, int) for n in chunks) else (1,) * len(shape)
    return _blocks(shape, tuple(sizes))


def _blocks(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cut along the first axes, at whole chunks, until a block is small enough."""
    inner = math.prod(shape[1:])
    fitting = BLOCK // max(1, inner) // chunks[0] * chunks[0]
    thickness = min(shape[0], max(chunks[0], fitting))
    for start in range(0, shape[0], thickness):
        part = slice(start, min(start + thickness, shape[0]))
        if thickness * inner <= BLOCK or len(shape) == 1:
            yield (part,)
        else:
            for rest in _blocks(shape[1:], chunks[1:]):
                yield (part, *rest)
