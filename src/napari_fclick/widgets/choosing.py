"""One click of those at hand, chosen by key: to be moved, removed or made the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_fclick.widgets.actions import DIRECTIONS
from napari_fclick.widgets.key_names import shown
from napari_fclick.widgets.key_settings import key_settings
from napari_fclick.widgets.moving import bring_into_view

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller


class Choosing:
    """The chosen click of a controller.

    It stays chosen while it is moved, and is no longer when clicks come or go, or another plane
    or image is on show.

    Parameters
    ----------
    controller : Controller
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._chosen: int | None = None
        self._subject: tuple[Any, ...] = ()
        controller.changed.connect(self._follow)

    @property
    def chosen(self) -> int | None:
        """The index of the chosen click; None where none is."""
        return self._chosen if self._subject == self._now() else None

    def step(self) -> None:
        """Choose the last click; chosen already, the one before it; after the first, none."""
        controller = self._controller
        controller.suggesting.settle()
        session = controller.session
        if session is None or not session.clicks or controller.accepting:
            controller.say("no click to choose: there is none yet", "warning")
            return
        clicks, chosen = session.clicks, self.chosen
        self._choose((len(clicks) if chosen is None else chosen) - 1)
        if self._chosen is None:
            controller.say("")
            return
        click = clicks[self._chosen]
        bring_into_view(controller.viewer, controller.image, session.place, (click.y, click.x))
        controller.say(_told(self._chosen, len(clicks), click.positive))

    def remove(self) -> None:
        """Remove the chosen click, or else the last."""
        controller = self._controller
        controller.suggesting.settle()
        session, chosen = controller.session, self.chosen
        if session is None or not session.clicks:
            controller.say("no click to remove: there is none yet", "warning")
            return
        controller.remove(len(session.clicks) - 1 if chosen is None else chosen)

    def close(self) -> None:
        """Follow nothing any more."""
        self._controller.changed.disconnect(self._follow)

    def _choose(self, index: int) -> None:
        self._chosen, self._subject = (None if index < 0 else index), self._now()
        self._mark()

    def _mark(self) -> None:
        current = self._controller.current
        if current is not None:
            current.layers.mark(self._chosen)

    def _now(self) -> tuple[Any, ...]:
        session = self._controller.session
        return () if session is None else (session, session.place, len(session.clicks))

    def _follow(self) -> None:
        if self._chosen is not None:
            self._chosen = self.chosen
            self._mark()


def _told(index: int, count: int, positive: bool) -> str:
    kind = "first" if index == 0 else "positive" if positive else "negative"
    does = [_with_keys([f"nudge_{direction}" for direction in DIRECTIONS], "move it")]
    does.append(_with_keys(["remove_chosen"], "removes it"))
    if positive and index:
        does.append(_with_keys(["promote_at_cursor"], "makes it the first"))
    return f"click {index + 1} of {count} ({kind}) is chosen: " + ", ".join(filter(None, does))


def _with_keys(actions: list[str], what: str) -> str:
    """Say which keys do something; nothing where an action has none."""
    keys = [key_settings().keys[name] for name in actions]
    return f"{', '.join(shown(each[0]) for each in keys)} {what}" if all(keys) else ""
