"""Clicking without a mouse: a suggested click, taken or moved by keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QTimer

from napari_fclick.core.guidance import Point
from napari_fclick.session import Session
from napari_fclick.session.suggestion import Suggestion, start, suggest
from napari_fclick.widgets.actions import DIRECTIONS
from napari_fclick.widgets.ghost import GhostLayer
from napari_fclick.widgets.key_settings import key_of
from napari_fclick.widgets.moving import bring_into_view, middle_of_view, moved
from napari_fclick.widgets.planes import to_plane
from napari_fclick.widgets.timers import single_shot

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: Moves of a click that follow each other within this many milliseconds are one.
BURST = 300

_WHY = {
    "uncertain": "where the network is not sure",
    "boundary": "on the mask's boundary",
    "start": "somewhere to begin",
}


class Suggesting:
    """The suggested click of a controller, a ghost until it is taken.

    It goes when it is taken or taken away, and when anything changes what it was suggested
    for: the clicks, the slice, the image.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self._controller, self._viewer = controller, controller.viewer
        self._ghost: Suggestion | None = None
        self._drawn: GhostLayer | None = None
        self._subject: tuple[Any, ...] = ()
        self._listed: tuple[Any, tuple[Suggestion, ...], int] = (None, (), 0)
        self._waiting = False
        self._moving: tuple[int, float, float] | None = None
        self._said = self._heard = ""
        self._timer = single_shot(self.settle)
        controller.changed.connect(self._follow)
        controller.messages.reported.connect(self._hear)

    # --- what there is ------------------------------------------------------------------

    @property
    def ghost(self) -> Suggestion | None:
        """The suggestion on show, as moved; None where there is none."""
        return self._ghost

    @property
    def busy(self) -> bool:
        """Whether a click is being moved."""
        return self._moving is not None

    @property
    def layers(self) -> list[Any]:
        """The ghost's layer, where it is in the viewer."""
        return [] if self._drawn is None else self._drawn.ours

    # --- what the keys do ---------------------------------------------------------------

    def suggest(self) -> None:
        """Show where the next click would tell the most; asked again, the next best place."""
        session = self._ready()
        if session is None:
            return
        self.settle()
        if session.clicks and session.prediction is None:
            self._wait(session)
            return
        found = self._places(session)
        if not found:
            self._controller.say("nothing to suggest: no part of the mask is in doubt", "info")
            return
        what, _, at = self._listed
        self._listed = what, found, (at + 1) % len(found)
        self._show(session, found[at])
        self._tell(found[at], at, len(found))

    def take(self, positive: bool) -> None:
        """Make the suggestion a click."""
        ghost, accepting = self._ghost, self._controller.accepting
        session = self._controller.session
        if ghost is None or session is None:
            self._controller.say(
                f"no suggestion is on show: {key_of('suggest')} shows one", "warning"
            )
            return
        correcting = session.clicks or self._controller.stacks.carried is not None
        if not positive and not correcting:
            self._controller.say("the first click must be on the object", "warning")
            return
        self._controller.click(ghost.y, ghost.x, positive)
        if accepting:  # it waits, unseen, for the object before it
            self.withdraw()

    def withdraw(self) -> None:
        """Take the suggestion away."""
        was_shown, self._ghost, self._waiting = self._ghost is not None, None, False
        if was_shown:
            self._controller.bind_keys()  # the arrows are napari's again
        if self._drawn is not None:
            self._drawn.hide()
        if self._said and self._said == self._heard:
            self._controller.say("")
        self._said = ""

    def nudge(self, direction: str, far: bool = False) -> None:
        """Move the suggestion or, where there is none, the chosen click, else the last.

        Parameters
        ----------
        direction : {"up", "down", "left", "right"}
            On the screen.
        far : bool
            By some pixels of the screen instead of one of the image.
        """
        session = self._ready()
        if session is None:
            return
        if self._ghost is not None:
            y, x = self._beside(session, (self._ghost.y, self._ghost.x), direction, far)
            self._show(session, replace(self._ghost, y=y, x=x))
        elif session.clicks:
            self._move_click(session, direction, far)
        else:
            self._controller.say(
                f"nothing to move: {key_of('suggest')} shows a suggestion", "warning"
            )

    def settle(self) -> None:
        """Have the session know of a click that was moved: one step for all the keys."""
        self._timer.stop()
        moving, self._moving = self._moving, None
        if moving is not None:
            self._controller.move(*moving)

    def close(self) -> None:
        """Remove the ghost and follow nothing any more."""
        self._timer.stop()
        self._controller.changed.disconnect(self._follow)
        self._controller.messages.reported.disconnect(self._hear)
        self._ghost = self._moving = None
        self._leave()

    # --- suggestions --------------------------------------------------------------------

    def _ready(self) -> Session | None:
        controller = self._controller
        if controller.session is None:
            controller.say("open or choose an image first", "warning")
            return None
        if not controller.follow_view():
            return None
        if controller.accepting:
            controller.say("the object is being accepted: one moment", "info")
            return None
        return controller.session

    def _wait(self, session: Session) -> None:
        self._waiting = session.answers.pending
        self._subject = self._now()
        if session.answers.pending:
            self._tell_only("a click is suggested as soon as the mask is there")
        else:
            self._controller.say("no click can be suggested without a prediction", "warning")

    def _places(self, session: Session) -> tuple[Suggestion, ...]:
        """Return where to click, the same for as long as clicks, mask and settings are."""
        prediction, settings = session.prediction, session.settings
        what = (
            session,
            session.place,
            session.clicks,
            prediction,
            settings.threshold,
            settings.integrity,
        )
        if self._listed[0] == what and prediction is not None:
            return self._listed[1]
        if prediction is None:
            found: tuple[Suggestion, ...] = (start(session.shape, self._seen(session)),)
        else:
            mask = session.mask(prediction)
            assert mask is not None
            found = suggest(
                prediction.probability,
                prediction.window,
                mask.mask,
                session.clicks,
                settings.threshold,
            )
        self._listed = what, found, 0
        return found

    def _seen(self, session: Session) -> Point:
        world = middle_of_view(self._viewer)
        return to_plane(self._viewer, self._controller.image, world, session.place)

    def _show(self, session: Session, suggestion: Suggestion) -> None:
        was_shown = self._ghost is not None
        self._ghost, self._subject, self._waiting = suggestion, self._now(), False
        image = self._controller.image
        if self._drawn is None or self._drawn.image is not image:
            self._leave()
            self._drawn = GhostLayer(self._viewer, image)
        made = self._drawn.show(session.place.point(suggestion.y, suggestion.x))
        if made or not was_shown:
            self._controller.bind_keys()
        bring_into_view(self._viewer, image, session.place, (suggestion.y, suggestion.x))

    def _tell(self, suggestion: Suggestion, at: int, count: int) -> None:
        which = f" ({at + 1} of {count})" if count > 1 else ""
        take = f"{key_of('take_positive')}: it is on the object"
        if suggestion.why == "start":
            arrows = ", ".join(key_of(f"move_{direction}") for direction in DIRECTIONS)
            take = f"{arrows} move it onto an object; {take}"
        else:
            take += f", {key_of('take_negative')}: it is not, {key_of('suggest')}: another place"
        self._tell_only(f"suggested{which}: {_WHY[suggestion.why]}; {take}")

    def _tell_only(self, message: str) -> None:
        self._said = message
        self._controller.say(message)

    def _hear(self, message: str, level: str) -> None:
        self._heard = message

    # --- moving -------------------------------------------------------------------------

    def _move_click(self, session: Session, direction: str, far: bool) -> None:
        chosen, image = self._controller.choosing.chosen, self._controller.image
        index = len(session.clicks) - 1 if chosen is None else chosen
        click = session.clicks[index]
        before = (click.y, click.x) if self._moving is None else self._moving[1:]
        self._moving = (index, *self._beside(session, before, direction, far))
        self._subject = self._now()
        self._controller.show_marker(*self._moving)
        bring_into_view(self._viewer, image, session.place, self._moving[1:])
        self._timer.start(BURST)

    def _beside(self, session: Session, point: Point, direction: str, far: bool) -> Point:
        image, place = self._controller.image, session.place
        y, x = moved(self._viewer, image, place, point, direction, far)
        rows, columns = session.shape
        return min(max(y, 0.0), rows - 1.0), min(max(x, 0.0), columns - 1.0)

    # --- following ----------------------------------------------------------------------

    def _now(self) -> tuple[Any, ...]:
        """Return what a suggestion, or a move, is for."""
        session = self._controller.session
        return () if session is None else (session, session.place, session.clicks)

    def _follow(self) -> None:
        session = self._controller.session
        if session is None:
            self._listed = None, (), 0
        if self._subject != self._now():
            self._subject = self._now()
            self._moving = None
            self._timer.stop()
            self.withdraw()
        elif self._moving is not None:
            self._controller.show_marker(*self._moving)  # it was drawn anew where it had been
        elif self._waiting and session is not None and not session.answers.pending:
            self._waiting = False
            if session.prediction is not None:
                self.suggest()
        if self._drawn is not None and self._drawn.image is not self._controller.image:
            # napari may be removing layers: none must vanish under its hands.
            QTimer.singleShot(0, self._leave_unless_back)

    def _leave_unless_back(self) -> None:
        if self._drawn is not None and self._drawn.image is not self._controller.image:
            self._leave()

    def _leave(self) -> None:
        drawn, self._drawn = self._drawn, None
        if drawn is not None:
            drawn.close()
