"""Which image layer is annotated, into which labels, and with which channels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_fclick.session import Session
from napari_fclick.session.outlines import Outlines
from napari_fclick.widgets.accepting import Accepting
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.covering import (
    is_image,
    lies_elsewhere,
    seen_together,
    tell_apart,
    tell_hidden,
)
from napari_fclick.widgets.layers import tell_channels, why_no_new_labels
from napari_fclick.widgets.planes import displayed_place, plane_at
from napari_fclick.widgets.predicting import Predicting
from napari_fclick.widgets.timers import single_shot
from napari_fclick.widgets.workers import Job, Worker

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Annotated:
    """The image layers that are annotated, each with its session, and the one that is now.

    Parameters
    ----------
    controller : Controller
    predicting : Predicting
    accepting : Accepting
    chores : Worker
        Looks into files.

    Attributes
    ----------
    current : Annotation or None
        What belongs to the image layer that is annotated now.
    refused : str
        Why the image layer that was chosen is not annotated; empty where none was refused.
    """

    def __init__(
        self,
        controller: Controller,
        predicting: Predicting,
        accepting: Accepting,
        chores: Worker,
    ) -> None:
        self._controller, self._predicting = controller, predicting
        self._accepting, self._chores = accepting, chores
        self.current: Annotation | None = None
        self.refused = ""
        self._annotations: dict[Any, Annotation] = {}
        self._outlines: list[Outlines] = []
        self._wanted: Any = None
        self._leaving: list[Annotation] = []
        self._hiding = single_shot(self._hide_now)

    @property
    def all(self) -> list[Annotation]:
        """What belongs to each image layer that has been annotated."""
        return list(self._annotations.values())

    @property
    def apart(self) -> str:
        """What is said where another image than the one annotated is seen, or selected."""
        current, viewer = self.current, self._controller.viewer
        return "" if current is None else tell_apart(viewer, current.image, current.channels)

    @property
    def hidden(self) -> str:
        """What is said where the image, its labels or the preview are not shown."""
        current = self.current
        if current is None:
            return ""
        viewer = self._controller.viewer
        return tell_hidden(viewer, current.image, current.labels, current.preview_hidden)

    def forget_answers(self) -> None:
        """Ask anew about all images: other weights answer."""
        for outlines in self._outlines:  # of images that are closed, too
            outlines.forget()
        for annotation in self.all:
            annotation.session.answers.forget()

    def close(self) -> None:
        """Remove markers and previews."""
        for annotation in self._annotations.values():
            annotation.hide()
            annotation.close()

    # --- images -------------------------------------------------------------------------

    def choose_image(self, layer: Any) -> None:
        """Annotate another image layer; what was begun on the one before is kept."""
        controller = self._controller
        self._wanted, self.refused = layer, ""
        controller.following.note_selection()
        if layer is controller.image:
            return
        if layer is not None and controller.messages.level != "error":
            controller.say("")  # it was about the image before
        self._leave()
        if layer is not None:
            try:
                self.current = self._annotation(layer)
            except ValueError as error:
                self.refused = str(error)
                controller.say(self.refused, "warning")
        if self.current is not None:
            controller.follow_view()  # its session may be on the slice of then
            controller.adjusting.follow_limits()
        controller.bind_keys()
        controller.refresh()
        self.prepare_soon()
        self._tell_unfit()

    def _tell_unfit(self) -> None:
        """Say at once what is wrong with an image, not when its first object is accepted."""
        current = self.current
        if current is None or current.labels is not None:
            return
        if problem := why_no_new_labels(current.image):
            self._controller.say(problem, "warning")
            return
        image = current.image

        def told(channels: str) -> None:
            if channels and image is self._controller.image:
                self._controller.say(channels, "warning")

        tell = partial(tell_channels, str(image.source.path or ""), image.name, image.ndim)
        self._chores.submit("channels", Job(tell, told, lambda _: None))

    def follow_selected(self, layer: Any) -> None:
        """Annotate the image that the user has selected, unless something is at hand."""
        controller, current = self._controller, self.current
        if not is_image(layer) or controller.at_hand:
            return
        if current is not None and (
            layer in (current.image, *current.channels) or seen_together(layer, current.image)
        ):
            return
        self.choose_image(layer)
        warned = controller.messages.level == "warning"
        if current is not None and controller.image is layer and not warned:
            controller.say(f"{layer.name!r} is annotated now")

    def retry(self) -> None:
        """Try again to annotate the image layer that could not be when it was chosen."""
        if self._wanted is not None:
            self.choose_image(self._wanted)

    def drop_image(self, layer: Any) -> bool:
        """Forget an image layer that is gone; return whether it had been annotated."""
        if layer is self._wanted:
            self._wanted, self.refused = None, ""
        annotation = self._annotations.pop(layer, None)
        if annotation is None:
            return False
        if annotation is self.current:
            self._leave()
        else:
            self._hide_soon(annotation)
        self._controller.journaling.drop(annotation)
        for part in (self._controller.stacks, self._controller.finding, self._controller.doubts):
            part.forget(annotation.session)
        annotation.close()
        return True

    def prepare_soon(self) -> None:
        """Make the layers of the first click as soon as napari is done with what it does now."""
        QTimer.singleShot(0, self.prepare)

    def prepare(self) -> None:
        """Make the layers of the first click, where there are weights to click with."""
        controller, current = self._controller, self.current
        # Without weights nobody clicks yet, and the dock is to be there first.
        if not controller.active or controller.weights.predictor is None or current is None:
            return
        if current.image in controller.viewer.layers:
            # The first click makes them anyway, and can say what is wrong.
            with suppress(Exception):
                current.prepare()
                controller.bind_keys()

    def _leave(self) -> None:
        """Annotate no image for now."""
        self._controller.stop_accepting()
        if self.current is not None:
            self._hide_soon(self.current)
        self.current = None
        self._predicting.forget()

    def _hide_soon(self, annotation: Annotation) -> None:
        """Remove markers and preview as soon as napari is done with what it does now.

        It may be removing layers, one after the other: none must vanish under its hands.
        """
        self._leaving.append(annotation)
        self._hiding.start()

    def _hide_now(self) -> None:
        leaving, self._leaving = self._leaving, []
        for annotation in leaving:
            if annotation is not self.current:  # unless it was chosen again
                with suppress(Exception):  # the viewer may be gone by then
                    annotation.hide()

    def _annotation(self, layer: Any) -> Annotation:
        controller = self._controller
        if layer not in self._annotations:
            place = displayed_place(controller.viewer, layer)
            outlines = Outlines(self._outlines)
            session = Session(plane_at(layer, place), place=place, outlines=outlines)
            annotation = Annotation(controller.viewer, layer, session, controller.targets)
            controller.journaling.watch(annotation)  # first: what it writes, nothing is to prevent
            controller.features.follow(session)
            session.stepped.connect(controller.journaling.on_step)
            session.changed.connect(controller.refresh)
            for earlier in self.all[-1:]:
                session.classes.take(earlier.session.classes)
            session.classes.changed.connect(controller.changed.emit)
            session.place_changed.connect(controller.following.go_to)
            session.reported.connect(controller.say)
            controller.following.watch(layer)
            self._annotations[layer] = annotation
        annotation = self._annotations[layer]
        annotation.resize_markers()
        return annotation

    # --- labels -------------------------------------------------------------------------

    def choose_labels(self, layer: Any) -> None:
        """Write accepted objects into this Labels layer; None for a new one.

        Objects accepted before stay where they are, and can be undone there.
        """
        controller, current = self._controller, self.current
        if current is None or layer is current.labels:
            return
        controller.following.note_selection()
        if current.labels is not None:
            controller.stop_accepting()  # it was meant for the labels before
        try:
            current.use_labels(layer)
        except ValueError as error:
            controller.say(str(error), "error")
        session = current.session
        if session.target is not None:
            controller.targets.count(session.target)
            self.tell_full()
        if layer is not None and layer is current.labels and lies_elsewhere(layer, current.image):
            controller.say(
                f"labels layer {layer.name!r} is not shown where the image is: give it the "
                "image's scale and translation, or objects appear elsewhere than they are clicked",
                "warning",
            )
        controller.bind_keys()
        controller.refresh()
        self._accepting.go_on(session)

    def tell_full(self) -> None:
        """Say that the labels have no number left for a new object, if that is known by now."""
        current = self.current
        if current is not None and current.labels is not None and current.session.objects.full:
            self._controller.say(
                f"labels layer {current.labels.name!r} ({current.session.labels.dtype}) has no "
                "number left for a new object: choose another one, such as of a wider dtype",
                "warning",
            )

    @property
    def lost_labels(self) -> list[Any]:
        """Labels layers with objects of this session that are not in the viewer any more."""
        owners = {} if self.current is None else self.current.session.objects.owners
        layers = [getattr(each.labels, "layer", None) for each in dict.fromkeys(owners.values())]
        there = self._controller.viewer.layers
        return [each for each in layers if each is not None and each not in there]

    def bring_back_labels(self) -> None:
        """Show the Labels layers again that were removed with objects in them."""
        self._controller.messages.forget_problem()  # that they were removed, and what that ended
        for layer in self.lost_labels:
            self._controller.viewer.add_layer(layer)
            self.choose_labels(layer)
        if self.current is not None:
            self._controller.features.take_up(self.current.session)

    # --- channels -----------------------------------------------------------------------

    def choose_channels(self, layers: Sequence[Any]) -> None:
        """Look at these image layers together with the image; none for the image alone.

        They are gray, of the image's shape and in its place, and two at most.
        """
        controller, current = self._controller, self.current
        if current is None:
            return
        controller.following.note_selection()
        controller.stop_accepting()
        controller.messages.forget_problem()
        try:
            current.use_channels(layers)
        except ValueError as error:
            controller.say(str(error), "error")
        for layer in current.channels:
            controller.following.watch(layer)
        controller.journaling.note_channels(current)
        controller.refresh()
