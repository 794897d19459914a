"""Labelled images from folders, arrays and session files, as one type.

An image is what must not be torn apart when some are held back: a volume is one image of many
planes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.files import read_image
from napari_fclick.core.folders import (
    IGNORE_LABEL,
    ImagePair,
    Plane,
    find_pairs,
    is_linked,
    read_pair,
)
from napari_fclick.finetuning.content import content_hash
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.place import Place
from napari_fclick.session.resuming import Opened, reopen
from napari_fclick.session.state import AcceptedObject, Part
from napari_fclick.session_image import open_image

Array = NDArray[Any]


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
    file : str
        Name of its file in the data's folder; empty of images from elsewhere.
    """

    name: str
    planes: tuple[Plane, ...]
    digest: str
    corrections: tuple[Correction, ...] = ()
    linked: bool = False
    file: str = ""

    @cached_property
    def labels_digest(self) -> str:
        """Hash of the labels."""
        digest = hashlib.sha256()
        for plane in self.planes:
            digest.update(repr(plane.labels.shape).encode())
            digest.update(np.ascontiguousarray(plane.labels, np.int64).tobytes())
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
    folder : Path or None
        Where they were read from, and where it is noted which of them are held back.
    notes : tuple of str
        What could not be used, and why.
    """

    name: str
    images: tuple[LabelledImage, ...]
    folder: Path | None = None
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
    images, notes = [], []
    for pair in find_pairs(folder):
        plane = read_pair(pair)
        if plane is None:
            notes.append(_why_not(pair))
        else:
            name = pair.image.stem
            images.append(replace(_image(name, *plane), file=name))
    return LabelledData(folder.name, tuple(images), folder, (*notes, *_unpaired(folder)))


def _why_not(pair: ImagePair) -> str:
    """Say why an image and its labels cannot be used together."""
    try:
        image, labels = read_image(pair.image), read_image(pair.labels)
    except (ValueError, OSError) as error:
        return str(error)
    if image.shape[: labels.ndim] != labels.shape:
        return f"{pair.image.name} is {_size(image)} but its labels are {_size(labels)}: left out"
    return (
        f"{pair.labels.name} holds no labels but {labels.dtype} of {_size(labels)}: left out "
        "(labels are whole numbers, one for each object, in an image without colours)"
    )


def _unpaired(folder: Path) -> list[str]:
    stems = {
        part: {f.stem for f in (folder / part).iterdir() if f.is_file()}
        for part in ("images", "labels")
    }
    alone = sorted(stems["images"] - stems["labels"])
    if not alone:
        return []
    shown = ", ".join(alone[:5]) + (", ..." if len(alone) > 5 else "")
    return [f"{len(alone)} images have no labels and are left out: {shown}"]


def _size(array: Array) -> str:
    return " x ".join(str(n) for n in array.shape)


# --- arrays -----------------------------------------------------------------------------


def from_arrays(arrays: Iterable[tuple[str, Array, Array]], name: str = "layers") -> LabelledData:
    """Take images and labels that are in memory.

    Parameters
    ----------
    arrays : iterable of (name, image, labels)
        Labels (.., Y, X); images of the same shape, or with channels at the end.
    name : str
        Of the data set.

    Raises
    ------
    ValueError
        If an image and its labels are of different shapes, are empty, or the labels are no
        numbers or negative.
    """
    return LabelledData(name, tuple(_image(*_checked(*each)) for each in arrays))


def _checked(name: str, image: Any, labels: Any) -> tuple[str, Array, Array]:
    image, labels = np.asarray(image), np.asarray(labels)
    if labels.dtype.kind not in "bui" or labels.ndim < 2:
        raise ValueError(
            f"{name}: labels are whole numbers of 2 or more axes, not {labels.dtype} of "
            f"{_size(labels)}"
        )
    if not labels.size:
        raise ValueError(f"{name}: the labels are empty: {_size(labels)}")
    if labels.min() < 0:
        raise ValueError(f"{name}: labels are 0 or more, not {labels.min()}")
    extra = image.ndim - labels.ndim
    if image.shape[: labels.ndim] != labels.shape or extra not in (0, 1):
        raise ValueError(f"{name}: the image is {_size(image)} but its labels are {_size(labels)}")
    return name, image, labels


def _image(name: str, image: Array, labels: Array) -> LabelledImage:
    """Return an image of all planes that hold an object; of one plane at least."""
    digest = content_hash(image)
    height, width = labels.shape[-2:]
    stack = labels.reshape(-1, height, width)
    pixels = image.reshape(-1, height, width, *image.shape[labels.ndim :])
    used = [n for n, cut in enumerate(stack) if cut.any()] or [0]
    planes = tuple(Plane(pixels[n], stack[n]) for n in used)
    linked = labels.ndim > 2 and is_linked(stack)
    return LabelledImage(name, planes, digest, linked=linked)


# --- sessions ---------------------------------------------------------------------------


def from_sessions(paths: Iterable[Path], name: str = "sessions") -> LabelledData:
    """Read session files: their images, the labels they came to, and the clicks made.

    An image that is not found, or is another one now, is noted and left out.
    """
    images: list[LabelledImage] = []
    notes: list[str] = []
    for path in paths:
        try:
            images.append(_from_session(path))
        except (JournalError, ValueError, OSError) as error:
            notes.append(str(error).replace("; say --image FILE", ""))
    return LabelledData(name, tuple(images), None, tuple(notes))


def _from_session(path: Path) -> LabelledImage:
    with closing(Journal.open(path, read_only=True)) as journal:
        image, signature = open_image(journal).last, journal.image
        opened = reopen(journal)
    records = [r for r in opened.restored.objects.values() if r.parts]
    parts = [(record, part) for record in records for part in record.parts]
    if not parts:
        raise JournalError(f"{path}: nothing was accepted in it")
    places = list(dict.fromkeys(part.place for _, part in parts))
    accepted = [record.label for record in records]
    planes = tuple(Plane(*_plane(image, opened, place, accepted)) for place in places)
    corrections = tuple(
        _correction(places.index(part.place), record, part)
        for record, part in parts
        if part.by_person and part.start is None
    )
    name = Path(signature.source).stem or signature.name or path.stem
    # A number stands for one object in all of a session's planes.
    return LabelledImage(name, planes, content_hash(image), corrections, linked=True)


def _plane(
    image: Any, opened: Opened, place: Place, accepted: Sequence[int]
) -> tuple[Array, Array]:
    """Return the pixels of a plane and what was accepted in it, whichever labels took it.

    Of objects that were there before, a session knows the part beside its own: they are ignored.
    """
    rows = slice(None)
    pixels = np.asarray(image[place.where(rows, rows)])
    written = [
        np.asarray(target.labels[place.where(rows, rows)])
        for target in opened.targets
        if place.within(tuple(target.labels.shape))
    ]
    labels = written[0].copy()
    for other in written[1:]:
        labels[labels == 0] = other[labels == 0]
    others = (labels != 0) & ~np.isin(labels, accepted)
    return pixels, np.where(others, IGNORE_LABEL, labels.astype(np.int64, copy=False))


def _correction(plane: int, record: AcceptedObject, part: Part) -> Correction:
    clicks = tuple((float(c.y), float(c.x), bool(c.positive)) for c in part.clicks)
    return Correction(plane, record.label, clicks)


# --- together ---------------------------------------------------------------------------


def combine(parts: Sequence[LabelledData]) -> LabelledData:
    """Return the images of several sources; the first folder says which are held back.

    Raises
    ------
    ValueError
        If there are none.
    """
    if not parts:
        raise ValueError("nothing to learn from: give a folder, layers or session files")
    notes = tuple(note for part in parts for note in part.notes)
    folder = next((part.folder for part in parts if part.folder is not None), None)
    images = tuple(
        # Files of other folders may have the same names.
        image if part.folder == folder else replace(image, file="")
        for part in parts
        for image in part.images
    )
    return replace(parts[0], images=images, folder=folder, notes=notes)
