"""Samples that begin with a rough mask, as where a mask is carried from slice to slice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.object_sets import ObjectRef, Plane, objects_2d
from napari_fclick.core.peaks import Pixel, peak
from napari_fclick.training.augmentation.base import Rng
from napari_fclick.training.roughness import RandomRoughness
from napari_fclick.training.slices import Slices

#: Chance of the mask of a neighbouring slice where there is one, instead of a perturbed one.
NEIGHBOUR = 0.7
#: Chance that a sample at an object's end shows a slice without it.
GONE = 0.5
#: Pixels that an object and a rough mask of it share, at least, and part of their union.
LEAST_SHARED, LEAST_IOU = 8, 0.1


class Subject(NamedTuple):
    """What a sample is to be made of.

    Attributes
    ----------
    plane : Plane
    ref : ObjectRef
        With its first click, where there is a rough mask.
    rough : ndarray of bool (H, W), optional
        The mask that the network is handed with the first click.
    """

    plane: Plane
    ref: ObjectRef
    rough: Mask | None = None


@dataclass(frozen=True)
class RoughStarts:
    """Choose which samples begin with a rough mask, and with which.

    The first click is then in the middle of the rough mask, as nobody has looked at the
    slice yet; where that is off the object, in the middle of what they share.

    Parameters
    ----------
    rough_start : float
        Chance of a rough mask.
    slice_end : float
        Chance, in volumes with linked labels, of a slice at the object's end instead.
    """

    rough_start: float = 0.0
    slice_end: float = 0.0

    def draw(self, plane: Plane, ref: ObjectRef, slices: Slices, rng: Rng) -> Subject:
        """Return an object as it is, with a rough mask, or at its end.

        An object that a person clicked on stays as it is. Where both chances are 0, nothing
        is taken from ``rng``.

        Parameters
        ----------
        plane, ref : Plane, ObjectRef
            The object.
        slices : Slices
            Of its set.
        rng : Generator
        """
        if ref.clicks:
            return Subject(plane, ref)
        subject = None
        if self.slice_end and rng.random() < self.slice_end:
            subject = at_end(ref, slices, rng)
        if subject is None and self.rough_start and rng.random() < self.rough_start:
            subject = roughened(plane, ref, slices, rng)
        return Subject(plane, ref) if subject is None else subject


def at_end(ref: ObjectRef, slices: Slices, rng: Rng) -> Subject | None:
    """Return a slice at an object's end, with the object's mask further inside.

    None where the object has no end in sight. The reference's bounds are the mask's.
    """
    way, gone = int(rng.choice([-1, 1])), bool(rng.random() < GONE)
    end = slices.end(ref, way, gone)
    if end is None:
        return None
    (bounds,) = objects_2d(end.near.view(np.uint8), ref.pair, ref.axis, end.number, 1)
    moved = replace(bounds, label=ref.label)
    return Subject(end.plane, _clicked(moved, end.near, end.plane.labels == ref.label), end.near)


def roughened(plane: Plane, ref: ObjectRef, slices: Slices, rng: Rng) -> Subject | None:
    """Return an object with its mask of a neighbouring slice, or with a perturbed one.

    None where that has too little in common with the object.
    """
    truth: Mask = plane.labels == ref.label
    rough = slices.neighbour(ref, int(rng.choice([-1, 1])))
    if rough is None or rng.random() >= NEIGHBOUR:
        rough = RandomRoughness().draw(rng)(truth)
    shared = np.count_nonzero(rough & truth)
    if shared < max(LEAST_SHARED, LEAST_IOU * np.count_nonzero(rough | truth)):
        return None
    return Subject(plane, _clicked(ref, rough, truth), rough)


def _clicked(ref: ObjectRef, rough: Mask, truth: Mask) -> ObjectRef:
    row, column = first_click(rough, truth)
    return replace(ref, clicks=((row, column, True),))


def first_click(rough: Mask, truth: Mask) -> Pixel:
    """Return the middle of a rough mask, or the nearest thing to it on the object.

    Raises
    ------
    ValueError
        If the rough mask is empty.
    """
    middle = peak(rough)
    if middle is None:
        raise ValueError("an empty mask has no middle to click on")
    if truth[middle.pixel]:
        return middle.pixel
    return (peak(rough & truth) or peak(truth) or middle).pixel
