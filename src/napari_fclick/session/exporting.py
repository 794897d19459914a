"""A session file -> COCO JSON, label TIFF, CSV of objects and clicks."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.files import (
    check_file_path,
    check_mask_path,
    replacing,
    same_file,
    write_labels,
)
from napari_fclick.core.window import Box
from napari_fclick.session.journal import Journal, JournalError, Target
from napari_fclick.session.place import Place
from napari_fclick.session.restoring import accepted_only
from napari_fclick.session.resuming import Opened, reopen
from napari_fclick.session.state import AcceptedObject, Part

#: What objects without a class are called in COCO.
UNCLASSIFIED = "object"


class Content(NamedTuple):
    """A session file that was read.

    Attributes
    ----------
    journal : Journal
    opened : Opened
    """

    journal: Journal
    opened: Opened

    @property
    def objects(self) -> dict[int, AcceptedObject]:
        """The accepted objects by number."""
        return self.opened.restored.objects

    def labels_of(self, label: int) -> tuple[Any, Target]:
        """Return the labels that hold an object, and what is known of them."""
        owner = self.opened.restored.owners.get(label)
        if owner is None:
            raise JournalError(f"there is no object {label}")
        return owner.labels, self.journal.targets[self.opened.targets.index(owner)]


def export(path: Path, kind: str, out: Path) -> list[Path]:
    """Write what a session file holds in another format.

    Parameters
    ----------
    path : Path
        The session file; it is only read, also while another window writes it.
    kind : {"coco", "tiff", "csv"}
    out : Path
        Labels of several layers, and the clicks beside the objects, get names made from it.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    JournalError, ValueError, OSError
        If the file cannot be read, the format is none of these, or it would be written over what
        the session is made of: see `check_apart`.
    """
    if kind not in FORMATS:
        raise ValueError(f"format {kind!r} is none of {', '.join(FORMATS)}")
    check_file_path(out)
    journal = Journal.open(path, read_only=True)
    try:
        return FORMATS[kind](Content(journal, reopen(journal)), out)
    finally:
        journal.close()


def possible_files(kind: str, out: Path, layers: int = 1) -> list[Path]:
    """Return the files that `export` may write.

    Parameters
    ----------
    kind : {"coco", "tiff", "csv"}
    out : Path
    layers : int
        How many Labels layers the session has written into.
    """
    if kind == "csv":
        return [out, _clicks_beside(out)]
    if kind == "tiff" and layers > 1:
        return [out, *label_files(out, layers)]
    return [out]


def label_files(out: Path, layers: int) -> list[Path]:
    """Return the files that the labels of so many layers are written to: one each."""
    if layers == 1:
        return [out]
    return [out.with_stem(f"{out.stem}-{number}") for number in range(1, layers + 1)]


def check_apart(journal: Journal, paths: Iterable[Path], image: Path | None = None) -> None:
    """Refuse to write over a session file, or over an image that the session looked at.

    Parameters
    ----------
    journal : Journal
    paths : iterable of Path
        What is to be written.
    image : Path, optional
        Where the session's image is now.

    Raises
    ------
    JournalError
        If one of the paths leads to such a file.
    """
    sources = [journal.image.source, *(s for seen in journal.channels for s in seen.sources)]
    images = [Path(source) for source in sources if source]
    if image is not None:
        images.append(image)
    for path in paths:
        if same_file(path, journal.path):
            raise JournalError(f"{path} is the session file itself: choose another file")
        if any(same_file(path, each) for each in images):
            raise JournalError(
                f"{path} is an image that the session looked at: choose another file"
            )


# --- COCO -------------------------------------------------------------------------------


def write_coco(content: Content, out: Path) -> list[Path]:
    """Write COCO JSON: run-length masks, one image a plane, one annotation an object's part."""
    check_apart(content.journal, [out])
    with replacing(out) as partial:
        partial.write_text(json.dumps(coco(content)) + "\n", "utf-8")
    return [out]


def coco(content: Content) -> dict[str, Any]:
    """Return a session's objects as COCO has them.

    ``segmentation`` holds uncompressed run lengths, column by column, as COCO's own tools
    take them. ``attributes`` hold the object's number, clicks and seconds.
    """
    names = sorted({record.class_name or UNCLASSIFIED for record in content.objects.values()})
    categories = {name: number for number, name in enumerate(names, start=1)}
    images: dict[Place, dict[str, Any]] = {}
    annotations, numbers = [], count(1)
    for record, part, mask in _parts(content):
        image = images.get(part.place)
        if image is None:
            image = images[part.place] = _coco_image(content, record, part, len(images) + 1)
        found = _annotation(part, mask, (image["height"], image["width"]))
        found["id"], found["image_id"] = next(numbers), image["id"]
        found["category_id"] = categories[record.class_name or UNCLASSIFIED]
        found["attributes"] = {
            "label": record.label,
            "clicks": len(part.clicks),
            "clicks_made": record.made,
            "seconds": round(record.seconds, 2),
        }
        annotations.append(found)
    return {
        "info": {"description": content.journal.image.name, "version": "1.0"},
        "images": list(images.values()),
        "annotations": annotations,
        "categories": [{"id": n, "name": name} for name, n in categories.items()],
    }


def coco_of_labels(
    labels: NDArray[Any], name: str, classes: Mapping[int, str] | None = None
) -> dict[str, Any]:
    """Return labels of any origin as COCO has them, one image a plane of the last two axes.

    Parameters
    ----------
    labels : ndarray of int, shape (..., Y, X)
        Objects' numbers are 1 or more.
    name : str
        Of the image.
    classes : mapping of int to str, optional
        Classes by object number.
    """
    classes = classes or {}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    used = {UNCLASSIFIED: 0}
    for index in np.ndindex(labels.shape[:-2]):
        plane = labels[index]
        image = {"id": len(images) + 1, "file_name": name}
        image |= {"height": plane.shape[0], "width": plane.shape[1]}
        if index:
            image["slice"] = list(index)
        images.append(image)
        # Counted anew first: a number of a thousand million is no reason for a list as long.
        numbers, counted = np.unique(plane, return_inverse=True)
        regions = ndimage.find_objects(counted.reshape(plane.shape) + 1)
        for label, where in zip(numbers.tolist(), regions, strict=True):
            if label <= 0:  # no object: background, or what is to be ignored
                continue
            place = Place((labels.ndim - 2, labels.ndim - 1), index)
            box = Box(where[0].start, where[1].start, where[0].stop, where[1].stop)
            part = Part(place, ClickSequence(), box, 0)
            found = _annotation(part, plane[where] == label, plane.shape)
            category = classes.get(label, UNCLASSIFIED)
            used.setdefault(category, len(used))
            found |= {"id": len(annotations) + 1, "image_id": image["id"]}
            found |= {"category_id": used[category] + 1, "attributes": {"label": label}}
            annotations.append(found)
    categories = [{"id": number + 1, "name": each} for each, number in used.items()]
    return {
        "info": {"description": name, "version": "1.0"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }


def _coco_image(
    content: Content, record: AcceptedObject, part: Part, number: int
) -> dict[str, Any]:
    signature = content.journal.image
    labels, _ = content.labels_of(record.label)
    height, width = part.place.plane_shape(labels.shape)
    name = Path(signature.source).name if signature.source else signature.name
    image = {"id": number, "file_name": name, "height": height, "width": width}
    if part.place.index:
        image["slice"] = list(part.place.index)
    return image


def _annotation(part: Part, mask: NDArray[np.bool_], shape: tuple[int, ...]) -> dict[str, Any]:
    rows, columns = np.nonzero(mask)
    top, left = int(rows.min()), int(columns.min())
    box = [
        part.box.left + left,
        part.box.top + top,
        int(columns.max()) - left + 1,
        int(rows.max()) - top + 1,
    ]
    counts = run_lengths(mask, part.box.top, part.box.left, shape)
    return {
        "segmentation": {"size": list(shape), "counts": counts},
        "area": int(np.count_nonzero(mask)),
        "bbox": box,
        "iscrowd": 0,
    }


def run_lengths(mask: NDArray[np.bool_], top: int, left: int, shape: tuple[int, ...]) -> list[int]:
    """Return COCO's run lengths of a mask that lies at (top, left) of an image.

    Down the columns, beginning with the number of pixels that do not belong to it; only the
    mask is looked at, however large the image is.
    """
    rows, columns = np.nonzero(mask.T)[::-1]
    places = (columns.astype(np.int64) + left) * shape[0] + rows + top
    breaks = np.flatnonzero(np.diff(places) != 1)
    starts = places[np.concatenate([[0], breaks + 1])]
    ends = places[np.concatenate([breaks, [len(places) - 1]])] + 1
    bounds = np.stack([starts, ends], 1).reshape(-1)
    counts = np.diff(bounds, prepend=0).tolist()
    rest = shape[0] * shape[1] - int(bounds[-1])
    return [*map(int, counts), rest] if rest else [int(n) for n in counts]


# --- TIFF -------------------------------------------------------------------------------


def write_tiff(content: Content, out: Path) -> list[Path]:
    """Write labels with their scale; where there are several layers of them, a file each."""
    check_mask_path(out)
    used = {id(commit.target) for commit in content.opened.restored.commits}
    targets = [
        (target, known)
        for target, known in zip(content.opened.targets, content.journal.targets, strict=True)
        if id(target) in used
    ]
    if not targets:
        raise JournalError(f"{content.journal.path} holds no accepted object")
    paths = label_files(out, len(targets))
    check_apart(content.journal, paths)
    for path, (target, known) in zip(paths, targets, strict=True):
        labels = accepted_only(content.opened.restored, target)
        write_labels(path, labels, known.spacing, known.unit)
    return paths


# --- CSV --------------------------------------------------------------------------------

OBJECT_COLUMNS = (
    "label", "class", "slice", "clicks", "clicks_made", "seconds",
    "area_px", "area", "unit", "y", "x", "top", "left", "bottom", "right",
    "kind", "slices", "keyframes", "volume", "volume_unit",
)  # fmt: skip
CLICK_COLUMNS = ("label", "slice", "order", "y", "x", "positive", "first", "kind")


def write_csv(content: Content, out: Path) -> list[Path]:
    """Write a row an object's part, and beside it a file with a row a click.

    Of an object in several slices each row tells how many there are, in how many of them a
    person made the mask, and the volume of all where the size of a voxel is known.
    """
    clicks = _clicks_beside(out)
    check_apart(content.journal, [out, clicks])
    _write_rows(out, OBJECT_COLUMNS, _object_rows(content, _totals(content)))
    _write_rows(clicks, CLICK_COLUMNS, _click_rows(content.objects.values()))
    return [out, clicks]


class _Total(NamedTuple):
    """What an object is in all its slices together."""

    slices: int = 0
    keyframes: int = 0
    pixels: int = 0


def _totals(content: Content) -> dict[int, _Total]:
    totals: dict[int, _Total] = {}
    for record, part, mask in _parts(content):
        known = totals.get(record.label, _Total())
        totals[record.label] = _Total(
            known.slices + 1,
            known.keyframes + part.by_person,
            known.pixels + int(np.count_nonzero(mask)),
        )
    return totals


def volume_of(record: AcceptedObject, pixels: int, known: Target) -> tuple[float | str, str]:
    """Return the volume of an object's pixels, in all its slices, and its unit.

    Both are empty where the size of a voxel is not known: in 2-D, without a scale, and where
    slices lie along several axes, or one slice could.
    """
    axis = _stacked_along(record)
    if axis is None or not known.spacing:
        return "", ""
    size = math.prod(known.spacing[each] for each in (*record.place.axes, axis))
    return pixels * size, f"{known.unit}^3" if known.unit else ""


def _stacked_along(record: AcceptedObject) -> int | None:
    """Return the axis along which an object's slices lie; None where it is none or several."""
    axes, ndim = {part.place.axes for part in record.parts}, record.place.ndim
    if len(axes) > 1 or ndim < 3:
        return None
    others = [axis for axis in range(ndim) if axis not in record.place.axes]
    varied = [a for a in others if len({part.place.position(a) for part in record.parts}) > 1]
    candidates = varied or others
    return candidates[0] if len(candidates) == 1 else None


def _object_rows(content: Content, totals: Mapping[int, _Total]) -> Iterator[tuple[Any, ...]]:
    for record, part, mask in _parts(content):
        _, known = content.labels_of(record.label)
        pixels, total = int(np.count_nonzero(mask)), totals[record.label]
        spacing = [known.spacing[axis] for axis in part.place.axes] if known.spacing else []
        area = pixels * spacing[0] * spacing[1] if spacing else ""
        unit = f"{known.unit}^2" if spacing and known.unit else ""
        y, x = (float(np.mean(positions)) for positions in np.nonzero(mask))
        yield (
            record.label, record.class_name, _slice(part.place), len(part.clicks), record.made,
            round(record.seconds, 2), pixels, area, unit,
            round(y + part.box.top, 2), round(x + part.box.left, 2), *part.box,
            part.kind, total.slices, total.keyframes,
            *volume_of(record, total.pixels, known),
        )  # fmt: skip


def _click_rows(objects: Iterable[AcceptedObject]) -> Iterator[tuple[Any, ...]]:
    for record in objects:
        for part in record.parts:
            for order, click in enumerate(part.clicks, start=1):
                where = (record.label, _slice(part.place), order, click.y, click.x)
                kind = "derived" if part.derived(click) else "person"
                yield (*where, int(click.positive), int(order == 1), kind)


# --- helpers ----------------------------------------------------------------------------


def _clicks_beside(out: Path) -> Path:
    return out.with_stem(f"{out.stem}-clicks")


def _parts(content: Content) -> Iterator[tuple[AcceptedObject, Part, NDArray[np.bool_]]]:
    """Yield each object's parts and their masks, of the pixels in the part's box."""
    for record in content.objects.values():
        labels, _ = content.labels_of(record.label)
        for part in record.parts:
            box = part.box
            where = part.place.where(slice(box.top, box.bottom), slice(box.left, box.right))
            mask = np.asarray(labels[where]) == record.label
            if mask.any():
                yield record, part, mask


def _slice(place: Place) -> str:
    return " ".join(map(str, place.index))


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


FORMATS: dict[str, Callable[[Content, Path], list[Path]]] = {
    "coco": write_coco,
    "tiff": write_tiff,
    "csv": write_csv,
}
