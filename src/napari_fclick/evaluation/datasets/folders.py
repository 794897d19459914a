"""``images/`` and ``labels/``: the layout a lab would hand over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from napari_fclick.core.folders import find_pairs, images_folder, is_labelled, is_linked, read_pair
from napari_fclick.core.object_sets import Plane
from napari_fclick.evaluation.datasets.base import DataSet, Item, Scene, areas, cut_out


class Folders(DataSet):
    """Images and labels, paired by stem; volumes (Z, Y, X) are cut into slices.

    Of a volume whose labels are linked through its slices, each object is segmented on the
    slice where it is largest; else each slice's objects are objects of their own.
    """

    title = "folders"
    looks_like = "images/ and labels/, or images beside labels/, files of the same stem"

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        self._pairs = {pair.image.stem: pair for pair in find_pairs(root)}
        self._read = lru_cache(maxsize=2)(self._read_pair)

    @property
    def flat_folder(self) -> Path | None:
        """The folder itself, where its images lie beside ``labels/``."""
        return self.root if images_folder(self.root) == self.root else None

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder, if it holds both parts."""
        return folder if is_labelled(folder) else None

    def images(self) -> Sequence[str]:
        """Return the stems."""
        return list(self._pairs)

    def files(self, image: str) -> Sequence[Path]:
        """Return the files that an image, and what is known of it, is read from."""
        return self._pairs[image].image, self._pairs[image].labels

    def _read_pair(self, image: str) -> Plane | None:
        return read_pair(self._pairs[image])

    def items(self, image: str) -> Sequence[Item]:
        """Return the objects of an image; none of one that cannot be read."""
        plane = self._read(image)
        if plane is None:
            return []
        labels = plane.labels
        if labels.ndim == 2:
            return [Item(image, label, None, area) for label, area in areas(labels)]
        found = [
            Item(image, label, index, area)
            for index, cut in enumerate(labels)
            for label, area in areas(cut)
        ]
        return _largest(found) if is_linked(labels) else found

    def scene(self, item: Item) -> Scene:
        """Return an object with its image or its slice."""
        plane = self._read(item.image)
        if plane is None:
            raise ValueError(f"{self.name}, {item.image} can no longer be read")
        pixels, labels = plane
        if item.index is not None:
            pixels, labels = np.asarray(pixels[item.index]), np.asarray(labels[item.index])
        return cut_out(pixels, labels, item.label)


def _largest(items: Iterable[Item]) -> list[Item]:
    """Return each label's slice of the largest area."""
    best: dict[int, Item] = {}
    for item in items:
        if item.label not in best or item.area > best[item.label].area:
            best[item.label] = item
    return list(best.values())
