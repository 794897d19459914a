"""How large a pixel of the screen is."""

from __future__ import annotations

from typing import Any


def camera_of(viewer: Any) -> Any:
    """Return a viewer's camera, which napari 0.9 moved."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera


def screen_pixel(viewer: Any) -> float:
    """Return the size of a pixel of the screen in units of the world."""
    return 1.0 / float(camera_of(viewer).zoom)
