"""The dock in a viewer, with a predictor that draws discs."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tests.session.fakes import FakePredictor

from napari_fclick.widgets import FirstClickWidget, key_settings
from napari_fclick.widgets.key_stores import FileStore
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.moved import camera_of

Opened = tuple[Any, FirstClickWidget]


@pytest.fixture(autouse=True)
def _what_is_left_is_not_looked_through(request: pytest.FixtureRequest) -> None:
    """Have the garbage collector pass over what napari's menus keep of each viewer that was.

    It is a few thousand objects a viewer; after a thousand of them, to look through them all would
    take longer than the tests. What can be collected, napari's own fixture has collected by then:
    to do so here, with what Qt has yet to delete, would take widgets apart under its hands.
    """
    if "make_napari_viewer_proxy" in request.fixturenames:
        gc.freeze()


@pytest.fixture
def predictor() -> FakePredictor:
    return FakePredictor()


@pytest.fixture
def open_dock(
    make_napari_viewer_proxy: Any, predictor: FakePredictor
) -> Iterator[Callable[..., FirstClickWidget]]:
    """Open a dock on an image; its viewer is ``widget.controller.viewer``."""
    widgets = []

    def opened(data: Any = None, **kwargs: Any) -> FirstClickWidget:
        viewer = make_napari_viewer_proxy()
        if data is not None:
            viewer.add_image(data, name="image", **kwargs)
        widget = FirstClickWidget(viewer, load=lambda w, d: predictor, discover=Choices)
        widgets.append(widget)
        viewer.window.add_dock_widget(widget, name="First Click")
        assert widget.wait_idle()
        return widget

    yield opened
    if predictor.gate is not None:
        predictor.gate.set()
    for widget in widgets:
        widget.controller.close()


class Mouse:
    """Presses, moves and releases on the canvas, in world coordinates.

    One pixel of the screen is one unit of ``zoom`` of the camera.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self.event = SimpleNamespace()
        self._running: list[Any] = []

    def _set(self, kind: str, world: Any) -> None:
        zoom = camera_of(self.viewer).zoom
        shown = list(self.viewer.dims.displayed)
        self.event.type = kind
        self.event.position = tuple(world)
        self.event.pos = np.asarray(world, float)[shown] * zoom
        self.event.handled = False

    def drag(self, *path: Any, button: int = 1, modifiers: tuple[str, ...] = ()) -> list[bool]:
        """Press at the first point, release at the last; tell what was handled."""
        self.press(path[0], button, modifiers)
        handled = [bool(self.event.handled)]
        for point in path[1:]:
            self._go_on("mouse_move", point)
            handled.append(bool(self.event.handled))
        self.release(path[-1])
        return handled

    def press(self, world: Any, button: int = 1, modifiers: tuple[str, ...] = ()) -> None:
        self.event = SimpleNamespace(button=button, modifiers=modifiers)
        self._set("mouse_press", world)
        self._running = []
        for callback in list(self.viewer.mouse_drag_callbacks):
            if callback.__name__ != "_on_press":
                continue  # napari's own
            generator = callback(self.viewer, self.event)
            next(generator, None)
            self._running.append(generator)

    def release(self, world: Any) -> None:
        self._go_on("mouse_release", world)

    def _go_on(self, kind: str, world: Any) -> None:
        self._set(kind, world)
        for generator in self._running:
            next(generator, None)

    def click(self, world: Any, **kwargs: Any) -> None:
        self.drag(world, **kwargs)


@pytest.fixture
def mouse() -> type[Mouse]:
    return Mouse


@pytest.fixture(autouse=True)
def no_double_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take each press for a click: tests are quicker than hands."""
    monkeypatch.setattr("napari_fclick.widgets.mouse.double_click_time", lambda: 0.0)


@pytest.fixture(autouse=True)
def own_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep keys in the test's folder: the user's are neither read nor changed."""
    path = tmp_path / "keys.toml"
    monkeypatch.setattr(key_settings, "user_stores", lambda: [FileStore(path)])
    key_settings.key_settings.cache_clear()
    yield path
    key_settings.key_settings.cache_clear()
