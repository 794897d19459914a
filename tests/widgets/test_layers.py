"""What layers say of the size of a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_fclick.widgets import layers
from napari_fclick.widgets.layers import labels_with, sizes_of


@pytest.mark.parametrize(
    ("given", "sizes", "unit"),
    [
        ({}, (1.0, 1.0, 1.0), ""),
        ({"scale": (2, 0.5, 0.1)}, (2.0, 0.5, 0.1), ""),
        ({"scale": (2, 0.5, 0.1), "units": "um"}, (2.0, 0.5, 0.1), "µm"),
        ({"scale": (1, -0.5, 0.1), "units": "um", "translate": (9, 7, 5)}, (1, 0.5, 0.1), "µm"),
        ({"affine": np.diag([3, 0.5, 0.5, 1]), "units": "um"}, (3.0, 0.5, 0.5), "µm"),
        ({"scale": (1, 2, 3), "rotate": (0, 0, 90), "units": "um"}, (1.0, 2.0, 3.0), "µm"),
        ({"scale": (2e-3, 0.5, 0.1), "units": ("mm", "um", "um")}, (2.0, 0.5, 0.1), "µm"),
        ({"scale": (30, 0.5, 0.1), "units": ("s", "um", "um")}, (30.0, 0.5, 0.1), "second µm µm"),
        (
            {"scale": (30, 0.5, 0.1), "units": "um", "axis_labels": ("t", "y", "x")},
            (30.0, 0.5, 0.1),
            "frame µm µm",
        ),
        ({"units": ("pixel", "um", "um")}, (1.0, 1.0, 1.0), "pixel µm µm"),
    ],
)
def test_sizes_are_those_of_the_world(
    given: dict[str, Any], sizes: tuple[float, ...], unit: str
) -> None:
    layer = Labels(np.zeros((3, 4, 5), int), **given)
    assert sizes_of(layer) == (sizes, unit)


def test_colours_have_no_size() -> None:
    image = Image(np.zeros((4, 5, 3), np.uint8), rgb=True, scale=(0.5, 0.25), units="um")
    assert sizes_of(image) == ((0.5, 0.25), "µm")


@pytest.mark.parametrize(("highest", "dtype"), [(65534, np.uint16), (65535, np.int64)])
def test_labels_from_a_file_have_room_for_another_object(
    highest: int, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "MANY_PIXELS", 1)
    pixels = np.full((4, 5), highest, np.uint16)
    assert labels_with(Image(np.zeros((4, 5))), pixels).data.dtype == dtype
