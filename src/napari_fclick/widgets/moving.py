"""Which way is up: from directions on the screen to pixels of a plane, and the view of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.guidance import Point
from napari_fclick.session import Place
from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.planes import to_world
from napari_fclick.widgets.zoom import screen_pixel

#: How far it is to what is further, in pixels of the screen.
FAR = 10.0

#: Downwards and to the right.
_DIRECTIONS = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


def moved(
    viewer: Any, image: Any, place: Place, point: Point, direction: str, far: bool = False
) -> Point:
    """Return a point of a plane moved along its rows or columns.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Layer
    place : Place
        The plane, which is on show.
    point : (float, float)
        Row and column.
    direction : {"up", "down", "left", "right"}
        On the screen: the axis of the plane is taken that leads most that way.
    far : bool
        By about `FAR` pixels of the screen, and at least two of the plane, instead of by one.
    """
    steps = _steps(viewer, image, place)
    lengths = np.linalg.norm(steps, axis=1)
    along = steps @ np.asarray(_DIRECTIONS[direction], float)
    axis = int(np.argmax(np.abs(along) / lengths))
    count = max(2, round(FAR * screen_pixel(viewer) / float(lengths[axis]))) if far else 1
    by = count * float(np.sign(along[axis]))
    return (point[0] + by, point[1]) if axis == 0 else (point[0], point[1] + by)


def middle_of_view(viewer: Any) -> list[float]:
    """Return the point of the viewer's world in the middle of the canvas."""
    world = [float(v) for v in viewer.dims.point]
    middle = camera_of(viewer).center[-2:]
    for axis, value in zip(viewer.dims.displayed, middle, strict=True):
        world[axis] = float(value)
    return world


def bring_into_view(viewer: Any, image: Any, place: Place, point: Point) -> None:
    """Have the camera look at a point of a plane, where it does not see it."""
    level = image.downsample_factors[image.data_level] if image.multiscale else 1
    low, high = (np.asarray(image.corner_pixels) * level)[:, list(place.axes)]
    # What was never drawn has no corners.
    if not (high > low).all() or ((low <= point) & (point <= high)).all():
        return
    world = np.asarray(to_world(viewer, image, place, *point))[list(viewer.dims.displayed)]
    camera = camera_of(viewer)
    camera.center = (*camera.center[:-2], *(float(v) for v in world))


def _steps(viewer: Any, image: Any, place: Place) -> NDArray[np.float64]:
    """Return where a row and a column lead on the screen: down and right, in the world."""
    shown = list(viewer.dims.displayed)
    origin, row, column = (
        np.asarray(to_world(viewer, image, place, y, x))[shown]
        for y, x in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0))
    )
    towards = camera_of(viewer).orientation2d
    signs = [-1.0 if str(way) in ("up", "left") else 1.0 for way in towards]
    return np.stack([row - origin, column - origin]) * signs
