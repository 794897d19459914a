"""Joins sessions, one an image layer, to a viewer and to the thread that predicts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

from psygnal import Signal

from napari_fclick.core.clicks import OutsideError
from napari_fclick.session import NumberedLabels, Place, Session, Step
from napari_fclick.session.state import PredictorLike
from napari_fclick.widgets.accepting import Accepting
from napari_fclick.widgets.adjusting import Adjusting
from napari_fclick.widgets.annotated import Annotated
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.choosing import Choosing
from napari_fclick.widgets.doubts import Doubts
from napari_fclick.widgets.exporting import Exporting
from napari_fclick.widgets.features import LabelFeatures
from napari_fclick.widgets.finding import Finding
from napari_fclick.widgets.folder_walk import FolderWalk
from napari_fclick.widgets.following import Follower
from napari_fclick.widgets.journaling import Journaling
from napari_fclick.widgets.key_table import KeyTableOpener
from napari_fclick.widgets.keys import KeyBindings
from napari_fclick.widgets.loading import Choices, available_choices, load_predictor
from napari_fclick.widgets.messages import Messages, reason
from napari_fclick.widgets.mouse import MouseTool
from napari_fclick.widgets.objects import ObjectTools
from napari_fclick.widgets.predicting import Predicting
from napari_fclick.widgets.resuming import Resuming
from napari_fclick.widgets.showing import Showing
from napari_fclick.widgets.stacks.tool import StackTool
from napari_fclick.widgets.stakes import Stakes, subject_of
from napari_fclick.widgets.suggesting import Suggesting
from napari_fclick.widgets.targets import Targets
from napari_fclick.widgets.together import together
from napari_fclick.widgets.weights import Weights
from napari_fclick.widgets.workers import Worker

logger = logging.getLogger(__name__)

NO_PREDICTION = "no prediction: "
TAKEN = (
    "another First Click dock takes clicks and keys now: hide this one and show it again to go on "
    "here"
)

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
    messages : Messages
        What the annotator is told.
    annotated : Annotated
        Which image layer is annotated, into which labels, with which channels.
    following : Follower
        Follows what happens to viewer and layers.
    targets : Targets
        The Labels layers that objects are written into.
    adjusting : Adjusting
        Threshold, integrity, overlap policy and contrast limits.
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
    finding : Finding
        Finds objects like those accepted.
    doubts : Doubts
        What was written unseen, and is to be looked at.
    stacks : StackTool
        Carries the object at hand through a stack.
    journaling : Journaling
        The session files.
    resuming : Resuming
        Goes on where one ends.
    exporting : Exporting
        Writes the objects for other programs.
    walk : FolderWalk
        Goes through a folder of images.
    weights : Weights
        Loads what predicts.
    """

    changed = Signal()

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
        self._chores = Worker("napari-fclick-chores")
        self.targets = Targets(self.viewer, self._chores)
        self.messages = Messages()
        self._accepting = Accepting(self, self._predicting)
        self.weights = Weights(self, self._predicting, self._accepting)
        self.annotated = Annotated(self, self._predicting, self._accepting, self._chores)
        self.adjusting = Adjusting(self)
        self._active = False
        self._closed = False
        self._mouse = MouseTool(self)
        self.suggesting, self.key_table = Suggesting(self), KeyTableOpener(self)
        self.choosing, self._keys = Choosing(self), KeyBindings(self)
        self.following = Follower(self)
        self.objects = ObjectTools(self, self.following.go_to)
        self.features = LabelFeatures()
        self.stakes = Stakes(self._chores, self.changed.emit)
        self.doubts = Doubts(self)
        self.finding = Finding(self, lambda: self._predicting.busy)
        self.stacks = StackTool(
            self, self._chores, lambda: self._predicting.busy, self.following.go_to
        )
        self.journaling = Journaling(self)
        self.resuming = Resuming(self, self.journaling)
        self.exporting = Exporting(self, self.journaling)
        self.walk = FolderWalk(self)
        self._connect()

    # --- life ---------------------------------------------------------------------------

    def _connect(self) -> None:
        self._predicting.answered.connect(self._on_answer)
        self._predicting.unanswered.connect(self._on_no_answer)
        self.targets.counted.connect(self._on_counted)
        self.targets.failed.connect(self._on_not_counted)
        self.stacks.changed.connect(self._accepting.stack.go_on)
        self.journaling.changed.connect(self.changed.emit)
        self.journaling.exchanged.connect(self.following.begin_with_others)

    def activate(self) -> None:
        """Take the mouse and the keys, from another one of the viewer if need be."""
        if not self._closed and not self._active:
            for other in [each for each in _ACTIVE if each.viewer is self.viewer]:
                other.deactivate()
                other.say(TAKEN, "warning")
            self.messages.unsay(TAKEN)
            self._active = True
            _ACTIVE.add(self)
            self._mouse.attach()
            self.bind_keys()
            self.annotated.prepare_soon()

    def deactivate(self) -> None:
        """Give the mouse and the keys back."""
        if self._active:
            self._active = False
            _ACTIVE.discard(self)
            self._mouse.detach()
            self._keys.release()

    def close(self) -> None:
        """Leave the viewer as it was found; the objects stay."""
        if self._closed:
            return
        self.walk.close()  # first: its labels are noted in the session
        self.exporting.close()
        self.journaling.close()
        self.stacks.close()
        self.finding.close()
        self.deactivate()
        self._closed = True
        self.messages.stop()
        self._showing.stop()
        self.weights.close()
        self._predicting.close()
        self._chores.close()
        self.following.close()
        self.suggesting.close()
        self.choosing.close()
        self.key_table.close()
        self.targets.close()
        self.features.close()
        self.annotated.close()

    @property
    def active(self) -> bool:
        """Whether it has the mouse and the keys."""
        return self._active

    @property
    def idle(self) -> bool:
        """Whether nothing is loading, being predicted or waiting to be accepted."""
        parts = (
            self._predicting,
            self._chores,
            self.suggesting,
            self.journaling,
            self.exporting,
            self.stacks,
            self.finding,
            self.walk,
        )
        return not any(part.busy for part in parts)

    # --- layers -------------------------------------------------------------------------

    @property
    def current(self) -> Annotation | None:
        """What belongs to the image layer that is annotated."""
        return self.annotated.current

    @property
    def image(self) -> Any:
        """The image layer that is annotated, or None."""
        return None if self.current is None else self.current.image

    @property
    def labels(self) -> Any:
        """The Labels layer that objects are written into; None before there is one."""
        return None if self.current is None else self.current.labels

    @property
    def channels(self) -> tuple[Any, ...]:
        """The other image layers that are looked at together with the image."""
        return () if self.current is None else self.current.channels

    @property
    def session(self) -> Session | None:
        """The session of the image layer."""
        return None if self.current is None else self.current.session

    @property
    def at_hand(self) -> bool:
        """Whether there is anything on the plane on show, or waiting, that is not accepted."""
        session = self.session
        if session is None:
            return False
        begun = bool(session.clicks) or session.draft.absent or self._accepting.pending
        return begun or self.stacks.current is not None

    def follow_view(self, *, plane: bool = True) -> bool:
        """Have the session be on the plane on show; False, with a message, if there is none.

        Parameters
        ----------
        plane : bool
            Whether there has to be one; else, in 3-D, the last one of the volume on show will do.
        """
        return self.following.follow_dims() if plane else self.following.follow_volume()

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
        self.messages.forget_problem()
        self.attempt(lambda: self.stacks.add(session, y, x, positive), "click")

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
        if self.follow_view():
            self._accepting.stack.forget()
        clear = self.stacks.clear if self.stacks.current is not None else None
        self.change(lambda session: session.clear() if clear is None else clear(), "clear")

    def show_marker(self, index: int, y: float, x: float) -> None:
        """Show a click elsewhere while it is dragged."""
        if self.current is not None:
            point = self.current.session.place.point(y, x)
            self.current.layers.show_marker(index, point)

    # --- objects ------------------------------------------------------------------------

    def accept(self) -> None:
        """Write the object into the labels, at once or as soon as its masks are there."""
        session = self._ready(plane=False)
        if session is not None and self.current is not None:
            self._accepting.begin(session, self.current)

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
        self.messages.forget_done()
        if not self._accepting.take_back():
            self.change(lambda session: self._tell_done(self._undo(session), "undo"), "undo")

    def _undo(self, session: Session) -> Step | None:
        step = session.history.last_done
        with together(self, session, _target_of(step)):
            if self.finding.wrote(step):
                return self.finding.take_back(session)
            return session.undo()

    def redo(self) -> None:
        """Do again what was undone."""
        self.messages.forget_done()
        self.change(lambda session: self._tell_done(self._redo(session), "do again"), "redo")

    def _redo(self, session: Session) -> Step | None:
        step = session.history.last_undone
        with together(self, session, _target_of(step)):
            if self.finding.wrote(step):
                return self.finding.bring_back(session)
            return session.redo()

    def _tell_done(self, step: Step | None, what: str) -> None:
        """Say where something was undone, or done again, that is not to be seen, or nothing was."""
        if step is None and self.image is not None:
            self.say(f"nothing to {what} in {self.image.name!r}")
        commit = None if step is None else step.commit
        layer = None if commit is None else getattr(commit.target.labels, "layer", None)
        if layer is not None and layer not in self.viewer.layers:
            self.say(f"that was in labels layer {layer.name!r}, which was removed", "warning")

    # --- predictions --------------------------------------------------------------------

    def _on_answer(self, session: Session) -> None:
        if session is not self.session:
            return
        if self.messages.text.startswith(NO_PREDICTION):
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
            lost = self._accepting.stop_here()
            self.say(f"{NO_PREDICTION}{problem}{lost}", "error")

    def _on_counted(self, target: NumberedLabels) -> None:
        session = self.session
        if session is not None and session.target is target:
            self.annotated.tell_full()
            self._accepting.go_on(session)
        self._draw()  # the clicks tell their object's number

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
        self._accepting.stack.go_on()
        session = self.session
        self.stakes.ask(subject_of(session, self.stacks.written))
        self.features.use(session, self.labels)
        awaited = session is not None and session.answers.pending and not self._predicting.loading
        self._showing.show(self._predicting.seconds if awaited else None)

    def _draw(self) -> None:
        if self.current is not None:
            self.current.draw(self.stacks.preview)
        self.changed.emit()

    def bind_keys(self) -> None:
        """Bind the keys on the layers there are now."""
        if not self._active:
            return
        layers = [] if self.current is None else self.current.own_layers
        layers += self.suggesting.layers
        self._keys.bind(self.viewer, [layer for layer in layers if layer in self.viewer.layers])

    def _ready(self, *, plane: bool = True) -> Session | None:
        """Return the session, on what `follow_view` asks for; None, with a message, if not."""
        if self.current is None:
            self.say(self.annotated.refused or "open or choose an image first", "warning")
            return None
        self.following.note_selection()  # who goes on here is not to be taken elsewhere
        self.suggesting.settle()
        return self.session if self.follow_view(plane=plane) else None

    def change(
        self,
        change: Callable[[Session], Any],
        name: str = "change",
        *,
        stops: bool = True,
        plane: bool = True,
    ) -> None:
        """Do something to the session, and tell what is wrong with it.

        Parameters
        ----------
        change : callable
            Takes the session.
        name : str
            What it is called where it goes wrong.
        stops : bool
            Whether an object of this plane that waits to be accepted is no longer to be. One
            that is carried goes on waiting: nothing is done.
        plane : bool
            See `follow_view`.
        """
        session = self._ready(plane=plane)
        if session is not None and not (stops and self._accepting.stack.refuses()):
            self.messages.forget_problem()
            if stops:
                self._accepting.stop_here()
            self.attempt(lambda: change(session), name)

    def attempt(self, change: Callable[[], Any], name: str) -> None:
        """Do something, and tell what is wrong with it; see `change`."""
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
        self.messages.say(message, level)


#: Those that have the mouse and the keys, one of each viewer: two would double each click.
_ACTIVE: WeakSet[Controller] = WeakSet()


def _target_of(step: Step | None) -> NumberedLabels | None:
    return None if step is None or step.commit is None else step.commit.target
