"""Clicks as seeds: the small discs that a user's brush would leave."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.window import Window

Mask = NDArray[np.bool_]

#: Pixels that a disc's radius has at least.
LEAST_RADIUS = 2.0


@dataclass(frozen=True, eq=False)
class Seeds:
    """Pixels whose side is known.

    Attributes
    ----------
    inside, outside : ndarray of bool, shape (h, w)
        Discs about positive and negative clicks; they don't overlap.
    points : tuple of ((int, int), bool)
        Pixel and sign of each click, in their order.
    """

    inside: Mask
    outside: Mask
    points: tuple[tuple[tuple[int, int], bool], ...]

    def with_border(self) -> Mask:
        """Return the outside and the image's border, less what is inside."""
        frame = np.ones_like(self.outside)
        frame[1:-1, 1:-1] = False
        return (self.outside | frame) & ~self.inside


def draw_seeds(view: Window, clicks: ClickSequence, radius: float) -> Seeds:
    """Draw a disc for each click.

    Parameters
    ----------
    view : Window
        Whose input the seeds are drawn on.
    clicks : ClickSequence
        Inside the image.
    radius : float
        Part of the input's shorter side; a disc has `LEAST_RADIUS` pixels at least. A pixel
        in discs of both signs goes to the nearest click, of equally near ones to the later.
    """
    shape = view.input_height, view.input_width
    reach = max(LEAST_RADIUS, radius * min(shape))
    points = tuple((_pixel(view, click.pixel), click.positive) for click in clicks)
    nearest = np.full(shape, np.inf)
    side = np.zeros(shape, np.int8)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for (row, column), positive in points:
        distance = np.hypot(rows - row, columns - column)
        nearer = (distance <= reach) & (distance <= nearest)
        nearest[nearer] = distance[nearer]
        side[nearer] = 1 if positive else -1
    return Seeds(side > 0, side < 0, points)


def _pixel(view: Window, pixel: tuple[int, int]) -> tuple[int, int]:
    row, column = view.to_input(*map(float, pixel))
    return (
        min(max(math.floor(row + 0.5), 0), view.input_height - 1),
        min(max(math.floor(column + 0.5), 0), view.input_width - 1),
    )
