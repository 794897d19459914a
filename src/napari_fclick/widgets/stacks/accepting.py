"""Accepts an object in all its slices: at once, or as soon as it was carried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_fclick.session.state import Settings
from napari_fclick.widgets.stacks.model import CarriedObject, Whole

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


@dataclass
class WaitingObject:
    """An object that waits to be accepted in all its slices.

    Attributes
    ----------
    carried : CarriedObject
    settings : Settings
        With which it is accepted: as they were when that was asked for.
    subject : tuple
        What a person said of its slices, and how it is carried; with others it is not accepted.
    whole : Whole or None
        What it is in its slices; None while that is still to come.
    """

    carried: CarriedObject
    settings: Settings
    subject: tuple[Any, ...]
    whole: Whole | None = None


class StackAccepting:
    """Accepts the object that is carried through the plane on show.

    While it waits, what is clicked in its slices would become part of it, and is refused.

    Parameters
    ----------
    controller : Controller
    write : callable
        Writes a `Whole` with `Settings` into the labels, and tells what is wrong with it.
    """

    def __init__(self, controller: Controller, write: Callable[[Whole, Settings], None]) -> None:
        self._controller, self._write = controller, write
        self._waiting: WaitingObject | None = None

    @property
    def waits(self) -> bool:
        """Whether an object waits to be accepted."""
        return self._waiting is not None

    def begin(self, carried: CarriedObject) -> None:
        """Accept an object now, or as soon as it was carried and can get its number."""
        stacks = self._controller.stacks
        if self._waiting is None:
            problem = stacks.why_not_accept()
            if problem:
                self._controller.say(problem, "warning")
                return
            whole = None if carried.underway else stacks.whole()
            settings, subject = carried.session.settings, self._subject(carried)
            self._waiting = WaitingObject(carried, settings, subject, whole)
        self.go_on()
        if self.waits:
            self._controller.changed.emit()
            self._controller.say(self._text)

    def go_on(self) -> None:
        """Accept what waits, if all of it is there by now; call it off if it will not be."""
        waiting, stacks = self._waiting, self._controller.stacks
        if waiting is None:
            return
        carried = waiting.carried
        if stacks.current is not carried:
            self.stop()
            return
        if waiting.whole is None:
            if self._subject(carried) != waiting.subject:
                self.stop("it was changed meanwhile, accept it once more")
            elif carried.phase == "failed":
                self.stop(carried.problem, "error")
            elif carried.phase == "stopped":
                self.stop("it was stopped; accept these slices, go on, or clear")
            elif carried.phase == "done":
                waiting.whole = stacks.whole()
        if waiting.whole is None:
            return
        session = carried.session
        if session.objects.knows_next_label:
            self._waiting = None
            self._write(waiting.whole, waiting.settings)
        elif session.target is not None:
            self._controller.targets.count(session.target)

    def stop(self, why: str = "", level: str = "warning") -> None:
        """Call off what waits; all that is known of it is kept."""
        if self.waits:
            self.forget()
            text = "not accepted, what was carried is kept"
            self._controller.say(f"{text}: {why}" if why else text, level)

    def forget(self) -> None:
        """Call off what waits, and say nothing of it."""
        self._controller.messages.unsay(self._text)
        self._waiting = None

    def refuses(self) -> bool:
        """Whether something waits, so that nothing else is done; it is said, too."""
        if self.waits:
            text = f"wait: the object is accepted as soon as {self._awaited}"
            self._controller.say(f"{text}; go on then, or take that back with Undo", "warning")
        return self.waits

    @property
    def _text(self) -> str:
        return f"accepted as soon as {self._awaited}; Undo takes that back"

    @property
    def _awaited(self) -> str:
        waiting = self._waiting
        known = waiting is not None and waiting.whole is not None
        return "the labels are counted" if known else "it was carried"

    def _subject(self, carried: CarriedObject) -> tuple[Any, ...]:
        settings = replace(carried.session.settings, class_name="")
        return carried.said(), settings, self._controller.stacks.choices
