"""Folders of ``images/`` and ``labels/``: which files belong together, and what is in them.

Where a folder holds no ``images/``, its images are the files that lie in it beside ``labels/``.

Labels are instance numbers, 0 is background, 65535 is ignored. Volumes (Z, Y, X) are cut
along the axes that are asked for.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.files import (
    SUFFIXES,
    TIFF_SUFFIXES,
    map_tiff,
    read_image,
    read_indices,
    turned,
)
from napari_fclick.core.object_sets import (
    IGNORE_LABEL,
    IndexedSet,
    Plane,
    PlaneCache,
)
from napari_fclick.core.paths import is_hidden
from napari_fclick.core.words import counted, size_of

logger = logging.getLogger(__name__)

#: Files from this size on are not read as a whole, where their format allows it.
MAPPED_BYTES = 2**26
#: So many files are named, of those that are left out.
NAMED = 5
#: Where fine-tuning notes which images of a folder it holds back; it lies beside them.
SPLIT_FILE = "fclick-split.json"


@dataclass(frozen=True)
class ImagePair:
    """An image file and its labels."""

    image: Path
    labels: Path

    @property
    def is_validation(self) -> bool:
        """Whether this image is held back: one in twelve, by the hash of its content."""
        digest = hashlib.sha256(self.image.read_bytes()).digest()
        return digest[0] % 12 == 0


@dataclass(frozen=True)
class ImageFolder:
    """The images of a folder, and where their labels are.

    Attributes
    ----------
    folder : Path
    images : tuple of Path
        In the order of their names, numbers in them as numbers.
    labels : Path
        The folder of the labels, which may be missing yet.
    notes : tuple of str
        What is left out.
    """

    folder: Path
    images: tuple[Path, ...]
    labels: Path
    notes: tuple[str, ...] = ()


def find_images(folder: Path) -> ImageFolder:
    """Return the images of a folder: those in its ``images/``, or else those that lie in it.

    Of a folder ``images`` itself it is the folder around it that is meant.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or no image in it.
    """
    # Without "..", as files are known by their paths; links stay what they are.
    folder = Path(os.path.abspath(folder))  # noqa: PTH100
    if folder.name == "images" and not (folder / "labels").is_dir():
        folder = folder.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    images, notes = _images(folder)
    if not images:
        raise FileNotFoundError(
            f"no image in {images_folder(folder)}: allowed are {', '.join(SUFFIXES)}"
            f"{''.join(f'; {note}' for note in notes)}"
        )
    ordered = tuple(sorted(images.values(), key=_by_numbers))
    return ImageFolder(folder, ordered, folder / "labels", tuple(notes))


def _by_numbers(path: Path) -> list[tuple[int, str]]:
    """Return what sorts cell_10 after cell_2: the parts of a name, numbers as numbers."""
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (0, part.lower()) for part in parts]


def stem_of(file: Path) -> str:
    """Return a file's stem, by which images and labels belong together.

    An "é" may be one letter or an "e" with an accent after it, as in names from macOS: it is the
    same here.
    """
    return unicodedata.normalize("NFC", file.stem)


def label_files(labels: Path) -> dict[str, Path]:
    """Return the label files in a folder by `stem_of`, as `find_pairs` chooses among them."""
    return _readable(labels)[0] if labels.is_dir() else {}


def is_labelled(folder: Path) -> bool:
    """Whether a folder holds ``labels/`` and, in ``images/`` or beside it, images."""
    return (folder / "labels").is_dir() and (
        (folder / "images").is_dir() or bool(_images(folder)[0])
    )


def find_pairs(folder: Path) -> list[ImagePair]:
    """Pair the files of ``images/`` and ``labels/`` by their stems; warn of those left out.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or nothing pairs.
    """
    pairs, notes = find_pairs_and_rest(folder)
    for note in notes:
        logger.warning("%s: %s", folder, note)
    return pairs


def find_pairs_and_rest(folder: Path) -> tuple[list[ImagePair], list[str]]:
    """Pair the files of ``images/`` and ``labels/``, and tell of those that are left out.

    Without ``images/``, the files that lie beside ``labels/`` are the images. Hidden files,
    whose names begin with a dot, are passed over.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or nothing pairs.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    images, image_notes = _images(folder)
    if not images and not (folder / "images").is_dir():
        raise FileNotFoundError(f"{folder} holds no folder images/, and no images")
    if not (folder / "labels").is_dir():
        raise FileNotFoundError(f"{folder} holds no folder labels/")
    labels, label_notes = _readable(folder / "labels")
    notes = image_notes + label_notes
    if alone := [file.name for stem, file in images.items() if stem not in labels]:
        notes.append(f"{_named(alone, 'image')} without labels that can be read: left out")
    if alone := [file.name for stem, file in labels.items() if stem not in images]:
        notes.append(f"{_named(alone, 'label file')} without an image that can be read: left out")
    stems = sorted(images.keys() & labels.keys())
    if not stems:
        raise FileNotFoundError(
            f"no image in {images_folder(folder)} has labels in {folder}/labels: files need the "
            f"same name in both and one of {', '.join(SUFFIXES)}"
            f"{''.join(f'; {note}' for note in notes)}"
        )
    return [ImagePair(images[stem], labels[stem]) for stem in stems], notes


def images_folder(folder: Path) -> Path:
    """Return where a folder's images lie: in its ``images/``, or else in the folder itself."""
    inside = folder / "images"
    return inside if inside.is_dir() else folder


def _images(folder: Path) -> tuple[dict[str, Path], list[str]]:
    """Return the images of a folder by their stems, and what is left out."""
    if not folder.is_dir():
        return {}, []
    inside = images_folder(folder)
    return _readable(inside, flat=inside == folder)


def _readable(folder: Path, flat: bool = False) -> tuple[dict[str, Path], list[str]]:
    """Return the files that can be read, by their stems, and what is left out beside them.

    Of a flat folder, what is no file of the images is passed over: other folders, and our notes.
    """
    found: dict[str, Path] = {}
    notes = []
    others: Counter[str] = Counter()
    for file in sorted(folder.iterdir()):
        if is_hidden(file) or (flat and (file.is_dir() or file.name == SPLIT_FILE)):
            continue
        suffix = file.suffix.lower()
        if suffix not in SUFFIXES:
            others[suffix or ("folder" if file.is_dir() else "no ending")] += 1
            continue
        other = found.get(stem_of(file))
        if other is not None:
            notes.append(f"{folder.name}/{other.name}: left out, as {file.name} has its name")
        found[stem_of(file)] = file
    if others:
        files, kinds = counted(others.total(), "file"), ", ".join(sorted(others))
        notes.append(f"{files} in {folder.name}/ of a kind that cannot be read ({kinds}): left out")
    return found, notes


def _named(names: Sequence[str], what: str) -> str:
    more = ", ..." if len(names) > NAMED else ""
    return f"{counted(len(names), what)} ({', '.join(names[:NAMED])}{more})"


class ImageSet(IndexedSet):
    """The objects in one folder.

    Parameters
    ----------
    folder : Path
        Holds ``images/`` and ``labels/``.
    validation : bool or None
        The held-back images, or the others, or all (None).
    axes, min_area, cache, index
        See `IndexedSet`.
    exclude : collection of str
        Stems of images that are left out.
    """

    def __init__(
        self,
        folder: Path,
        validation: bool | None = False,
        axes: Sequence[int] = (0,),
        min_area: int = 24,
        cache: PlaneCache | None = None,
        index: Path | None = None,
        exclude: Collection[str] = (),
    ) -> None:
        pairs = [pair for pair in find_pairs(folder) if pair.image.stem not in exclude]
        if validation is not None:
            pairs = [pair for pair in pairs if pair.is_validation == validation]
        super().__init__(_Folder(folder.name, pairs), axes, min_area, cache, index)


@dataclass(frozen=True)
class _Folder:
    """The pairs of a folder as the source of a set."""

    name: str
    pairs: list[ImagePair]

    def __len__(self) -> int:
        return len(self.pairs)

    def files(self, number: int) -> tuple[Path, ...]:
        pair = self.pairs[number]
        return pair.image, pair.labels

    def read(self, number: int) -> Plane:
        return load_pair(self.pairs[number])


def read_pair(pair: ImagePair) -> Plane | None:
    """Read an image and its labels; None, and a warning, where they are of no use together."""
    try:
        return load_pair(pair)
    except (ValueError, OSError) as error:
        logger.warning("%s: skipped", error)
        return None


def load_pair(pair: ImagePair, most_axes: int = 3) -> Plane:
    """Read an image and its labels; large files that are not compressed are memory-mapped.

    Parameters
    ----------
    pair : ImagePair
    most_axes : int
        That labels may have: 3 of a stack, more of a series of stacks.

    Raises
    ------
    OSError, ValueError
        If a file cannot be read, or they are of no use together.
    """
    image = _open(pair.image, read_image, as_stored=False)
    labels = _open(pair.labels, read_indices)
    if labels.dtype.kind == "f" and np.all(np.isfinite(labels) & (labels == np.floor(labels))):
        labels = labels.astype(np.int64)  # whole numbers in floats, as some programs write them
    if problem := _why_no_labels(labels, most_axes):
        raise ValueError(f"{pair.labels} holds no labels: {problem}")
    if image.dtype.kind not in "buif":
        raise ValueError(f"{pair.image} holds no pixels that can be read but {image.dtype}")
    if image.shape[: labels.ndim] != labels.shape:
        image = _as_slices(pair.image, labels.shape, image)
    if image.shape[: labels.ndim] != labels.shape:
        image = _as_shown(pair.image, labels.shape, image)
    if image.shape[: labels.ndim] != labels.shape:
        labels = _as_deep(labels, image, most_axes)
    if image.shape[: labels.ndim] != labels.shape:
        raise ValueError(
            f"{pair.image} is {size_of(image.shape)} but its labels are {size_of(labels.shape)}"
        )
    return Plane(image, labels)


def _as_slices(path: Path, shape: tuple[int, ...], image: NDArray[Any]) -> NDArray[Any]:
    """Return an image as it is stored where that is its labels' shape: slices, no colours."""
    stored = _open(path, partial(read_image, as_stored=True))
    return stored if stored.shape == shape else image


def _as_shown(path: Path, shape: tuple[int, ...], image: NDArray[Any]) -> NDArray[Any]:
    """Return a photograph as other programs than napari show it, where that is its labels' shape.

    Where it has one shape either way, the labels are of the pixels as napari shows them.
    """
    return turned(path, image) if image.shape[:2] == shape[::-1] else image


def _as_deep(labels: NDArray[Any], image: NDArray[Any], most_axes: int) -> NDArray[Any]:
    """Return labels of an image's axes where they differ by axes of length 1.

    Those are lost where labels are written as OME-TIFF, and read again.
    """
    for shape in (image.shape, image.shape[:-1]):  # the last may be of colours
        if 2 <= len(shape) <= most_axes and _without_1(shape) == _without_1(labels.shape):
            return labels.reshape(shape)
    return labels


def _without_1(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _why_no_labels(array: NDArray[Any], most_axes: int) -> str:
    """Return what keeps an array from being labels; empty where nothing does."""
    if array.dtype.kind not in "bui":
        return f"they are whole numbers, one for each object, not {array.dtype}"
    if not 2 <= array.ndim <= most_axes:
        return f"they have 2 to {most_axes} axes, not {array.ndim}: {size_of(array.shape)}"
    if array.ndim == 3 and array.shape[-1] <= 4:
        return f"they are an image without colours, not {size_of(array.shape)}"
    if not array.size:
        return f"they are empty: {size_of(array.shape)}"
    if array.min() < 0:
        return f"their numbers are 0 or more, not {array.min()}"
    return ""


def _open(
    path: Path, read: Callable[[Path], NDArray[Any]], *, as_stored: bool = True
) -> NDArray[Any]:
    if path.is_file() and path.stat().st_size >= MAPPED_BYTES:
        with suppress(ValueError):  # compressed, or of another kind: read as any other
            if path.suffix.lower() in TIFF_SUFFIXES:
                return map_tiff(path, as_stored=as_stored)
            if path.suffix.lower() == ".npy":
                return np.asanyarray(np.load(path, mmap_mode="r", allow_pickle=False))
    return read(path)


def is_linked(labels: NDArray[Any]) -> bool:
    """Whether a volume's labels (Z, Y, X) mean the same object in neighbouring slices."""
    return are_linked(pairwise(labels))


def are_linked(neighbours: Iterable[tuple[NDArray[Any], NDArray[Any]]]) -> bool:
    """Whether labels mean the same object in neighbouring slices, given in pairs.

    They do where a third of the labelled pixels carry the label of the pixel above.
    """
    both = same = 0
    for below, above in neighbours:
        labelled = (below != 0) & (above != 0) & (below != IGNORE_LABEL)
        both += int(np.count_nonzero(labelled))
        same += int(np.count_nonzero(labelled & (below == above)))
    return same > both / 3
