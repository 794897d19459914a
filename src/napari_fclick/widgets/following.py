"""Follows what the user does to the viewer and its layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import ref

from napari_fclick.session import Place
from napari_fclick.widgets.covering import is_image
from napari_fclick.widgets.layers import IMAGE, image_id
from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.planes import (
    LayerError,
    displayed_place,
    fits_as_channel,
    in_volume_shown,
    to_world,
)
from napari_fclick.widgets.timers import single_shot

if TYPE_CHECKING:
    from napari_fclick.widgets.annotation import Annotation
    from napari_fclick.widgets.controller import Controller


class Follower:
    """Keeps a controller in step with its viewer, until `close`.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._watched: dict[Any, list[tuple[Any, Any]]] = {}
        viewer = self._viewer = controller.viewer
        self._links = [
            (viewer.dims.events.current_step, self.follow_dims),
            (viewer.dims.events.order, self.follow_dims),
            (viewer.dims.events.ndisplay, self.follow_dims),
            (viewer.layers.events.removed, self._on_removed),
            (viewer.layers.events.inserted, self._on_inserted),
            (viewer.layers.events.reordered, self._on_look),
            (viewer.layers.selection.events.active, self._on_selected),
            (camera_of(viewer).events.zoom, self._on_zoom),
        ]
        for emitter, callback in self._links:
            emitter.connect(callback)
        for layer in viewer.layers:
            self._watch_look(layer)
        self._problem = ""
        self._known: Callable[[], Any] = _nothing
        self.note_selection()
        self._removed = False
        # What is selected for a moment only, as while layers are added, is not followed.
        self._selecting = single_shot(self._follow_selection)

    def watch(self, image: Any) -> None:
        """Follow the pixels and the contrast limits of an image layer too."""
        if image in self._watched:
            return
        self._watched[image] = [
            (image.events.data, self._on_image_data),
            (image.events.contrast_limits, self._on_limits),
        ]
        for emitter, callback in self._watched[image]:
            emitter.connect(callback)

    def close(self) -> None:
        """Follow nothing any more."""
        self._selecting.stop()
        for layer in self._viewer.layers:
            self._watch_look(layer, on=False)
        for emitter, callback in self._links:
            emitter.disconnect(callback)
        self._links.clear()
        for layer in list(self._watched):
            self._unwatch(layer)

    def _unwatch(self, layer: Any) -> None:
        for emitter, callback in self._watched.pop(layer, ()):
            emitter.disconnect(callback)

    def follow_dims(self, event: Any = None) -> bool:
        """Go to the plane on show; False, with a message, where there is none."""
        controller = self._controller
        current = controller.current
        if current is None:
            controller.annotated.retry()
            return False
        if current.image not in self._viewer.layers:
            return False  # it is being removed: the viewer may have fewer dimensions already
        try:
            place = displayed_place(self._viewer, current.image)
        except LayerError as error:
            self._problem = str(error)
            controller.say(self._problem, "warning")
            return False
        controller.messages.unsay(self._problem)
        if place != current.session.place:
            controller.leave_plane(place)
            current.session.show(place, current.plane(place))
        return True

    def follow_volume(self) -> bool:
        """Like `follow_dims`; in 3-D, the plane that was on show last is gone on with."""
        current = self._controller.current
        if current is None or current.image not in self._viewer.layers:
            return self.follow_dims()
        in_volume = in_volume_shown(self._viewer, current.image, current.session.place)
        return in_volume or self.follow_dims()

    def go_to(self, place: Place) -> None:
        """Show the plane in which something was undone."""
        dims, image = self._viewer.dims, self._controller.image
        missing = dims.ndim - image.ndim
        shown = [axis + missing for axis in place.axes]
        if sorted(dims.displayed) != shown:
            dims.order = (*(a for a in range(dims.ndim) if a not in shown), *shown)
        world = to_world(self._viewer, image, place, 0.0, 0.0)
        others = [axis for axis in range(missing, dims.ndim) if axis not in shown]
        dims.set_point(others, [world[axis] for axis in others])

    def _on_zoom(self, event: Any = None) -> None:
        if self._controller.current is not None:
            self._controller.current.resize_markers()

    def _on_limits(self, event: Any) -> None:
        controller = self._controller
        if event.source in (controller.image, *controller.channels):
            controller.adjusting.follow_limits()

    # --- which image ------------------------------------------------------------------------

    def note_selection(self) -> None:
        """Take the layer selected now as known: only another one is followed."""
        active = self._viewer.layers.selection.active
        self._known = _nothing if active is None else ref(active)  # one removed is let go

    def _on_selected(self, event: Any = None) -> None:
        self._selecting.start(0)

    def _follow_selection(self) -> None:
        before, removed = self._known(), self._removed
        self.note_selection()
        self._removed = False
        selected = self._known()
        if selected is before:
            return
        if not removed:  # else napari, not the user, has selected a layer in its place
            self._controller.annotated.follow_selected(selected)
        self._controller.changed.emit()

    def _watch_look(self, layer: Any, on: bool = True) -> None:
        """Follow whether an image can be seen, and through."""
        if is_image(layer):
            for name in ("visible", "opacity", "blending"):
                emitter = getattr(layer.events, name)
                (emitter.connect if on else emitter.disconnect)(self._on_look)

    def _on_inserted(self, event: Any) -> None:
        self._watch_look(event.value)
        self._on_look()

    def _on_look(self, event: Any = None) -> None:
        self._controller.changed.emit()

    # --- what becomes of it -----------------------------------------------------------------

    def _on_removed(self, event: Any) -> None:
        layer, controller = event.value, self._controller
        self._watch_look(layer, on=False)
        if controller.annotated.drop_image(layer):
            controller.say(f"image layer {layer.name!r} was removed", "warning")
        for annotation in controller.annotated.all:
            if annotation.labels is layer:
                if annotation is controller.current:
                    controller.stop_accepting()  # first: it is said what for
                annotation.forget_labels()
                text = f"labels layer {layer.name!r} was removed: objects go to a new one"
                lost = layer in controller.annotated.lost_labels
                controller.say(text + "; Bring back shows it again" * lost, "warning")
            self._drop_channel(annotation, layer, "was removed")
        controller.targets.drop(layer)
        controller.features.forget(layer)
        self._unwatch(layer)
        controller.bind_keys()
        self._removed = layer is self._known() and controller.current is not None
        self._selecting.start(0)
        if controller.current is None:
            controller.refresh()  # whatever followed it lets go
        else:
            controller.changed.emit()

    def _on_image_data(self, event: Any) -> None:
        """Predict anew on other pixels; begin anew where their shape has changed."""
        layer, controller = event.source, self._controller
        for other in controller.annotated.all:
            if layer in other.channels:
                self._follow_channel(other, layer)
        annotation = next((a for a in controller.annotated.all if a.image is layer), None)
        if annotation is None:
            return
        if annotation.has_its_shape():
            annotation.renew()
            if annotation.was_exchanged():
                controller.journaling.look_again(annotation)
            return
        self._begin_anew(annotation)
        controller.say(f"the shape of {layer.name!r} changed: its clicks no longer fit", "warning")

    def begin_with_others(self, annotation: Annotation) -> None:
        """Keep the objects of one image apart from those of another in the same layer."""
        path = self._controller.journaling.path_of(annotation)
        self._begin_anew(annotation)
        where = "" if path is None else f"; the objects before are in {path.name}"
        self._controller.say(
            f"{annotation.image.name!r} has other pixels now: a new session begins{where}, and "
            "in their labels layer",
            "warning",
        )

    def _begin_anew(self, annotation: Annotation) -> None:
        controller, layer = self._controller, annotation.image
        was_current = annotation is controller.current
        controller.annotated.drop_image(layer)
        for labels in self._viewer.layers:
            if labels.metadata.get(IMAGE) == image_id(layer):
                del labels.metadata[IMAGE]  # they are of what the layer held before
        if was_current:
            controller.annotated.choose_image(layer)

    def _follow_channel(self, annotation: Annotation, layer: Any) -> None:
        """Predict anew on a channel's other pixels, or without it."""
        if fits_as_channel(layer, annotation.image):
            annotation.renew()
        else:
            self._drop_channel(annotation, layer, "has another shape now")

    def _drop_channel(self, annotation: Annotation, layer: Any, why: str) -> None:
        """Go on without a channel, and without others that no longer fit."""
        controller = self._controller
        if layer not in annotation.channels:
            return
        if annotation is controller.current:
            controller.stop_accepting()
        others = [other for other in annotation.channels if other is not layer]
        unfit = [other for other in others if not fits_as_channel(other, annotation.image)]
        annotation.use_channels([other for other in others if other not in unfit])
        controller.journaling.note_channels(annotation)
        lost = [f"channel {layer.name!r} {why}"]
        lost += [f"channel {other.name!r} no longer fits" for other in unfit]
        subject = "they are" if unfit else "it is"
        controller.say(f"{' and '.join(lost)}: {subject} no longer used", "warning")


def _nothing() -> None:
    """Stand for a layer where there is none."""
