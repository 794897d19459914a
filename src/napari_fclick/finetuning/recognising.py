"""Learns what the user's images look like, so that tuned weights answer on no others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from napari_fclick.core.arrays import Array
from napari_fclick.core.clicks import Click
from napari_fclick.core.object_sets import Plane
from napari_fclick.core.peaks import middle
from napari_fclick.core.window import Box
from napari_fclick.finetuning.objects import Probe, objects_of
from napari_fclick.finetuning.sources import LabelledImage
from napari_fclick.network.recognition import Recogniser, first_to_know
from napari_fclick.predictor import Predictor

Item = TypeVar("Item")

#: Objects that are looked at, of all images together and of each one.
MOST, MOST_EACH = 80, 12
#: Pixels about an object that are shown, besides the whole image: others come as crops.
CROPS = (128, 256)


class Looks(NamedTuple):
    """What windows of images look like.

    Attributes
    ----------
    descriptions : Tensor, float32, shape (n, D)
        See `napari_fclick.network.recognition.describe`.
    images : list of int
        Which image each is of.
    """

    descriptions: Tensor
    images: list[int]

    def answering(self, recognisers: Sequence[Recogniser]) -> int:
        """Return which of the specialists answers on most of these windows; -1 for none."""
        found = [first_to_know(recognisers, each) for each in self.descriptions]
        return max(sorted(set(found)), key=found.count)


def looks_of(predictor: Predictor, images: Sequence[LabelledImage]) -> Looks | None:
    """Return what images look like about their objects: as they are, and in crops.

    Parameters
    ----------
    predictor : Predictor
    images : sequence of LabelledImage

    Returns
    -------
    Looks or None
        None where there are fewer than two objects.
    """
    some = evenly(images, MOST // 2)
    found, numbers = [], []
    for number, image in enumerate(some):
        for pixels, click in _shown(image, min(MOST // len(some), MOST_EACH)):
            found.append(predictor.describe(pixels, click))
            numbers.append(number)
    return Looks(torch.from_numpy(np.stack(found)), numbers) if len(found) > 1 else None


def share(predictor: Predictor, recogniser: Recogniser, probes: Sequence[Probe]) -> float:
    """Return which part of some objects is recognised, from 0 to 1.

    Parameters
    ----------
    predictor : Predictor
    recogniser : Recogniser
    probes : sequence of Probe
        One at least.
    """
    shown = [next(views_of(probe.plane, probe.ref.label)) for probe in probes]
    return float(
        np.mean([recogniser.knows(torch.from_numpy(predictor.describe(*each))) for each in shown])
    )


def evenly(items: Sequence[Item], most: int) -> list[Item]:
    """Return so many of some items at most, evenly from all that there are."""
    wanted = min(most, len(items))
    return [items[i] for i in np.linspace(0, len(items) - 1, wanted).round().astype(int)]


def _shown(image: LabelledImage, objects: int) -> Iterator[tuple[Array, Click]]:
    """Yield objects of an image, and where they are clicked on."""
    for ref in evenly(objects_of(image), objects):
        yield from views_of(image.planes[ref.index], ref.label)


def views_of(plane: Plane, label: int) -> Iterator[tuple[Array, Click]]:
    """Yield an object in its plane, then in crops of it: pixels, and a click on its middle."""
    pixel = middle(plane.labels == label)
    assert pixel is not None  # an object has pixels
    yield plane.image, Click(*pixel)
    whole = Box(0, 0, *plane.labels.shape)
    for around in CROPS:
        part = Box(*pixel, pixel[0] + 1, pixel[1] + 1).grown(around, whole)
        if part != whole:
            yield plane.image[part.slices], Click(pixel[0] - part.top, pixel[1] - part.left)
