"""What every data set can do: list its images, list an image's objects, show one of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np

from napari_fclick.core.arrays import Array, Mask
from napari_fclick.core.files import SUFFIXES
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.core.paths import is_hidden
from napari_fclick.evaluation.naming import as_text

#: Where the layouts keep images and what is known of them.
DATA_FOLDERS = (
    *("images", "labels", "masks", "img", "gt", "inst", "data_GT", "boundary_GT"),
    *("JPEGImages", "Annotations", "SegmentationObject", "ImageSets", "annotations"),
)


@dataclass(frozen=True)
class Item:
    """One object of a data set.

    Attributes
    ----------
    image : str
        Names the image within its set.
    label : int
        The object's number within its image.
    index : int or None
        The slice, of a volume.
    area : int
        In pixels.
    """

    image: str
    label: int
    index: int | None = None
    area: int = 0

    @property
    def key(self) -> str:
        """The object's name within its set, as in ``cells/17`` or ``stack[3]/17``."""
        place = "" if self.index is None else f"[{self.index}]"
        return as_text(f"{self.image}{place}/{self.label}")


class Scene(NamedTuple):
    """What the robot is shown: an image, the object in it, and what counts nowhere.

    Attributes
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
    truth : ndarray of bool, shape (H, W)
    ignore : ndarray of bool, shape (H, W), or None
    """

    image: Array
    truth: Mask
    ignore: Mask | None


class DataSet(ABC):
    """A data set on disk; nothing is kept in memory but the image at hand.

    Parameters
    ----------
    root : Path
        What `find` returned.
    name : str
        Of the set in reports, and in the random streams of its objects.
    """

    #: The layout's name, and what is looked for.
    title: ClassVar[str]
    looks_like: ClassVar[str]

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name

    @property
    def folders(self) -> Sequence[Path]:
        """Where its images, and what is known of them, may lie."""
        return [self.root / name for name in DATA_FOLDERS]

    @property
    def flat_folder(self) -> Path | None:
        """The folder whose own files are data, if not all data are in folders of their own."""
        return None

    def choose(self, part: str) -> None:
        """Leave in the set only a part of its objects.

        Raises
        ------
        ValueError
            If it has no such part.
        """
        raise ValueError(f"{self.root} is of the layout {self.title}, which has no parts: {part!r}")

    @classmethod
    @abstractmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder in which the layout lies, if it does."""

    @abstractmethod
    def images(self) -> Sequence[str]:
        """Return the names of the images, in an order that never changes."""

    @abstractmethod
    def files(self, image: str) -> Sequence[Path]:
        """Return the files that an image, and what is known of it, is read from."""

    @abstractmethod
    def items(self, image: str) -> Sequence[Item]:
        """Return the objects of an image, in an order that never changes."""

    @abstractmethod
    def scene(self, item: Item) -> Scene:
        """Return an object with its image."""


class LabelledSet(DataSet):
    """A data set that has its objects as numbers in an image of labels, 2-D."""

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        # Of the sets' many images, the one at hand is kept for its next object.
        self._read = lru_cache(maxsize=2)(self._read_both)

    @abstractmethod
    def labels(self, image: str) -> Array:
        """Return instance numbers, int (H, W): 0 is background, 65535 is ignored."""

    @abstractmethod
    def pixels(self, image: str) -> Array:
        """Return the image, (H, W) or (H, W, C)."""

    def _read_both(self, image: str) -> tuple[Array, Array]:
        return self.pixels(image), self.labels(image)

    def items(self, image: str) -> Sequence[Item]:
        """Return the objects of an image by their numbers."""
        return [Item(image, label, None, area) for label, area in areas(self.labels(image))]

    def scene(self, item: Item) -> Scene:
        """Return an object with its image."""
        pixels, labels = self._read(item.image)
        if pixels.shape[:2] != labels.shape:
            raise ValueError(
                f"{self.name}, {item.image}: the image has shape {pixels.shape}, its labels "
                f"{labels.shape}"
            )
        return cut_out(pixels, labels, item.label)


def areas(labels: Array) -> list[tuple[int, int]]:
    """Return the number and the pixels of each object."""
    found = zip(*np.unique(labels, return_counts=True), strict=True)
    return [(int(n), int(count)) for n, count in found if n not in (0, IGNORE_LABEL)]


def cut_out(pixels: Array, labels: Array, label: int) -> Scene:
    """Return the scene of one label."""
    ignore = labels == IGNORE_LABEL
    return Scene(pixels, labels == label, ignore if ignore.any() else None)


# --- files ----------------------------------------------------------------------------------


def by_stem(folder: Path) -> dict[str, Path]:
    """Return the images of a folder by their stems in lower case, in the order of their names."""
    files = [f for f in sorted(folder.iterdir()) if f.suffix.lower() in SUFFIXES]
    return {f.stem.lower(): f for f in files if not is_hidden(f)}


def first_folder(root: Path, *names: str) -> Path | None:
    """Return the first of some folders that is there."""
    return next((root / name for name in names if (root / name).is_dir()), None)
