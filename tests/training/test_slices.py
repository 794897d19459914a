"""Neighbours and ends of objects in a volume made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_fclick.core.object_sets import IndexedSet, ObjectRef, Plane
from napari_fclick.training.slices import LEAST_SHOWN, Slices


class Volumes:
    """A source of volumes in memory."""

    name = "volumes"

    def __init__(self, *labels: np.ndarray) -> None:
        self.labels = labels

    def __len__(self) -> int:
        return len(self.labels)

    def files(self, number: int) -> tuple[Path, ...]:
        return (Path(f"volume {number}"),)

    def read(self, number: int) -> Plane:
        labels = self.labels[number]
        return Plane((labels % 251).astype(np.uint8), labels)


def ball() -> np.ndarray:
    """Return object 7 in slices 2 to 5 of 8; in slice 5 it has 4 x 4 pixels, else 10 x 10."""
    labels = np.zeros((8, 40, 40), np.uint16)
    labels[2:5, 10:20, 10:20] = 7
    labels[5, 12:16, 12:16] = 7
    return labels


def seen(index: int, labels: np.ndarray | None = None, axis: int = 0) -> tuple[Slices, ObjectRef]:
    found = IndexedSet(Volumes(ball() if labels is None else labels), (axis,), min_area=1)
    (ref,) = (r for r in found.objects if r.index == index)
    return Slices(found), ref


def test_neighbours() -> None:
    slices, ref = seen(4)
    before, after = slices.neighbour(ref, -1), slices.neighbour(ref, 1)
    assert before is not None and after is not None
    assert np.array_equal(before, ball()[3] == 7)
    assert np.argwhere(after).min(0).tolist() == [12, 12] and after.sum() == 16
    assert slices.neighbour(seen(2)[1], -1) is None  # there is nothing of it


def test_no_neighbour_beyond_the_volume() -> None:
    labels = ball()[2:5]
    assert seen(0, labels)[0].neighbour(seen(0, labels)[1], -1) is None
    assert seen(2, labels)[0].neighbour(seen(2, labels)[1], 1) is None


def test_other_axes_are_cut_as_the_object_is() -> None:
    labels = np.moveaxis(ball(), 0, 2)
    slices, ref = seen(4, labels, axis=2)
    before = slices.neighbour(ref, -1)
    assert before is not None and np.array_equal(before, ball()[3] == 7)


@pytest.mark.parametrize(
    ("way", "gone", "index", "near"),
    [
        (-1, True, 1, 2),  # the first slice without it, and the last with it
        (-1, False, 2, 3),  # the last with it, and the one before
        (1, True, 6, 4),  # 16 pixels are too few to show
        (1, False, 5, 4),
    ],
)
def test_ends(way: int, gone: bool, index: int, near: int) -> None:
    assert ball()[5].astype(bool).sum() < LEAST_SHOWN
    slices, ref = seen(3)
    end = slices.end(ref, way, gone)
    assert end is not None and end.number == index
    assert np.array_equal(end.plane.labels, ball()[index])
    assert np.array_equal(end.plane.image, ball()[index])
    assert np.array_equal(end.near, ball()[near] == 7)


def test_an_object_cut_by_the_volumes_border_does_not_end() -> None:
    labels = ball()[2:]
    slices, ref = seen(1, labels)
    assert slices.end(ref, -1, gone=True) is None
    assert slices.end(ref, 1, gone=True) is not None


def test_an_object_in_one_slice_is_gone_in_the_next() -> None:
    labels = ball()
    labels[3, 30:36, 30:36] = 9
    found = IndexedSet(Volumes(labels), min_area=1)
    (ref,) = (r for r in found.objects if r.label == 9)
    end = Slices(found).end(ref, 1, gone=False)
    assert end is not None and end.number == 4 and np.array_equal(end.near, labels[3] == 9)


def test_images_and_unlinked_volumes_have_no_slices() -> None:
    unlinked = ball()
    for index in range(2, 6):
        unlinked[index][unlinked[index] != 0] = index  # each slice is numbered anew
    for labels, index in ((ball()[3], 0), (unlinked, 3)):
        slices, ref = seen(index, labels)
        assert slices.neighbour(ref, 1) is None and slices.end(ref, 1, gone=True) is None


def test_sets_without_volumes_need_nothing() -> None:
    assert Slices(object()).neighbour(seen(3)[1], 1) is None
