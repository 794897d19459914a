"""What a carried mask looks like."""

from __future__ import annotations

import numpy as np

from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.widgets.drawing import CARRIED, Detail, draw_carried, draw_preview
from napari_fclick.widgets.stacks.preview import CarriedPreview


def disc() -> np.ndarray:
    y, x = np.mgrid[-20:21, -20:21]
    return np.hypot(y, x) <= 20


def test_the_contour_is_dashed_and_unlike_a_clicked_one() -> None:
    mask = disc()
    drawn = draw_carried(mask.astype(np.float32), mask, Detail())
    assert (drawn[mask][:, :3] == CARRIED).all() and not drawn[~mask][:, 3].any()
    alphas = drawn[..., 3][drawn[..., 3] >= 90]
    assert 0.3 < (alphas == 255).mean() < 0.8
    assert drawn[20, 20, 3] == 40
    assert (draw_preview(mask.astype(np.float32), mask, Detail())[20, 0] != drawn[20, 0]).any()


def test_a_mask_is_unpacked_once() -> None:
    stored = StoredMask.pack(disc(), 3, 4)
    each = SliceMask(2, Kind.CARRIED, stored)
    preview = CarriedPreview().show(each, True)
    first = preview.mask
    assert preview.window == (slice(3, 44), slice(4, 45)) and preview.current
    assert preview.show(each, False).mask is first and not preview.current
    other = SliceMask(3, Kind.CARRIED, StoredMask.pack(np.ones((2, 2), bool)))
    assert preview.show(other, True).mask.shape == (2, 2)
