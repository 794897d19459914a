"""The mouse on the canvas: clicks add, clicks on markers remove, drags move markers or pan."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

#: A press that moves further than this, in pixels of the screen, is a drag.
DRAG_DISTANCE = 4.0


class Hand(Protocol):
    """What the mouse does things to; positions are in the viewer's world."""

    def accepts_clicks(self) -> bool:
        """Whether a click on the canvas is meant for us."""

    def marker_at(self, position: Sequence[float]) -> int | None:
        """Return the index of the click whose marker is there."""

    def click_world(self, position: Sequence[float], positive: bool) -> None:
        """Add a click."""

    def drag_marker(self, index: int, position: Sequence[float]) -> None:
        """Show a click elsewhere while it is dragged."""

    def drop_marker(self, index: int, position: Sequence[float]) -> None:
        """Move a click."""

    def remove(self, index: int) -> None:
        """Remove a click."""

    def promote(self, index: int) -> None:
        """Make a click the first."""


class MouseTool:
    """Mouse callbacks on a viewer, from `attach` to `detach`.

    Parameters
    ----------
    viewer : napari.Viewer
    hand : Hand
    """

    def __init__(self, viewer: Any, hand: Hand) -> None:
        self._viewer, self._hand = viewer, hand
        self._double_click: list[Any] = []

    def attach(self) -> None:
        """Begin to listen."""
        if self._on_press in self._viewer.mouse_drag_callbacks:
            return
        self._viewer.mouse_drag_callbacks.append(self._on_press)
        # Two quick clicks are two clicks here, not a jump of the view.
        callbacks = self._viewer.mouse_double_click_callbacks
        zooming = ("double_click_to_zoom",)
        self._double_click = [f for f in callbacks if getattr(f, "__name__", "") in zooming]
        for callback in self._double_click:
            callbacks.remove(callback)
        callbacks.append(self._on_double_click)

    def detach(self) -> None:
        """Stop listening, and leave everything as it was."""
        if self._on_press not in self._viewer.mouse_drag_callbacks:
            return
        self._viewer.mouse_drag_callbacks.remove(self._on_press)
        callbacks = self._viewer.mouse_double_click_callbacks
        callbacks.remove(self._on_double_click)
        callbacks.extend(self._double_click)

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        """Follow one press to its release: only then is it known to be a click or a drag."""
        if event.button not in (1, 2) or not self._hand.accepts_clicks():
            return
        start = tuple(event.pos)
        positive = event.button == 1 and "Alt" not in event.modifiers
        promoting = "Shift" in event.modifiers
        marker = self._hand.marker_at(event.position)
        dragged = False
        event.handled = marker is not None  # the camera leaves a drag of a marker to us
        yield
        while event.type == "mouse_move":
            dragged = dragged or math.dist(event.pos[:2], start[:2]) > DRAG_DISTANCE
            if marker is not None:
                event.handled = True
                if dragged:
                    self._hand.drag_marker(marker, event.position)
            yield
        if marker is not None:
            event.handled = True
            self._release_marker(marker, event.position, dragged, promoting)
        elif not dragged:
            self._hand.click_world(event.position, positive)

    def _release_marker(
        self, marker: int, position: Sequence[float], dragged: bool, promoting: bool
    ) -> None:
        if dragged:
            self._hand.drop_marker(marker, position)
        elif promoting:
            self._hand.promote(marker)
        else:
            self._hand.remove(marker)

    def _on_double_click(self, viewer: Any, event: Any) -> None:
        """Leave alone what a second click at the same spot would undo again."""
