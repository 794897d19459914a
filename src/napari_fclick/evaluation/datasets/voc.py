"""PASCAL VOC 2012 and SBD: several objects a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_fclick.core.files import read_image
from napari_fclick.core.folders import IGNORE_LABEL
from napari_fclick.evaluation.datasets.base import Array, LabelledSet, read_list, read_numbers

#: The number with which VOC paints what is neither object nor background.
VOID = 255


class Voc(LabelledSet):
    """PASCAL VOC 2012, the images of its segmentation task's val list."""

    title = "PASCAL VOC 2012"
    looks_like = "JPEGImages/, SegmentationObject/ and ImageSets/Segmentation/val.txt"

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder, or VOC2012 or VOCdevkit/VOC2012 in it."""
        inner = (folder, folder / "VOC2012", folder / "VOCdevkit" / "VOC2012")
        return next((f for f in inner if (f / "SegmentationObject").is_dir()), None)

    def images(self) -> Sequence[str]:
        """Return the names in the val list."""
        return read_list(self.root / "ImageSets" / "Segmentation" / "val.txt")

    def pixels(self, image: str) -> Array:
        """Return the photograph."""
        return read_image(self.root / "JPEGImages" / f"{image}.jpg")

    def labels(self, image: str) -> Array:
        """Return the numbers of the objects; void is ignored."""
        numbers = read_numbers(self.root / "SegmentationObject" / f"{image}.png")
        numbers[numbers == VOID] = IGNORE_LABEL
        return numbers


class Sbd(LabelledSet):
    """SBD (Hariharan et al. 2011), the images of its val list."""

    title = "SBD"
    looks_like = "img/, inst/ (.mat files) and val.txt"

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder, or dataset or benchmark_RELEASE/dataset in it."""
        inner = (folder, folder / "dataset", folder / "benchmark_RELEASE" / "dataset")
        return next((f for f in inner if (f / "img").is_dir() and (f / "inst").is_dir()), None)

    def images(self) -> Sequence[str]:
        """Return the names in the val list."""
        return read_list(self.root / "val.txt")

    def pixels(self, image: str) -> Array:
        """Return the photograph."""
        return read_image(self.root / "img" / f"{image}.jpg")

    def labels(self, image: str) -> Array:
        """Return the numbers of the objects."""
        from scipy import io

        path = self.root / "inst" / f"{image}.mat"
        if not path.is_file():
            raise FileNotFoundError(f"no file {path}")
        try:
            found = io.loadmat(path, squeeze_me=True, struct_as_record=False)["GTinst"]
            return np.asarray(found.Segmentation, np.int64)
        except (KeyError, AttributeError, ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no GTinst.Segmentation: {error}") from None
