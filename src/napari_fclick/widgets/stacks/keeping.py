"""Keeps the objects of a stack in step with what a person clicked in its slices."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.words import named
from napari_fclick.propagation import Carry
from napari_fclick.session import Session, SessionError, stacks
from napari_fclick.session.stack_parts import label_of
from napari_fclick.widgets.activity import Activity
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.stacks.lines import Line, spacing_of
from napari_fclick.widgets.stacks.model import CarriedObject, Choices, Wanted
from napari_fclick.widgets.stacks.running import (
    Carrying,
    Keyframe,
    Request,
    Runner,
    Snapshot,
)
from napari_fclick.widgets.timers import single_shot

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: Milliseconds after which a changed rule or threshold takes effect, so that a slider's moves
#: are one change.
SETTLED = 300
#: So many objects that were accepted or cleared are kept for when that is undone.
KEPT = 8

_Key = tuple[Session, Line]


class Keeper:
    """The objects that are carried, one for each line of planes.

    What a person clicks in the planes along a line are the keyframes of its object; whatever
    changes, what it touches is run again.

    Parameters
    ----------
    controller : Controller
    busy : callable
        Whether a click is being answered: it goes first. Asked in a thread.
    changed : callable
        Takes the object of which there is something else to tell.

    Attributes
    ----------
    choices : Choices
    """

    def __init__(
        self,
        controller: Controller,
        busy: Callable[[], bool],
        changed: Callable[[CarriedObject], None],
    ) -> None:
        self._controller, self._changed = controller, changed
        self.choices = Choices()
        self._objects: dict[_Key, CarriedObject] = {}
        self._aside: list[CarriedObject] = []  # the latest comes last
        self._shown: CarriedObject | None = None
        self._running: CarriedObject | None = None
        self._receiving = False
        self._runner = Runner(busy)
        self._activity = Activity(self.stop)
        self._settled = single_shot(self._run_wanted, SETTLED)

    @property
    def busy(self) -> bool:
        """Whether something is carried, or about to be."""
        return self._runner.busy or self._settled.isActive()

    @property
    def asked(self) -> int:
        """Who is asked now, and about what pixels: see `Wanted.asked`."""
        session = self._controller.session
        assert session is not None
        return session.answers.forgotten

    def of(self, session: Session, line: Line) -> CarriedObject | None:
        """Return the object that is carried along a line."""
        return self._objects.get((session, line))

    def want(self, session: Session, line: Line) -> None:
        """Have the object along a line carried with the next `follow`, or go on with it."""
        self._objects.setdefault((session, line), CarriedObject(session, line)).due = True

    def stop(self) -> None:
        """End after the slice at hand; what was found stays."""
        self._runner.stop()

    def forget(self, session: Session) -> None:
        """Let go of a session that is gone."""
        if self._running is not None and self._running.session is session:
            self._end_activity(self._running)
            self._runner.forget()
        self._aside = [known for known in self._aside if known.session is not session]
        for key in [key for key in self._objects if key[0] is session]:
            del self._objects[key]
        if self._shown is not None and self._shown.session is session:
            self._shown = None

    def close(self) -> None:
        """End what runs."""
        self._settled.stop()
        self._activity.end()
        self._runner.close()

    # --- following ----------------------------------------------------------------------

    def follow(self, session: Session, line: Line) -> CarriedObject | None:
        """Bring the object along a line, which is on show, in step with its clicks."""
        key = (session, line)
        current = self._objects.get(key) or self._revived(key)
        if current is not None and not current.clicked:
            self._set_aside(key)
            current = None
        self._shown = current
        if current is not None:
            current.seen.add(session.place.position(line.axis))
            self._keep_up(current)
        return current

    def _revived(self, key: _Key) -> CarriedObject | None:
        """Return an object that was accepted, or cleared, if that was undone."""
        here = [known for known in self._aside if (known.session, known.line) == key]
        for known in reversed(here):
            if known.clicked and known.is_of(known.said()):
                self._aside.remove(known)
                self._objects[key] = known
                return known
        return None

    def _set_aside(self, key: _Key) -> None:
        """Keep an object for when what ended it is undone."""
        ended = self._objects.pop(key)
        if self._running is ended:
            ended.phase = "stopped"  # what was found so far comes back with it
            self._end_activity(ended)
            self._runner.forget()
        self._aside = [*self._aside, ended][-KEPT:]

    def _keep_up(self, current: CarriedObject) -> None:
        wanted, before = self._wanted(current), current.wanted
        current.followed = wanted.said
        if current.missed and current.unanswered() != current.missed:
            current.due = True  # by now, some of what could not be had is there
        if wanted == before and not current.due:
            # A click whose answer it waits for may have been taken back.
            if current.phase == "waiting" and not self._settled.isActive():
                self._run_wanted()
            return
        if current.due or before is None or before[:2] != wanted[:2]:
            self._run_wanted()
        else:  # a rule or a setting: its slider may still be moving
            current.phase = "waiting"
            self._settled.start()

    def _wanted(self, current: CarriedObject) -> Wanted:
        annotation, settings = self._controller.current, current.session.settings
        assert annotation is not None
        return Wanted(
            current.said(),
            self.asked,
            (settings.threshold, settings.integrity, settings.policy is OverlapPolicy.REPLACE),
            self.choices,
            spacing_of(annotation.image, current.line),
        )

    def _run_wanted(self) -> None:
        """Run what was clicked, as soon as all clicks are answered."""
        self._settled.stop()
        current, annotation = self._shown, self._controller.current
        if current is None or annotation is None or self._receiving:
            return
        if annotation.session is not current.session:
            return  # another image was chosen meanwhile; it goes on when this one is again
        wanted, before = self._wanted(current), current.wanted
        at_rest = current.phase in ("stopped", "done", "failed")
        if wanted == before and at_rest and not current.due:
            return  # another object was waited for
        self._interrupt(current)
        current.ask(wanted.asked)
        unanswered, current.missed = current.unanswered(), []
        on_show = current.line.position(current.session.place)
        failure = current.session.answers.failure if on_show in unanswered else None
        if failure is None and self._waits(current, annotation, unanswered):
            current.phase = "waiting"
            self._runner.stop()
            return
        current.wanted, current.due = wanted, False
        try:
            if failure is not None:
                raise SessionError(failure)
            keyframes = current.keyframes()
            owner = (current.session.target, label_of(current.drafts().values()))
        except ValueError as error:
            self._runner.stop()
            current.unfit = True
            self._on_failed(current, str(error))
            return
        self._warn_apart(current, keyframes)
        carrying = current.carrying
        anew = carrying is None or current.setting != wanted.setting
        # Without labels, no object was looked at: the first ones that are chosen change nothing.
        if carrying is None or anew or (carrying.others is not None and carrying.owner != owner):
            carrying = self._carrying(current, annotation, owner, wanted.spacing)
            current.setting = wanted.setting
        self._start(current, carrying, keyframes)

    def _waits(self, current: CarriedObject, annotation: Annotation, unanswered: list[int]) -> bool:
        """Whether clicks are still to be answered; those that are not on show are asked for."""
        session, predictor = current.session, self._controller.weights.predictor
        if predictor is None:
            return True
        elsewhere = [i for i in unanswered if current.line.at(i) != session.place]
        places, wanted = [current.line.at(index) for index in elsewhere], self._wanted(current)
        requests = [(p, session.answers.request_at(p, annotation.plane(p))) for p in places]
        if requests and not self._runner.asking:

            def work() -> list[Any]:
                return [(p, r, r.run(predictor)) for p, r in requests if r is not None]

            def done(answers: list[Any]) -> None:
                self._receiving = True  # each makes the session tell of itself
                try:
                    for answer in answers:
                        session.answers.receive(*answer)
                finally:
                    self._receiving = False
                self._run_wanted()

            def failed(problem: str) -> None:
                # Not asked again as one scrolls, but when something changes or a person wants it.
                current.wanted, current.due, current.unfit = wanted, False, True
                current.missed = current.unanswered()
                self._on_failed(current, problem)

            self._runner.ask(work, done, failed)
        return bool(unanswered)

    def _carrying(
        self,
        current: CarriedObject,
        annotation: Annotation,
        owner: tuple[Any, int | None],
        spacing: tuple[float, float, float],
    ) -> Carrying:
        session, line = current.session, current.line
        settings = session.settings
        # What is to be replaced is no limit.
        kept = session.target is not None and settings.policy is not OverlapPolicy.REPLACE
        return Carrying(
            lambda index: annotation.plane(line.at(index)),
            annotation.shape[line.axis],
            spacing,
            self._controller.weights.predictor,
            Carry(threshold=settings.threshold, integrity=settings.integrity),
            annotation.limits,
            stacks.others(session, line.axis) if kept else None,
            owner,
        )

    def _warn_apart(self, current: CarriedObject, keyframes: dict[int, Keyframe]) -> None:
        """Say which new clicks may be on another object; objects may branch, so it is run."""
        apart = current.apart(keyframes)
        if apart:
            self._controller.say(
                f"the click in {named('slice', apart)} lies apart from what was carried: if it is "
                "on another object, undo it, and accept or clear this one first",
                "warning",
            )

    def _start(
        self, current: CarriedObject, carrying: Carrying, keyframes: dict[int, Keyframe]
    ) -> None:
        self._running = current
        current.begin(carrying)
        self._activity.begin("First Click: carrying an object through the stack")
        choices = self.choices
        request = Request(carrying, keyframes, choices.rules, choices.direction)

        def told(found: Snapshot) -> None:
            current.take(found)
            self._changed(current)

        self._runner.run(
            request, told, partial(self._on_done, current), partial(self._on_failed, current)
        )
        self._changed(current)

    def _interrupt(self, current: CarriedObject) -> None:
        """Say that another object is no longer carried: one is at a time."""
        other = self._running
        if other is None or other is current or other.phase != "running":
            return
        other.phase = "stopped"
        annotations = self._controller.annotated.all
        image = next((a.image for a in annotations if a.session is other.session), None)
        if image is not None:
            where = other.line.described(image)
            if other.session is not current.session:
                where = f"in {image.name!r}, {where}"
            self._controller.say(f"carrying {where} was stopped", "warning")

    def _on_done(self, current: CarriedObject, found: Snapshot) -> None:
        if found.problem:
            current.take(found)
            self._on_failed(current, found.problem)
            return
        self._end_activity(current)
        if current.phase == "running":
            current.end(found)
        else:  # it waits for an answer, and is run again then
            current.take(found)
        self._ended(current)

    def _on_failed(self, current: CarriedObject, problem: str) -> None:
        self._end_activity(current)
        problem = next(iter(problem.strip().splitlines()), "it is not known why")
        current.fail(problem)
        self._controller.say(f"the object was not carried: {problem}", "error")
        self._ended(current)

    def _ended(self, current: CarriedObject) -> None:
        if current is self._shown:
            current.seen.add(current.session.place.position(current.line.axis))
        self._changed(current)

    def _end_activity(self, current: CarriedObject) -> None:
        """Show an object's run no more; another's, begun since, goes on."""
        if self._running is None or self._running is current:
            self._running = None
            self._activity.end()
