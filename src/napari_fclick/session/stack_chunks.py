"""Slices that lie in the same chunks of the labels, written together: each chunk once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_fclick.core.labels import LabelPatch, Slices

#: Pixels of a patch that is joined, at most.
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
    where = _around(axis, patches)
    bounds = {n: part for n, part in enumerate(where) if isinstance(part, slice)}
    before = np.array(labels[where])
    after, contested = before.copy(), np.zeros(before.shape, bool)
    for patch in patches:
        inside = tuple(_moved(patch.where[n], -part.start) for n, part in bounds.items())
        after[inside] = patch.after
        if patch.contested is not None:
            contested[inside] = patch.contested
    written = sum(patch.written for patch in patches)
    return LabelPatch(where, before, after, patches[0].label, written, contested=contested)


def joined_size(axis: int, patches: Sequence[LabelPatch]) -> int:
    """Return how many pixels the patch has that `joined` makes, what lies between included."""
    bounds = (part for part in _around(axis, patches) if isinstance(part, slice))
    return math.prod(part.stop - part.start for part in bounds)


def _around(axis: int, patches: Sequence[LabelPatch]) -> Slices:
    """Return the part of the labels that holds those of all patches."""
    return tuple(
        _bounds(parts) if n == axis or isinstance(parts[0], slice) else parts[0]
        for n, parts in enumerate(zip(*(patch.where for patch in patches), strict=True))
    )


def _bounds(parts: Sequence[slice | int]) -> slice:
    slices = [part if isinstance(part, slice) else slice(part, part + 1) for part in parts]
    return slice(min(part.start for part in slices), max(part.stop for part in slices))


def _moved(part: slice | int, by: int) -> slice | int:
    return slice(part.start + by, part.stop + by) if isinstance(part, slice) else part + by
