"""Cut-outs of images about the objects that changed most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity
from napari_fclick.core.arrays import Mask
from napari_fclick.evaluation.games import unpack_mask
from napari_fclick.widgets.finetuning.outcome import ChangedObject

if TYPE_CHECKING:
    from napari_fclick.finetuning.sources import LabelledData, LabelledImage

#: What is seen about an object, as part of its longer side, and in pixels at least.
MARGIN, LEAST = 0.35, 8


class Crop(NamedTuple):
    """A square, or less at the image's border, about an object.

    Attributes
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
    truth, before, after : ndarray of bool, shape (h, w)
        As it was labelled, and after one click with the old and with the new weights.
    place : tuple of int
        Where its plane lies along the stack's other axes.
    """

    picture: NDArray[np.uint8]
    truth: Mask
    before: Mask
    after: Mask
    place: tuple[int, ...] = ()


def crops_of(data: LabelledData, changed: Sequence[ChangedObject]) -> list[Crop | None]:
    """Return a cut-out of each object; None where its image is no longer there.

    Parameters
    ----------
    data : LabelledData
        What was learned from.
    changed : sequence of ChangedObject
    """
    found: list[Crop | None] = []
    for each in changed:
        # Of an image that is given twice, the last one is tested.
        image = next((i for i in reversed(data.images) if i.digest.startswith(each.digest)), None)
        there = image is not None and each.plane < len(image.planes)
        found.append(_crop(image, each) if image and there else None)
    return found


def _crop(whole: LabelledImage, changed: ChangedObject) -> Crop:
    image, labels = whole.planes[changed.plane]
    shape = (int(labels.shape[0]), int(labels.shape[1]))
    where = _about(changed.box, shape)
    return Crop(
        _picture(np.asarray(image[where])),
        np.asarray(labels[where] == changed.label),
        unpack_mask(changed.mask_before, shape)[where],
        unpack_mask(changed.mask_after, shape)[where],
        whole.slices[changed.plane] if whole.slices else (),
    )


def _about(box: tuple[int, int, int, int], shape: tuple[int, int]) -> tuple[slice, slice]:
    top, left, bottom, right = box
    longer = max(bottom - top, right - left)
    side = longer + 2 * max(round(MARGIN * longer), LEAST)
    starts = ((top + bottom - side) // 2, (left + right - side) // 2)
    rows, columns = (
        slice(max(start, 0), min(start + side, limit))
        for start, limit in zip(starts, shape, strict=True)
    )
    return rows, columns


def _picture(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    rgb = intensity.to_rgb(intensity.to_float(pixels))
    return (255 * intensity.stretch(rgb)).astype(np.uint8)
