"""Labels of any size that take no more memory than what was written into them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

#: Pixels of a tile, about.
TILE = 2**16

Tile = tuple[int, ...]
Region = tuple[slice, ...]


class SparseLabels:
    """An array of zeros, cut into tiles of which those are kept that were written into.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
    """

    def __init__(self, shape: Sequence[int], dtype: DTypeLike) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self._side = max(1, round(TILE ** (1 / max(1, len(self.shape)))))
        self._tiles: dict[Tile, NDArray[Any]] = {}

    def copy(self) -> SparseLabels:
        """Return another one that holds the same."""
        other = SparseLabels(self.shape, self.dtype)
        other._tiles = {at: tile.copy() for at, tile in self._tiles.items()}
        return other

    def __getitem__(self, where: Sequence[slice | int]) -> NDArray[Any]:
        bounds, kept = self._bounds(where)
        out = np.zeros([stop - start for start, stop in bounds], self.dtype)
        for at, inside, outside in self._meeting(bounds):
            if at in self._tiles:
                out[outside] = self._tiles[at][inside]
        return out.reshape(kept)

    def __setitem__(self, where: Sequence[slice | int], value: Any) -> None:
        bounds, kept = self._bounds(where)
        value = np.broadcast_to(value, kept).reshape([stop - start for start, stop in bounds])
        for at, inside, outside in self._meeting(bounds):
            if at not in self._tiles:
                self._tiles[at] = np.zeros((self._side,) * len(self.shape), self.dtype)
            self._tiles[at][inside] = value[outside]

    def _bounds(
        self, where: Sequence[slice | int]
    ) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
        """Return first and last of each axis, and the shape that is asked for."""
        bounds, kept = [], []
        for part, size in zip(where, self.shape, strict=True):
            if isinstance(part, slice):
                start, stop, _ = part.indices(size)
                bounds.append((start, max(start, stop)))
                kept.append(bounds[-1][1] - start)
            else:
                if not 0 <= part < size:
                    raise IndexError(f"index {part} is not within 0 to {size - 1}")
                bounds.append((int(part), int(part) + 1))
        return bounds, tuple(kept)

    def _meeting(self, bounds: Sequence[tuple[int, int]]) -> Iterator[tuple[Tile, Region, Region]]:
        """Yield the tiles that meet a region, with where that is in the tile and in the region."""
        if any(start >= stop for start, stop in bounds):
            return
        side = self._side
        spans = [range(start // side, (stop - 1) // side + 1) for start, stop in bounds]
        for at in product(*spans):
            inside, outside = [], []
            for number, (start, stop) in zip(at, bounds, strict=True):
                corner = number * side
                first, last = max(start, corner), min(stop, corner + side)
                inside.append(slice(first - corner, last - corner))
                outside.append(slice(first - start, last - start))
            yield at, tuple(inside), tuple(outside)
