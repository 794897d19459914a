"""Linear maps about the middle of a patch, for rotation and scale."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_fclick.training.augmentation.base import Patch, resample


def apply_linear(patch: Patch, matrix: NDArray[np.float64]) -> Patch:
    """Map a patch about its middle; its size stays.

    Parameters
    ----------
    patch : Patch
    matrix : ndarray (2, 2)
        Takes an offset (rows, columns) from the middle to where it goes.
    """
    middle = (np.array(patch.labels.shape) - 1) / 2
    back = np.linalg.inv(matrix)
    rows, columns = (
        np.arange(side, dtype=np.float32) - np.float32(m)
        for side, m in zip(patch.labels.shape, middle, strict=True)
    )
    source = [
        (back[i, 0] * rows[:, None] + back[i, 1] * columns[None] + middle[i]).astype(np.float32)
        for i in range(2)
    ]
    points = ((patch.points - middle) @ matrix.T + middle).astype(np.float32)
    return resample(patch, source[0], source[1], points)
