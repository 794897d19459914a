"""Which image layer hides another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_fclick.widgets.covering import covering, tell_apart
from napari_fclick.widgets.moved import grid_of

PLANE = np.zeros((10, 20), np.uint8)


@pytest.mark.parametrize(
    ("options", "hides"),
    [
        ({}, True),
        ({"visible": False}, False),
        ({"opacity": 0.3}, False),
        ({"blending": "additive"}, False),
        ({"translate": (0, 15)}, True),
        ({"translate": (0, 40)}, False),
    ],
)
def test_what_lies_over_an_image(options: dict[str, Any], hides: bool) -> None:
    viewer = ViewerModel()
    image = viewer.add_image(PLANE, name="below")
    above = viewer.add_image(PLANE, name="above", **options)
    assert covering(viewer, image) is (above if hides else None)
    assert covering(viewer, above) is None
    assert covering(viewer, image, [above]) is None
    if hides:
        grid_of(viewer).enabled = True  # they are beside each other
        assert covering(viewer, image) is None


def test_long_names_are_cut() -> None:
    viewer = ViewerModel()
    image = viewer.add_image(PLANE, name="day 1")
    viewer.add_image(PLANE, name="x" * 80)
    told = tell_apart(viewer, image)
    assert told.endswith("… lies over 'day 1', which is clicked on".replace("…", "…'"))
    assert len(told) < 80


def test_images_of_fewer_dimensions_in_a_turned_view() -> None:
    viewer = ViewerModel()
    stack = viewer.add_image(np.zeros((5, 10, 20)), name="stack")
    viewer.add_image(PLANE, name="plane")
    viewer.dims.order = (1, 0, 2)
    assert covering(viewer, stack) is not None
