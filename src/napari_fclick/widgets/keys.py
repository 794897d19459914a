"""The keys: which, what for, and where they are bound."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from napari.layers import Labels


@dataclass(frozen=True)
class Action:
    """Something that a key does.

    Attributes
    ----------
    name : str
        The controller's method.
    keys : tuple of str
        As napari writes them; free in all its layers and in the viewer.
    text : str
        What it does, for tooltips.
    """

    name: str
    keys: tuple[str, ...]
    text: str

    @property
    def hint(self) -> str:
        """Return the text with the keys, for a tooltip."""
        keys = " or ".join(key.replace("Control", "Ctrl").replace("-", "+") for key in self.keys)
        return f"{self.text} ({keys})"


ACTIONS = {
    action.name: action
    for action in (
        Action("accept", ("N",), "Write the object into the labels and start the next one"),
        Action("undo", ("U", "Control-Z"), "Undo the last click, setting or accepted object"),
        Action("redo", ("R", "Control-Shift-Z"), "Do again what was undone"),
        Action("clear", ("D",), "Remove all clicks of the current object"),
        Action("promote_at_cursor", ("Q",), "Make the positive click under the cursor the first"),
        Action("toggle_integrity", ("I",), "Structural integrity on or off"),
        Action("toggle_preview", ("H",), "Hide or show the preview"),
    )
}

Method = Callable[[], None]


class KeyBindings:
    """Our keys on a viewer and on layers, from `bind` to `release`.

    Layers' bindings win over the viewer's: what a layer binds itself has to be bound on the
    layer.

    Parameters
    ----------
    controller : object
        Has a method for every name in `ACTIONS`.
    """

    def __init__(self, controller: Any) -> None:
        self._controller = controller
        self._bound: list[tuple[Any, str, Any]] = []

    def bind(self, viewer: Any, layers: Iterable[Any]) -> None:
        """Bind anew on these, and on nothing else."""
        self.release()
        for owner in (viewer, *layers):
            for action in ACTIONS.values():
                for key in action.keys:
                    self._bind(owner, key, action.name)

    def release(self) -> None:
        """Take the bindings away, and put back what they replaced."""
        for owner, key, replaced in reversed(self._bound):
            owner.bind_key(key, None)
            if replaced is not None:
                owner.bind_key(key, replaced)
        self._bound.clear()

    def _bind(self, owner: Any, key: str, name: str) -> None:
        replaced = owner.bind_key(key, None)
        owner.bind_key(key, self._callback(name, key))
        self._bound.append((owner, key, replaced))

    def _callback(self, name: str, key: str) -> Callable[[Any], None]:
        method: Method = getattr(self._controller, name)

        def run(owner: Any) -> None:
            # While a brush is in hand, napari's own undo is the one that is meant.
            if isinstance(owner, Labels) and "Control" in key and owner.mode != "pan_zoom":
                owner.redo() if name == "redo" else owner.undo()
            else:
                method()

        return run
