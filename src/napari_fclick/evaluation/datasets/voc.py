"""PASCAL VOC 2012 and SBD: several objects a photograph."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from napari_fclick.core.arrays import Array
from napari_fclick.core.published import SbdLayout, VocLayout
from napari_fclick.evaluation.datasets.base import LabelledSet


class _Published(LabelledSet):
    """The images of a published set's val list."""

    layout: ClassVar[type[VocLayout | SbdLayout]]

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        self._layout = self.layout(root)

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder in which the layout lies; see `napari_fclick.core.published`."""
        return cls.layout.find(folder)

    def images(self) -> Sequence[str]:
        """Return the names in the val list."""
        return self._layout.names("val")

    def files(self, image: str) -> Sequence[Path]:
        """Return the files that an image, and what is known of it, is read from."""
        return self._layout.files(image)

    def pixels(self, image: str) -> Array:
        """Return the photograph."""
        return self._layout.pixels(image)

    def labels(self, image: str) -> Array:
        """Return the numbers of the objects; what is void is ignored."""
        return self._layout.labels(image)


class Voc(_Published):
    """PASCAL VOC 2012, the images of its segmentation task's val list."""

    title = "PASCAL VOC 2012"
    looks_like = "JPEGImages/, SegmentationObject/ and ImageSets/Segmentation/val.txt"
    layout = VocLayout


class Sbd(_Published):
    """SBD (Hariharan et al. 2011), the images of its val list."""

    title = "SBD"
    looks_like = "img/, inst/ (.mat files) and val.txt"
    layout = SbdLayout

    @property
    def flat_folder(self) -> Path | None:
        """The folder itself: its lists lie there."""
        return self.root
