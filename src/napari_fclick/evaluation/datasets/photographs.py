"""The sets of photographs with one object each: GrabCut, Berkeley, DAVIS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_fclick.core.arrays import Array
from napari_fclick.core.files import read_image
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.core.paths import is_hidden
from napari_fclick.core.published import read_numbers
from napari_fclick.evaluation.datasets.base import LabelledSet, by_stem, first_folder

#: Grey level of the band about an object in which the published masks decide nothing.
UNDECIDED = 128


class _OneObject(LabelledSet):
    """Masks with one object each, and the images they are of."""

    #: The folder of the images, the first that is there, and the one of the masks.
    photographs: ClassVar[tuple[str, ...]]
    masks: ClassVar[str]

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        photographs = first_folder(root, *self.photographs)
        assert photographs is not None  # or `find` would not have found it
        self._files = pair_masks(photographs, root / self.masks)
        if not self._files:
            raise FileNotFoundError(f"{root}: no mask has an image of its name")

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder that holds the masks and the images."""
        photographs = first_folder(folder, *cls.photographs)
        return folder if photographs and (folder / cls.masks).is_dir() else None

    def images(self) -> Sequence[str]:
        """Return the names of the masks; an image with several masks stands several times."""
        return list(self._files)

    def files(self, image: str) -> Sequence[Path]:
        """Return the files of a photograph and of its mask."""
        return self._files[image]

    def pixels(self, image: str) -> Array:
        """Return the photograph."""
        return read_image(self._files[image][0])

    def labels(self, image: str) -> Array:
        """Return 1 on the object and 65535 where the mask decides nothing."""
        mask = self._files[image][1]
        numbers = read_numbers(mask)
        if 1 < numbers.max() < 255:
            raise ValueError(
                f"{mask} has {numbers.max()} as its lightest grey: {self.title} paints its object "
                "255. Numbers of objects belong into a folder labels/"
            )
        return trimap(numbers)


class GrabCut(_OneObject):
    """GrabCut (Rother et al. 2004), 50 objects; the undecided band is ignored."""

    title = "GrabCut"
    looks_like = "boundary_GT/ and data_GT/ or images/"
    photographs, masks = ("data_GT", "images"), "boundary_GT"


class Berkeley(_OneObject):
    """Berkeley (McGuinness and O'Connor 2010), 100 objects in 96 images."""

    title = "Berkeley"
    looks_like = "images/ and masks/"
    photographs, masks = ("images",), "masks"


class DavisFrames(_OneObject):
    """Single frames of DAVIS with one mask each, as interactive methods are measured on."""

    title = "DAVIS frames"
    looks_like = "img/ and gt/"
    photographs, masks = ("img",), "gt"


class Davis(LabelledSet):
    """DAVIS 2016 or 2017 as published: every annotated frame of every sequence."""

    title = "DAVIS"
    looks_like = "JPEGImages/480p/ and Annotations/480p/ (or Full-Resolution/), by sequence"

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        size = _resolution(root)
        assert size is not None
        masks = root / "Annotations" / size
        self._masks: dict[str, Path] = {}
        self._frames: dict[str, Path] = {}
        for mask in sorted(masks.glob("*/*.png")):
            key = mask.relative_to(masks).with_suffix("").as_posix()
            frame = root / "JPEGImages" / size / f"{key}.jpg"
            if frame.is_file() and not is_hidden(mask):
                self._masks[key], self._frames[key] = mask, frame
        if not self._masks:
            raise FileNotFoundError(f"{masks}: no frame there has an image of its name")

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder, or the folder DAVIS in it."""
        return next((f for f in (folder, folder / "DAVIS") if _resolution(f)), None)

    def images(self) -> Sequence[str]:
        """Return the frames as ``sequence/00000``."""
        return list(self._masks)

    def files(self, image: str) -> Sequence[Path]:
        """Return the files of a frame and of its mask."""
        return self._frames[image], self._masks[image]

    def pixels(self, image: str) -> Array:
        """Return the frame."""
        return read_image(self._frames[image])

    def labels(self, image: str) -> Array:
        """Return the numbers of the objects: 2016 has one a frame, painted 255."""
        numbers = read_numbers(self._masks[image])
        return (numbers != 0).astype(np.int64) if numbers.max() == 255 else numbers


def _resolution(root: Path) -> str | None:
    sizes = ("480p", "Full-Resolution", "1080p")
    parts = ("JPEGImages", "Annotations")
    return next((s for s in sizes if all((root / p / s).is_dir() for p in parts)), None)


def trimap(numbers: Array) -> Array:
    """Return labels of a mask of grey levels: light is the object, 128 is undecided."""
    if numbers.max() <= 1:
        return numbers
    labels = (numbers > UNDECIDED).astype(np.int64)
    labels[numbers == UNDECIDED] = IGNORE_LABEL
    return labels


def pair_masks(photographs: Path, masks: Path) -> dict[str, tuple[Path, Path]]:
    """Pair masks with images by their stems; of ``17a`` or ``17_2`` the image may be ``17``."""
    images = by_stem(photographs)
    found = {}
    for stem, mask in by_stem(masks).items():
        bare = re.sub(r"([-_#]\d+|(?<=\d)[a-z])$", "", stem)
        image = images.get(stem) or images.get(bare)
        if image is not None:
            found[mask.stem] = (image, mask)
    return found
