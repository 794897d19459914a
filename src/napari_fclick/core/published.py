"""PASCAL VOC 2012 and SBD as they are published, for training and for evaluation."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from napari_fclick.core.arrays import Array
from napari_fclick.core.errors import one_line
from napari_fclick.core.files import read_image, read_indices
from napari_fclick.core.object_sets import IGNORE_LABEL, Plane

#: The number with which VOC paints what is neither object nor background.
VOID = 255


class VocLayout:
    """PASCAL VOC 2012: ``JPEGImages/``, ``SegmentationObject/`` and lists of names.

    Parameters
    ----------
    root : Path
        What `find` returned.
    """

    missing = "no JPEGImages/ and SegmentationObject/ there"

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def find(folder: Path) -> Path | None:
        """Return the folder, or VOC2012 or VOCdevkit/VOC2012 in it, if the layout lies there."""
        inner = (folder, folder / "VOC2012", folder / "VOCdevkit" / "VOC2012")
        return next((f for f in inner if (f / "SegmentationObject").is_dir()), None)

    def names(self, part: str) -> list[str]:
        """Return the names in a list of the segmentation task, such as ``train``."""
        return read_list(self.root / "ImageSets" / "Segmentation" / f"{part}.txt")

    def files(self, name: str) -> tuple[Path, Path]:
        """Return the files of a photograph and of its labels."""
        return (
            self.root / "JPEGImages" / f"{name}.jpg",
            self.root / "SegmentationObject" / f"{name}.png",
        )

    def pixels(self, name: str) -> Array:
        """Return the photograph, uint8 (H, W, 3)."""
        return read_image(self.files(name)[0])

    def labels(self, name: str) -> Array:
        """Return the numbers of the objects, uint16 (H, W); void is ignored."""
        numbers = read_numbers(self.files(name)[1])
        numbers[numbers == VOID] = IGNORE_LABEL
        return numbers


class SbdLayout:
    """SBD (Hariharan et al. 2011): ``img/``, ``inst/`` (MATLAB files) and lists of names.

    Parameters
    ----------
    root : Path
        What `find` returned.
    """

    missing = "no img/ and inst/ there"

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def find(folder: Path) -> Path | None:
        """Return the folder, or dataset or benchmark_RELEASE/dataset in it, if it lies there."""
        inner = (folder, folder / "dataset", folder / "benchmark_RELEASE" / "dataset")
        return next((f for f in inner if (f / "img").is_dir() and (f / "inst").is_dir()), None)

    def names(self, part: str) -> list[str]:
        """Return the names in a list, ``train`` or ``val``."""
        return read_list(self.root / f"{part}.txt")

    def files(self, name: str) -> tuple[Path, Path]:
        """Return the files of a photograph and of its labels."""
        return self.root / "img" / f"{name}.jpg", self.root / "inst" / f"{name}.mat"

    def pixels(self, name: str) -> Array:
        """Return the photograph, uint8 (H, W, 3)."""
        return read_image(self.files(name)[0])

    def labels(self, name: str) -> Array:
        """Return the numbers of the objects, uint16 (H, W)."""
        from scipy import io

        path = self.files(name)[1]
        if not path.is_file():
            raise FileNotFoundError(f"no file {path}")
        try:
            found = io.loadmat(path, squeeze_me=True, struct_as_record=False)["GTinst"]
            return np.asarray(found.Segmentation, np.uint16)
        except Exception as error:  # a damaged file fails in any of the reader's ways
            reason = one_line(error, 120)
            raise ValueError(f"{path} holds no GTinst.Segmentation: {reason}") from None


class NamedPlanes:
    """Photographs of a published set, by name, to be indexed by an `IndexedSet`.

    Parameters
    ----------
    layout : VocLayout or SbdLayout
    title : str
        Of the set, in the weights' card.
    names : sequence of str
        Of the photographs.
    """

    def __init__(self, layout: VocLayout | SbdLayout, title: str, names: list[str]) -> None:
        self.name, self._layout, self._names = title, layout, names

    def __len__(self) -> int:
        return len(self._names)

    def files(self, number: int) -> tuple[Path, Path]:
        """Return the files that a photograph and its labels are in."""
        return self._layout.files(self._names[number])

    def read(self, number: int) -> Plane:
        """Return a photograph and its labels.

        Raises
        ------
        FileNotFoundError, ValueError
            If a file is missing or damaged, or the two do not belong together.
        """
        name = self._names[number]
        plane = Plane(self._layout.pixels(name), self._layout.labels(name))
        if plane.image.shape[:2] != plane.labels.shape:
            image, labels = self.files(number)
            raise ValueError(
                f"{image} has shape {plane.image.shape} but {labels} {plane.labels.shape}"
            )
        return plane


def read_numbers(path: Path) -> Array:
    """Read an image of numbers, uint16 (H, W): of a palette the indices, not the colours."""
    numbers = read_indices(path).astype(np.uint16)
    return numbers if numbers.ndim == 2 else np.asarray(numbers[..., :3].max(-1))


def read_list(path: Path) -> list[str]:
    """Return the first word of each line of a text file; what follows a # is a comment.

    Raises
    ------
    FileNotFoundError, ValueError
        See `read_names`.
    """
    lines = (line.partition("#")[0].split() for line in _lines(path))
    return [words[0] for words in lines if words]


def read_names(path: Path) -> list[str]:
    """Return the names in a text file, one a line; they may hold spaces.

    What follows a # at a line's beginning or after a space is a comment.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no text.
    """
    names = (re.sub(r"(^|\s)#.*", "", line).strip() for line in _lines(path))
    return [name for name in names if name]


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}, a list of images' names")
    try:
        return path.read_text("utf-8-sig").splitlines()  # editors on Windows mark it so
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no list of images' names: it is no UTF-8 text") from None
