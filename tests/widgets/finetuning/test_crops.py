"""Cut-outs about the objects that changed most."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from tests.widgets.finetuning.fakes import changed, disc

from napari_fclick.core.object_sets import Plane
from napari_fclick.finetuning.sources import LabelledData, LabelledImage
from napari_fclick.widgets.finetuning.crops import crops_of
from napari_fclick.widgets.finetuning.gallery import SIDE, Gallery, draw
from napari_fclick.widgets.finetuning.outcome import ChangedObject


@pytest.fixture
def data() -> LabelledData:
    truth = disc(20, 20, 9).astype(np.uint8)
    image = LabelledImage("cells", (Plane(100 * truth, truth),), "digest")
    return LabelledData("mine", (image,))


def test_a_crop_is_about_its_object(data: LabelledData) -> None:
    one = ChangedObject.model_validate(changed())
    (crop,) = crops_of(data, [one])
    assert crop is not None
    # The box is 19 pixels wide, from 11 on: 8 more on each side; 3 to 38.
    assert crop.picture.shape == (35, 35, 3)
    where = slice(3, 38), slice(3, 38)
    assert np.array_equal(crop.truth, disc(20, 20, 9)[where])
    assert np.array_equal(crop.before, disc(25, 24, 13)[where])
    assert np.array_equal(crop.after, disc(20, 21, 9)[where])
    assert (crop.picture[crop.truth] == 255).all()


def test_what_is_gone_is_left_out(data: LabelledData, qtbot: QtBot) -> None:
    objects = [
        ChangedObject.model_validate(changed(digest=digest) | {"plane": plane})
        for digest, plane in (("digest", 0), ("gone", 0), ("digest", 3))
    ]
    crops = crops_of(data, objects)
    assert [crop is not None for crop in crops] == [True, False, False]
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.show_objects(objects, crops)
    (row,) = gallery.rows
    assert row.title.text() == "cells, object 1: 7 → 1 clicks to 85 %"
    gallery.show_objects((), ())
    assert gallery.rows == []


def test_images_of_one_name_are_told_apart(data: LabelledData) -> None:
    dark = np.zeros((64, 64), np.uint8)
    other = LabelledImage("cells", (Plane(dark, data.images[0].planes[0].labels),), "other")
    for images in ((data.images[0], other), (other, data.images[0])):
        both = LabelledData("mine", images)
        objects = [
            ChangedObject.model_validate(changed(digest=digest)) for digest in ("dig", "oth")
        ]
        crops = crops_of(both, objects)
        assert [bool(crop and crop.picture.any()) for crop in crops] == [True, False]


def test_the_slice_is_the_stacks(data: LabelledData, qtbot: QtBot) -> None:
    """Slices without objects are left out of the planes, but counted."""
    (plane,) = data.images[0].planes
    stack = LabelledImage("z", (plane, plane), "digest", slices=((1, 7), (1, 40)))
    one = ChangedObject.model_validate(changed("z") | {"plane": 1})
    (crop,) = crops_of(LabelledData("mine", (stack,)), [one])
    gallery = Gallery()
    qtbot.addWidget(gallery)
    gallery.show_objects([one], [crop])
    assert gallery.rows[0].title.text().startswith("z, slice 1, 40, object 1: ")


def test_the_outline_is_where_the_mask_ends(data: LabelledData, qtbot: QtBot) -> None:
    one = ChangedObject.model_validate(changed())
    crop: Any = crops_of(data, [one])[0]
    image = draw(crop, crop.after, "#ff0000").toImage()
    assert image.width() == image.height() == SIDE
    scale = SIDE / 35
    # The mask's left end is pixel 12 of the image, 9 of the crop; its left edge is at 9.
    colour = image.pixelColor(round(9 * scale), round(17.5 * scale))
    assert colour.red() > 200
    assert colour.blue() < 150
    inside = image.pixelColor(round(17.5 * scale), round(17.5 * scale))
    assert inside.getRgb()[:3] == (255, 255, 255)
