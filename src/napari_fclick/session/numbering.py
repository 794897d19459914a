"""Labels that sessions write into, and which object numbers are free in them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.labels import largest_label
from napari_fclick.core.object_sets import IGNORE_LABEL

#: Numbers, ascending.
Numbers = Sequence[int] | NDArray[Any]

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
        The highest object number in them, where it is known; those below it count as taken.

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
        self._counted: Numbers | None = None if highest is None else range(1, highest + 1)
        self._seen: set[int] = set()

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the labels."""
        return tuple(int(n) for n in self.labels.shape)

    @property
    def known(self) -> bool:
        """Whether `highest` and `free` cost nothing."""
        return self._counted is not None

    @property
    def highest(self) -> int:
        """The highest number that is taken; the labels are read where it is not known."""
        return max((*map(int, self._numbers()[-1:]), *self._seen, *self.taken), default=0)

    def free(self, others: Iterable[int] = ()) -> int:
        """Return the number of a new object: the one above all others, or else the lowest left.

        The value that marks pixels to be ignored is no object's. Where no number is left, the one
        returned is more than the labels can hold. Labels that were not counted yet are read.

        Parameters
        ----------
        others : iterable of int
            Numbers that are taken besides.
        """
        counted, others = self._numbers(), {*self._seen, *self.taken, *others}
        above = 1 + max((int(n) for n in (*counted[-2:], *others) if n != IGNORE_LABEL), default=0)
        above += above == IGNORE_LABEL
        largest = largest_label(np.dtype(self.labels.dtype))
        if above <= largest:
            return above
        lowest = _lowest_left(counted)
        taken = {IGNORE_LABEL, *map(int, counted[lowest - 1 :]), *others}
        return next((n for n in range(lowest, largest + 1) if n not in taken), above)

    def saw(self, label: int) -> None:
        """Note a number that something else wrote, such as a brush, be it during a count."""
        self._seen.add(label)

    def forget(self) -> None:
        """Have the labels counted anew: they were changed behind our back."""
        self._counted = None
        self.version += 1

    def found(self, numbers: Numbers, version: int) -> None:
        """Note a count made elsewhere, unless the labels have changed since it began."""
        if version == self.version:
            self._counted = numbers

    def _numbers(self) -> Numbers:
        if self._counted is None:
            self._counted = numbers_in(self.labels)
        return self._counted


def _lowest_left(numbers: Numbers) -> int:
    """Return the lowest number that is not among some; of a range, however long, at once."""
    if isinstance(numbers, range):
        return numbers.stop
    gaps = np.flatnonzero(np.asarray(numbers) != np.arange(1, len(numbers) + 1))
    return int(gaps[0]) + 1 if len(gaps) else len(numbers) + 1


def numbers_in(labels: Any) -> NDArray[Any]:
    """Return the numbers in labels, ascending, without the background's.

    Parameters
    ----------
    labels : array
        numpy, zarr or anything that indexes like them; read once, block by block, so that labels
        larger than memory will do.
    """
    blocks = [_numbers_of(np.asarray(labels[block])) for block in blocks_of(labels)]
    found = np.unique(np.concatenate(blocks)) if blocks else np.zeros(0, int)
    return found[found > 0]


def _numbers_of(block: NDArray[Any]) -> NDArray[Any]:
    # Sorting where the number changes along a row takes a small part of sorting all pixels.
    row = block.ravel()
    return np.unique(np.append(row[:1], row[1:][row[1:] != row[:-1]]))


def holds(labels: Any, label: int) -> bool:
    """Whether a number is anywhere in labels, which are read block by block until it is found."""
    return any(bool(np.any(np.asarray(labels[block]) == label)) for block in blocks_of(labels))


def blocks_of(labels: Any) -> Iterator[tuple[slice, ...]]:
    """Cut labels that may be larger than the memory into blocks, at whole chunks of theirs."""
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
