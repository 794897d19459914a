"""One image layer with its session, its markers and preview, and its labels."""

from __future__ import annotations

from typing import Any

from napari_fclick.session import Session
from napari_fclick.widgets.layers import (
    AnnotationLayers,
    is_labels_of,
    new_labels,
    why_not_writable,
)
from napari_fclick.widgets.planes import LayerError, layer_shape
from napari_fclick.widgets.targets import Targets
from napari_fclick.widgets.zoom import screen_pixel


class Annotation:
    """What belongs to one image layer.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Layer
    session : Session
    targets : Targets
        Where its labels come from, shared with the other images.
    """

    def __init__(self, viewer: Any, image: Any, session: Session, targets: Targets) -> None:
        self._viewer, self._targets = viewer, targets
        self.image, self.session = image, session
        self.shape = layer_shape(image)
        self.layers = AnnotationLayers(viewer, image)
        self.labels: Any = None
        self.preview_hidden = False

    @property
    def own_layers(self) -> list[Any]:
        """The layers on which our keys are bound."""
        layers = [self.image, self.labels, *self.layers.ours]
        return [layer for layer in layers if layer is not None]

    def has_its_shape(self) -> bool:
        """Whether the image layer's data still have the shape they had."""
        return layer_shape(self.image) == self.shape

    def resize_markers(self) -> None:
        """Keep the markers' size on the screen."""
        self.layers.resize_markers(screen_pixel(self._viewer))

    def draw(self) -> None:
        """Show clicks and preview as the session has them."""
        session = self.session
        self.layers.show_clicks(session.clicks, session.place)
        shown = None if self.preview_hidden else session.latest_prediction
        found = session.mask(shown) if shown is not None else None
        mask = None if found is None else found.mask
        self.layers.show_preview(shown, mask, session.place, current=not session.pending)

    def use_limits(self, on: bool) -> None:
        """Have the predictor see what the layer's contrast limits show, or choose itself."""
        image = self.image
        low, high = image.contrast_limits if on and not image.rgb else (0.0, 0.0)
        self.session.set_limits((float(low), float(high)) if low < high else None)

    def use_labels(self, layer: Any) -> None:
        """Write objects into a layer; None for a new one, made when it is needed.

        Raises
        ------
        LayerError
            If the layer does not fit.
        """
        if layer is None:
            self.forget_labels()
            return
        if not is_labels_of(layer, self.image):
            raise LayerError(
                f"layer {layer.name!r} does not fit: it must be a Labels layer of the shape "
                f"{self.shape}"
            )
        problem = why_not_writable(layer)
        if problem is not None:
            raise LayerError(f"objects cannot go to labels layer {layer.name!r}: {problem}")
        self._use(layer, highest=None)

    def ensure_labels(self) -> None:
        """Make a Labels layer where none is chosen; raises LayerError if it is too large."""
        if self.labels is not None:
            return
        layer = new_labels(self.image)
        selected = set(self._viewer.layers.selection)
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        position = self._viewer.layers.index(self.image) + 1
        self._viewer.layers.move(len(self._viewer.layers) - 1, position)
        self._viewer.layers.selection = selected
        self._viewer.layers.selection.active = active
        self._use(layer, highest=0)

    def forget_labels(self) -> None:
        """Write into no layer: a new one is made when it is needed."""
        self.labels = None
        self.session.set_labels(None)

    def hide(self) -> None:
        """Remove markers and preview; the session keeps what they showed."""
        self.layers.hide()

    def close(self) -> None:
        """Let go of the layers."""
        self.layers.close()

    def _use(self, layer: Any, highest: int | None) -> None:
        self.session.set_labels(self._targets.of(layer, highest))
        self.labels = layer
