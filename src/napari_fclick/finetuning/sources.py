"""Labelled images from folders and arrays, as one type.

An image is what must not be torn apart when some are held back: a volume is one image of many
planes. Those of session files are in `napari_fclick.finetuning.sessions`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core.arrays import Array
from napari_fclick.core.folders import ImagePair, are_linked, find_pairs_and_rest, load_pair
from napari_fclick.core.object_sets import IGNORE_LABEL, Plane
from napari_fclick.core.words import size_of
from napari_fclick.finetuning.hashing import content_hash
from napari_fclick.finetuning.planes import Planes

#: Planes of a layer that are learned from take at most this many bytes, labels included: they
#: are read into memory, and written where another process reads them.
MOST_BYTES = 8_000_000_000


class Correction(NamedTuple):
    """The clicks that a person made on an object.

    Attributes
    ----------
    plane : int
        Of the image's planes.
    label : int
    clicks : tuple of (row, column, positive)
        In pixels of the plane; the first is positive.
    """

    plane: int
    label: int
    clicks: tuple[tuple[float, float, bool], ...]


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image, or a volume, with its labels.

    Attributes
    ----------
    name : str
    planes : tuple of Plane
        Images (H, W) or (H, W, C) and instance numbers (H, W): 0 is background, 65535 is
        ignored.
    digest : str
        Hash of the image's content, labels left out.
    corrections : tuple of Correction
        Of objects whose clicks are known.
    linked : bool
        Whether a number means the same object in neighbouring planes.
    slices : tuple of tuple of int
        Of each plane, where it lies along the stack's other axes. Planes without objects are
        left out: the second plane may be slice 40.
    folder : Path or None
        Of the data that it was read from, where it is noted whether it is held back.
    file : str
        Name of its file in that folder.
    """

    name: str
    planes: tuple[Plane, ...]
    digest: str
    corrections: tuple[Correction, ...] = ()
    linked: bool = False
    slices: tuple[tuple[int, ...], ...] = ()
    folder: Path | None = None
    file: str = ""

    @cached_property
    def labels_digest(self) -> str:
        """Hash of the labels."""
        digest = hashlib.sha256()
        for plane in self.planes:
            digest.update(repr(plane.labels.shape).encode())
            for row in plane.labels:  # as a whole it would take many times its memory
                digest.update(np.ascontiguousarray(row, np.int64).data)
        return digest.hexdigest()

    @cached_property
    def has_objects(self) -> bool:
        """Whether anything is labelled in it."""
        return any(bool(((p.labels != 0) & (p.labels != IGNORE_LABEL)).any()) for p in self.planes)


@dataclass(frozen=True, eq=False)
class LabelledData:
    """Labelled images that are learned from together.

    Attributes
    ----------
    name : str
    images : tuple of LabelledImage
    notes : tuple of str
        What could not be used, and why.
    """

    name: str
    images: tuple[LabelledImage, ...]
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Hash of all images and labels, whatever their order and names."""
        parts = sorted(image.digest + image.labels_digest for image in self.images)
        return hashlib.sha256("".join(parts).encode()).hexdigest()


# --- folders ----------------------------------------------------------------------------


def from_folder(folder: Path) -> LabelledData:
    """Read ``images/`` and ``labels/``, paired by their stems.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or nothing pairs.
    """
    pairs, rest = find_pairs_and_rest(folder)
    images, notes = [], []
    for pair in pairs:
        try:
            images.append(_from_pair(pair, folder))
        except (ValueError, OSError) as error:
            notes.append(_why_not(pair, error))
    return LabelledData(folder.resolve().name, tuple(images), (*notes, *rest))


def _from_pair(pair: ImagePair, folder: Path) -> LabelledImage:
    image, labels = load_pair(pair)
    if isinstance(labels, np.memmap):
        labels = np.array(labels)  # the file may be saved over while it is learned from
    name = pair.image.stem
    return replace(_image(name, image, labels), folder=folder, file=name)


def _why_not(pair: ImagePair, error: Exception) -> str:
    """Say why an image and its labels cannot be used together, files by their short names."""
    text = str(error)
    for file in (pair.image, pair.labels):
        text = text.replace(str(file), f"{file.parent.name}/{file.name}")
    return f"{text}: left out"


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in array.shape)


# --- arrays -----------------------------------------------------------------------------


def from_arrays(arrays: Iterable[tuple[str, Any, Any]], name: str = "layers") -> LabelledData:
    """Take images and labels that are in memory, or lazy; see `from_array`.

    Parameters
    ----------
    arrays : iterable of (name, image, labels)
    name : str
        Of the data set.
    """
    return LabelledData(name, tuple(from_array(*each) for each in arrays))


def from_array(name: str, image: Any, labels: Any) -> LabelledImage:
    """Take an image and its labels; of lazy ones, only planes with objects come into memory.

    Parameters
    ----------
    name : str
    image : array
        numpy, dask, zarr or anything that indexes like them, of the shape of its labels, or with
        channels at the end.
    labels : array
        (.., Y, X).

    Raises
    ------
    ValueError
        If an image and its labels are of different shapes, are empty, the labels are no
        numbers or negative, the pixels are complex, or planes with objects take more than
        `MOST_BYTES`.
    """
    dtype, shape, seen = np.dtype(labels.dtype), _shape(labels), _shape(image)
    if dtype.kind not in "bui" or len(shape) < 2:
        raise ValueError(
            f"{name}: labels are whole numbers of 2 or more axes, not {dtype} of {size_of(shape)}"
        )
    if np.dtype(image.dtype).kind not in "buif":
        raise ValueError(f"{name}: pixels are real numbers, not {image.dtype}")
    if not math.prod(shape):
        raise ValueError(f"{name}: the labels are empty: {size_of(shape)}")
    if seen[: len(shape)] != shape or len(seen) - len(shape) not in (0, 1):
        raise ValueError(
            f"{name}: the image is {size_of(seen)} but its labels are {size_of(shape)}"
        )
    return _image(name, image, labels, MOST_BYTES)


def _image(name: str, image: Any, labels: Any, most: float = math.inf) -> LabelledImage:
    """Return an image of all planes that hold an object; of one plane at least."""
    beyond = len(_shape(labels)) - 2
    places = list(np.ndindex(_shape(labels)[:beyond]))
    cuts = _labelled(name, labels, places, most / (_bytes(image, beyond) + _bytes(labels, beyond)))
    pixels = Planes(image)
    planes = tuple(Plane(pixels[places[n]], cut) for n, cut in cuts.items())
    neighbours = ((cuts[n - 1], cut) for n, cut in cuts.items() if n - 1 in cuts)
    return LabelledImage(
        name,
        planes,
        content_hash(image),
        linked=are_linked(neighbours),
        slices=tuple(places[n] for n in cuts),
    )


def _labelled(
    name: str, labels: Any, places: Sequence[tuple[int, ...]], most: float
) -> dict[int, Array]:
    """Return the labels of all planes that hold an object, else of the first, by their numbers."""
    cuts: dict[int, Array] = {}
    planes = Planes(labels)
    for number, place in enumerate(places):
        cut = planes[place] if most >= 1 else None
        if cut is None or len(cuts) + cut.any() > most:
            raise ValueError(
                f"{name}: its planes with objects take more than {MOST_BYTES / 1e9:g} GB, which is "
                "the most that is learned from: crop it, or label fewer of its planes"
            )
        if cut.min() < 0:
            raise ValueError(f"{name}: labels are 0 or more, not {cut.min()}")
        if cut.any():
            cuts[number] = cut
    return cuts or {0: planes[places[0]]}


def _bytes(array: Any, beyond: int) -> int:
    """Return what a plane of an array takes."""
    return int(math.prod(_shape(array)[beyond:]) * np.dtype(array.dtype).itemsize)


# --- together ---------------------------------------------------------------------------


def combine(parts: Sequence[LabelledData]) -> LabelledData:
    """Return the images of several sources, under the name of the first.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not parts:
        raise ValueError("nothing to learn from: give a folder, layers or session files")
    notes = tuple(note for part in parts for note in part.notes)
    images = tuple(image for part in parts for image in part.images)
    return replace(parts[0], images=images, notes=notes)
