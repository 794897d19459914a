"""The keys: where they are bound."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from napari.layers import Labels
from qtpy.compat import isalive
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QShortcut, QWidget

from napari_fclick.widgets.actions import ACTIONS, Action
from napari_fclick.widgets.key_names import to_qt
from napari_fclick.widgets.key_settings import key_settings

#: A key that is held goes on after the first time, then at every other, in milliseconds.
FIRST_PAUSE, PAUSE = 350, 40

Method = Callable[[], None]


class KeyBindings:
    """Our keys on a viewer and on layers, from `bind` to `release`.

    Layers' bindings win over the viewer's: what a layer binds itself has to be bound on the
    layer.

    Parameters
    ----------
    controller : object
        Has a method for each of `ACTIONS`.
    """

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self._bound: list[tuple[Any, str, Any]] = []
        self._bound_for: tuple[tuple[Any, ...], list[Action]] | None = None
        self._held = Held()
        self._settings = key_settings()
        self._settings.changed.connect(self._bind_anew)

    def bind(self, viewer: Any, layers: Iterable[Any]) -> None:
        """Bind on these, and on nothing else; what is bound already costs nothing."""
        owners, actions = (viewer, *layers), self._wanted()
        if self._bound_for == (owners, actions):
            return
        self.release()
        self._bound_for = owners, actions
        for owner in owners:
            for action in actions:
                for key in self._settings.keys[action.name]:
                    self._bind(owner, key, action)

    def _wanted(self) -> list[Action]:
        return [action for action in ACTIONS.values() if action.is_wanted(self._controller)]

    def release(self) -> None:
        """Take the bindings away, and put back what they replaced."""
        self._held.stop()
        for owner, key, replaced in reversed(self._bound):
            owner.bind_key(key, None)
            if replaced is not None:
                owner.bind_key(key, replaced)
        self._bound.clear()
        self._bound_for = None

    def _bind_anew(self) -> None:
        if self._bound_for is not None:
            (viewer, *layers), _ = self._bound_for
            self.release()
            self.bind(viewer, layers)

    def _bind(self, owner: Any, key: str, action: Action) -> None:
        replaced = owner.bind_key(key, None)
        owner.bind_key(key, self._callback(action, key))
        self._bound.append((owner, key, replaced))

    def _callback(self, action: Action, key: str) -> Callable[[Any], Any]:
        method = action.bound_to(self._controller)

        def run(owner: Any) -> None:
            # While a brush is in hand, napari's own undo is the one that is meant.
            brush = isinstance(owner, Labels) and owner.mode != "pan_zoom"
            if brush and action.name in ("undo", "redo") and "Control" in key:
                owner.redo() if action.name == "redo" else owner.undo()
            else:
                method()

        def hold(owner: Any) -> Iterator[None]:
            self._held.start(method)
            yield
            self._held.stop()

        # macOS does not tell of the release of a key that goes with Command.
        heard = sys.platform != "darwin" or "Control" not in key
        return hold if action.repeats and heard else run


class Held:
    """Does something again and again while a key is held: napari tells only the first time."""

    def __init__(self) -> None:
        self._method: Method | None = None
        self._modifiers: Any = None
        self._timer = QTimer()
        self._timer.timeout.connect(self._again)

    def start(self, method: Method) -> None:
        """Do it now, and again from a moment later on."""
        self._method, self._modifiers = method, QApplication.keyboardModifiers()
        self._timer.start(FIRST_PAUSE)
        method()

    def stop(self) -> None:
        """Do it no more."""
        self._timer.stop()

    def _again(self) -> None:
        # The release goes unheard where the focus has gone elsewhere meanwhile.
        if self._method is None or QApplication.queryKeyboardModifiers() != self._modifiers:
            self.stop()
            return
        self._timer.setInterval(PAUSE)
        self._method()


class Shortcuts:
    """Our keys in a widget, for while it, not the canvas, has the focus; and its tooltips.

    Parameters
    ----------
    widget : QWidget
    controller : object
        Has a method for each of `ACTIONS`, and ``say``.
    hints : dict of str to QWidget
        Widgets whose tooltips tell an action and its keys, by the action's name.
    """

    def __init__(self, widget: QWidget, controller: Any, hints: dict[str, QWidget]) -> None:
        self._widget, self._controller, self._hints = widget, controller, hints
        self._shortcuts: list[QShortcut] = []
        self._settings = key_settings()
        self._settings.changed.connect(self._make)
        self._make()

    def _make(self) -> None:
        # A closed dock is gone at once.
        if not isalive(self._widget):  # type: ignore[no-untyped-call]
            return
        for shortcut in self._shortcuts:
            shortcut.setParent(None)
            shortcut.deleteLater()
        self._shortcuts = [
            self._shortcut(key, action)
            for action in ACTIONS.values()
            if not action.while_shown
            for key in self._settings.keys[action.name]
        ]
        for name, hinting in self._hints.items():
            hinting.setToolTip(self._settings.hint(name))
        if self._settings.problems:
            self._controller.say("; ".join(self._settings.problems), "warning")

    def _shortcut(self, key: str, action: Action) -> QShortcut:
        shortcut = QShortcut(to_qt(key), self._widget)
        shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        shortcut.activated.connect(action.bound_to(self._controller))
        return shortcut
