"""Joins sessions, one an image layer, to a viewer and to the thread that predicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from napari.layers import Image
from psygnal import Signal

from napari_fclick.core.clicks import ClickError
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.session import Place, Session, SessionError
from napari_fclick.session.state import PredictorLike
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.keys import KeyBindings
from napari_fclick.widgets.loading import Choices, available_choices, load_predictor
from napari_fclick.widgets.mouse import MouseTool
from napari_fclick.widgets.planes import (
    LayerError,
    displayed_place,
    displayed_plane,
    to_plane,
    to_world,
)
from napari_fclick.widgets.workers import Job, Worker

#: A press this near to a marker's centre, in pixels of the screen, is on it.
MARKER_RADIUS = 8.0

Load = Callable[[str, str], PredictorLike]


class Controller:
    """Everything the dock does, without the dock.

    Parameters
    ----------
    viewer : napari.Viewer
    load : callable, optional
        Takes weights and device, returns a predictor; may take its time and raise ValueError.
    discover : callable, optional
        Returns the weights and devices there are; may take its time.

    Attributes
    ----------
    changed : Signal()
        The dock is to be shown anew.
    reported : Signal(str, str)
        A message, and "info", "warning" or "error".
    discovered : Signal(Choices)
        Which weights and devices there are.
    """

    changed = Signal()
    reported = Signal(str, str)
    discovered = Signal(object)

    def __init__(
        self,
        viewer: Any,
        load: Load = load_predictor,
        discover: Callable[[], Choices] = available_choices,
    ) -> None:
        # The plain viewer: its layers can then be compared by identity.
        self.viewer = getattr(viewer, "__wrapped__", viewer)
        self.predictor: PredictorLike | None = None
        self.loading = False
        self._load_error = "no weights are loaded"
        self._load, self._discover = load, discover
        self._worker, self._chores = Worker(), Worker("napari-fclick-chores")
        self._annotations: dict[Any, Annotation] = {}
        self._current: Annotation | None = None
        self._wanted: Any = None
        self._asked: tuple[int, int] | None = None
        self._accepting = False
        self._queued: list[tuple[float, float, bool]] = []
        self._active = False
        self._closed = False
        self._mouse = MouseTool(self.viewer, self)
        self._keys = KeyBindings(self)
        self._connect()

    # --- life ---------------------------------------------------------------------------

    def _connect(self) -> None:
        viewer = self.viewer
        self._links = [
            (viewer.dims.events.current_step, self._on_dims),
            (viewer.dims.events.order, self._on_dims),
            (viewer.dims.events.ndisplay, self._on_dims),
            (viewer.layers.events.removed, self._on_removed),
            (_camera(viewer).events.zoom, self._on_zoom),
        ]
        for emitter, callback in self._links:
            emitter.connect(callback)

    def activate(self) -> None:
        """Take the mouse and the keys."""
        if not self._closed and not self._active:
            self._active = True
            self._mouse.attach()
            self._bind_keys()

    def deactivate(self) -> None:
        """Give the mouse and the keys back."""
        if self._active:
            self._active = False
            self._mouse.detach()
            self._keys.release()

    def close(self) -> None:
        """Leave the viewer as it was found; the objects stay."""
        if self._closed:
            return
        self.deactivate()
        self._closed = True
        self._worker.close()
        self._chores.close()
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        if self._current is not None:
            self._current.hide()
        for annotation in self._annotations.values():
            annotation.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is loading, being predicted or waiting to be accepted."""
        return not (self._worker.busy or self._chores.busy)

    # --- weights ------------------------------------------------------------------------

    def start(self, weights: str = "default", device: str = "auto") -> None:
        """Load weights, and find out what else there is."""
        self.load_weights(weights, device)
        self._worker.submit(
            "discover", Job(self._discover, self.discovered.emit, lambda m: self._say(m, "error"))
        )

    def load_weights(self, weights: str, device: str) -> None:
        """Load weights; until they are there, those loaded before stay in use."""
        self.loading = True
        self.changed.emit()
        job = Job(lambda: self._load(weights, device), self._loaded, self._load_failed)
        self._worker.submit("load", job)

    def _loaded(self, predictor: PredictorLike) -> None:
        self.loading = False
        self.predictor = predictor
        self._asked = None
        for annotation in list(self._annotations.values()):
            annotation.session.forget_predictions()
        self.changed.emit()

    def _load_failed(self, message: str) -> None:
        self.loading = False
        self._load_error = message
        self._stop_accepting()
        self._say(message, "error")
        self._refresh()

    # --- layers -------------------------------------------------------------------------

    @property
    def image(self) -> Any:
        """The image layer that is annotated, or None."""
        return None if self._current is None else self._current.image

    @property
    def labels(self) -> Any:
        """The Labels layer that objects are written into; None before there is one."""
        return None if self._current is None else self._current.labels

    @property
    def session(self) -> Session | None:
        """The session of the image layer."""
        return None if self._current is None else self._current.session

    def is_image(self, layer: Any) -> bool:
        """Whether a layer is an image to annotate: one that is not a preview of ours."""
        ours = [annotation.layers.preview for annotation in self._annotations.values()]
        return isinstance(layer, Image) and layer not in ours

    def choose_image(self, layer: Any) -> None:
        """Annotate another image layer; what was begun on the one before is kept."""
        self._wanted = layer
        if layer is self.image:
            return
        self._stop_accepting()
        if self._current is not None:
            self._current.hide()
        self._current, self._asked = None, None
        if layer is not None:
            try:
                self._current = self._annotation(layer)
            except ValueError as error:
                self._say(str(error), "warning")
        self._bind_keys()
        self._refresh()

    def choose_labels(self, layer: Any) -> None:
        """Write accepted objects into this Labels layer; None for a new one.

        Objects accepted before stay where they are, and can be undone there.
        """
        if self._current is None or layer is self._current.labels:
            return
        try:
            self._current.use_labels(layer)
        except ValueError as error:
            self._say(str(error), "error")
        self._count_labels(self._current)
        self._bind_keys()
        self._refresh()

    def _annotation(self, layer: Any) -> Annotation:
        if layer not in self._annotations:
            plane = displayed_plane(self.viewer, layer)
            session = Session(plane.image, place=plane.place)
            annotation = Annotation(self.viewer, layer, session)
            session.changed.connect(self._refresh)
            session.place_changed.connect(self._go_to)
            session.reported.connect(self._say)
            layer.events.data.connect(self._on_image_data)
            self._annotations[layer] = annotation
        annotation = self._annotations[layer]
        annotation.layers.resize_markers(1 / _camera(self.viewer).zoom)
        return annotation

    def _count_labels(self, annotation: Annotation) -> None:
        """Find the highest object number off the GUI thread."""
        session = annotation.session
        if session.knows_next_label:
            return
        self._chores.submit(
            "count",
            Job(
                lambda: session.next_label,
                lambda _: self.changed.emit(),
                lambda m: self._say(m, "error"),
            ),
        )

    # --- clicks -------------------------------------------------------------------------

    def click(self, y: float, x: float, positive: bool = True) -> None:
        """Click at row ``y`` and column ``x`` of the plane on show, as the mouse would."""
        if self._accepting:
            # It belongs to the next object, which begins when this one is accepted.
            self._queued.append((y, x, positive))
            return
        session = self._ready()
        if session is None:
            return
        if not positive and not session.clicks:
            self._say("begin with a left click on the object; right clicks correct it", "warning")
            return
        self._try(lambda: session.add(y, x, positive))

    def click_world(self, position: Sequence[float], positive: bool) -> None:
        """Click at a point of the viewer's world."""
        place = self._displayed_place()
        if place is not None:
            self.click(*to_plane(self.viewer, self.image, position, place), positive)

    def remove(self, index: int) -> None:
        """Remove a click."""
        self._change(lambda session: session.remove(index))

    def move(self, index: int, y: float, x: float) -> None:
        """Move a click to row ``y`` and column ``x``."""
        self._change(lambda session: session.move(index, y, x))

    def promote(self, index: int) -> None:
        """Make a positive click the first."""
        self._change(lambda session: session.promote(index))

    def promote_at_cursor(self) -> None:
        """Make the click under the cursor the first."""
        index = self.marker_at(self.viewer.cursor.position)
        if index is None:
            self._say("point at a positive click to make it the first", "warning")
        else:
            self.promote(index)

    def clear(self) -> None:
        """Remove all clicks of the current object."""
        self._change(lambda session: session.clear())

    def drag_marker(self, index: int, position: Sequence[float]) -> None:
        """Show a click elsewhere while it is dragged."""
        session, current = self.session, self._current
        if session is not None and current is not None:
            y, x = to_plane(self.viewer, current.image, position, session.place)
            current.layers.show_marker(index, session.place.point(y, x))

    def drop_marker(self, index: int, position: Sequence[float]) -> None:
        """Move a click to a point of the viewer's world."""
        place = self._displayed_place()
        if place is not None:
            self.move(index, *to_plane(self.viewer, self.image, position, place))

    def marker_at(self, position: Sequence[float]) -> int | None:
        """Return the index of the click whose marker is at a point of the world."""
        session = self.session
        if session is None or not session.clicks:
            return None
        shown = list(self.viewer.dims.displayed)
        here = np.asarray(position, float)[shown]
        distances = [
            float(np.linalg.norm(np.asarray(self._world(session.place, c.y, c.x))[shown] - here))
            for c in session.clicks
        ]
        nearest = int(np.argmin(distances))
        reach = MARKER_RADIUS / _camera(self.viewer).zoom
        return nearest if distances[nearest] <= reach else None

    def accepts_clicks(self) -> bool:
        """Whether a click on the canvas is meant for us, not for a layer's own tool."""
        active = self.viewer.layers.selection.active
        return self._current is not None and (active is None or active.mode == "pan_zoom")

    # --- objects ------------------------------------------------------------------------

    def accept(self) -> None:
        """Write the object into the labels, at once or as soon as its mask is there."""
        session, current = self._ready(), self._current
        if session is None or current is None or self._accepting:
            return
        if session.pending and (self.predictor is not None or self.loading):
            self._accepting = True
            self._say("accepted as soon as the mask is there", "info")
            return
        self._accept(session, current)

    def _accept(self, session: Session, current: Annotation) -> None:
        try:
            if session.clicks and session.prediction is not None:
                current.ensure_labels()
                self._bind_keys()
            session.accept()
        except Exception as error:
            # Whatever labels on a disk may raise: the clicks are kept, and it is said.
            self._say(str(error), "error")

    def undo(self) -> None:
        """Undo the last click, setting or accepted object."""
        self._change(lambda session: session.undo())

    def redo(self) -> None:
        """Do again what was undone."""
        self._change(lambda session: session.redo())

    def set(
        self,
        threshold: float | None = None,
        integrity: bool | None = None,
        policy: OverlapPolicy | str | None = None,
    ) -> None:
        """Change settings; what is None stays. No prediction is run."""
        session = self.session
        if session is not None:
            self._try(lambda: session.set(threshold=threshold, integrity=integrity, policy=policy))

    def toggle_integrity(self) -> None:
        """Turn the structural integrity strategy on or off."""
        if self.session is not None:
            self.set(integrity=not self.session.settings.integrity)

    def toggle_preview(self) -> None:
        """Hide or show the preview."""
        if self._current is not None:
            self._current.preview_hidden = not self._current.preview_hidden
            self._refresh()

    # --- predictions --------------------------------------------------------------------

    def _ask(self) -> None:
        session, predictor = self.session, self.predictor
        request = None if session is None else session.request()
        if session is None or request is None or predictor is None:
            self._worker.drop("predict")
            if session is not None and request is not None and not self.loading:
                session.fail(request.generation, self._load_error)
            return
        asked = (id(session), request.generation)
        if asked == self._asked:
            return
        self._asked = asked
        job = Job(
            lambda: request.run(predictor),
            lambda found: self._receive(session, request.generation, found),
            lambda message: self._receive_failure(session, request.generation, message),
        )
        self._worker.submit("predict", job)

    def _receive(self, session: Session, generation: int, prediction: Any) -> None:
        if not session.receive(generation, prediction) or session is not self.session:
            return
        found = session.mask()
        if found is not None and found.fell_back:
            self._say(
                "no positive click lies in the mask: the part nearest the first click was kept",
                "warning",
            )
        self._go_on_accepting(session)

    def _receive_failure(self, session: Session, generation: int, message: str) -> None:
        if session.fail(generation, message) and session is self.session:
            self._stop_accepting()
            self._say(f"no prediction: {message}", "error")

    def _go_on_accepting(self, session: Session) -> None:
        if not self._accepting or self._current is None:
            return
        self._accepting = False
        queued, self._queued = self._queued, []
        self._accept(session, self._current)
        if session.clicks and queued:
            self._say(f"not accepted: {len(queued)} clicks made since were not added", "error")
            return
        for y, x, positive in queued:
            self.click(y, x, positive)

    def _stop_accepting(self) -> None:
        if self._accepting:
            count = len(self._queued)
            self._accepting, self._queued = False, []
            lost = f"; {count} clicks made since were not added" if count else ""
            self._say(f"not accepted, the clicks are kept{lost}", "warning")

    # --- the viewer ---------------------------------------------------------------------

    def _on_dims(self, event: Any = None) -> None:
        session, current = self.session, self._current
        if session is None or current is None:
            if self._wanted is not None:
                self.choose_image(self._wanted)
            return
        try:
            place = displayed_place(self.viewer, current.image)
            if place == session.place:
                return
            self._stop_accepting()
            session.show(place, displayed_plane(self.viewer, current.image).image)
        except LayerError as error:
            self._say(str(error), "warning")

    def _go_to(self, place: Place) -> None:
        """Show the plane in which something was undone."""
        dims, image = self.viewer.dims, self.image
        missing = dims.ndim - image.ndim
        shown = [axis + missing for axis in place.axes]
        if sorted(dims.displayed) != shown:
            dims.order = (*(a for a in range(dims.ndim) if a not in shown), *shown)
        world = self._world(place, 0.0, 0.0)
        others = [axis for axis in range(missing, dims.ndim) if axis not in shown]
        dims.set_point(others, [world[axis] for axis in others])

    def _on_zoom(self, event: Any = None) -> None:
        if self._current is not None:
            self._current.layers.resize_markers(1 / _camera(self.viewer).zoom)

    def _on_removed(self, event: Any) -> None:
        layer = event.value
        if layer is self._wanted:
            self._wanted = None
        if layer in self._annotations:
            annotation = self._annotations.pop(layer)
            if annotation is self._current:
                self._stop_accepting()
                self._current, self._asked = None, None
                self._say(f"image layer {layer.name!r} was removed", "warning")
            annotation.hide()
            annotation.close()
        for annotation in self._annotations.values():
            if annotation.labels is layer:
                annotation.forget_labels()
                self._say(
                    f"labels layer {layer.name!r} was removed: objects go to a new one", "warning"
                )
        self._bind_keys()
        self.changed.emit()

    def _on_image_data(self, event: Any) -> None:
        """Predict anew on other pixels; begin anew where their shape has changed."""
        layer = event.source
        annotation = self._annotations.get(layer)
        if annotation is None:
            return
        try:
            plane = displayed_plane(self.viewer, layer)
            same = annotation.shape == annotation.shape_now()
        except LayerError:
            same = False
        if same:
            annotation.session.show(plane.place, plane.image)
            annotation.session.forget_predictions()
            return
        was_current = annotation is self._current
        self._annotations.pop(layer)
        annotation.hide()
        annotation.close()
        self._say(f"the shape of {layer.name!r} changed: its clicks no longer fit", "warning")
        if was_current:
            self._current = None
            self.choose_image(layer)

    def _refresh(self) -> None:
        """Show the session as it is, and ask for what it needs."""
        if self._closed:
            return
        if self._current is not None:
            self._current.draw()
        self._ask()
        self.changed.emit()

    def _bind_keys(self) -> None:
        if not self._active:
            return
        layers = [] if self._current is None else self._current.own_layers
        self._keys.bind(self.viewer, [layer for layer in layers if layer in self.viewer.layers])

    # --- helpers ------------------------------------------------------------------------

    def _world(self, place: Place, y: float, x: float) -> tuple[float, ...]:
        return to_world(self.viewer, self.image, place, y, x)

    def _displayed_place(self) -> Place | None:
        try:
            return displayed_place(self.viewer, self.image)
        except LayerError as error:
            self._say(str(error), "warning")
            return None

    def _ready(self) -> Session | None:
        """Return the session, on the plane on show; None, with a message, where there is none."""
        if self._current is None:
            self._say("open or choose an image first", "warning")
            return None
        if self._displayed_place() is None:
            return None
        self._on_dims()
        return self.session

    def _change(self, change: Callable[[Session], Any]) -> None:
        session = self._ready()
        if session is not None:
            self._stop_accepting()
            self._try(lambda: change(session))

    def _try(self, change: Callable[[], Any]) -> None:
        try:
            change()
        except (ClickError, SessionError, LayerError) as error:
            self._refresh()  # a marker that was dragged away goes back
            self._say(str(error), "warning")

    def _say(self, message: str, level: str = "info") -> None:
        self.reported.emit(message, level)


def _camera(viewer: Any) -> Any:
    """Return the camera, which napari 0.9 moved."""
    scene = getattr(viewer, "scene", None)
    return viewer.camera if scene is None else scene.camera
