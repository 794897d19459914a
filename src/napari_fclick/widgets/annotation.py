"""One image layer with its session, its markers and preview, and its labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_fclick.core.channels import MAX_CHANNELS
from napari_fclick.session import Place, Session
from napari_fclick.widgets.covering import is_image
from napari_fclick.widgets.drawing import draw_carried
from napari_fclick.widgets.layers import (
    IMAGE,
    TRANSFORMS,
    image_id,
    is_labels_of,
    new_labels,
    selection_kept,
    why_not_writable,
)
from napari_fclick.widgets.own_layers import AnnotationLayers
from napari_fclick.widgets.planes import (
    LayerError,
    fits_as_channel,
    layer_shape,
    levels_of,
    limits_of,
    plane_at,
    stack_at,
)
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

    Attributes
    ----------
    channels : tuple of Layer
        Other image layers that are looked at together with the image.
    """

    def __init__(self, viewer: Any, image: Any, session: Session, targets: Targets) -> None:
        self._viewer, self._targets = viewer, targets
        self.image, self.session = image, session
        self.shape = layer_shape(image)
        self.layers = AnnotationLayers(viewer, image)
        self.labels: Any = None
        self.preview_hidden = False
        self.channels: tuple[Any, ...] = ()
        self._use_limits = False
        self._stacked: Any = None
        self._arrays = levels_of(image)
        for name in TRANSFORMS:
            getattr(image.events, name).connect(self._place_labels)

    @property
    def own_layers(self) -> list[Any]:
        """The layers on which our keys are bound."""
        layers = [self.image, self.labels, *self.layers.ours]
        return [layer for layer in layers if layer is not None]

    def has_its_shape(self) -> bool:
        """Whether the image layer's data still have the shape they had."""
        return layer_shape(self.image) == self.shape

    def was_exchanged(self) -> bool:
        """Whether the image layer has other arrays than when this was asked last.

        An array that was changed in place is the same one.
        """
        before, self._arrays = self._arrays, levels_of(self.image)
        pairs = zip(before, self._arrays, strict=False)
        return len(before) != len(self._arrays) or any(a is not b for a, b in pairs)

    def resize_markers(self) -> None:
        """Keep the markers' size on the screen."""
        self.layers.resize_markers(screen_pixel(self._viewer))

    def prepare(self) -> None:
        """Make the layers that the first click and its mask are drawn in."""
        self.layers.prepare(self.session.place)
        self.resize_markers()

    def draw(self, carried: Any = None) -> None:
        """Show clicks and preview as the session has them.

        Parameters
        ----------
        carried : CarriedPreview, optional
            The mask that was carried to the plane on show, where it has no clicks.
        """
        session = self.session
        number = session.objects.number_of(session.draft) or 0
        self.layers.show_clicks(session.clicks, session.place, number)
        if carried is not None and not self.preview_hidden:
            self.layers.show_preview(
                carried, carried.mask, session.place, current=carried.current, draw=draw_carried
            )
            return
        shown = None if self.preview_hidden else session.answers.latest
        found = session.mask(shown) if shown is not None else None
        mask = None if found is None else found.mask
        self.layers.show_preview(shown, mask, session.place, current=not session.answers.pending)

    # --- pixels -------------------------------------------------------------------------

    def plane(self, place: Place) -> Any:
        """Return the pixels of a plane, of all channels, as a session takes them."""
        if not self.channels:
            return plane_at(self.image, place)
        return stack_at([self.image, *self.channels], place, self.channel_limits())

    def renew(self) -> None:
        """Predict anew on pixels that have changed."""
        self._stacked = (self.channels, self.channel_limits())
        place = self.session.place
        self._set_limits()
        self.session.show(place, self.plane(place))
        self.session.answers.forget()

    def use_channels(self, layers: Sequence[Any]) -> None:
        """Look at other image layers too; at the image alone where there are none.

        Raises
        ------
        LayerError
            If one does not fit, or there are too many.
        """
        chosen = tuple(layer for layer in layers if layer is not self.image)
        for layer in chosen:
            if not fits_as_channel(layer, self.image):
                raise LayerError(
                    f"layer {layer.name!r} cannot be a channel of {self.image.name!r}: it must be "
                    f"a gray image of the shape {self.shape} in the same place"
                )
        if len(chosen) >= MAX_CHANNELS:
            raise LayerError(
                f"{len(chosen) + 1} channels chosen; the network sees {MAX_CHANNELS} at most"
            )
        if chosen != self.channels:
            self.channels = chosen
            self.renew()

    def use_limits(self, on: bool) -> None:
        """Have the predictor see what the layers' contrast limits show, or choose itself."""
        self._use_limits = on
        if not self.channels:
            self._set_limits()
        elif self._stacked != (self.channels, self.channel_limits()):
            self.renew()

    @property
    def limits(self) -> tuple[float, float] | None:
        """Intensities of a plane that are black and white to the predictor, if it is told."""
        limits = self.channel_limits()
        if limits is None:
            return None
        # A stack brings each channel's limits to 0 and 1 itself.
        return (0.0, 1.0) if self.channels else limits[0]

    def _set_limits(self) -> None:
        self.session.answers.set_limits(self.limits)

    def channel_limits(self) -> list[tuple[float, float]] | None:
        """Return each channel's limits; None where they are not to be used, or unusable."""
        if not self._use_limits:
            return None
        found = [limits_of(layer) for layer in (self.image, *self.channels)]
        limits = [pair for pair in found if pair is not None]
        return limits if len(limits) == len(found) else None

    # --- labels -------------------------------------------------------------------------

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
        layer, layers = new_labels(self.image), self._viewer.layers
        if layer.name in layers:  # those of another image
            layer.name = f"{layer.name} of {self.image.name}"
        # Above all images: one on top would hide it, or, where it is additive, drown it.
        position = max(layers.index(each) for each in layers if is_image(each)) + 1
        with selection_kept(layers):
            self._viewer.add_layer(layer)
            layers.move(len(layers) - 1, position)
        self._use(layer, highest=0)

    def forget_labels(self) -> None:
        """Write into no layer: a new one is made when it is needed."""
        self.labels = None
        self.session.set_labels(None)

    def hide(self) -> None:
        """Remove markers and preview; the session keeps what they showed."""
        self.layers.hide()

    def close(self) -> None:
        """Let go of the layers, and of the objects."""
        self.session.objects.let_go()
        for name in TRANSFORMS:
            getattr(self.image.events, name).disconnect(self._place_labels)
        self.layers.close()

    def _place_labels(self, event: Any) -> None:
        """Keep the labels that we made for the image where it is."""
        for layer in self._viewer.layers:
            if layer.metadata.get(IMAGE) == image_id(self.image):
                setattr(layer, event.type, getattr(self.image, event.type))

    def _use(self, layer: Any, highest: int | None) -> None:
        self.session.set_labels(self._targets.of(layer, highest))
        self.labels = layer
