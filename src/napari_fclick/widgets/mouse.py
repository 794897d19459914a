"""The mouse on the canvas: clicks add, on markers remove, with Ctrl correct; drags move or pan."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.planes import LayerError, displayed_place, to_plane, to_world

if TYPE_CHECKING:
    from napari_fclick.widgets.controller import Controller

#: A press that moves further than this, in pixels of the screen, is a drag.
DRAG_DISTANCE = 4.0
#: A press this near to a marker's centre, in pixels of the screen, is on it.
MARKER_RADIUS = 8.0


class MouseTool:
    """Mouse callbacks on a viewer, from `attach` to `detach`.

    Parameters
    ----------
    controller : Controller
        What the mouse does things to.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller, self._viewer = controller, controller.viewer
        self._double_click: list[Any] = []
        self._pressed: tuple[float, tuple[float, ...], int] = (-math.inf, (0.0, 0.0), 0)
        self._told: tuple[Any, str] | None = None
        self._said = ""

    def attach(self) -> None:
        """Begin to listen."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            return
        self._viewer.mouse_drag_callbacks.append(self._on_press)
        # Two quick clicks are no wish for the view to jump.
        callbacks = self._viewer.mouse_double_click_callbacks
        zooming = ("double_click_to_zoom",)
        self._double_click = [f for f in callbacks if getattr(f, "__name__", "") in zooming]
        for callback in self._double_click:
            callbacks.remove(callback)

    def detach(self) -> None:
        """Stop listening, and leave everything as it was."""
        if self._on_press not in self._viewer.mouse_drag_callbacks:
            return
        self._viewer.mouse_drag_callbacks.remove(self._on_press)
        self._viewer.mouse_double_click_callbacks.extend(self._double_click)

    def marker_at(self, position: Sequence[float]) -> int | None:
        """Return the index of the click whose marker is at a point of the world.

        None too while the object waits to be accepted: all clicks are then for the next one.
        """
        session = self._controller.session
        if session is None or not session.clicks or self._controller.accepting:
            return None
        shown = list(self._viewer.dims.displayed)
        image, place = self._controller.image, session.place
        points = [to_world(self._viewer, image, place, c.y, c.x) for c in session.clicks]
        away = np.asarray(points)[:, shown] - np.asarray(position, float)[shown]
        distances = np.linalg.norm(away, axis=1) * camera_of(self._viewer).zoom
        nearest = int(np.argmin(distances))
        return nearest if distances[nearest] <= MARKER_RADIUS else None

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Follow one press to its release: only then is it known to be a click or a drag."""
        if event.button not in (1, 2) or not self._is_meant():
            self._tell_tool(event.button)
            return
        self._forget_tool()
        start = tuple(event.pos)
        if self._is_second(start, event.button):
            event.handled = True
            return
        positive = event.button == 1 and "Alt" not in event.modifiers
        promoting = "Shift" in event.modifiers
        # Ctrl; on a Mac, Qt calls the Command key so.
        correcting = event.button == 1 and "Control" in event.modifiers
        # The session may be on another slice, such as after the layer was moved.
        on_plane = self._controller.follow_view() and not correcting
        position = tuple(event.position)  # a click is where it began: hands shake
        marker = self.marker_at(position) if on_plane else None
        if on_plane and marker is None:
            self._click(position, partial(self._controller.expect, positive=positive))
        meant = self._marked()
        dragged = False
        event.handled = marker is not None  # the camera leaves a drag of a marker to us
        yield
        while event.type == "mouse_move":
            dragged = dragged or math.dist(event.pos[:2], start[:2]) > DRAG_DISTANCE
            if marker is not None:
                event.handled = True
                if dragged and meant == self._marked():
                    self._drag(marker, event.position)
            yield
        if marker is not None and meant != self._marked():
            event.handled = True
            self._controller.refresh()  # its clicks changed meanwhile: the marker goes back
        elif marker is not None:
            event.handled = True
            self._release(marker, event.position, dragged, promoting)
        elif not dragged:
            add = partial(self._controller.click, positive=positive)
            pick_up = self._controller.objects.pick_up_at
            self._click(position, pick_up if correcting else add)

    def _is_second(self, pos: tuple[float, ...], button: int) -> bool:
        """Whether a press makes a double click: it would take back what the first one did."""
        (before, where, which), now = self._pressed, time.monotonic()
        self._pressed = (now, pos, button)
        quick = now - before < double_click_time()
        return quick and button == which and math.dist(pos[:2], where[:2]) <= DRAG_DISTANCE

    def _marked(self) -> tuple[Any, ...]:
        """Return what the markers stand for: an index is good for as long as it is the same."""
        session = self._controller.session
        return () if session is None else (session, session.place, session.clicks)

    def _is_meant(self) -> bool:
        """Whether a press is meant for us, not for a layer's own tool."""
        active = self._viewer.layers.selection.active
        begun = self._controller.session is not None
        return begun and (active is None or active.mode == "pan_zoom")

    def _tell_tool(self, button: int) -> None:
        """Say, once, that a layer's own tool has the mouse."""
        active = self._viewer.layers.selection.active
        mode = str(getattr(active, "mode", ""))
        if button not in (1, 2) or self._controller.session is None or mode in ("", "pan_zoom"):
            return
        if self._told != (active, mode):
            self._told = active, mode
            self._said = (
                f"{active.name!r} has the mouse ({mode}): choose its tool for panning and zooming "
                "to click on objects again"
            )
            self._controller.say(self._said)

    def _forget_tool(self) -> None:
        """Say no more that a tool has the mouse: it has not."""
        self._told = None
        self._controller.messages.unsay(self._said)

    def _click(self, position: Sequence[float], act: Callable[[float, float], None]) -> None:
        point = self._on_plane(position)
        if point is not None:
            act(*point)

    def _drag(self, index: int, position: Sequence[float]) -> None:
        point = self._on_plane(position)
        if point is not None:
            self._controller.show_marker(index, *point)

    def _release(
        self, marker: int, position: Sequence[float], dragged: bool, promoting: bool
    ) -> None:
        if not dragged:
            (self._controller.promote if promoting else self._controller.remove)(marker)
            return
        point = self._on_plane(position)
        if point is not None:
            self._controller.move(marker, *point)

    def _on_plane(self, position: Sequence[float]) -> tuple[float, float] | None:
        """Return row and column on the plane on show; None, with a message, if there is none."""
        image = self._controller.image
        if image is None:
            return None
        try:
            place = displayed_place(self._viewer, image)
        except LayerError as error:
            self._controller.say(str(error), "warning")
            return None
        return to_plane(self._viewer, image, position, place)


def double_click_time() -> float:
    """Return the seconds within which two presses are a double click, as the desktop has it."""
    return QApplication.doubleClickInterval() / 1000
