"""Labels that number each slice on its own -> labels that number whole objects."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask
from napari_fclick.core.object_sets import IGNORE_LABEL

#: Outlines in neighbouring slices are linked as one object if their IoU is at least this.
LEAST_OVERLAP = 0.4
#: Beyond its last linked outline, an object goes on in those of which this part lies within it ..
LEAST_SHARED = 0.25
#: .. as long as these together are at most so many times as large as that last outline.
MOST_GROWTH = 2.0


def link_slices(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Link the objects of neighbouring slices by their overlap.

    The pair with the highest IoU is linked first, then the next of those that are left, as
    long as it is at least `LEAST_OVERLAP`. Each object is a chain: one outline a slice.

    Parameters
    ----------
    labels : ndarray of int, shape (Z, Y, X)
        Instance numbers, each slice's its own; 65535 is ignored and stays.

    Returns
    -------
    ndarray of int32, shape (Z, Y, X)
        The same outlines, numbered from 1 throughout the stack.
    """
    linked = np.zeros(labels.shape, np.int32)
    linked[labels == IGNORE_LABEL] = IGNORE_LABEL
    numbers: dict[int, int] = {}
    highest = 0
    for z, plane in enumerate(labels):
        partners = _partners(labels[z - 1], plane) if z else {}
        following = {}
        for label in _numbers(plane):
            number = numbers.get(partners.get(label, 0))
            if number is None:
                highest += 1 + (highest + 1 == IGNORE_LABEL)
                number = highest
            following[label] = number
            linked[z][plane == label] = number
        numbers = following
    return linked


def goes_on(labels: NDArray[Any], chain: Mask) -> Mask:
    """Return where an object may go on beyond the slices in which its outlines were linked.

    Where an object parts, merges or jumps between two slices, its chain of outlines ends though the
    object is still there: a method that follows it farther is not wrong. So from each end of the
    chain on, outlines that lie to a good part within those of the slice before count as the object,
    too. This ends where they become much larger than it was: a method that leaks into a large
    neighbour is wrong.

    Parameters
    ----------
    labels : ndarray of int, shape (Z, Y, X)
        Instance numbers, each slice's its own.
    chain : ndarray of bool, shape (Z, Y, X)
        One object of `link_slices`.

    Returns
    -------
    ndarray of bool, shape (Z, Y, X)
        False in all slices from the chain's first to its last.
    """
    found = np.zeros_like(chain)
    inside = np.flatnonzero(chain.any((1, 2)))
    for end, way in ((inside[-1], 1), (inside[0], -1)):
        before = chain[end]
        most = MOST_GROWTH * np.count_nonzero(before)
        for z in range(end + way, len(labels) if way > 0 else -1, way):
            before = _going_on(before, labels[z])
            if not 0 < np.count_nonzero(before) <= most:
                break
            found[z] = before
    return found


def _going_on(before: Mask, plane: NDArray[Any]) -> Mask:
    numbers, shared = np.unique(plane[before], return_counts=True)
    there = [
        number
        for number, n in zip(numbers, shared, strict=True)
        if number not in (0, IGNORE_LABEL) and n >= LEAST_SHARED * np.count_nonzero(plane == number)
    ]
    return np.isin(plane, there)


def _numbers(plane: NDArray[Any]) -> list[int]:
    return [int(n) for n in np.unique(plane) if n not in (0, IGNORE_LABEL)]


def _partners(below: NDArray[Any], above: NDArray[Any]) -> dict[int, int]:
    """Return, for labels of a plane, the label below that is the same object."""
    pairs, shared = np.unique(np.stack([below.ravel(), above.ravel()]), axis=1, return_counts=True)
    area_below, area_above = (
        dict(zip(*np.unique(plane, return_counts=True), strict=True)) for plane in (below, above)
    )
    ious = {
        (int(b), int(a)): n / (area_below[b] + area_above[a] - n)
        for (b, a), n in zip(pairs.T, shared, strict=True)
        if b not in (0, IGNORE_LABEL) and a not in (0, IGNORE_LABEL)
    }
    partners: dict[int, int] = {}
    taken: set[int] = set()
    # The surest first; of equals the lower numbers, so that no outline has two partners.
    for (b, a), value in sorted(ious.items(), key=lambda each: (-each[1], each[0])):
        if value < LEAST_OVERLAP or a in partners or b in taken:
            continue
        partners[a] = b
        taken.add(b)
    return partners
