"""What accepting does to others, in words."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.labels import LabelPatch, OverlapPolicy, make_patch
from napari_fclick.session import SessionError
from napari_fclick.session.stakes import Stakes

ALL = (slice(0, 1), slice(0, 4))


def patch(policy: OverlapPolicy, labels: list[int]) -> LabelPatch:
    return make_patch(np.array([labels]), np.ones((1, 4), bool), ALL, 1, policy)


@pytest.mark.parametrize(
    ("policy", "labels", "text"),
    [
        ("keep", [0, 0, 0, 0], "object 1: 4 px"),
        ("keep", [0, 7, 7, 0], "object 1: 2 px; kept 2 px of 7"),
        ("replace", [9, 9, 2, 0], "object 1: 4 px; overwrote 3 px of 2, 9"),
    ],
)
def test_one_line_says_what_was_done(policy: str, labels: list[int], text: str) -> None:
    assert Stakes(1).plus(patch(OverlapPolicy(policy), labels)).summary() == text


def test_slices_are_added_up() -> None:
    stakes = Stakes(1, stays=(4, 5))
    for labels in ([0, 7, 7, 0], [7, 0, 0, 3], [8, 8, 8, 8]):
        stakes = stakes.plus(patch(OverlapPolicy.KEEP, labels))
    others = "kept 8 voxels of 3, 7, 8"
    told = f"object 1: 4 voxels in 2 slices; {others}; stays as it was in slices 4 to 5"
    assert stakes.summary() == told
    assert stakes.others("overwrites", "keeps", "px", named=2) == ["keeps 8 px of 3 objects"]


def test_nothing_is_not_written() -> None:
    stakes = Stakes(1).plus(patch(OverlapPolicy.KEEP, [8, 8, 3, 8]))
    with pytest.raises(SessionError, match=r"all its pixels belong to object 3, 8.*'keep'"):
        stakes.check(OverlapPolicy.KEEP)
