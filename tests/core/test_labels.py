from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fclick.core.labels import (
    LabelPatch,
    OverlapPolicy,
    check_label,
    empty_labels,
    is_label,
    make_patch,
)

ALL = (slice(0, 2), slice(0, 4))
#: Object 5 is corrected; object 7 is in the way.
BEFORE = [[5, 5, 7, 0], [0, 0, 7, 0]]
MASK = np.array([[0, 1, 1, 1], [0, 1, 1, 0]], bool)


def labels(dtype: Any = np.uint16) -> NDArray[Any]:
    return np.array(BEFORE, dtype)


def patch(policy: OverlapPolicy) -> LabelPatch:
    return make_patch(labels(), MASK, ALL, 5, policy)


@pytest.mark.parametrize("shape", [(200_000, 200_000), (3, 4000, 3000, 3000), (9000, 3000, 3000)])
def test_large_labels_take_the_memory_of_their_objects(shape: tuple[int, ...]) -> None:
    large = empty_labels(shape, np.dtype(np.uint16))
    assert (large.shape, large.dtype) == (shape, np.uint16)
    middle = (*(n // 2 for n in shape[:-2]), slice(700, 760), slice(900, 960))
    make_patch(large, np.ones((60, 60), bool), middle, 3).apply(large)
    assert (large[middle] == 3).all() and large[tuple(n - 1 for n in shape)] == 0
    assert large.nbytes_stored() < 100_000


def test_small_labels_are_plain() -> None:
    assert isinstance(empty_labels((30, 40), np.dtype(np.int32)), np.ndarray)


def test_keep_leaves_others_and_lets_the_object_shrink() -> None:
    made = patch(OverlapPolicy.KEEP)
    assert made.after.tolist() == [[0, 5, 7, 5], [0, 5, 7, 0]]
    assert (made.written, made.overwritten, made.withheld) == (3, {}, {7: 2})


def test_replace_takes_everything() -> None:
    made = patch(OverlapPolicy.REPLACE)
    assert made.after.tolist() == [[0, 5, 5, 5], [0, 5, 5, 0]]
    assert (made.written, made.overwritten, made.withheld) == (5, {7: 2}, {})


def test_background_only_adds() -> None:
    made = patch(OverlapPolicy.BACKGROUND)
    assert made.after.tolist() == [[5, 5, 7, 5], [0, 5, 7, 0]]
    assert (made.written, made.overwritten, made.withheld) == (4, {}, {7: 2})


def test_keep_is_the_default() -> None:
    assert make_patch(labels(), MASK, ALL, 5).after.tolist() == [[0, 5, 7, 5], [0, 5, 7, 0]]


def test_several_others_are_counted_each() -> None:
    base = np.array([[9, 9, 2, 0]])
    everywhere = np.ones((1, 4), bool)
    made = make_patch(base, everywhere, (slice(0, 1), slice(0, 4)), 1, OverlapPolicy.REPLACE)
    assert made.overwritten == {2: 1, 9: 2}


@pytest.mark.parametrize("policy", list(OverlapPolicy))
def test_planning_writes_nothing_and_what_was_there_is_known(policy: OverlapPolicy) -> None:
    volume = np.arange(2 * 4 * 6, dtype=np.int32).reshape(2, 4, 6) % 4
    original = volume.copy()
    where = (1, slice(1, 3), slice(2, 6))
    made = make_patch(volume, MASK, where, 3, policy)
    np.testing.assert_array_equal(volume, original)

    made.apply(volume)
    np.testing.assert_array_equal(volume[1, 1:3, 2:6], made.after)
    changed = volume != original
    assert changed.any()
    assert not changed[0].any()
    assert not changed[1, [0, 3]].any()

    volume[made.where] = made.before
    np.testing.assert_array_equal(volume, original)


def test_patch_does_not_change_with_the_labels() -> None:
    base = labels()
    made = make_patch(base, MASK, ALL, 5)
    base[:] = 99
    assert made.before.tolist() == BEFORE


def test_reads_lazy_labels_at_the_patch_only() -> None:
    def block(block_info: Any = None) -> NDArray[Any]:
        assert block_info[None]["chunk-location"] == (1, 0), "another chunk was read"
        return np.full((10, 10), 2, np.uint8)

    lazy = da.map_blocks(
        block, chunks=((10,) * 3, (10,) * 3), dtype=np.uint8, meta=np.empty((0, 0), np.uint8)
    )
    made = make_patch(lazy, np.ones((4, 4), bool), (slice(12, 16), slice(3, 7)), 1)
    assert made.withheld == {2: 16}
    assert made.written == 0


def test_bool_labels_hold_one_object() -> None:
    base = np.zeros((2, 4), bool)
    make_patch(base, MASK, ALL, 1).apply(base)
    np.testing.assert_array_equal(base, MASK)
    with pytest.raises(ValueError, match=r"label 2 is not within 1 to 1 \(bool labels\)"):
        make_patch(base, MASK, ALL, 2)


@pytest.mark.parametrize(
    ("label", "dtype", "largest"),
    [
        (0, "uint8", 255),
        (256, "uint8", 255),
        (-1, "int8", 127),
        (70000, "uint16", 65535),
        (2**63, "uint64", 2**63 - 1),
    ],
)
def test_refuses_numbers_that_do_not_fit(label: int, dtype: str, largest: int) -> None:
    message = rf"label {label} is not within 1 to {largest} \({dtype} labels\)"
    with pytest.raises(ValueError, match=message):
        check_label(label, np.dtype(dtype))
    check_label(largest, np.dtype(dtype))


def test_refuses_a_mask_of_another_shape() -> None:
    with pytest.raises(ValueError, match=r"mask of shape \(3, 4\) does not fit labels of \(2, 4\)"):
        make_patch(labels(), np.ones((3, 4), bool), ALL, 5)


@pytest.mark.parametrize("name", ["keep", "replace", "background"])
def test_policies_are_known_by_name(name: str) -> None:
    assert OverlapPolicy(name).value == name


@pytest.mark.parametrize("value", [7, np.uint16(7), 7.0, np.float32(7)])
def test_whole_numbers_in_a_table_are_labels(value: Any) -> None:
    assert is_label(value)


@pytest.mark.parametrize("value", [np.nan, np.inf, 7.5, "7", "", None, [7]])
def test_nothing_else_in_a_table_is_a_label(value: Any) -> None:
    assert not is_label(value)
