"""Clicks as seeds: the small discs that a user's brush would leave."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.peaks import Pixel
from napari_fclick.core.window import Window

#: When the image's border is background: always, while there is no negative click, never.
Border = Literal["outside", "first", "unknown"]

#: Pixels that a disc's radius has at least.
LEAST_RADIUS = 2.0


@dataclass(frozen=True, eq=False)
class Seeds:
    """Pixels whose side is known; no pixel is on both.

    Attributes
    ----------
    inside, outside : ndarray of bool, shape (h, w)
        The object's, and what is not the object's.
    clicks : tuple of ((int, int), bool)
        Pixel and sign of each click, in their order.
    """

    inside: Mask
    outside: Mask
    clicks: tuple[tuple[Pixel, bool], ...]

    @property
    def leave_a_question(self) -> bool:
        """Whether there are pixels of either side, and others between them."""
        known = self.inside | self.outside
        return bool(self.inside.any() and self.outside.any() and not known.all())


def draw_seeds(view: Window, clicks: ClickSequence, radius: float, border: Border) -> Seeds:
    """Draw a disc for each click, and the image's border.

    Parameters
    ----------
    view : Window
        Whose input the seeds are drawn on.
    clicks : ClickSequence
        Inside the image.
    radius : float
        Part of the input's shorter side; a disc has `LEAST_RADIUS` pixels at least. A pixel
        in discs of both signs goes to the nearest click, of equally near ones to the later.
    border : {"outside", "first", "unknown"}
        The image's outermost pixels, less positive discs, are outside: always, only while
        there is no negative click, or never.
    """
    shape = view.input_height, view.input_width
    reach = max(LEAST_RADIUS, radius * min(shape))
    points = tuple((_pixel(view, click.pixel), click.positive) for click in clicks)
    nearest = np.full(shape, np.inf)
    side = np.zeros(shape, np.int8)
    for point, positive in points:
        distance = distance_to(point, shape)
        nearer = (distance <= reach) & (distance <= nearest)
        nearest[nearer] = distance[nearer]
        side[nearer] = 1 if positive else -1
    if border == "outside" or (border == "first" and not clicks.negatives):
        side[_border(shape) & (side == 0)] = -1
    return Seeds(side > 0, side < 0, points)


def distance_to(point: Pixel, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return each pixel's distance to a point."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance: NDArray[np.float64] = np.hypot(rows - point[0], columns - point[1])
    return distance


def _border(shape: tuple[int, int]) -> Mask:
    frame = np.ones(shape, bool)
    frame[1:-1, 1:-1] = False
    return frame


def _pixel(view: Window, pixel: Pixel) -> Pixel:
    row, column = view.to_input(*map(float, pixel))
    return (
        min(max(math.floor(row + 0.5), 0), view.input_height - 1),
        min(max(math.floor(column + 0.5), 0), view.input_width - 1),
    )
