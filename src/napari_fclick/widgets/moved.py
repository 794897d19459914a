"""What napari 0.9 moved to other places: the camera, the grid and the canvas's size."""

from __future__ import annotations

from typing import Any


def camera_of(viewer: Any) -> Any:
    """Return a viewer's camera."""
    return getattr(viewer, "scene", viewer).camera


def grid_of(viewer: Any) -> Any:
    """Return what tells whether a viewer shows its layers beside each other."""
    return getattr(viewer, "canvas", viewer).grid


def canvas_size(viewer: Any) -> tuple[int, int]:
    """Return the canvas's height and width, for which napari before 0.9 has no public name."""
    canvas = getattr(viewer, "canvas", None)
    height, width = viewer._canvas_size if canvas is None else canvas.size
    return int(height), int(width)
