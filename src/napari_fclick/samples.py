"""Sample images that come with scikit-image: napari's File > Open Sample, and the demo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import data, filters, segmentation

LayerData = tuple[Any, dict[str, Any], str]


def coins() -> list[LayerData]:
    """Return 24 Greek coins, gray."""
    return [(data.coins(), {"name": "coins"}, "image")]


def cells() -> list[LayerData]:
    """Return a stained tissue section, RGB."""
    return [(data.immunohistochemistry(), {"name": "tissue", "rgb": True}, "image")]


def coins_truth() -> NDArray[np.int32]:
    """Return reference labels of the coins: a watershed of the gradient, checked by eye.

    Coins cut by the image's border are left out.
    """
    image = data.coins()
    markers = np.where(image > 150, 2, np.where(image < 30, 1, 0))
    flooded = segmentation.watershed(filters.sobel(image), markers)
    filled = ndimage.binary_opening(ndimage.binary_fill_holes(flooded == 2), iterations=2)
    labels, _ = ndimage.label(filled)
    labels = segmentation.clear_border(labels)
    sizes = np.bincount(labels.ravel())
    labels[sizes[labels] < 200] = 0
    relabelled, _, _ = segmentation.relabel_sequential(labels)
    return np.asarray(relabelled, np.int32)
