"""What the dock and the keys do with an object in a stack."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import SliceMask
from napari_fclick.session import Place, Session, stacks
from napari_fclick.session.stack_parts import take_in_hand
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.starting import start_of
from napari_fclick.session.state import SessionError, Settings
from napari_fclick.widgets.stacks.keeping import Keeper
from napari_fclick.widgets.stacks.lines import Axis, Line, axes_of, default_axis
from napari_fclick.widgets.stacks.model import CarriedObject, Choices, Whole
from napari_fclick.widgets.stacks.one_by_one import OneByOne
from napari_fclick.widgets.stacks.preview import CarriedPreview
from napari_fclick.widgets.stacks.stakes import subject_of
from napari_fclick.widgets.stacks.texts import describe_carried
from napari_fclick.widgets.stacks.watching import Watch
from napari_fclick.widgets.stakes import Stakes

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller
    from napari_fclick.widgets.workers import Worker

NO_WEIGHTS = "no weights are loaded"


class StackTool:
    """Carries the object at hand through a stack, one for each line of planes.

    What a person clicks in the planes along a line are its keyframes: it follows them, by
    `follow`, and runs anew what they touch.

    Parameters
    ----------
    controller : Controller
    worker : Worker
        For what is read on the way.
    busy : callable
        Whether a click is being answered: it goes first. Asked in a thread.
    go_to : callable
        Shows a `Place`.

    Attributes
    ----------
    one_by_one : OneByOne
        Carries all objects of a slice.
    changed : Signal()
        There is something else to show.
    """

    changed = Signal()

    def __init__(
        self,
        controller: Controller,
        worker: Worker,
        busy: Callable[[], bool],
        go_to: Callable[[Place], None],
    ) -> None:
        self._controller, self._go_to = controller, go_to
        self._axis: dict[Session, int] = {}
        self._keeper = Keeper(controller, busy, self._on_changed)
        self._stakes = Stakes(worker, self._tell, "voxels")
        self._watch = Watch(controller.refresh)
        controller.targets.counted.connect(self._on_counted)
        self._preview = CarriedPreview()
        self.one_by_one = OneByOne(controller, self, worker)

    # --- what there is ------------------------------------------------------------------

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes along which an object can be carried; none in a 2-D image."""
        current = self._controller.current
        return () if current is None else axes_of(current.image, current.session.place)

    @property
    def axis(self) -> Axis | None:
        """The one that is chosen."""
        axes, current = self.axes, self._controller.current
        chosen = None if current is None else self._axis.get(current.session)
        numbers = [axis.number for axis in axes]
        number = chosen if chosen in numbers else default_axis(axes)
        return next((axis for axis in axes if axis.number == number), None)

    @property
    def line(self) -> Line | None:
        """The planes before and behind the one on show."""
        axis, session = self.axis, self._controller.session
        if axis is None or session is None:
            return None
        return Line.through(session.place, axis.number)

    @property
    def current(self) -> CarriedObject | None:
        """The object that is carried through the plane on show."""
        line, session = self.line, self._controller.session
        return None if line is None or session is None else self._keeper.of(session, line)

    @property
    def index(self) -> int | None:
        """The slice on show."""
        line, session = self.line, self._controller.session
        return None if line is None or session is None else session.place.position(line.axis)

    @property
    def carried(self) -> SliceMask | None:
        """The mask that was carried to the plane on show, where no person made one."""
        current, index = self.current, self.index
        return None if current is None or index is None else current.carried(index)

    def carried_to(self, place: Place) -> StoredMask | None:
        """Return the mask that was carried to a plane, where no person made one."""
        current = self.current
        index = None if current is None else current.line.position(place)
        each = None if current is None or index is None else current.carried(index)
        return None if each is None else each.mask

    @property
    def preview(self) -> CarriedPreview | None:
        """What to draw of it."""
        current, each = self.current, self.carried
        if current is None or each is None:
            return None
        return self._preview.show(each, each.index not in current.stale)

    @property
    def text(self) -> str:
        """What is said of the plane on show; empty where nothing was carried there."""
        current, each, image = self.current, self.carried, self._controller.image
        if current is not None and each is not None:
            return describe_carried(current, each, image, self._stakes.text)
        session = self._controller.session
        if session is not None and session.draft.absent:
            return "Marked as not here · click on the object to take it back"
        return ""

    @property
    def stakes(self) -> str:
        """What accepting it in all slices would do to other objects."""
        return self._stakes.text

    @property
    def written(self) -> int:
        """Another number whenever something was written into the labels."""
        return self._watch.written

    @property
    def count(self) -> int:
        """In how many slices it would be accepted; 0 where nothing was carried."""
        current = self.current
        return 0 if current is None else len(current.known)

    @property
    def busy(self) -> bool:
        """Whether something is carried, or about to be."""
        return self._keeper.busy or self.one_by_one.underway

    @property
    def running(self) -> bool:
        """Whether the object on show is being carried."""
        current = self.current
        return current is not None and current.phase == "running"

    @property
    def choices(self) -> Choices:
        """How an object is carried."""
        return self._keeper.choices

    # --- choices ------------------------------------------------------------------------

    def choose_axis(self, number: int) -> None:
        """Carry along this axis of the layer's data."""
        session = self._controller.session
        if session is not None:
            self._axis[session] = number
            self._controller.refresh()

    def choose(self, choices: Choices) -> None:
        """Carry this way; what runs, or has run, is carried again where it matters."""
        if choices != self.choices:
            self._keeper.choices = choices
            self.follow()
            self._tell()

    # --- what the keys do ---------------------------------------------------------------

    def toggle(self) -> None:
        """Carry the object through the stack, or stop it."""
        if self.running or self.one_by_one.underway:
            self.stop()
        else:
            self.propagate()

    def propagate(self) -> None:
        """Carry the object of the slices that were clicked; or go on with it."""
        controller = self._controller
        if controller.session is not None and not controller.follow_view(plane=False):
            return
        problem = self._why_not()
        session, line = controller.session, self.line
        if problem or session is None or line is None:
            controller.say(problem, "warning")
            return
        controller.change(self._take_in_hand, plane=False)
        session.answers.ask_again()
        self._keeper.want(session, line)
        controller.refresh()

    def _take_in_hand(self, session: Session) -> None:
        """Carry an object that was accepted before from all slices that a person made of it."""
        line = self.line
        assert line is not None  # it was propagated along it
        drafts = session.drafts_along(line.axis)
        clicked = [index for index, draft in drafts.items() if draft.clicks]
        reaches = partial(self.choices.reaches, clicked=clicked)
        take_in_hand(session, line.axis, reaches)

    def stop(self) -> None:
        """End after the slice at hand; what was found stays."""
        self.one_by_one.stop()
        self._keeper.stop()

    def not_here(self) -> None:
        """Mark that the object is not in the slice on show, or take that back."""
        problem = why_no_stack(self.axis) or self._why_not_mark()
        if problem:
            self._controller.say(problem, "warning")
            return
        self._controller.change(lambda session: session.mark_absent(not session.draft.absent))

    def _why_not_mark(self) -> str:
        """Return why the slice on show cannot be marked: nobody would see which object ends."""
        session, axis = self._controller.session, self.axis
        if session is None or axis is None or session.draft.absent:
            return ""
        drafts = session.drafts_along(axis.number)
        here = session.place.position(axis.number)
        if any(draft.clicks for index, draft in drafts.items() if index != here):
            return ""
        if session.clicks:
            return "the object is clicked in this slice alone: click on it in another one first"
        return "take the object in hand first (Ctrl + click), or click on it in another slice"

    def good_as_is(self) -> None:
        """Take the mask that was carried to the slice on show as if it had been clicked."""
        each = self.carried
        if each is None:
            self._controller.say("no mask was carried to this slice", "warning")
            return
        self._controller.change(lambda session: stacks.begin_from(session, start_of(each)))

    def worst_next(self) -> None:
        """Go to the least certain slice that was not looked at."""
        current, index = self.current, self.index
        if current is None and self._controller.doubts:
            self._controller.doubts.show_next()
            return
        if current is None or index is None:
            self._controller.say("nothing was carried or found that is to be looked at", "warning")
            return
        worst = current.worst(index)
        if worst is None:
            current.seen.clear()
            self._controller.say("all slices were looked at; again for the first", "info")
            return
        self.show_slice(worst.index)

    def show_slice(self, index: int) -> None:
        """Go to a slice of the line on show; beyond its ends, to the last one."""
        line, axis = self.line, self.axis
        if line is not None and axis is not None:
            self._go_to(line.at(min(max(index, 0), axis.length - 1)))

    # --- what the controller asks -------------------------------------------------------

    def add(self, session: Session, y: float, x: float, positive: bool) -> None:
        """Add a click to a plane; on a mask that was carried there, it corrects that."""
        each = self.carried
        if each is None:
            session.add(y, x, positive)
        else:
            stacks.correct_carried(session, start_of(each), y, x, positive)

    def why_not_accept(self) -> str:
        """Return why the object cannot be accepted, now or when it was carried; empty if it can."""
        current, controller = self.current, self._controller
        if current is None:
            return ""
        if current.underway:
            return "" if controller.weights.possible else NO_WEIGHTS
        if current.unfit:
            return current.problem
        begun = current.carrying is not None and current.carrying.propagation is not None
        return "" if begun else current.problem or "it was not carried yet: propagate it"

    def whole(self) -> Whole:
        """Return the object as it is now, to be accepted; `why_not_accept` is empty by then."""
        current = self.current
        assert current is not None
        carrying = current.carrying
        assert carrying is not None and carrying.propagation is not None
        run = StackRun.of(
            current.line.axis,
            carrying.propagation,
            limits=carrying.limits,
            others=carrying.others is not None,
            complete=current.complete,
        )
        return Whole(tuple(current.known), run, current.trails, self._keeper.asked)

    def accept(self, whole: Whole, settings: Settings) -> None:
        """Write an object into the labels of all its slices.

        Parameters
        ----------
        whole : Whole
            It may have waited since.
        settings : Settings
            As they were when that was asked for.

        Raises
        ------
        SessionError
            If other masks would be found by now, or where the session does.
        """
        session = self._controller.session
        assert session is not None  # what waits is called off with it
        if whole.asked != self._keeper.asked:
            raise SessionError("the network or the image changed meanwhile: accept it once more")
        stacks.accept(session, whole.slices, whole.run, settings, whole.trails)

    def clear(self) -> None:
        """Take back everything that was clicked of the object in its slices."""
        current = self.current
        assert current is not None
        current.clear()

    def forget(self, session: Session) -> None:
        """Let go of a session that is gone."""
        self.one_by_one.forget(session)
        self._keeper.forget(session)
        self._axis.pop(session, None)

    def close(self) -> None:
        """End what runs."""
        self._watch.close()
        self.one_by_one.close()
        self._controller.targets.counted.disconnect(self._on_counted, missing_ok=True)
        self._keeper.close()

    def follow(self) -> None:
        """Bring the object in step with what was clicked in its slices."""
        controller, session, line = self._controller, self._controller.session, self.line
        self._watch.follow(controller.image, controller.labels, session)
        found = None if session is None or line is None else self._keeper.follow(session, line)
        self._stakes.ask(subject_of(found, self._watch.written))

    def _on_counted(self) -> None:
        # What is at stake needs a number.
        self._stakes.ask(subject_of(self.current, self._watch.written))

    def _on_changed(self, changed: CarriedObject) -> None:
        if changed is self.current:
            self._stakes.ask(subject_of(changed, self._watch.written))
        self._tell()

    def _tell(self) -> None:
        annotation = self._controller.current
        if annotation is not None:
            annotation.draw(self.preview)
        self.changed.emit()

    def why_not_here(self) -> str:
        """Return why no object can be carried through the slice on show; empty where one can."""
        controller = self._controller
        if controller.session is None:
            return "open or choose an image first"
        return why_no_stack(self.axis) or ("" if controller.weights.possible else NO_WEIGHTS)

    def _why_not(self) -> str:
        """Return why nothing can be carried; empty where it can."""
        session, axis = self._controller.session, self.axis
        problem = self.why_not_here()
        if session is None or axis is None or problem:
            return problem
        if not any(draft.clicks for draft in session.drafts_along(axis.number).values()):
            return "click on the object in a slice first: it is carried from there"
        return ""


def why_no_stack(axis: Axis | None) -> str:
    """Return why an object cannot be carried along an axis; empty where it can."""
    if axis is None:
        return "the image is 2-D: there are no slices to carry an object through"
    if axis.length < 2:
        return f"there is one slice along {axis.name}: nothing to carry an object to"
    return ""
