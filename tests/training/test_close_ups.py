"""Samples that show a part of an object's outline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from napari_fclick.core.object_sets import ObjectRef, Plane
from napari_fclick.core.window import Box
from napari_fclick.training.close_ups import CloseUpCutter
from napari_fclick.training.cutting import WindowCutter


def large(side: int) -> tuple[Plane, ObjectRef]:
    labels = np.zeros((200, 200), np.uint16)
    labels[20 : 20 + side, 30 : 30 + side] = 1
    box = Box(20, 30, 20 + side, 30 + side)
    return Plane(labels.astype(np.uint8), labels), ObjectRef(0, 0, 0, 1, box, side * side)


def test_a_close_up_brings_a_rough_mask_and_a_first_click_on_the_object() -> None:
    plane, ref = large(120)
    seen = 0
    for seed in range(20):
        cut = CloseUpCutter(WindowCutter(64), 1.0, 64)
        patch, positive = cut(plane, ref, np.random.default_rng(seed))
        if patch.rough is None:  # the rough mask was too near the object
            continue
        seen += 1
        row, column = np.rint(patch.points[0]).astype(int)
        assert patch.labels[row, column] == 1
        # The second click is what the rough mask is corrected by.
        row, column = np.rint(patch.points[1]).astype(int)
        assert positive.tolist() == [True, patch.labels[row, column] == 1]
        assert (patch.rough[row, column] > 0.5) != positive[1]
        assert ((patch.rough > 0.5) != (patch.labels == 1)).any()
    assert seen > 15


def test_small_objects_and_a_persons_clicks_are_left_to_the_other_cutter() -> None:
    cut = CloseUpCutter(WindowCutter(64), 1.0, 64)
    for plane, ref in (large(20), large(120)):
        clicked = replace(ref, clicks=((40.0, 45.0, True),)) if ref.box.side == 120 else ref
        patch, _ = cut(plane, clicked, np.random.default_rng(0))
        assert patch.rough is None


def test_no_click_corrects_what_is_ignored() -> None:
    plane, ref = large(120)
    ring = ndimage.binary_dilation(plane.labels == ref.label, iterations=6)
    void = plane.labels.copy()
    void[ring & (plane.labels != ref.label)] = 65535
    seen = 0
    for seed in range(30):
        cut = CloseUpCutter(WindowCutter(64), 1.0, 64)
        patch, positive = cut(plane._replace(labels=void), ref, np.random.default_rng(seed))
        if patch.rough is not None:
            row, column = np.rint(patch.points[1]).astype(int)
            seen += 1
            assert patch.labels[row, column] == positive[1]
    assert seen > 10
