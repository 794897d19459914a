"""Writing into all levels of a pyramid of labels, so that they agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Index of a region: a slice, or one position, for each axis.
Region = tuple[slice | int, ...]


def write_levels(levels: Sequence[Any], where: Region, value: Any) -> None:
    """Write a region of the finest level, and what the coarser ones show of it.

    A coarser level holds every so many pixels of the finest, as a pyramid of labels made by
    striding does: no number is in it that the finest level lacks.

    Parameters
    ----------
    levels : sequence of arrays
        Finest first, of the same number of axes; numpy, zarr or anything that is set by slices.
    where : tuple of slice or int
        Of the finest level: one for each axis, slices with start and stop and without step.
    value : array or int
        Of the region's shape, or one number for all of it.
    """
    levels[0][where] = value
    for level in levels[1:]:
        found = coarser_region(where, levels[0].shape, level.shape)
        if found is not None:
            target, picked = found
            level[target] = value if np.ndim(value) == 0 else np.asarray(value)[np.ix_(*picked)]


def coarser_region(
    where: Region, shape: Sequence[int], coarser: Sequence[int]
) -> tuple[Region, tuple[list[int], ...]] | None:
    """Return where a region of the finest level shows on a coarser one.

    Returns
    -------
    (tuple of slice or int, tuple of lists of int) or None
        The region of the coarser level, and which rows, columns, ... of the finest one's region
        it shows. None where the coarser level skips all of it.
    """
    target: list[slice | int] = []
    picked: list[list[int]] = []
    for part, size, coarse in zip(where, shape, coarser, strict=True):
        whole = part if isinstance(part, slice) else slice(part, part + 1)
        start, stop, _ = whole.indices(size)
        shown = _shown(start, stop, size, coarse)
        if not shown:
            return None
        first, last = shown[0][0], shown[-1][0]
        if isinstance(part, slice):
            target.append(slice(first, last + 1))
            picked.append([source - start for _, source in shown])
        else:
            target.append(first)
    return tuple(target), tuple(picked)


def _shown(start: int, stop: int, size: int, coarse: int) -> list[tuple[int, int]]:
    """Return the coarse positions that show start .. stop, each with what it shows."""
    num, den = _step(size, coarse)
    # Position j shows floor(j * num / den): those from ceil(start * den / num) on.
    first = -(-start * den // num)
    last = min(coarse, -(-stop * den // num))
    return [(position, position * num // den) for position in range(first, last)]


def _step(size: int, coarse: int) -> tuple[int, int]:
    """Return by what a level was thinned out as a fraction: a whole number where it can be."""
    for step in (-(-size // coarse), size // coarse):
        if coarse in (-(-size // step), size // step):
            return step, 1
    return size, coarse
