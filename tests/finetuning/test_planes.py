"""Planes of arrays: the same whatever holds them, and no chunk read twice."""

from __future__ import annotations

from collections import Counter
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_fclick.finetuning.hashing import content_hash
from napari_fclick.finetuning.planes import Planes
from napari_fclick.finetuning.sources import from_array

STACK = np.arange(2 * 7 * 4 * 5, dtype=np.uint16).reshape(2, 7, 4, 5)


def in_zarr(chunks: tuple[int, ...]) -> Any:
    array = zarr.create_array(
        zarr.storage.MemoryStore(), shape=STACK.shape, chunks=chunks, dtype="u2"
    )
    array[:] = STACK
    return array


@pytest.mark.parametrize(
    "array",
    [STACK, da.from_array(STACK, chunks=(1, (3, 3, 1), 4, 5)), in_zarr((2, 3, 4, 2))],
    ids=["numpy", "dask", "zarr"],
)
def test_each_plane_is_what_it_is(array: Any) -> None:
    planes = Planes(array)
    for place in [*np.ndindex(2, 7), (0, 2), (1, 6), (0, 0)]:
        assert np.array_equal(planes[place], STACK[place])
    assert np.array_equal(planes[(1,)], STACK[1])


def test_no_chunk_is_read_for_each_of_its_planes() -> None:
    """The image's content is hashed, and then its planes are taken: twice, not once a plane."""
    made: Counter[int] = Counter()

    def chunk(block_info: Any = None) -> Any:
        first = block_info[None]["array-location"][0][0]
        made[first] += 1
        return STACK[0][first : first + 4]

    image = da.map_blocks(chunk, chunks=((4, 3), (4,), (5,)), dtype=np.uint16, meta=STACK[:0, 0])
    found = from_array("stack", image, np.ones((7, 4, 5), np.uint8))
    assert [plane.image.tolist() for plane in found.planes] == STACK[0].tolist()
    assert found.digest == content_hash(STACK[0])
    assert dict(made) == {0: 2, 4: 2}
