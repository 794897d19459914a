"""Which objects of a plane are in neither of the planes next to it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.session import Place
from napari_fclick.session.stack_parts import only_in


def test_objects_of_one_plane_alone_are_found_with_a_pixel() -> None:
    labels = np.zeros((5, 6, 7), np.uint16)
    labels[2, 1:3, 2:4], labels[2, 4, 5], labels[2, 5, 0] = 9, 4, 300
    labels[1, 0, 0], labels[4, 0, 0] = 4, 9  # 4 is next door, the other 9 is not
    found = only_in(labels, Place((1, 2), (2,)), 0)
    assert found == {9: (1, 2), 300: (5, 0)}


@pytest.mark.parametrize("index", [0, 4])
def test_the_first_and_the_last_plane_have_one_neighbour(index: int) -> None:
    labels = np.zeros((5, 6, 7), np.int32)
    labels[index, 3, 3] = 2
    labels[4 - index, 3, 4] = 2
    labels[index, 0, 0] = -1  # no object
    assert only_in(labels, Place((1, 2), (index,)), 0) == {2: (3, 3)}


def test_planes_may_lie_along_any_axis() -> None:
    labels = np.zeros((6, 5, 7), np.uint8)
    labels[3, 2, 6] = 1
    assert only_in(labels, Place((0, 2), (2,)), 1) == {1: (3, 6)}
