"""What a mask looks like at any zoom and on any ground."""

from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.widgets.drawing import (
    CONTOUR,
    GROUND,
    Detail,
    draw_preview,
    preview_detail,
)


@pytest.mark.parametrize(
    ("side", "pixel", "detail"),
    [
        (256, 1.0, Detail(1, 1, 2)),
        (256, 0.5, Detail(1, 1, 1)),
        (8, 0.01, Detail(1, 32, 1)),
        (8, 0.001, Detail(1, 64, 1)),  # at most `FINE_SIDE` pixels a side
        (600, 2.0, Detail(1, 1, 4)),
        (100, 20.0, Detail(1, 1, 1)),  # or the contour would be all that is seen
        (4000, 1.0, Detail(4, 1, 1)),
    ],
)
def test_the_contour_is_as_wide_at_any_zoom(side: int, pixel: float, detail: Detail) -> None:
    assert preview_detail((side, side // 2), pixel) == detail


def test_an_object_of_few_pixels_is_not_hidden() -> None:
    mask = np.zeros((8, 8), bool)
    mask[2:5, 2:5] = True
    detail = Detail(1, 16, 1)
    drawn = draw_preview(mask.astype(np.float32), mask, detail)
    assert drawn.shape == (128, 128, 4)
    assert detail.step == 1 / 16
    inside = drawn[32:80, 32:80]
    assert (inside[0] == (*CONTOUR, 255)).all()
    assert (inside[..., 3] == 255).mean() < 0.1


def test_the_contour_is_seen_on_a_bright_ground() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    drawn = draw_preview(mask.astype(np.float32), mask, Detail())
    assert tuple(drawn[9, 20]) == GROUND
    assert tuple(drawn[10, 20]) == (*CONTOUR, 255)
    assert drawn[5, 20, 3] == 0
