"""Objects known by an index, few images in memory."""

from __future__ import annotations

import os
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_fclick.core import folders, object_sets
from napari_fclick.core.folders import ImageSet
from napari_fclick.core.object_sets import IndexedSet, Plane, PlaneCache, measured
from napari_fclick.core.window import Box


def plane(side: int = 10) -> Plane:
    labels = np.zeros((side, side), np.uint8)
    labels[2:8, 2:8] = 1
    return Plane(labels * 100, labels)


class Counting:
    """A source that counts what is read of it."""

    name = "counting"

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.reads = folder, count, 0
        for number in range(count):
            if not (folder / f"{number}").exists():
                (folder / f"{number}").write_text("x")

    def __len__(self) -> int:
        return self.count

    def files(self, number: int) -> tuple[Path, ...]:
        return (self.folder / f"{number}",)

    def read(self, number: int) -> Plane:
        self.reads += 1
        if (self.folder / f"{number}").read_text() == "bad":
            raise ValueError(f"file {number} is bad")
        return plane()


def test_cache_drops_what_was_not_used_for_longest() -> None:
    cache = PlaneCache(2 * 200)  # two planes of 100 + 100 bytes
    for number in (0, 1):
        cache.put(("a", number), plane())
    assert cache.get(("a", 0)) is not None
    cache.put(("a", 2), plane())
    assert [cache.get(("a", n)) is not None for n in range(3)] == [True, False, True]
    assert cache.bytes == 400


def test_cache_keeps_nothing_that_is_larger() -> None:
    cache = PlaneCache(199)
    cache.put(("a", 0), plane())
    assert cache.get(("a", 0)) is None and cache.bytes == 0


def test_a_copy_for_another_process_leaves_the_images_behind() -> None:
    cache = PlaneCache(1000)
    cache.put(("a", 0), plane())
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get(("a", 0)) is None and (copy.bytes, copy.most_bytes) == (0, 1000)


def test_images_are_read_again_when_they_were_dropped(tmp_path: Path) -> None:
    source = Counting(tmp_path, 3)
    found = IndexedSet(source, cache=PlaneCache(200))
    assert source.reads == 3
    for ref in found.objects:
        assert found.plane(ref).labels.sum() == 36
    assert source.reads == 6
    found.plane(found.objects[-1])
    assert source.reads == 6


def test_sets_of_one_name_do_not_mix_in_a_cache(tmp_path: Path) -> None:
    cache = PlaneCache(10_000)
    first = Counting(tmp_path, 1)
    second = Counting(tmp_path, 1)
    second.read = lambda number: plane(20)  # type: ignore[method-assign]
    sets = [IndexedSet(source, cache=cache) for source in (first, second)]
    assert [s.plane(s.objects[0]).labels.shape for s in sets] == [(10, 10), (20, 20)]


def test_index_spares_reading_what_has_not_changed(tmp_path: Path) -> None:
    index = tmp_path / "index/set.json"
    first = IndexedSet(Counting(tmp_path, 3), index=index)
    again = Counting(tmp_path, 3)
    assert IndexedSet(again, index=index).objects == first.objects
    assert again.reads == 0
    os.utime(tmp_path / "1", ns=(1, 1))
    IndexedSet(again, index=index)
    assert again.reads == 1
    IndexedSet(again, min_area=5, index=index)  # other settings, another index
    assert again.reads == 4


def test_images_without_objects_are_known_too(tmp_path: Path) -> None:
    index = tmp_path / "set.json"
    assert not IndexedSet(Counting(tmp_path, 3), min_area=37, index=index).objects
    again = Counting(tmp_path, 3)
    IndexedSet(again, min_area=37, index=index)
    assert again.reads == 0


def test_a_broken_index_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index = tmp_path / "set.json"
    index.write_text("{")
    assert len(IndexedSet(Counting(tmp_path, 2), index=index).objects) == 2
    assert "set.json is no index" in caplog.text


def test_bad_files_are_named_each_time(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = Counting(tmp_path, 3)
    (tmp_path / "1").write_text("bad")
    for _ in range(2):
        caplog.clear()
        found = IndexedSet(source, index=tmp_path / "set.json")
        assert [ref.pair for ref in found.objects] == [0, 2]
        assert "file 1 is bad: skipped" in caplog.text


def test_draws_are_of_images_with_objects(tmp_path: Path) -> None:
    source = Counting(tmp_path, 4)
    (tmp_path / "2").write_text("bad")
    found = IndexedSet(source)
    rng = np.random.default_rng(0)
    drawn = {found.draw(rng).pair for _ in range(50)}
    assert drawn == {0, 1, 3}


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_large_files_are_mapped(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "MAPPED_BYTES", 1000)
    volume = np.zeros((5, 30, 30), np.uint16)
    volume[2, 5:25, 5:25] = 7
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
        if suffix == ".npy":
            np.save(tmp_path / part / "a.npy", volume)
        else:
            tifffile.imwrite(tmp_path / part / "a.tif", volume)
    cache = PlaneCache(1)
    found = ImageSet(tmp_path, validation=None, axes=(0, 1), cache=cache)
    assert len(found.objects) == 1  # along axis 1, strips of 20 pixels are too small
    assert found.plane(found.objects[0]).labels.sum() == 7 * 400
    assert cache.bytes == 0 and isinstance(found._plane(0).labels, np.memmap)


def test_a_file_that_changed_is_told(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
        tifffile.imwrite(tmp_path / part / "a.tif", plane().labels)
    found = ImageSet(tmp_path, validation=None, cache=PlaneCache(1))
    tifffile.imwrite(tmp_path / "labels/a.tif", np.zeros((10, 10), np.uint8))
    with pytest.raises(ValueError, match=r"a\.tif has changed: object 1 is gone"):
        found.plane(found.objects[0])


@pytest.mark.parametrize("block", [1, 25, 2**20])
@pytest.mark.parametrize("dtype", [np.int16, np.dtype(">u2"), np.uint32, np.uint64])
def test_objects_are_measured_block_by_block(
    block: int, dtype: np.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_sets, "BLOCK", block)
    labels = np.zeros((9, 10), dtype)
    huge = np.iinfo(dtype).max if np.dtype(dtype).itemsize > 2 else 30_000
    labels[1:8, 2] = huge
    labels[0, 9] = labels[8, 0] = 3
    assert measured(labels) == [(3, Box(0, 0, 9, 10), 2), (huge, Box(1, 2, 8, 3), 7)]
    if dtype != np.int16:
        labels[:, 5] = object_sets.IGNORE_LABEL
        assert [each.number for each in measured(labels)] == [3, huge]


def test_objects_of_a_mask_are_measured() -> None:
    mask = np.zeros((4, 5), bool)
    assert measured(mask) == []
    mask[1:3, 2:5] = True
    assert measured(mask) == [(1, Box(1, 2, 3, 5), 6)]


def test_little_memory_is_needed_to_measure_a_large_image() -> None:
    labels = np.kron(np.arange(40 * 40).reshape(40, 40), np.ones((50, 50), int)).astype(np.uint16)
    tracemalloc.start()
    try:
        measured(labels)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * labels.size
