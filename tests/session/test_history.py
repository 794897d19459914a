"""Stored patches, known predictions and free numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.labels import make_patch
from napari_fclick.core.window import Box
from napari_fclick.session import History, Place, Settings
from napari_fclick.session.history import Change, Commit, Step
from napari_fclick.session.numbering import NumberedLabels, numbers_in
from napari_fclick.session.patches import StoredPatch
from napari_fclick.session.state import AcceptedObject, Draft, Part


def test_a_patch_is_cut_and_small() -> None:
    labels = np.zeros((3, 500, 500), np.int32)
    mask = np.zeros((400, 400), bool)
    mask[100:200, 50:90] = True
    patch = make_patch(labels, mask, (1, slice(50, 450), slice(20, 420)), 4)
    stored = StoredPatch.pack(patch)
    assert stored.where == (1, slice(150, 250), slice(70, 110))
    assert stored.nbytes < 1000
    assert stored.apply(labels) == 0
    assert np.count_nonzero(labels[1] == 4) == 4000
    assert stored.revert(labels) == 0
    assert not labels.any()


def test_a_patch_that_changes_nothing() -> None:
    labels = np.zeros((10, 10), np.int32)
    patch = make_patch(labels, np.zeros((10, 10), bool), (slice(0, 10), slice(0, 10)), 1)
    assert StoredPatch.pack(patch).apply(labels) == 0


def _step(nbytes: int) -> Step:
    patch = StoredPatch((), (0, 0), np.dtype(int), b"x" * nbytes, b"")
    record = AcceptedObject(1, (Part(Place(), ClickSequence(), Box(0, 0, 1, 1), 1),))
    commit = Commit((patch,), NumberedLabels(None), (Change(1, None, record),), ())
    return Step("accept", Place(), Draft(), Draft(), Settings(), Settings(), commit)


def test_the_oldest_steps_are_forgotten_only_beyond_those_kept() -> None:
    history = History(max_bytes=100, keep=5)
    for _ in range(20):
        history.push(_step(30))
    assert len(history.done) == 5
    history = History(max_bytes=10_000, keep=5)
    for _ in range(20):
        history.push(_step(30))
    assert len(history.done) == 20


def test_a_count_is_dropped_where_the_labels_changed_since() -> None:
    target = NumberedLabels(np.zeros((5, 5), int))
    version = target.version
    target.saw(7)
    target.found(np.array([3]), version)
    assert target.highest == 7
    target.forget()
    target.found(np.array([3]), version)
    assert not target.known
    assert target.highest == 7


@pytest.mark.parametrize("shape", [(0, 5), (7,), (30, 40), (3, 30, 40), (2, 3, 30, 40)])
def test_numbers_are_found_in_blocks(shape: tuple[int, ...], monkeypatch: Any) -> None:
    monkeypatch.setattr("napari_fclick.session.numbering.BLOCK", 500)
    labels = np.zeros(shape, np.uint16)
    if labels.size:
        labels.flat[:2], labels.flat[-1] = 7, 12
    assert numbers_in(labels).tolist() == ([7, 12] if labels.size else [])


@pytest.mark.parametrize(
    ("dtype", "taken", "number"),
    [
        (np.uint8, [], 1),
        (np.uint8, [1, 3], 4),
        (np.uint8, [1, 2, 255], 3),
        (np.uint8, [1, 254, 255], 2),
        (np.uint8, range(1, 256), 256),  # none is left
        (bool, [1], 2),
        (np.uint16, [1, 65535], 2),
        (np.uint16, [2, 65534], 1),
        (np.int32, [4, 65535], 5),
        (np.int32, [65534, 65535], 65536),
        (np.int32, [65534], 65536),
        (np.int32, [9, 2**31 - 1], 1),
        (np.int64, [-4, 65535, 70000], 70001),
    ],
)
def test_the_number_of_a_new_object(dtype: Any, taken: Any, number: int) -> None:
    labels = np.zeros((20, 30), dtype)
    labels.flat[: len(taken)] = taken
    assert NumberedLabels(labels).free() == number


def test_numbers_that_are_in_use_are_not_free() -> None:
    target = NumberedLabels(np.full((2, 2), 255, np.uint8))
    target.saw(1)
    target.taken.add(2)
    assert target.free({3}) == 4
    target.saw(65535)
    assert target.free() == 3
    assert target.highest == 65535


def test_labels_are_read_once_for_their_numbers() -> None:
    class Read:
        data = np.full((8, 9), 255, np.uint8)
        shape, dtype, times = data.shape, data.dtype, 0

        def __getitem__(self, index: Any) -> Any:
            self.times += 1
            return self.data[index]

    target = NumberedLabels(Read())
    assert [target.free(), target.free(), target.highest] == [1, 1, 255]
    assert target.labels.times == 1
