"""The planes of an array, read one after the other."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

Span = tuple[int, int]


class Planes:
    """The parts of an array at places along its first axes.

    A chunk of a lazy array is kept until another one is needed: asked for in their order, planes
    that lie in one are read together, once.

    Parameters
    ----------
    array : array
        numpy, dask, zarr or anything that indexes like them.
    """

    def __init__(self, array: Any) -> None:
        self._array = array
        self._chunks = getattr(array, "chunks", None)
        self._spans: tuple[Span, ...] = ()
        self._block: NDArray[Any] | None = None

    def __getitem__(self, place: tuple[int, ...]) -> NDArray[Any]:
        if self._chunks is None:
            return np.asarray(self._array[place])
        spans = tuple(_span(self._chunks[axis], at) for axis, at in enumerate(place))
        if self._block is None or spans != self._spans:
            self._block = None  # not both in memory
            self._block = np.asarray(self._array[tuple(slice(*span) for span in spans)])
            self._spans = spans
        within = tuple(at - first for at, (first, _) in zip(place, spans, strict=True))
        plane: NDArray[Any] = self._block[within]
        return plane.copy()  # or all of its chunk would stay


def _span(chunks: Any, at: int) -> Span:
    """Return the first index of a chunk along an axis, and the one after its last.

    Chunks are all of one size (zarr, HDF5), or each is told (dask).
    """
    if isinstance(chunks, int):
        first = at // chunks * chunks
        return first, first + chunks
    ends = list(accumulate(chunks))
    number = bisect_right(ends, at)
    return ends[number] - int(chunks[number]), ends[number]
