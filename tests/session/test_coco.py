"""Objects as COCO has them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_fclick.session.coco import coco_of_labels, run_lengths


def decoded(segmentation: dict[str, Any]) -> Any:
    height, width = segmentation["size"]
    flat = np.zeros(height * width, bool)
    position, value = 0, False
    for count in segmentation["counts"]:
        flat[position : position + count] = value
        position, value = position + count, not value
    assert position == height * width
    return flat.reshape((height, width), order="F")


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ([[0, 1, 1], [0, 2, 0]], np.int32),
        ([[-1, 1, 1], [-3, 2, 0]], np.int16),  # what is to be ignored is no object
        ([[1, 1, 1], [2, 2, 1]], np.int32),  # no background
        ([[-1, -1, 1], [-1, -1, -1]], np.int32),
        ([[0, 0, 0], [0, 0, 0]], np.uint8),
        ([[0, 2**63 + 1, 0], [2**63, 0, 7]], np.uint64),  # no float holds these
    ],
)
def test_coco_of_labels_has_the_objects_alone(numbers: list[list[int]], dtype: Any) -> None:
    labels = np.array([numbers, numbers[::-1]], dtype)
    coco = coco_of_labels(labels, "cells", {1: "nucleus"})
    annotations = json.loads(json.dumps(coco))["annotations"]
    wanted = [each for each in np.unique(labels).tolist() if each > 0]
    for image, plane in zip(coco["images"], labels, strict=True):
        own = [each for each in annotations if each["image_id"] == image["id"]]
        assert [each["attributes"]["label"] for each in own] == wanted
        for found, label in zip(own, wanted, strict=True):
            assert np.array_equal(decoded(found["segmentation"]), plane == label)
            assert found["category_id"] == (2 if label == 1 else 1)


@given(st.lists(st.booleans(), min_size=12, max_size=12).filter(any), st.integers(0, 2))
def test_run_lengths_are_what_they_stand_for(bits: list[bool], top: int) -> None:
    mask = np.array(bits).reshape(4, 3)
    counts = run_lengths(mask, top, 2, (6, 5))
    whole = np.zeros((6, 5), bool)
    whole[top : top + 4, 2:5] = mask
    assert np.array_equal(decoded({"size": [6, 5], "counts": counts}), whole)
