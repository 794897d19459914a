"""Folders of ``images/`` and ``labels/``: which files belong together, and what is in them.

Labels are instance numbers, 0 is background, 65535 is ignored. Volumes (Z, Y, X) are cut
along the axes that are asked for.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.files import SUFFIXES, read_image
from napari_fclick.core.window import Box

logger = logging.getLogger(__name__)

IGNORE_LABEL = 65535


class Plane(NamedTuple):
    """A 2-D cut through an image file and its labels."""

    image: NDArray[Any]
    labels: NDArray[Any]


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
class ObjectRef:
    """Where one object is to be found."""

    pair: int
    axis: int
    index: int
    label: int
    box: Box
    area: int


def find_pairs(folder: Path) -> list[ImagePair]:
    """Pair the files of ``images/`` and ``labels/`` by their stems.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or nothing pairs.
    """
    files = {}
    for part in ("images", "labels"):
        if not (folder / part).is_dir():
            raise FileNotFoundError(f"{folder} holds no folder {part}/")
        found = sorted((folder / part).iterdir())
        files[part] = {f.stem: f for f in found if f.suffix.lower() in SUFFIXES}
    for stem in sorted(files["images"].keys() - files["labels"].keys()):
        logger.warning("%s has no labels: skipped", files["images"][stem])
    stems = sorted(files["images"].keys() & files["labels"].keys())
    if not stems:
        raise FileNotFoundError(f"no image in {folder}/images has labels in {folder}/labels")
    return [ImagePair(files["images"][s], files["labels"][s]) for s in stems]


class ImageSet:
    """One folder, read into memory, and the objects in it.

    Parameters
    ----------
    folder : Path
        Holds ``images/`` and ``labels/``.
    validation : bool or None
        The held-back images, or the others, or all (None).
    axes : sequence of int
        Axes along which volumes are cut.
    min_area : int
        Objects of fewer pixels are left out.
    """

    def __init__(
        self,
        folder: Path,
        validation: bool | None = False,
        axes: Sequence[int] = (0,),
        min_area: int = 24,
    ) -> None:
        self.name = folder.name
        self.arrays: list[Plane] = []
        self.by_image: list[list[ObjectRef]] = []
        for pair in find_pairs(folder):
            if validation is not None and pair.is_validation != validation:
                continue
            plane = read_pair(pair)
            if plane is None:
                continue
            self.by_image.append(_objects(plane, len(self.arrays), axes, min_area))
            self.arrays.append(plane)
        self.objects = [ref for objects in self.by_image for ref in objects]
        weights = np.sqrt([len(objects) for objects in self.by_image])
        self.image_weights = weights / weights.sum() if weights.sum() else weights

    def plane(self, ref: ObjectRef) -> Plane:
        """Return the 2-D cut that an object lies in."""
        image, labels = self.arrays[ref.pair]
        if labels.ndim == 2:
            return Plane(image, labels)
        return Plane(np.take(image, ref.index, ref.axis), np.take(labels, ref.index, ref.axis))

    def draw(self, rng: np.random.Generator) -> ObjectRef:
        """Draw an object: first an image, then one of its objects."""
        objects = self.by_image[int(rng.choice(len(self.arrays), p=self.image_weights))]
        return objects[int(rng.integers(len(objects)))]


def read_pair(pair: ImagePair) -> Plane | None:
    """Read an image and its labels; None, and a warning, where they are of no use together."""
    try:
        image, labels = read_image(pair.image), read_image(pair.labels)
    except (ValueError, OSError) as error:
        logger.warning("%s: skipped", error)
        return None
    if labels.dtype.kind == "f" and np.all(labels == np.floor(labels)):
        labels = labels.astype(np.int64)  # whole numbers in floats, as some programs write them
    colour = labels.ndim == 3 and labels.shape[-1] <= 4
    if labels.dtype.kind not in "bui" or labels.ndim not in (2, 3) or colour or labels.min() < 0:
        logger.warning(
            "%s holds no labels but %s of shape %s: skipped",
            pair.labels,
            labels.dtype,
            labels.shape,
        )
        return None
    if image.shape[: labels.ndim] != labels.shape:
        logger.warning(
            "%s has shape %s but its labels %s: skipped", pair.image, image.shape, labels.shape
        )
        return None
    return Plane(image, labels)


def _objects(plane: Plane, pair: int, axes: Sequence[int], min_area: int) -> list[ObjectRef]:
    if plane.labels.ndim == 2:
        return _objects_2d(plane.labels, pair, 0, 0, min_area)
    found = []
    for axis in axes:
        for index in range(plane.labels.shape[axis]):
            cut = np.take(plane.labels, index, axis)
            found += _objects_2d(cut, pair, axis, index, min_area)
    return found


def _objects_2d(
    labels: NDArray[Any], pair: int, axis: int, index: int, min_area: int
) -> list[ObjectRef]:
    # Numbers may be huge: what is looked up by number is their rank.
    numbers, ranks, areas = np.unique(labels, return_inverse=True, return_counts=True)
    found = []
    for rank, cut in enumerate(ndimage.find_objects(ranks.reshape(labels.shape) + 1)):
        number = int(numbers[rank])
        if cut is None or number in (0, IGNORE_LABEL) or areas[rank] < min_area:
            continue
        box = Box(cut[0].start, cut[1].start, cut[0].stop, cut[1].stop)
        found.append(ObjectRef(pair, axis, index, number, box, int(areas[rank])))
    return found


def is_linked(labels: NDArray[Any]) -> bool:
    """Whether a volume's labels (Z, Y, X) mean the same object in neighbouring slices.

    They do where a third of the labelled pixels carry the label of the pixel above.
    """
    below, above = labels[:-1], labels[1:]
    both = (below != 0) & (above != 0) & (below != IGNORE_LABEL)
    return bool(both.any()) and float((below == above)[both].mean()) > 1 / 3
