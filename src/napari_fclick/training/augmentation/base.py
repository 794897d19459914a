"""What the transforms share: what they change, and how pixels are taken from elsewhere."""

from __future__ import annotations

from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional as F

from napari_fclick.training.losses import IGNORE

FloatImage = NDArray[np.float32]
Labels = NDArray[np.uint8]
Points = NDArray[np.float32]
Rng = np.random.Generator

#: Pixels by which the first click may be moved back onto the object.
MOST_MOVED = 3.0


class Patch(NamedTuple):
    """A training window before it is padded.

    Attributes
    ----------
    image : ndarray of float32 (h, w, 3) in [0, 1]
    labels : ndarray of uint8 (h, w): 0, 1, IGNORE
    points : ndarray of float32 (K, 2)
        Rows and columns of the clicks, the first click first.
    rough : ndarray of float32 (h, w) in [0, 1], optional
        The mask that the network is handed with the first click. It goes where the labels go.
    """

    image: FloatImage
    labels: Labels
    points: Points
    rough: FloatImage | None = None


class Transform(Protocol):
    """A change with all its parameters: the same patch becomes the same again."""

    def __call__(self, patch: Patch) -> Patch:
        """Return the changed patch; what comes in is left as it is."""


@runtime_checkable
class RandomTransform(Protocol):
    """Draws the parameters of a transform."""

    def draw(self, patch: Patch, rng: Rng) -> Transform | None:
        """Return a transform for a patch; None where none is fitting, as a gray image's colour."""


def is_gray(image: FloatImage) -> bool:
    """Whether the three channels (h, w, 3) are the same."""
    first = image[..., 0]
    return bool((first == image[..., 1]).all() and (first == image[..., 2]).all())


def resample(patch: Patch, rows: FloatImage, columns: FloatImage, points: Points) -> Patch:
    """Return a patch whose pixels are taken from elsewhere in it.

    Images are interpolated and mirrored at the border; labels are the nearest pixel's, and
    `IGNORE` where that lies outside. A rough mask is interpolated, and 0 there.

    Parameters
    ----------
    patch : Patch
    rows, columns : ndarray of float32 (h, w)
        Where each pixel comes from.
    points : ndarray of float32 (K, 2)
        Where the clicks have gone.

    Returns
    -------
    Patch
        As it came in, if the first click has lost the object.
    """
    height, width = patch.labels.shape
    # -1 and 1 are the outer edges of the border's pixels.
    grid = np.stack([(2 * columns + 1) / width - 1, (2 * rows + 1) / height - 1], -1)
    image = _sample(patch.image.transpose(2, 0, 1), grid, "bilinear", "reflection")
    labels = _sample(patch.labels[None].astype(np.float32), grid, "nearest", "border")[0]
    outside = (rows < -0.5) | (rows > height - 0.5) | (columns < -0.5) | (columns > width - 0.5)
    changed = np.where(outside, IGNORE, labels).astype(np.uint8)
    if (patch.labels == 1).any():
        settled = _settle(changed, points)
    else:  # there is no object to be lost
        row, column = np.rint(points[0])  # beyond the border's middle it would be out of sight
        settled = points if 0 <= row < height and 0 <= column < width else None
    if settled is None:
        return patch
    rough = patch.rough
    if rough is not None:
        rough = _sample(rough[None], grid, "bilinear", "zeros")[0]
    return Patch(np.ascontiguousarray(image.transpose(1, 2, 0)), changed, settled, rough)


def _sample(channels: FloatImage, grid: FloatImage, mode: str, padding: str) -> FloatImage:
    found = F.grid_sample(
        torch.from_numpy(np.ascontiguousarray(channels))[None],
        torch.from_numpy(grid.astype(np.float32))[None],
        mode=mode,
        padding_mode=padding,
        align_corners=False,
    )
    sampled: FloatImage = found[0].numpy()
    return sampled


def _settle(labels: Labels, points: Points) -> Points | None:
    """Return the points with the first one on the object; None if that is too far from it."""
    row, column = (round(float(v)) for v in points[0])
    height, width = labels.shape
    if 0 <= row < height and 0 <= column < width and labels[row, column] == 1:
        return points
    on = np.argwhere(labels == 1)
    if not len(on):
        return None
    distances = np.hypot(*(on - points[0]).T)
    nearest = int(distances.argmin())
    if distances[nearest] > MOST_MOVED:
        return None
    moved = points.copy()
    moved[0] = on[nearest]
    return moved


def smooth_noise(shape: tuple[int, int], sigma: float, rng: Rng) -> FloatImage:
    """Return noise that varies over ``sigma`` pixels, scaled to [-1, 1]."""
    step = max(int(sigma // 2), 1)  # what varies slowly needs few values
    coarse = tuple(-(-side // step) + 1 for side in shape)
    values = ndimage.gaussian_filter(
        rng.uniform(-1, 1, coarse).astype(np.float32), sigma / step, mode="reflect"
    )
    fine = F.interpolate(
        torch.from_numpy(values)[None, None], size=shape, mode="bilinear", align_corners=True
    )
    found: FloatImage = fine[0, 0].numpy()
    most = float(np.abs(found).max())
    return found / most if most else found
