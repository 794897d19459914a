"""What clicks and masks look like."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_fclick.core.clicks import ClickSequence

#: A pair that the colour-blind can tell apart (Okabe and Ito), and a third for contours.
POSITIVE, NEGATIVE = "#0072B2", "#E69F00"
CONTOUR, TINT = (240, 228, 66), (86, 180, 233)
#: The border of the click that keys act on, and how much larger it is.
CHOSEN, CHOSEN_SIZE = "#F0E442", 1.5
#: What was carried from another slice is of another colour, and its contour is dashed.
CARRIED = (255, 150, 215)
#: A dash of the contour and the gap after it, together, in widths of the contour.
DASH = 12
#: Diameters on the screen in pixels.
SIZES = {"ring": 32.0, "first": 22.0, "positive": 13.0, "negative": 15.0}
SYMBOLS = {"ring": "disc", "first": "star", "positive": "disc", "negative": "cross"}
FACES = {"ring": "#FFFFFF00", "first": POSITIVE, "positive": POSITIVE, "negative": NEGATIVE}
#: A preview has at most this many pixels a side: a larger window is drawn thinned out.
PREVIEW_SIDE = 1024
#: A small window is cut up to this many pixels a side at most.
FINE_SIDE = 512
#: Width of the contour on the screen, in pixels, where the zoom allows it.
CONTOUR_WIDTH = 2.0
#: The dark line about the contour.
GROUND = (0, 0, 0, 170)

RGBA = NDArray[np.uint8]


def marker_kinds(clicks: ClickSequence) -> list[str]:
    """Return the kind of each marker: a ring below the first click, then one a click."""
    kinds = ["positive" if click.positive else "negative" for click in clicks]
    return ["ring", "first", *kinds[1:]] if kinds else []


def marker_features(clicks: ClickSequence, number: int = 0) -> dict[str, list[Any]]:
    """Return the table of the markers: object, order from 1 (the ring: 0), kind, sign, first.

    Parameters
    ----------
    clicks : ClickSequence
    number : int
        The object's; 0 where it is not known yet.
    """
    kinds = marker_kinds(clicks)
    return {
        "object": [number] * len(kinds),
        "order": list(range(len(kinds))),
        "kind": kinds,
        "sign": ["-" if kind == "negative" else "+" for kind in kinds],
        "first": [kind in ("ring", "first") for kind in kinds],
    }


def marker_style(clicks: ClickSequence, pixel: float, chosen: int | None = None) -> dict[str, Any]:
    """Return the markers' sizes, symbols and colours.

    Parameters
    ----------
    clicks : ClickSequence
    pixel : float
        Size of a pixel of the screen in the layer's own pixels.
    chosen : int, optional
        Index of the click that keys act on.
    """
    kinds = marker_kinds(clicks)
    style: dict[str, Any] = {
        "size": np.array([SIZES[kind] * pixel for kind in kinds]),
        "symbol": [SYMBOLS[kind] for kind in kinds],
        "face_color": [FACES[kind] for kind in kinds],
        "border_color": [POSITIVE if kind == "ring" else "white" for kind in kinds],
        "border_width": [0.13 if kind == "ring" else 0.1 for kind in kinds],
    }
    if chosen is not None and chosen < len(clicks):
        marker = chosen + 1  # the ring comes first
        style["size"][marker] *= CHOSEN_SIZE
        style["border_color"][marker] = CHOSEN
        style["border_width"][marker] = 0.2
    return style


class Detail(NamedTuple):
    """How finely a window is drawn, so that the contour is as wide on the screen at any zoom.

    Attributes
    ----------
    thin : int
        By what step the window is thinned out.
    fine : int
        Into how many parts a pixel is cut along each side, where one would hide an object.
    width : int
        Of the contour, in pixels of the picture.
    """

    thin: int = 1
    fine: int = 1
    width: int = 1

    @property
    def step(self) -> float:
        """Side of a pixel of the picture in pixels of the image."""
        return self.thin / self.fine

    def of(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a window's values, thinned out or cut up."""
        values = values[:: self.thin, :: self.thin]
        return values if self.fine == 1 else values.repeat(self.fine, 0).repeat(self.fine, 1)


def preview_detail(shape: tuple[int, ...], pixel: float = 1.0) -> Detail:
    """Return how to draw a window.

    Parameters
    ----------
    shape : (int, int)
        Of the window.
    pixel : float
        Size of a pixel of the screen in pixels of the image.
    """
    side = max(shape)
    thin = max(1, math.ceil(side / PREVIEW_SIDE))
    most = min(1 / (CONTOUR_WIDTH * pixel), FINE_SIDE / side)
    fine = 2 ** math.floor(math.log2(most)) if most > 1 else 1
    # From afar, the contour of a small object would be all that is seen of it.
    widest = max(1, side * fine // thin // 60)
    return Detail(thin, fine, min(max(1, round(CONTOUR_WIDTH * pixel * fine / thin)), widest))


def draw_preview(probability: NDArray[np.float32], mask: NDArray[np.bool_], detail: Detail) -> RGBA:
    """Draw a mask as a contour over its probability, with a dark line about it.

    The two are seen together on whatever ground: the contour on a dark one, the line on a bright.

    Parameters
    ----------
    probability : ndarray of float32, shape (h, w), in [0, 1]
    mask : ndarray of bool, shape (h, w)
    detail : Detail

    Returns
    -------
    ndarray of uint8, shape (h', w', 4)
    """
    seen, inside = detail.of(probability), detail.of(mask)
    out = np.zeros((*inside.shape, 4), np.uint8)
    out[..., :3] = TINT
    # What is out of the mask is shown fainter than what is in it.
    out[..., 3] = seen * np.where(inside, 90, 45)
    out[ndimage.binary_dilation(inside, iterations=max(1, detail.width // 2)) & ~inside] = GROUND
    contour = inside & ~ndimage.binary_erosion(inside, iterations=detail.width)
    out[contour] = (*CONTOUR, 255)
    return out


def draw_carried(probability: NDArray[np.float32], mask: NDArray[np.bool_], detail: Detail) -> RGBA:
    """Draw a mask that was carried from another slice: a dashed contour, nothing outside.

    Parameters and what is returned are those of `draw_preview`.
    """
    inside, width = detail.of(mask), detail.width
    out = np.zeros((*inside.shape, 4), np.uint8)
    out[..., :3] = CARRIED
    out[..., 3] = detail.of(probability) * np.where(inside, 40, 0)
    contour = inside & ~ndimage.binary_erosion(inside, iterations=width)
    rows, columns = np.nonzero(contour)
    if rows.size:
        angles = np.arctan2(rows - rows.mean(), columns - columns.mean())
        dashes = max(6, round(rows.size / width / (DASH * width)))
        dashed = (angles / (2 * np.pi) * dashes) % 1 < 0.6
        out[rows, columns, 3] = np.where(dashed, 255, 90)
    return out


def star_outline(radius: float) -> list[tuple[float, float]]:
    """Return the (y, x) corners of a five-pointed star about the origin."""
    radii = [radius, radius * 0.45] * 5
    angles = [-math.pi / 2 + i * math.pi / 5 for i in range(10)]
    return [(r * math.sin(a), r * math.cos(a)) for r, a in zip(radii, angles, strict=True)]
