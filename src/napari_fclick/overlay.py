"""Pictures of a result: contours of the objects and the clicks that made them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage import draw, segmentation

from napari_fclick.core import intensity
from napari_fclick.core.clicks import Click, ClickSequence

#: A pair that colour-blind people can tell apart; the shapes differ as well.
POSITIVE, NEGATIVE, CONTOUR, RING = (64, 148, 255), (255, 145, 0), (255, 255, 255), (0, 0, 0)
#: Pixels of the picture a pixel of the image.
ZOOM = 2

Picture = NDArray[np.uint8]


def draw_overlay(
    image: NDArray[Any], labels: NDArray[Any], objects: Iterable[ClickSequence]
) -> Picture:
    """Draw labels and clicks over an image.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C)
    labels : ndarray of int, shape (H, W)
    objects : iterable of ClickSequence
        First clicks become stars, positive ones discs, negative ones crosses.

    Returns
    -------
    ndarray of uint8, shape (2 H, 2 W, 3)
    """
    rgb = intensity.to_rgb(intensity.to_float(image))
    stretched = (255 * intensity.stretch(rgb, jointly=True)).astype(np.uint8)
    picture = np.kron(stretched, np.ones((ZOOM, ZOOM, 1), np.uint8))
    large = np.kron(labels, np.ones((ZOOM, ZOOM), labels.dtype))
    picture[segmentation.find_boundaries(large, mode="inner")] = CONTOUR
    for clicks in objects:
        for number, click in enumerate(clicks):
            _draw_click(picture, click, number == 0)
    return picture


def _draw_click(picture: Picture, click: Click, first: bool) -> None:
    y, x = ((c + 0.5) * ZOOM - 0.5 for c in (click.y, click.x))
    shape = picture.shape[:2]
    colour = POSITIVE if click.positive else NEGATIVE
    if first:
        angles = np.pi * np.arange(10) / 5 - np.pi / 2
        for radius, paint in ((5.0 * ZOOM, RING), (3.8 * ZOOM, colour)):
            reach = np.where(np.arange(10) % 2 == 0, radius, 0.45 * radius)
            rows, columns = draw.polygon(
                y + reach * np.sin(angles), x + reach * np.cos(angles), shape
            )
            picture[rows, columns] = paint
    elif click.positive:
        for radius, paint in ((2.6 * ZOOM, RING), (2.0 * ZOOM, colour)):
            picture[draw.disk((y, x), radius, shape=shape)] = paint
    else:
        _draw_cross(picture, y, x, 2.4 * ZOOM, colour)


def _draw_cross(
    picture: Picture, y: float, x: float, reach: float, colour: tuple[int, int, int]
) -> None:
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    dy, dx = np.abs(rows - y), np.abs(columns - x)
    for extent, half, paint in ((reach + 1, 2.2, RING), (reach, 1.1, colour)):
        arms = (np.maximum(dy, dx) <= extent) & (np.abs(dy - dx) <= half)
        picture[arms] = paint
