"""What lies before and behind an object in a volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask
from napari_fclick.core.folders import is_linked
from napari_fclick.core.object_sets import ObjectRef, Plane

#: Pixels of an object's mask in a neighbouring slice, at least.
LEAST = 12
#: With fewer pixels in a slice an object has ended.
LEAST_SEEN = 8
#: A last slice with fewer pixels is a mere remainder: the one before it is shown instead.
LEAST_SHOWN = 24


@runtime_checkable
class VolumeSet(Protocol):
    """A set that can hold volumes; others need nothing of it."""

    def volume(self, ref: ObjectRef) -> Plane:
        """Return the image that an object lies in and its labels, uncut."""


class End(NamedTuple):
    """A slice at an object's end.

    Attributes
    ----------
    plane : Plane
        The last slice that shows the object, or the first that does not.
    number : int
        Its number along the object's axis.
    near : ndarray of bool (H, W)
        The object in a slice further inside.
    """

    plane: Plane
    number: int
    near: Mask


class Slices:
    """The slices about the objects of a set.

    There are none about objects of images, of sets that are no `VolumeSet`, and of volumes
    whose labels mean other objects in each slice.

    Parameters
    ----------
    found : object
        The set.
    """

    def __init__(self, found: object) -> None:
        self._set = found if isinstance(found, VolumeSet) else None
        self._linked: dict[int, bool] = {}

    def neighbour(self, ref: ObjectRef, way: int) -> Mask | None:
        """Return an object's mask in the next slice (``way`` 1) or in the one before (-1).

        None where there is none, or next to nothing of the object in it.
        """
        volume = self._volume(ref)
        if volume is None or not 0 <= ref.index + way < volume.labels.shape[ref.axis]:
            return None
        mask: Mask = _cut(volume.labels, ref.axis, ref.index + way) == ref.label
        return mask if np.count_nonzero(mask) >= LEAST else None

    def end(self, ref: ObjectRef, way: int, gone: bool) -> End | None:
        """Return the slice in which an object ends, on the way to one side.

        Parameters
        ----------
        ref : ObjectRef
        way : int
            1 or -1, along the axis of the cut.
        gone : bool
            The first slice without it; else the last with it. Of an object in a single slice,
            the former.

        Returns
        -------
        End or None
            None where there are no slices, or the object goes on to the volume's border.
        """
        volume = self._volume(ref)
        if volume is None:
            return None
        before = last = None
        for index, mask in _onward(volume.labels, ref, way):
            if np.count_nonzero(mask) >= LEAST_SEEN:
                before, last = last, mask
                continue
            if last is None:
                return None
            if before is None or (gone and np.count_nonzero(last) >= LEAST_SHOWN):
                return End(_plane(volume, ref.axis, index), index, last)
            shown = index if gone else index - way
            return End(_plane(volume, ref.axis, shown), shown, before)
        return None

    def _volume(self, ref: ObjectRef) -> Plane | None:
        """Return the volume that an object lies in, if it is one with linked labels."""
        if self._set is None or self._linked.get(ref.pair) is False:
            return None
        volume = self._set.volume(ref)
        if ref.pair not in self._linked:
            self._linked[ref.pair] = volume.labels.ndim == 3 and is_linked(volume.labels)
        return volume if self._linked[ref.pair] else None


def _onward(labels: NDArray[Any], ref: ObjectRef, way: int) -> Iterator[tuple[int, Mask]]:
    """Yield the slices from an object's own to the volume's border: number, mask."""
    stop = labels.shape[ref.axis] if way > 0 else -1
    for index in range(ref.index, stop, way):
        yield index, _cut(labels, ref.axis, index) == ref.label


def _plane(volume: Plane, axis: int, index: int) -> Plane:
    return Plane(*(_cut(each, axis, index) for each in volume))


def _cut(volume: NDArray[Any], axis: int, index: int) -> NDArray[Any]:
    """Return a slice without copying it: mapped files are read as far as they are looked at."""
    part: NDArray[Any] = np.moveaxis(volume, axis, 0)[index]
    return part
