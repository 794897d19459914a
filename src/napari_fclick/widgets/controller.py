"""Joins sessions, one an image layer, to a viewer and to the thread that predicts."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_fclick.core.clicks import OutsideError
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.session import NumberedLabels, Place, Session, Step
from napari_fclick.session.state import PredictorLike
from napari_fclick.widgets.accepting import Accepting, reason
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.choosing import Choosing
from napari_fclick.widgets.covering import is_image, seen_together, tell_apart
from napari_fclick.widgets.features import LabelFeatures
from napari_fclick.widgets.folder_walk import FolderWalk
from napari_fclick.widgets.following import Follower
from napari_fclick.widgets.journaling import Journaling
from napari_fclick.widgets.key_table import KeyTableOpener
from napari_fclick.widgets.keys import KeyBindings
from napari_fclick.widgets.loading import (
    Choices,
    available_choices,
    load_predictor,
    weights_in_use,
)
from napari_fclick.widgets.mouse import MouseTool
from napari_fclick.widgets.objects import ObjectTools
from napari_fclick.widgets.planes import displayed_place, plane_at
from napari_fclick.widgets.predicting import Predicting
from napari_fclick.widgets.showing import Showing
from napari_fclick.widgets.stacks.tool import StackTool
from napari_fclick.widgets.stakes import Stakes
from napari_fclick.widgets.suggesting import Suggesting
from napari_fclick.widgets.targets import Targets
from napari_fclick.widgets.workers import Worker

logger = logging.getLogger(__name__)

NO_PREDICTION = "no prediction: "

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
    targets : Targets
        The Labels layers that objects are written into.
    suggesting : Suggesting
        The suggested click, and the moving of clicks by keys.
    choosing : Choosing
        The click that keys act on.
    key_table : KeyTableOpener
    objects : ObjectTools
        Picks up, deletes, merges, renumbers, classifies and shows objects.
    features : LabelFeatures
        What the Labels layers are told of their objects.
    stakes : Stakes
        What accepting would do to other objects.
    stacks : StackTool
        Carries the object at hand through a stack.
    journaling : Journaling
        The session files.
    walk : FolderWalk
        Goes through a folder of images.
    weights : str
        The weights that were asked for last.
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
        self._predicting = Predicting(load, discover)
        self._showing = Showing(self._draw)
        self.weights, self._device, self._loads = "", "auto", 0
        self._chores = Worker("napari-fclick-chores")
        self.targets = Targets(self.viewer, self._chores)
        self._annotations: dict[Any, Annotation] = {}
        self._current: Annotation | None = None
        self._wanted: Any = None
        self._leaving: list[Annotation] = []
        self._hiding = QTimer()
        self._hiding.setSingleShot(True)
        self._hiding.timeout.connect(self._hide_now)
        self._accepting = Accepting(self, self._predicting)
        self._use_limits = False
        self._active = False
        self._closed = False
        self._said, self._level = "", "info"
        self._mouse = MouseTool(self)
        self.suggesting, self.key_table = Suggesting(self), KeyTableOpener(self)
        self.choosing, self._keys = Choosing(self), KeyBindings(self)
        self._follower = Follower(self)
        self.objects = ObjectTools(self, self._follower.go_to)
        self.features = LabelFeatures()
        self.stakes = Stakes(self._chores, self.changed.emit)
        self.stacks = StackTool(
            self, self._chores, lambda: self._predicting.busy, self._follower.go_to
        )
        self.journaling = Journaling(self)
        self.walk = FolderWalk(self)
        self._connect()

    # --- life ---------------------------------------------------------------------------

    def _connect(self) -> None:
        predicting = self._predicting
        predicting.loaded.connect(self._on_loaded)
        predicting.failed.connect(self._on_load_failed)
        predicting.answered.connect(self._on_answer)
        predicting.unanswered.connect(self._on_no_answer)
        predicting.discovered.connect(self._on_discovered)
        weights_in_use.changed.connect(self._on_in_use)
        self.targets.counted.connect(self._on_counted)
        self.targets.failed.connect(self._on_not_counted)
        self.journaling.changed.connect(self.changed.emit)
        self.journaling.exchanged.connect(self._follower.begin_with_others)

    def activate(self) -> None:
        """Take the mouse and the keys."""
        if not self._closed and not self._active:
            self._active = True
            self._mouse.attach()
            self.bind_keys()
            self._prepare_soon()

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
        self.walk.close()  # first: its labels are noted in the session
        self.journaling.close()
        self.stacks.close()
        self.deactivate()
        self._closed = True
        self._showing.stop()
        weights_in_use.changed.disconnect(self._on_in_use, missing_ok=True)
        self._predicting.close()
        self._chores.close()
        self._follower.close()
        self.suggesting.close()
        self.choosing.close()
        self.key_table.close()
        self.targets.close()
        self.features.close()
        for annotation in self._annotations.values():
            annotation.hide()
            annotation.close()

    @property
    def idle(self) -> bool:
        """Whether nothing is loading, being predicted or waiting to be accepted."""
        parts = (
            self._predicting,
            self._chores,
            self.suggesting,
            self.journaling,
            self.stacks,
            self.walk,
        )
        return not any(part.busy for part in parts)

    # --- weights ------------------------------------------------------------------------

    @property
    def predictor(self) -> PredictorLike | None:
        """What predicts; None before weights are loaded."""
        return self._predicting.predictor

    @property
    def loading(self) -> bool:
        """Whether weights are being loaded."""
        return self._predicting.loading

    def start(self, weights: str = "default", device: str = "auto") -> None:
        """Load weights, and find out what else there is."""
        self.load_weights(weights, device)
        self._predicting.discover()

    def load_weights(self, weights: str, device: str) -> None:
        """Load weights; until they are there, those loaded before stay in use."""
        self.weights, self._device = weights, device
        self._loads += 1
        self._predicting.load(weights, device)
        self.changed.emit()

    def _on_discovered(self, choices: Choices) -> None:
        # It takes a while to find out that others were promoted: the default ones come first.
        if self._loads == 1 and self.weights == "default" != choices.in_use:
            self.load_weights(choices.in_use, self._device)
        self.discovered.emit(choices)

    def _on_in_use(self, name: str) -> None:
        """Go on with weights that were promoted, or rolled back to."""
        self.load_weights(name, self._device)
        self._predicting.discover()

    def _on_loaded(self) -> None:
        self.journaling.use_weights(self.predictor)
        for annotation in list(self._annotations.values()):
            annotation.session.answers.forget()
        if self.session is not None:
            self._accepting.go_on(self.session)
        self._prepare_soon()
        self.changed.emit()

    def _on_load_failed(self, problem: str) -> None:
        self.stop_accepting()
        self.say(problem, "error")
        self.refresh()

    # --- layers -------------------------------------------------------------------------

    @property
    def current(self) -> Annotation | None:
        """What belongs to the image layer that is annotated."""
        return self._current

    @property
    def annotations(self) -> list[Annotation]:
        """What belongs to each image layer that has been annotated."""
        return list(self._annotations.values())

    @property
    def image(self) -> Any:
        """The image layer that is annotated, or None."""
        return None if self._current is None else self._current.image

    @property
    def labels(self) -> Any:
        """The Labels layer that objects are written into; None before there is one."""
        return None if self._current is None else self._current.labels

    @property
    def channels(self) -> tuple[Any, ...]:
        """The other image layers that are looked at together with the image."""
        return () if self._current is None else self._current.channels

    @property
    def session(self) -> Session | None:
        """The session of the image layer."""
        return None if self._current is None else self._current.session

    @property
    def at_hand(self) -> bool:
        """Whether there is anything on the plane on show, or waiting, that is not accepted."""
        session = self.session
        if session is None:
            return False
        begun = bool(session.clicks) or session.draft.absent or self._accepting.pending
        return begun or self.stacks.current is not None

    @property
    def apart(self) -> str:
        """What is said where another image than the one annotated is seen, or selected."""
        image = self.image
        return "" if image is None else tell_apart(self.viewer, image, self.channels)

    def follow_selected(self, layer: Any) -> None:
        """Annotate the image that the user has selected, unless something is at hand."""
        before = self.image
        if not is_image(layer) or layer is before or layer in self.channels:
            return
        if before is not None and seen_together(layer, before):
            return
        if not self.at_hand:
            self.choose_image(layer)
            if before is not None and self.image is layer:
                self.say(f"{layer.name!r} is annotated now")

    def choose_image(self, layer: Any) -> None:
        """Annotate another image layer; what was begun on the one before is kept."""
        self._wanted = layer
        self._follower.note_selection()
        if layer is self.image:
            return
        if layer is not None and self._level != "error":
            self.say("")  # it was about the image before
        self.stop_accepting()
        if self._current is not None:
            self._hide(self._current)
        self._current = None
        self._predicting.forget()
        if layer is not None:
            try:
                self._current = self._annotation(layer)
            except ValueError as error:
                self.say(str(error), "warning")
        if self._current is not None:
            self.follow_view()  # its session may be on the slice of then
            self.follow_limits()
        self.bind_keys()
        self.refresh()
        self._prepare_soon()

    def retry(self) -> None:
        """Try again to annotate the image layer that could not be when it was chosen."""
        if self._wanted is not None:
            self.choose_image(self._wanted)

    def follow_view(self) -> bool:
        """Have the session be on the plane on show; False, with a message, if there is none."""
        return self._follower.follow_dims()

    def drop_image(self, layer: Any) -> bool:
        """Forget an image layer that is gone; return whether it had been annotated."""
        if layer is self._wanted:
            self._wanted = None
        annotation = self._annotations.pop(layer, None)
        if annotation is None:
            return False
        if annotation is self._current:
            self.stop_accepting()
            self._current = None
            self._predicting.forget()
        self.journaling.drop(annotation)
        self.stacks.forget(annotation.session)
        self._hide(annotation)
        annotation.close()
        return True

    def _prepare_soon(self) -> None:
        """Make the layers of the first click as soon as napari is done with what it does now."""
        QTimer.singleShot(0, self._prepare)

    def _prepare(self) -> None:
        # Without weights nobody clicks yet, and the dock is to be there first.
        current = self._current
        if self._closed or not self._active or self.predictor is None or current is None:
            return
        if current.image in self.viewer.layers:
            with suppress(
                Exception
            ):  # the first click makes them anyway, and can say what is wrong
                current.prepare()
                self.bind_keys()

    def _hide(self, annotation: Annotation) -> None:
        """Remove markers and preview as soon as napari is done with what it does now.

        It may be removing layers, one after the other: none must vanish under its hands.
        """
        self._leaving.append(annotation)
        self._hiding.start()

    def _hide_now(self) -> None:
        leaving, self._leaving = self._leaving, []
        for annotation in leaving:
            if annotation is not self._current:  # unless it was chosen again
                with suppress(Exception):  # the viewer may be gone by then
                    annotation.hide()

    def choose_labels(self, layer: Any) -> None:
        """Write accepted objects into this Labels layer; None for a new one.

        Objects accepted before stay where they are, and can be undone there.
        """
        if self._current is None or layer is self._current.labels:
            return
        self._follower.note_selection()
        if self._current.labels is not None:
            self.stop_accepting()  # it was meant for the labels before
        try:
            self._current.use_labels(layer)
        except ValueError as error:
            self.say(str(error), "error")
        session = self._current.session
        if session.target is not None:
            self.targets.count(session.target)
        self.bind_keys()
        self.refresh()
        self._accepting.go_on(session)

    @property
    def lost_labels(self) -> list[Any]:
        """Labels layers with objects of this session that are not in the viewer any more."""
        owners = {} if self.session is None else self.session.objects.owners
        layers = [getattr(each.labels, "layer", None) for each in dict.fromkeys(owners.values())]
        return [each for each in layers if each is not None and each not in self.viewer.layers]

    def bring_back_labels(self) -> None:
        """Show the Labels layers again that were removed with objects in them."""
        for layer in self.lost_labels:
            self.viewer.add_layer(layer)
            self.choose_labels(layer)
        if self.session is not None:
            self.features.take_up(self.session)

    def choose_channels(self, layers: Sequence[Any]) -> None:
        """Look at these image layers together with the image; none for the image alone.

        They are gray, of the image's shape and in its place, and two at most.
        """
        if self._current is None:
            return
        self._follower.note_selection()
        self.stop_accepting()
        self._clear_message()
        try:
            self._current.use_channels(layers)
        except ValueError as error:
            self.say(str(error), "error")
        for layer in self._current.channels:
            self._follower.watch(layer)
        self.journaling.note_channels(self._current)
        self.refresh()

    def _annotation(self, layer: Any) -> Annotation:
        if layer not in self._annotations:
            place = displayed_place(self.viewer, layer)
            session = Session(plane_at(layer, place), place=place)
            annotation = Annotation(self.viewer, layer, session, self.targets)
            self.journaling.watch(annotation)  # first: what it writes, nothing is to prevent
            self.features.follow(session)
            session.stepped.connect(self.journaling.on_step)
            session.changed.connect(self.refresh)
            for earlier in list(self._annotations.values())[-1:]:
                session.classes.take(earlier.session.classes)
            session.classes.changed.connect(self.changed.emit)
            session.place_changed.connect(self._follower.go_to)
            session.reported.connect(self.say)
            self._follower.watch(layer)
            self._annotations[layer] = annotation
        annotation = self._annotations[layer]
        annotation.resize_markers()
        return annotation

    # --- clicks -------------------------------------------------------------------------

    def click(self, y: float, x: float, positive: bool = True) -> None:
        """Click at row ``y`` and column ``x`` of the plane on show, as the mouse would."""
        if self.accepting:
            # It belongs to the next object, which begins when this one is accepted.
            self._accepting.add(y, x, positive)
            return
        session = self._ready()
        if session is None:
            return
        if not positive and not session.clicks and self.stacks.carried is None:
            self.say("begin with a left click on the object; right clicks correct it", "warning")
            return
        self._clear_message()
        self._try(lambda: self.stacks.add(session, y, x, positive), "click")

    def expect(self, y: float, x: float, positive: bool = True) -> None:
        """Begin to predict for a click whose button is down; it may turn out to be a drag."""
        session = self.session
        if session is not None and not self.accepting and self.stacks.carried is None:
            self._predicting.ask_ahead(session, y, x, positive)

    def remove(self, index: int) -> None:
        """Remove a click."""
        self.change(lambda session: session.remove(index), "remove click")

    def move(self, index: int, y: float, x: float) -> None:
        """Move a click to row ``y`` and column ``x``."""
        self.change(lambda session: session.move(index, y, x), "move click")

    def promote(self, index: int) -> None:
        """Make a positive click the first."""
        self.change(lambda session: session.promote(index), "promote click")

    def promote_at_cursor(self) -> None:
        """Make the chosen positive click, or the one under the cursor, the first."""
        index = self.choosing.chosen
        if index is None:
            index = self._mouse.marker_at(self.viewer.cursor.position)
        if index is None:
            self.say("point at a positive click, or choose one, to make it the first", "warning")
        else:
            self.promote(index)

    def clear(self) -> None:
        """Remove all clicks of the current object, in all slices that it was carried to."""
        clear = self.stacks.clear if self.stacks.current is not None else None
        self.change(lambda session: session.clear() if clear is None else clear(), "clear")

    def show_marker(self, index: int, y: float, x: float) -> None:
        """Show a click elsewhere while it is dragged."""
        if self._current is not None:
            point = self._current.session.place.point(y, x)
            self._current.layers.show_marker(index, point)

    # --- objects ------------------------------------------------------------------------

    def accept(self) -> None:
        """Write the object into the labels, at once or as soon as its mask is there."""
        session = self._ready()
        if session is not None and self._current is not None:
            self._accepting.begin(session, self._current)

    @property
    def accepting(self) -> bool:
        """Whether an object of the plane on show waits to be accepted."""
        return self._accepting.waits

    @property
    def accepting_anywhere(self) -> bool:
        """Whether an object of any plane waits to be accepted."""
        return self._accepting.pending

    def stop_accepting(self) -> None:
        """Call off all that waits to be accepted; the clicks are kept."""
        self._accepting.stop()

    def leave_plane(self, to: Place) -> None:
        """Make ready to show another plane."""
        self._accepting.leave(to)

    def undo(self) -> None:
        """Undo the last click, setting or accepted object; before those, what waits."""
        self._forget_done()
        if not self._accepting.take_back():
            self.change(lambda session: self._tell_unseen(session.undo()), "undo")

    def redo(self) -> None:
        """Do again what was undone."""
        self._forget_done()
        self.change(lambda session: self._tell_unseen(session.redo()), "redo")

    def _tell_unseen(self, step: Step | None) -> None:
        """Say where something was undone, or done again, that is not to be seen."""
        commit = None if step is None else step.commit
        layer = None if commit is None else getattr(commit.target.labels, "layer", None)
        if layer is not None and layer not in self.viewer.layers:
            self.say(f"that was in labels layer {layer.name!r}, which was removed", "warning")

    def set(
        self,
        threshold: float | None = None,
        integrity: bool | None = None,
        policy: OverlapPolicy | str | None = None,
    ) -> None:
        """Change settings; what is None stays. No prediction is run."""
        session = self.session
        if session is not None:
            self._clear_message()
            chosen = partial(session.set, threshold=threshold, integrity=integrity, policy=policy)
            self._try(chosen, "set")

    def use_layer_limits(self, on: bool) -> None:
        """Show the predictor what the layer's contrast limits show; it predicts anew."""
        self._use_limits = on
        self.follow_limits()

    @property
    def uses_layer_limits(self) -> bool:
        """Whether the predictor sees what the layer's contrast limits show."""
        return self._use_limits

    def toggle_limits(self) -> None:
        """Show the predictor what the layer's contrast limits show, or leave it to it."""
        self.use_layer_limits(not self._use_limits)
        self.changed.emit()

    def follow_limits(self) -> None:
        """Take over the image layer's contrast limits, where they are to be used."""
        if self._current is not None:
            self._current.use_limits(self._use_limits)
            self.journaling.note_channels(self._current)

    def toggle_integrity(self) -> None:
        """Turn the structural integrity strategy on or off."""
        if self.session is not None:
            self.set(integrity=not self.session.settings.integrity)

    def step_threshold(self, steps: int) -> None:
        """Raise the threshold by twentieths, or lower it, within what the dock allows."""
        if self.session is not None:
            value = self.session.settings.threshold + steps / 20
            self.set(threshold=round(min(max(value, 0.05), 0.95), 3))

    def cycle_policy(self) -> None:
        """Take the next overlap policy."""
        if self.session is not None:
            policies = list(OverlapPolicy)
            now = policies.index(self.session.settings.policy)
            self.set(policy=policies[(now + 1) % len(policies)])

    def toggle_preview(self) -> None:
        """Hide or show the preview."""
        if self._current is not None:
            self._current.preview_hidden = not self._current.preview_hidden
            self.refresh()

    # --- predictions --------------------------------------------------------------------

    def _on_answer(self, session: Session) -> None:
        if session is not self.session:
            return
        if self._said.startswith(NO_PREDICTION):
            self.say("")
        found = session.mask()
        if found is not None and found.fell_back:
            self.say(
                "no positive click lies in the mask: the part nearest the first click was kept",
                "warning",
            )
        self._accepting.go_on(session)

    def _on_no_answer(self, session: Session, problem: str) -> None:
        if session is self.session:
            self._accepting.stop_here()
            self.say(f"{NO_PREDICTION}{problem}", "error")

    def _on_counted(self, target: NumberedLabels) -> None:
        session = self.session
        if session is not None and session.target is target:
            self._accepting.go_on(session)
        self.changed.emit()

    def _on_not_counted(self, target: NumberedLabels, problem: str) -> None:
        if self.session is not None and self.session.target is target:
            self.stop_accepting()
        self.say(f"the labels could not be counted: {problem}", "error")

    # --- helpers ------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the session as it is, and ask for what it needs."""
        if self._closed:
            return
        self._predicting.ask(self.session)  # it begins while the rest is done here
        self.stacks.follow()
        session = self.session
        self.stakes.ask(session, self.stacks.written)
        self.features.use(session, self.labels)
        awaited = session is not None and session.answers.pending and not self._predicting.loading
        self._showing.show(self._predicting.seconds if awaited else None)

    def _draw(self) -> None:
        if self._current is not None:
            self._current.draw(self.stacks.preview)
        self.changed.emit()

    def bind_keys(self) -> None:
        """Bind the keys on the layers there are now."""
        if not self._active:
            return
        layers = [] if self._current is None else self._current.own_layers
        layers += self.suggesting.layers
        self._keys.bind(self.viewer, [layer for layer in layers if layer in self.viewer.layers])

    def _ready(self) -> Session | None:
        """Return the session, on the plane on show; None, with a message, where there is none."""
        if self._current is None:
            self.say("open or choose an image first", "warning")
            return None
        self._follower.note_selection()  # who goes on here is not to be taken elsewhere
        self.suggesting.settle()
        return self.session if self._follower.follow_dims() else None

    def change(
        self, change: Callable[[Session], Any], name: str = "change", *, stops: bool = True
    ) -> None:
        """Do something to the session, and tell what is wrong with it.

        Parameters
        ----------
        change : callable
            Takes the session.
        name : str
            What it is called where it goes wrong.
        stops : bool
            Whether an object of this plane that waits to be accepted is no longer to be.
        """
        session = self._ready()
        if session is not None:
            self._clear_message()
            if stops:
                self._accepting.stop_here()
            self._try(lambda: change(session), name)

    def _clear_message(self) -> None:
        if self._level != "info":
            self.say("")  # what was wrong may be no longer

    def _forget_done(self) -> None:
        """Say no more what was done: it may be about to be undone."""
        if self._level == "info":
            self.say("")

    def unsay(self, message: str) -> None:
        """Say something no more, if it is what was said last."""
        if message and message == self._said:
            self.say("")

    def _try(self, change: Callable[[], Any], name: str) -> None:
        try:
            change()
        except OutsideError:
            self.refresh()
            self.say("that is outside the image", "warning")
        except ValueError as error:
            self.refresh()  # a marker that was dragged away goes back
            self.say(str(error), "warning")
        except OSError as error:
            self.say(f"the labels could not be written: {reason(error)}", "error")
        except Exception as error:
            # Whatever napari, or another plugin that hears of it, may raise.
            logger.exception("%s", name)
            self.say(f"{name}: {reason(error)}", "error")

    def say(self, message: str, level: str = "info") -> None:
        """Tell the annotator something; the level is "info", "warning" or "error"."""
        if not self._closed:
            self._said, self._level = message, level
            self.reported.emit(message, level)
