"""Object numbers that are free."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

#: Pixels that are read at a time, unless one row of them is more.
BLOCK = 16_000_000


def highest_label(labels: Any) -> int:
    """Return the highest object number in labels; 0 where there is none.

    Parameters
    ----------
    labels : array
        numpy, zarr or anything that indexes like them; read block by block, so that labels
        larger than memory will do.
    """
    shape = tuple(int(n) for n in labels.shape)
    if not shape or 0 in shape:
        return 0
    chunks = getattr(labels, "chunks", None)
    sizes = chunks if chunks and all(isinstance(n, int) for n in chunks) else (1,) * len(shape)
    return max(int(np.max(labels[block])) for block in _blocks(shape, tuple(sizes)))


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
