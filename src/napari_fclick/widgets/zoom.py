"""How large a pixel of the screen is, and what the view shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_fclick.widgets.moved import camera_of, canvas_size

#: Part of the view that an object may fill before the view is widened for it.
FILLED = 0.8
#: Part of the view that an object fills at least when it is to be looked at.
CLOSE = 0.1


def screen_pixel(viewer: Any) -> float:
    """Return the size of a pixel of the screen in units of the world."""
    return 1.0 / float(camera_of(viewer).zoom)


def marker_pixel(layer: Any, on_screen: float) -> float:
    """Return the size of a pixel of the screen in the unit of markers over a layer.

    Parameters
    ----------
    layer : Layer
        Whose transforms the markers have; napari scales them by the last axis alone.
    on_screen : float
        Size of a pixel of the screen in units of the world.
    """
    scale = abs(float(layer.scale[-1])) * abs(float(layer.affine.scale[-1]))
    return on_screen / (scale or 1.0)


def centre_view(
    viewer: Any, centre: Sequence[float], extent: Sequence[float], *, closely: bool = False
) -> None:
    """Bring something into the middle of a 2-D view, unless all of it is in view.

    The zoom stays, unless what is looked at would not fit.

    Parameters
    ----------
    viewer : napari.Viewer
    centre, extent : sequence of two floats
        Where it is and how large, along the axes on show, in units of the world.
    closely : bool
        Bring it there wherever it is, and so near that it fills a part of the view.
    """
    camera = camera_of(viewer)
    away = [abs(a - b) for a, b in zip(centre, camera.center[-2:], strict=True)]
    sizes = canvas_size(viewer)
    if not closely and all(
        2 * a + length <= side / camera.zoom
        for a, length, side in zip(away, extent, sizes, strict=True)
    ):
        return
    zooms = [side / length for side, length in zip(sizes, extent, strict=True) if length > 0]
    if zooms:
        least = CLOSE * min(zooms) if closely else 0.0
        camera.zoom = min(max(camera.zoom, least), FILLED * min(zooms))
    camera.center = (*tuple(camera.center)[:-2], *(float(v) for v in centre))
