"""Slices that lie in the same chunks of the labels, written together: each chunk once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_fclick.core.labels import LabelPatch

#: Pixels of patches that are joined, at most, unless a single one has more.
TOGETHER = 16_000_000


def thickness(labels: Any, axis: int) -> int:
    """Return how many slices along an axis a chunk of the labels has; 1 without chunks."""
    chunks = getattr(labels, "chunks", None) or ()
    return max(1, chunks[axis]) if chunks and all(isinstance(n, int) for n in chunks) else 1


def joined(labels: Any, axis: int, patches: Sequence[LabelPatch]) -> LabelPatch:
    """Return one patch that does what those of several slices do.

    Parameters
    ----------
    labels : array
        What they are going to be written into.
    axis : int
        Along which the slices lie.
    patches : sequence of LabelPatch
        Of the same object, one a slice.
    """
    if len(patches) == 1:
        return patches[0]
    bounds = [_bounds(parts) for parts in zip(*(patch.where for patch in patches), strict=True)]
    where = list(patches[0].where)
    kept = [n for n, part in enumerate(where) if n == axis or isinstance(part, slice)]
    for n in kept:
        where[n] = bounds[n]
    before = np.array(labels[tuple(where)])
    after, contested = before.copy(), np.zeros(before.shape, bool)
    for patch in patches:
        inside = tuple(_moved(patch.where[n], -bounds[n].start) for n in kept)
        after[inside] = patch.after
        if patch.contested is not None:
            contested[inside] = patch.contested
    written = sum(patch.written for patch in patches)
    return LabelPatch(tuple(where), before, after, patches[0].label, written, contested=contested)


def _bounds(parts: Sequence[slice | int]) -> slice:
    slices = [part if isinstance(part, slice) else slice(part, part + 1) for part in parts]
    return slice(min(part.start for part in slices), max(part.stop for part in slices))


def _moved(part: slice | int, by: int) -> slice | int:
    return slice(part.start + by, part.stop + by) if isinstance(part, slice) else part + by
