"""Writing a mask into labels so that nothing is lost silently and everything can be undone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask

#: Empty labels of more bytes than this are kept compressed.
MOST_PLAIN_BYTES = 8_000_000_000
#: Rows and columns, and slices, of a block of compressed labels.
_BLOCK, _BLOCK_IN_STACKS = (512, 512), (8, 128, 128)
#: The largest number of an object: what a session file can hold.
LARGEST = 2**63 - 1

Labels = NDArray[Any]
Slices = tuple[slice | int, ...]


class OverlapPolicy(StrEnum):
    """What happens where a new mask meets labels that are there already."""

    #: Other objects keep their pixels; an object that is corrected may shrink.
    KEEP = "keep"
    #: The new mask takes every pixel of its own.
    REPLACE = "replace"
    #: Only background is written; not even the same object's own pixels change.
    BACKGROUND = "background"


@dataclass(frozen=True)
class LabelPatch:
    """One commit: what it changes, and what it takes from whom.

    Attributes
    ----------
    where : tuple of slice or int
        The part of the labels that the patch covers.
    before, after : ndarray
        Its labels before and after.
    label : int
        The object's number.
    written : int
        Pixels of that part that are ``label`` afterwards.
    overwritten : dict of int to int
        Pixels taken from other objects, by their number.
    withheld : dict of int to int
        Pixels of the mask that other objects kept, by their number.
    contested : ndarray of bool, optional
        Where the mask met other objects, whoever has the pixels afterwards.
    """

    where: Slices
    before: Labels
    after: Labels
    label: int
    written: int
    overwritten: dict[int, int] = field(default_factory=dict)
    withheld: dict[int, int] = field(default_factory=dict)
    contested: Mask | None = None

    def apply(self, labels: Any) -> None:
        """Write ``after`` into the labels."""
        labels[self.where] = self.after


def empty_labels(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Any:
    """Return labels with nothing in them, in memory.

    Returns
    -------
    ndarray, or zarr.Array
        Large ones are a zarr array of compressed blocks, of which there are those alone that
        hold an object: they may be larger than the memory.
    """
    if math.prod(shape) * dtype.itemsize <= MOST_PLAIN_BYTES:
        return np.zeros(shape, dtype)
    import zarr

    block = _BLOCK if len(shape) < 3 else _BLOCK_IN_STACKS
    chunks = (1,) * (len(shape) - len(block)) + block[-len(shape) :]
    return zarr.create_array(
        zarr.storage.MemoryStore(), shape=shape, chunks=chunks, dtype=dtype, fill_value=0
    )


def make_patch(
    labels: Any,
    mask: Mask,
    where: Slices,
    label: int,
    policy: OverlapPolicy = OverlapPolicy.KEEP,
) -> LabelPatch:
    """Plan the commit of a mask; nothing is written yet.

    Parameters
    ----------
    labels : array
        Read at ``where`` only: numpy, zarr, or anything that indexes like them.
    mask : ndarray of bool
        Of the shape that ``labels[where]`` has.
    where : tuple of slice or int
    label : int
        1 or more, and within the range of the labels' dtype.
    policy : OverlapPolicy

    Raises
    ------
    ValueError
        If the label or the mask's shape do not fit.
    """
    before = np.array(labels[where])
    if before.shape != mask.shape:
        raise ValueError(f"mask of shape {mask.shape} does not fit labels of {before.shape}")
    check_label(label, before.dtype)
    own, others = before == label, (before != 0) & (before != label)
    after = before.copy()
    if policy is not OverlapPolicy.BACKGROUND:
        after[own & ~mask] = 0
    target = mask if policy is OverlapPolicy.REPLACE else mask & ~others
    after[target] = label
    contested = mask & others
    at_stake = _counts(before[contested])
    replaced = policy is OverlapPolicy.REPLACE
    return LabelPatch(
        where=where,
        before=before,
        after=after,
        label=label,
        written=int(np.count_nonzero(after == label)),
        overwritten=at_stake if replaced else {},
        withheld={} if replaced else at_stake,
        contested=contested,
    )


def check_label(label: int, dtype: np.dtype[Any]) -> None:
    """Refuse an object number that the labels' dtype, or a session file, cannot hold.

    Raises
    ------
    ValueError
        Naming the number and the largest one allowed.
    """
    largest = largest_label(dtype)
    if not 1 <= label <= largest:
        raise ValueError(f"label {label} is not within 1 to {largest} ({dtype} labels)")


def largest_label(dtype: np.dtype[Any]) -> int:
    """Return the largest object number that labels of a dtype, and a session file, can hold."""
    return 1 if dtype.kind == "b" else min(int(np.iinfo(dtype).max), LARGEST)


def is_label(value: Any) -> bool:
    """Whether a cell of a table that anyone may have made, text or NaN too, is a label."""
    return isinstance(value, Real) and float(value).is_integer()


def _counts(values: Labels) -> dict[int, int]:
    ids, counts = np.unique(values, return_counts=True)
    return {int(i): int(n) for i, n in zip(ids, counts, strict=True)}
