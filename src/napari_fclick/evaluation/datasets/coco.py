"""COCO: objects as polygons or run lengths in a JSON file; they may overlap."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.core.arrays import Array, Mask
from napari_fclick.core.errors import installs
from napari_fclick.core.files import read_image
from napari_fclick.evaluation.datasets.base import DataSet, Item, Scene, first_folder

logger = logging.getLogger(__name__)

#: COCO's names of PASCAL VOC's twenty categories: those that the paper's network has seen.
SEEN = frozenset(
    {
        *("airplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
        *("dining table", "dog", "horse", "motorcycle", "person", "potted plant", "sheep"),
        *("couch", "train", "tv"),
    }
)


#: What is read of an image and of an annotation, and whether it is a number.
_IMAGE = {"id": True, "file_name": False, "height": True, "width": True}
_MARK = {"id": True, "image_id": True}


class Coco(DataSet):
    """COCO's instances; crowds are left out.

    Of several ``instances_*.json`` the one of a val split is taken. Its parts are ``seen``, the
    categories that PASCAL VOC has, and ``unseen``, the others (section 4.1).
    """

    title = "COCO"
    looks_like = "annotations/instances_NAME.json and NAME/ or images/NAME/ or images/"

    def __init__(self, root: Path, name: str) -> None:
        super().__init__(root, name)
        self._file, self._folder = _choose(root)
        try:
            content = json.loads(self._file.read_text("utf-8"))
            images = [_checked(each, "image", _IMAGE) for each in content["images"]]
            self._images = {str(int(each["id"])): each for each in images}
            self._categories = content.get("categories", [])
            self._marks: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for mark in content["annotations"]:
                if not _checked(mark, "annotation", _MARK).get("iscrowd"):
                    self._marks[str(int(mark["image_id"]))].append(mark)
        except KeyError as error:
            raise ValueError(f"{self._file} is no COCO instances file: no {error}") from None
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self._file} is no COCO instances file: {error}") from None
        self._pixels = lru_cache(maxsize=2)(self._read)

    @property
    def folders(self) -> Sequence[Path]:
        """Where its images, in a folder that is called like their split, and annotations lie."""
        return [*super().folders, self._folder]

    def choose(self, part: str) -> None:
        """Leave the objects of categories that PASCAL VOC has (``seen``), or of others.

        Raises
        ------
        ValueError
            If there is no such part, or the file does not name its categories.
        """
        if part not in ("seen", "unseen"):
            raise ValueError(f"{self.root} has no part {part!r}; allowed are seen and unseen")
        if not self._categories:
            raise ValueError(f"{self.root}: its annotations name no categories")
        seen = {each.get("id") for each in self._categories if each.get("name") in SEEN}
        for image, marks in self._marks.items():
            wanted = [m for m in marks if (m.get("category_id") in seen) == (part == "seen")]
            self._marks[image] = wanted

    @classmethod
    def find(cls, folder: Path) -> Path | None:
        """Return the folder, if it holds annotations."""
        return folder if any(folder.glob("annotations/instances_*.json")) else None

    def images(self) -> Sequence[str]:
        """Return the images' numbers, in ascending order, of those that have objects."""
        return sorted((key for key in self._images if self._marks.get(key)), key=int)

    def files(self, image: str) -> Sequence[Path]:
        """Return the files that an image, and what is known of it, is read from."""
        return self._file, self._folder / self._images[image]["file_name"]

    def _read(self, image: str) -> Array:
        return read_image(self._folder / self._images[image]["file_name"])

    def items(self, image: str) -> Sequence[Item]:
        """Return the objects of an image by the numbers of their annotations.

        An annotation that cannot be read is left out: the image's others can be.
        """
        found = []
        for mark in sorted(self._marks[image], key=lambda each: int(each["id"])):
            try:
                runs = self._runs(image, mark)
            except ValueError as error:
                logger.warning("%s: skipped", error)
                continue
            area = 0 if runs is None else _mask_module().area(runs)
            if area:
                found.append(Item(image, int(mark["id"]), None, int(area)))
        return found

    def scene(self, item: Item) -> Scene:
        """Return an object with its image."""
        mark = next(m for m in self._marks[item.image] if int(m["id"]) == item.label)
        truth: Mask = _mask_module().decode(self._runs(item.image, mark)).astype(bool)
        pixels = self._pixels(item.image)
        if pixels.shape[:2] != truth.shape:
            raise ValueError(
                f"{self.name}, {item.image}: the image has shape {pixels.shape}, the JSON says "
                f"{truth.shape}"
            )
        return Scene(pixels, np.ascontiguousarray(truth), None)

    def _runs(self, image: str, mark: dict[str, Any]) -> Any:
        """Return an annotation as compressed run lengths, whichever of the three it comes as."""
        height, width = (int(self._images[image][side]) for side in ("height", "width"))
        module = _mask_module()
        try:
            return _compressed(mark.get("segmentation") or [], height, width, module)
        except Exception as error:  # whatever is wrong with it fails in any of the module's ways
            raise ValueError(
                f"{self._file}: annotation {mark['id']} has a segmentation that cannot be read: "
                f"{error!r}"
            ) from None


def _compressed(shape: Any, height: int, width: int, module: Any) -> Any:
    """Return polygons or run lengths as compressed run lengths; None of no mask."""
    if isinstance(shape, list):
        # A box alone is no mask, and fewer than three corners are no polygon.
        corners = [polygon for polygon in shape if len(polygon) >= 6]
        farthest = 2 * max(height, width)
        # Lines that are endless, or lead to NaN, would be drawn for ever.
        if not all(abs(value) <= farthest for polygon in corners for value in polygon):
            raise ValueError(f"a corner lies far outside of its image of {[height, width]}")
        return module.merge(module.frPyObjects(corners, height, width)) if corners else None
    counts = shape["counts"]
    if not isinstance(counts, list | str):
        raise TypeError(f"its counts are {counts!r}")
    runs = {"size": [height, width], "counts": counts}
    if list(shape["size"]) != runs["size"]:  # pixels outside the image would be written
        raise ValueError(f"it is of size {shape['size']}, its image of {runs['size']}")
    return module.frPyObjects(runs, height, width) if isinstance(counts, list) else runs


def _checked(entry: Any, kind: str, wanted: Mapping[str, bool]) -> dict[str, Any]:
    """Refuse an entry of the file that lacks what is read of it; return it."""
    if not isinstance(entry, dict):
        raise TypeError(f"{entry!r} is no {kind}")
    which = f"{kind} {entry.get('id', '')}".rstrip()
    for name, is_number in wanted.items():
        if name not in entry:
            raise ValueError(f"{which} has no {name}")
        try:
            int(entry[name] if is_number else 0)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{which}: its {name} {entry[name]!r} is no number") from None
    return entry


def _choose(root: Path) -> tuple[Path, Path]:
    """Return the JSON file and the folder of its images."""
    files = sorted(root.glob("annotations/instances_*.json"))
    for file in sorted(files, key=lambda f: ("val" not in f.stem, f.stem)):
        split = file.stem.removeprefix("instances_")
        folder = first_folder(root, split, f"images/{split}", "images")
        if folder is not None:
            return file, folder
    raise FileNotFoundError(f"{root} has annotations ({files[0].name}) but no folder of images")


def _mask_module() -> Any:
    try:
        from pycocotools import mask
    except ImportError:
        raise ImportError(f"COCO's masks are read by pycocotools: {installs('coco')}") from None
    return mask
