"""Objects as COCO has them: images, categories, and masks as run lengths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.session.content import Content
from napari_fclick.session.place import Place
from napari_fclick.session.records import Json
from napari_fclick.session.signature import file_name

#: What objects without a class are called.
UNCLASSIFIED = "object"


def coco_of_session(content: Content) -> Json:
    """Return a session's objects, one image a plane, one annotation an object's part.

    ``segmentation`` holds uncompressed run lengths, column by column, as COCO's own tools
    take them. ``attributes`` hold the object's number, clicks and seconds. Categories are objects
    without a class, then all classes in the order of the session's list, be they in use or not:
    their ids stay while objects come and go.
    """
    signature = content.journal.image
    name = file_name(signature.source) or signature.name
    names = list(dict.fromkeys([UNCLASSIFIED, *content.classes]))
    images: dict[Place, Json] = {}
    annotations = []
    for record, part, mask in content.parts():
        if part.place not in images:
            labels, _ = content.labels_of(record.label)
            shape = part.place.plane_shape(labels.shape)
            images[part.place] = _image(len(images) + 1, name, shape, part.place.index)
        category = names.index(record.class_name or UNCLASSIFIED) + 1
        attributes = {
            "label": record.label,
            "clicks": len(part.clicks),
            "clicks_made": record.made,
            "seconds": round(record.seconds, 2),
        }
        corner = (part.box.top, part.box.left)
        annotations.append(_annotation(images[part.place], category, attributes, mask, corner))
    return _dataset(signature.name, images.values(), annotations, names)


def coco_of_labels(
    labels: NDArray[Any], name: str, classes: Mapping[int, str] | None = None
) -> Json:
    """Return labels of any origin, one image a plane of the last two axes.

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
    images: list[Json] = []
    annotations: list[Json] = []
    used = {UNCLASSIFIED: 1}
    for index in np.ndindex(labels.shape[:-2]):
        plane = labels[index]
        image = _image(len(images) + 1, name, plane.shape, index)
        images.append(image)
        # Counted anew first: a number of a thousand million is no reason for a list as long.
        numbers, counted = np.unique(plane, return_inverse=True)
        regions = ndimage.find_objects(counted.reshape(plane.shape) + 1)
        for label, where in zip(numbers.tolist(), regions, strict=True):
            if label <= 0:  # no object: background, or what is to be ignored
                continue
            category = used.setdefault(classes.get(label, UNCLASSIFIED), len(used) + 1)
            mask, corner = plane[where] == label, (where[0].start, where[1].start)
            annotations.append(_annotation(image, category, {"label": label}, mask, corner))
    return _dataset(name, images, annotations, used)


def _dataset(
    name: str, images: Iterable[Json], annotations: Iterable[Json], categories: Iterable[str]
) -> Json:
    """Return all together; annotations refer to categories by their order, from 1."""
    return {
        "info": {"description": name, "version": "1.0"},
        "images": list(images),
        "annotations": [each | {"id": number} for number, each in enumerate(annotations, start=1)],
        "categories": [{"id": number, "name": c} for number, c in enumerate(categories, start=1)],
    }


def _image(number: int, file_name: str, shape: tuple[int, ...], index: tuple[int, ...]) -> Json:
    image = {"id": number, "file_name": file_name, "height": shape[0], "width": shape[1]}
    return image | ({"slice": list(index)} if index else {})


def _annotation(
    image: Json,
    category: int,
    attributes: Json,
    mask: NDArray[np.bool_],
    corner: tuple[int, int],
) -> Json:
    """Return an object in an image; ``corner`` is where the mask's first pixel lies in it."""
    shape = (image["height"], image["width"])
    rows, columns = np.nonzero(mask)
    top, left = int(rows.min()), int(columns.min())
    height, width = int(rows.max()) - top + 1, int(columns.max()) - left + 1
    return {
        "image_id": image["id"],
        "category_id": category,
        "segmentation": {"size": list(shape), "counts": run_lengths(mask, *corner, shape)},
        "area": int(np.count_nonzero(mask)),
        "bbox": [corner[1] + left, corner[0] + top, width, height],
        "iscrowd": 0,
        "attributes": attributes,
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
