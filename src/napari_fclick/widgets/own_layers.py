"""The markers of the clicks and the preview of the mask: layers of our own, drawn quickly."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from typing import Any, cast

import numpy as np
from napari.layers import Image, Layer, Points
from numpy.typing import NDArray

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.session import Place
from napari_fclick.session.state import PredictionLike
from napari_fclick.widgets.drawing import (
    Detail,
    draw_preview,
    marker_features,
    marker_style,
    preview_detail,
)
from napari_fclick.widgets.layers import PREVIEW, TRANSFORMS, selection_kept, transform_of
from napari_fclick.widgets.timers import single_shot
from napari_fclick.widgets.zoom import marker_pixel

#: Milliseconds after the last click until the table of the markers is filled.
DESCRIBED = 100

Draw = Callable[[Any, Any, Detail], Any]


def _unrefreshed(layer: Layer) -> AbstractContextManager[None]:
    """Keep a layer from being sliced while it changes: each property has it done."""
    block = getattr(layer, "_block_refresh", nullcontext)
    return cast(AbstractContextManager[None], block())


@contextmanager
def _silenced(layer: Layer) -> Iterator[None]:
    """Keep a layer from being sliced, and from telling of it, while it changes."""
    # Colours and text of points have events of their own, which the layer's do not hold back.
    parts = [layer, *(getattr(layer, name, None) for name in ("text", "_face", "_border"))]
    with ExitStack() as blocked:
        for part in parts:
            if part is not None:
                blocked.enter_context(part.events.blocker_all())
        blocked.enter_context(_unrefreshed(layer))
        yield


class Preview(Image):  # type: ignore[misc]
    """An image that lies within another one, of finer pixels maybe.

    napari lets its sliders reach as far as all layers do, in steps of the finest. This one says
    of itself what the image says, so that a step stays a pixel of the image.

    Parameters
    ----------
    image : Layer
        The one that it lies in, of as many dimensions.
    data, **options
        What any `Image` takes.
    """

    def __init__(self, image: Layer, data: Any, **options: Any) -> None:
        self._within = image
        super().__init__(data, **options)

    @property
    def extent(self) -> Any:
        """How far it reaches, and in what steps."""
        return self._within.extent

    @property
    def _type_string(self) -> str:
        return "image"  # napari would take the name of the class


class AnnotationLayers:
    """The markers of the clicks and the preview of the mask, over one image layer.

    They follow the image layer's transforms, and can be deleted by the user at any time: they
    come back with the next click.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Layer
        The image layer.
    """

    def __init__(self, viewer: Any, image: Layer) -> None:
        self._viewer, self._image = viewer, image
        self.clicks: Points | None = None
        self.preview: Preview | None = None
        self._drawn: Any = None
        self._detail = Detail()
        self._redraw: Callable[[], None] | None = None
        self._shown: tuple[ClickSequence, Place] | None = None
        self._chosen: int | None = None
        self._to_be_raised = False
        self._on_screen = 1.0
        self._sequence, self._number = ClickSequence(), 0
        self._corner: tuple[float, ...] = ()
        self._steps = np.ones(image.ndim)
        self._describing = single_shot(self._describe, DESCRIBED)
        for name in TRANSFORMS:
            getattr(image.events, name).connect(self._follow)

    @property
    def ours(self) -> list[Layer]:
        """The layers that are in the viewer."""
        layers = (self.clicks, self.preview)
        return [layer for layer in layers if layer is not None and layer in self._viewer.layers]

    def prepare(self, place: Place) -> None:
        """Make the layers, empty: napari takes its time for that, and the first click has none."""
        if len(self.ours) == 2:
            return
        self._clicks_layer()
        if self.preview is None or self.preview not in self._viewer.layers:
            nothing = np.zeros((1, 1, 4), np.uint8)
            self._put(nothing, place, (0.0,) * place.ndim, np.ones(place.ndim))
            self._drawn = None
        self._to_be_raised = True

    def show_clicks(self, clicks: ClickSequence, place: Place, number: int = 0) -> None:
        """Draw the clicks of a plane, which are on the object of a number; 0 for not known yet."""
        renumbered = self._number != number
        self._sequence, self._number = clicks, number
        if not clicks and self.clicks is None:
            return
        if self._shown == (clicks, place) and self.clicks in self._viewer.layers:
            if clicks and renumbered:
                self._describing.start()
            return
        self._shown = (clicks, place)
        layer = self._clicks_layer()
        points = [place.point(click.y, click.x) for click in clicks]
        self._fill(layer, [points[0], *points] if points else points)
        if points and self._to_be_raised:
            # Above what was added since they were made.
            self._to_be_raised = False
            for each in reversed(self.ours):  # the clicks last
                self._raise(each)

    def mark(self, chosen: int | None) -> None:
        """Let one click stand out, by its index, or none."""
        if chosen != self._chosen:
            self._chosen, shown = chosen, self._shown
            self._shown = None
            if shown is not None:
                self.show_clicks(*shown, self._number)

    def show_marker(self, index: int, point: Sequence[float]) -> None:
        """Draw one click elsewhere while it is dragged."""
        layer = self.clicks
        if layer is None or index + 1 >= len(layer.data):
            return
        self._shown = None
        data = np.array(layer.data)
        data[index + 1] = point
        if index == 0:
            data[0] = point
        layer.data = data

    def show_preview(
        self,
        prediction: PredictionLike | None,
        mask: Any,
        place: Place,
        current: bool,
        draw: Draw = draw_preview,
    ) -> None:
        """Draw a mask over its probability.

        Parameters
        ----------
        prediction : PredictionLike or None
            None hides the preview.
        mask : ndarray of bool, shape (h, w)
            Of the prediction's window.
        place : Place
        current : bool
            False where a newer answer is awaited: it is drawn fainter.
        draw : callable
            Takes probability, mask and `Detail`, returns the picture.
        """
        self._redraw = None
        if prediction is None:
            # Not by `visible`: napari lays its whole scene out anew for that, and paints it.
            if self.preview is not None and self.preview.opacity:
                self.preview.opacity = 0.0
            return
        self._redraw = partial(self.show_preview, prediction, mask, place, current, draw)
        detail = preview_detail(prediction.probability.shape, self._marker_pixel())
        drawn = self._drawn is mask and self._detail == detail
        if not drawn or self.preview not in self._viewer.layers:
            self._detail = detail
            self._draw(prediction, mask, place, draw)
            self._drawn = mask
        assert self.preview is not None
        opacity = 1.0 if current else 0.6
        if self.preview.opacity != opacity:
            self.preview.opacity = opacity

    def _draw(self, prediction: PredictionLike, mask: Any, place: Place, draw: Draw) -> None:
        rows, columns = prediction.window
        step = self._detail.step
        drawn = draw(prediction.probability, mask, self._detail)
        corner = place.point(rows.start + (step - 1) / 2, columns.start + (step - 1) / 2)
        steps = np.ones(place.ndim)
        steps[list(place.axes)] = step
        self._put(drawn, place, corner, steps)

    def resize_markers(self, on_screen: float) -> None:
        """Keep the size of the markers, and the width of the contour, on the screen.

        Parameters
        ----------
        on_screen : float
            Size of a pixel of the screen in units of the world.
        """
        self._on_screen = on_screen
        if self.clicks is not None and len(self.clicks.data):
            style = marker_style(self._sequence, self._marker_pixel(), self._chosen)
            if len(style["size"]) == len(self.clicks.data):
                self.clicks.size = style["size"]
        if self._redraw is not None:
            self._redraw()

    def hide(self) -> None:
        """Remove the layers; they come back when there is something to show."""
        for layer in self.ours:
            self._viewer.layers.remove(layer)
        self.clicks = self.preview = self._drawn = self._redraw = None

    def close(self) -> None:
        """No longer follow the image layer."""
        self._describing.stop()
        self._redraw = None
        for name in TRANSFORMS:
            getattr(self._image.events, name).disconnect(self._follow)

    # --- clicks -------------------------------------------------------------------------

    def _fill(self, layer: Points, points: list[tuple[float, ...]]) -> None:
        # Drawn once, not once for each property. Clicks lie in the image: the viewer need not
        # find out anew how far its layers reach, which takes longer than all else.
        with _silenced(layer):
            layer.selected_data = set()
            layer.data = np.array(points, float).reshape(-1, layer.ndim)
            if points:
                style = marker_style(self._sequence, self._marker_pixel(), self._chosen)
                for name, value in style.items():
                    setattr(layer, name, value)
        layer.refresh(extent=False)
        if points:
            self._describing.start()

    def _describe(self) -> None:
        """Fill the table of the markers, which takes longer than to draw them."""
        layer, features = self.clicks, marker_features(self._sequence, self._number)
        if (
            layer is not None
            and layer in self._viewer.layers
            and len(layer.data) == len(features["order"])
        ):
            with _silenced(layer):
                layer.features = features

    def _marker_pixel(self) -> float:
        return marker_pixel(self._image, self._on_screen)

    def _clicks_layer(self) -> Points:
        if self.clicks is None or self.clicks not in self._viewer.layers:
            self.clicks = Points(ndim=self._image.ndim, name="clicks", **transform_of(self._image))
            self._shown = None
            self._add(self.clicks)
            # The session has the clicks: napari's own tools would only change their picture.
            self.clicks.editable = False
        return self.clicks

    # --- preview ------------------------------------------------------------------------

    def _put(
        self, drawn: Any, place: Place, corner: tuple[float, ...], steps: NDArray[np.float64]
    ) -> None:
        others = tuple(axis for axis in range(place.ndim) if axis not in place.axes)
        drawn = np.expand_dims(drawn, others)
        self._corner, self._steps = corner, steps
        layer = self.preview
        if layer is None or layer not in self._viewer.layers:
            placed = {**transform_of(self._image), **self._preview_transform()}
            self.preview = Preview(
                self._image, drawn, rgb=True, name="preview", metadata={PREVIEW: True}, **placed
            )
            self._add(self.preview)
            return
        with _silenced(layer):
            layer.data = drawn
        self._place_preview(layer)

    def _place_preview(self, layer: Layer) -> None:
        """Bring the preview to its place, and have it drawn."""
        # It lies in the image: the viewer need not find out anew how far its layers reach.
        reaches = getattr(self._viewer, "_on_layers_change", None)
        with _unrefreshed(layer):
            for name, value in self._preview_transform().items():
                if not np.array_equal(getattr(layer, name), value):
                    moved = getattr(layer.events, name)
                    with nullcontext() if reaches is None else moved.blocker(reaches):
                        setattr(layer, name, value)
        layer.refresh(extent=False)

    def _preview_transform(self) -> dict[str, Any]:
        """Return scale and translation of a layer that covers the window only."""
        image = self._image
        world = np.asarray(image.data_to_world(self._corner))
        shift = world - np.asarray(image.data_to_world((0.0,) * image.ndim))
        # The affine comes after the translation: it is taken out again.
        inner = np.linalg.solve(image.affine.linear_matrix, shift)
        return {"scale": image.scale * self._steps, "translate": image.translate + inner}

    # --- both ---------------------------------------------------------------------------

    def _add(self, layer: Layer) -> None:
        with selection_kept(self._viewer.layers):
            self._viewer.add_layer(layer)
        if self.clicks is not None and self.clicks in self._viewer.layers:
            self._raise(self.clicks)

    def _raise(self, layer: Layer) -> None:
        layers = self._viewer.layers
        if layers[-1] is not layer:
            layers.move(layers.index(layer), len(layers))

    def _follow(self, event: Any = None) -> None:
        """Take over a transform of the image layer that has changed."""
        for layer in self.ours:
            for name in TRANSFORMS:
                setattr(layer, name, getattr(self._image, name))
            if layer is self.preview:
                self._place_preview(layer)
