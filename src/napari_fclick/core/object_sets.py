"""Objects in many images: all known by an index, few of the images in memory."""

from __future__ import annotations

import itertools
import json
import logging
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.paths import replacing
from napari_fclick.core.window import Box

logger = logging.getLogger(__name__)

IGNORE_LABEL = 65535
#: Pixels of a block of labels in which numbers are looked for.
BLOCK = 2**20
_KEYS = itertools.count()


class Plane(NamedTuple):
    """A 2-D cut through an image file and its labels."""

    image: NDArray[Any]
    labels: NDArray[Any]


@dataclass(frozen=True)
class ObjectRef:
    """Where one object is to be found.

    Attributes
    ----------
    pair : int
        Number of the image.
    axis, index : int
        Which cut through it, of volumes.
    label : int
    box : Box
    area : int
        In pixels.
    clicks : tuple of (row, column, positive)
        A person's clicks on it, in their order; the first is positive.
    """

    pair: int
    axis: int
    index: int
    label: int
    box: Box
    area: int
    clicks: tuple[tuple[float, float, bool], ...] = ()


class Source(Protocol):
    """Images and their labels, read one at a time."""

    @property
    def name(self) -> str:
        """Of the set."""

    def __len__(self) -> int: ...

    def files(self, number: int) -> tuple[Path, ...]:
        """Return the files that an image and its labels are in."""

    def read(self, number: int) -> Plane:
        """Return an image and its labels, (H, W) or a volume (Z, Y, X).

        Raises
        ------
        OSError, ValueError
            If they are of no use; the message names the file.
        """


class PlaneCache:
    """The images used last, as many as fit.

    Parameters
    ----------
    most_bytes : int
        Of pixels and labels in memory; what is memory-mapped counts nothing.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0
        self._planes: OrderedDict[Hashable, Plane] = OrderedDict()

    def get(self, key: Hashable) -> Plane | None:
        """Return an image that is kept."""
        if key in self._planes:
            self._planes.move_to_end(key)
        return self._planes.get(key)

    def put(self, key: Hashable, plane: Plane) -> None:
        """Keep an image, and drop those not used for longest."""
        self._planes[key] = plane
        self.bytes += _held(plane)
        while self.bytes > self.most_bytes:
            self.bytes -= _held(self._planes.popitem(last=False)[1])

    def __getstate__(self) -> dict[str, Any]:
        """Leave the images behind when copied to another process."""
        return {"most_bytes": self.most_bytes, "bytes": 0, "_planes": OrderedDict()}


class IndexedSet:
    """The objects of a source; images are read when they are asked for.

    At the start every image is read once, unless an index file tells what is in it. What
    cannot be used is named in a warning and left out.

    Parameters
    ----------
    source : Source
    axes : sequence of int
        Axes along which volumes are cut.
    min_area : int
        Objects of fewer pixels are left out.
    cache : PlaneCache, optional
        May be shared by several sets; by default 1 GB.
    index : Path, optional
        A JSON file that keeps what was found, for as long as the files stay as they are.
    """

    def __init__(
        self,
        source: Source,
        axes: Sequence[int] = (0,),
        min_area: int = 24,
        cache: PlaneCache | None = None,
        index: Path | None = None,
    ) -> None:
        self.name = source.name
        self._source = source
        self._key = next(_KEYS)  # sets of the same name may share a cache
        self._cache = PlaneCache(2**30) if cache is None else cache
        known = _Index(index, {"axes": list(axes), "min_area": min_area})
        self.by_image: list[list[ObjectRef]] = []
        for number in range(len(source)):
            objects = known.get(source.files(number), number)
            if objects is None:
                objects = self._find(number, axes, min_area)
                if objects is None:
                    continue
                known.put(source.files(number), objects)
            if objects:
                self.by_image.append(objects)
        known.save()
        self.objects = [ref for objects in self.by_image for ref in objects]
        weights = np.sqrt([len(objects) for objects in self.by_image])
        self.image_weights = weights / weights.sum() if weights.size else weights

    def plane(self, ref: ObjectRef) -> Plane:
        """Return the 2-D cut that an object lies in.

        Raises
        ------
        OSError, ValueError
            If its file can no longer be read, or holds something else by now.
        """
        image, labels = self._plane(ref.pair)
        if labels.ndim == 3:
            if ref.index >= labels.shape[ref.axis]:
                raise ValueError(f"{self._title(ref.pair)} has changed")
            image, labels = (np.take(a, ref.index, ref.axis) for a in (image, labels))
        if not (labels[ref.box.slices] == ref.label).any():
            raise ValueError(f"{self._title(ref.pair)} has changed: object {ref.label} is gone")
        return Plane(image, labels)

    def volume(self, ref: ObjectRef) -> Plane:
        """Return the image that an object lies in and its labels, uncut.

        Raises
        ------
        OSError, ValueError
            If its file can no longer be read.
        """
        return self._plane(ref.pair)

    def draw(self, rng: np.random.Generator) -> ObjectRef:
        """Draw an object: first an image, then one of its objects."""
        objects = self.by_image[int(rng.choice(len(self.by_image), p=self.image_weights))]
        return objects[int(rng.integers(len(objects)))]

    def _plane(self, number: int) -> Plane:
        key = (self._key, number)
        plane = self._cache.get(key)
        if plane is None:
            plane = self._source.read(number)
            self._cache.put(key, plane)
        return plane

    def _find(self, number: int, axes: Sequence[int], min_area: int) -> list[ObjectRef] | None:
        try:
            plane = self._plane(number)
        except (OSError, ValueError) as error:
            logger.warning("%s: skipped", error)
            return None
        return find_objects(plane, number, axes, min_area)

    def _title(self, number: int) -> str:
        return str(self._source.files(number)[-1])


def find_objects(plane: Plane, number: int, axes: Sequence[int], min_area: int) -> list[ObjectRef]:
    """Return the objects of an image, or of the cuts through a volume."""
    if plane.labels.ndim == 2:
        return objects_2d(plane.labels, number, 0, 0, min_area)
    found = []
    for axis in axes:
        for index in range(plane.labels.shape[axis]):
            cut = np.take(plane.labels, index, axis)
            found += objects_2d(cut, number, axis, index, min_area)
    return found


def objects_2d(
    labels: NDArray[Any], pair: int, axis: int, index: int, min_area: int
) -> list[ObjectRef]:
    """Return the objects of a 2-D image of labels.

    Parameters
    ----------
    labels : ndarray of int, shape (h, w)
    pair, axis, index : int
        Where they are, for the references.
    min_area : int
        Objects of fewer pixels are left out.
    """
    return [
        ObjectRef(pair, axis, index, number, box, area)
        for number, box, area in measured(labels)
        if area >= min_area
    ]


class Measured(NamedTuple):
    """An object of a 2-D image of labels: its number, where it is, and its pixels."""

    number: int
    box: Box
    area: int


def measured(labels: NDArray[Any]) -> list[Measured]:
    """Return the objects of a 2-D image of labels, in the order of their numbers.

    Parameters
    ----------
    labels : ndarray of int, shape (h, w)
        May be large: beside it, at most 4 bytes a pixel are needed.
    """
    rows = max(1, BLOCK // max(1, labels.shape[1]))
    blocks = [slice(row, row + rows) for row in range(0, labels.shape[0], rows)]
    numbers = reduce(np.union1d, (labels[block] for block in blocks), labels[:0].ravel())
    # Numbers may be huge: what is looked up by number is their rank, from 1 on.
    ranks = np.empty(labels.shape, np.min_scalar_type(len(numbers)))
    areas = np.zeros(len(numbers) + 1, np.int64)
    for block in blocks:
        ranks[block] = np.searchsorted(numbers, labels[block]) + 1
        areas += np.bincount(ranks[block].ravel(), minlength=len(areas))
    cuts = ndimage.find_objects(ranks)
    return [
        Measured(int(number), Box.of(y, x), int(area))
        for number, (y, x), area in zip(numbers, cuts, areas[1:], strict=True)
        if number not in (0, IGNORE_LABEL)
    ]


class _Index:
    """What is known of files from an earlier start."""

    def __init__(self, path: Path | None, settings: dict[str, Any]) -> None:
        self._path, self._settings = path, settings
        self._known: dict[str, Any] = {}
        self._kept: dict[str, Any] = {}
        if path is not None and path.is_file():
            try:
                content = json.loads(path.read_text("utf-8"))
                if content["settings"] == settings:
                    self._known = content["images"]
            except (ValueError, KeyError, TypeError):
                logger.warning("%s is no index that can be read: it is made anew", path)

    def get(self, files: Sequence[Path], number: int) -> list[ObjectRef] | None:
        """Return the objects in files that are as they were, or None."""
        entry = self._known.get(str(files[0]))
        if entry is None or entry["stamps"] != _stamps(files):
            return None
        self._kept[str(files[0])] = entry
        return [
            ObjectRef(number, axis, index, label, Box(*box), area)
            for axis, index, label, box, area in entry["objects"]
        ]

    def put(self, files: Sequence[Path], objects: Sequence[ObjectRef]) -> None:
        """Note what was found."""
        if self._path is not None:
            rows = [[r.axis, r.index, r.label, list(r.box), r.area] for r in objects]
            self._kept[str(files[0])] = {"stamps": _stamps(files), "objects": rows}

    def save(self) -> None:
        """Write the index, if something in it is new."""
        if self._path is None or self._kept == self._known:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._path) as partial:
            content = {"settings": self._settings, "images": self._kept}
            partial.write_text(json.dumps(content), "utf-8")


def _stamps(files: Sequence[Path]) -> list[list[int]]:
    found = [file.stat() for file in files if file.is_file()]
    return [[each.st_size, each.st_mtime_ns] for each in found]


def _held(plane: Plane) -> int:
    return sum(a.nbytes for a in plane if not isinstance(a, np.memmap))
