"""The suggested click on the canvas: a hollow marker that is no click yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Layer, Points

from napari_fclick.widgets.layers import TRANSFORMS, selection_kept, transform_of
from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.zoom import marker_pixel, screen_pixel

#: A light ring between two dark ones, and a dot: seen on any image, filled by none of them.
SIZES = (25.0, 22.0, 6.0)
_STYLE: dict[str, Any] = {
    "symbol": ["disc", "disc", "disc"],
    "face_color": ["#00000000", "#00000000", "#E6E6E6"],
    "border_color": ["#202020", "#E6E6E6", "#202020"],
    "border_width": [0.24, 0.13, 0.25],
}


class GhostLayer:
    """A Points layer over an image layer, made when there is first something to show.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Layer
        Whose transforms it follows.
    """

    def __init__(self, viewer: Any, image: Layer) -> None:
        self._viewer, self.image = viewer, image
        self.layer: Points | None = None
        self._links = [(getattr(image.events, name), self._follow) for name in TRANSFORMS]
        self._links.append((camera_of(viewer).events.zoom, self._resize))
        for emitter, callback in self._links:
            emitter.connect(callback)

    @property
    def ours(self) -> list[Layer]:
        """The layer, where it is in the viewer."""
        return [self.layer] if self.layer is not None and self._is_there() else []

    def show(self, point: Sequence[float]) -> bool:
        """Show the marker at a point of the layer; return whether the layer was made for it."""
        made = not self._is_there()
        if made:
            self._make()
        assert self.layer is not None
        layers = self._viewer.layers
        if layers[-1] is not self.layer:  # others came after it
            layers.move(layers.index(self.layer), len(layers))
        styled = len(self.layer.data) == len(SIZES)
        self.layer.data = np.array([point] * len(SIZES), float)
        if styled:  # it only moves
            return made
        with self.layer.events.blocker_all():  # drawn once, not once for each property
            for name, value in _STYLE.items():
                setattr(self.layer, name, value)
            self.layer.size = self._sizes()
        self.layer.visible = True
        self.layer.refresh(extent=False)
        return made

    def hide(self) -> None:
        """Show nothing; the layer stays, empty, for the next time."""
        if self.layer is not None and self._is_there() and len(self.layer.data):
            self.layer.selected_data = set()
            self.layer.data = np.empty((0, self.layer.ndim))
            self.layer.visible = False

    def close(self) -> None:
        """Remove the layer, and follow nothing any more."""
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links.clear()
        if self.layer is not None and self._is_there():
            self._viewer.layers.remove(self.layer)
        self.layer = None

    def _is_there(self) -> bool:
        return self.layer is not None and self.layer in self._viewer.layers

    def _make(self) -> None:
        self.layer = Points(ndim=self.image.ndim, name="suggestion", **transform_of(self.image))
        with selection_kept(self._viewer.layers):
            self._viewer.add_layer(self.layer)
        self.layer.editable = False

    def _sizes(self) -> Any:
        return np.array(SIZES) * marker_pixel(self.image, screen_pixel(self._viewer))

    def _resize(self, event: Any = None) -> None:
        if self.layer is not None and len(self.layer.data):
            self.layer.size = self._sizes()

    def _follow(self, event: Any = None) -> None:
        if self.layer is not None:
            for name in TRANSFORMS:
                setattr(self.layer, name, getattr(self.image, name))
            self._resize()
