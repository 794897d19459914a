"""What can be done by key: the actions, their groups and the keys they have at first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial, reduce
from typing import Any

Keys = tuple[str, ...]

DIRECTIONS = ("up", "down", "left", "right")


@dataclass(frozen=True)
class Action:
    """Something that a key does.

    Attributes
    ----------
    name : str
        Its name in the settings.
    keys : tuple of str
        The keys it has unless they are changed, as napari writes them; free in napari's
        viewer and in its Image, Points and Labels layers.
    text : str
        What it does, for tooltips and the table of keys.
    group : str
        The heading in the table of keys.
    method : str
        The controller's method, or that of a part of it (``part.method``); the name if empty.
    arguments : tuple
        What the method is given.
    repeats : bool
        Whether it goes on while the key is held.
    """

    name: str
    keys: Keys
    text: str
    group: str
    method: str = ""
    arguments: tuple[Any, ...] = field(default=())
    repeats: bool = False

    def bound_to(self, controller: Any) -> Callable[[], None]:
        """Return what it does with a controller."""
        method = reduce(getattr, (self.method or self.name).split("."), controller)
        return partial(method, *self.arguments)


def _nudges(far: bool) -> list[Action]:
    how, modifiers = (" further", "Control-Shift-") if far else ("", "Shift-")
    return [
        Action(
            f"nudge_{direction}{'_far' if far else ''}",
            (f"{modifiers}{direction.capitalize()}",),
            f"Move it {direction}{how}",
            "The suggestion, or else the last click",
            "suggesting.nudge",
            (direction, far),
            repeats=not far,
        )
        for direction in DIRECTIONS
    ]


ACTIONS = {
    action.name: action
    for action in (
        Action(
            "accept", ("N",), "Write the object into the labels and start the next one", "Object"
        ),
        Action(
            "undo", ("U", "Control-Z"), "Undo the last click, setting or accepted object", "Object"
        ),
        Action("redo", ("R", "Control-Shift-Z"), "Do again what was undone", "Object"),
        Action("clear", ("D",), "Remove all clicks of the current object", "Object"),
        Action(
            "suggest",
            ("G",),
            "Suggest the next click; again: the next best place",
            "Clicks",
            "suggesting.suggest",
        ),
        Action(
            "take_positive",
            ("J",),
            "Take the suggestion: it is on the object",
            "Clicks",
            "suggesting.take",
            (True,),
        ),
        Action(
            "take_negative",
            ("K",),
            "Take the suggestion: it is not on the object",
            "Clicks",
            "suggesting.take",
            (False,),
        ),
        Action(
            "withdraw",
            ("Shift-G",),
            "Take the suggestion away",
            "Clicks",
            "suggesting.withdraw",
        ),
        Action(
            "promote_at_cursor",
            ("Q",),
            "Make the positive click under the cursor the first",
            "Clicks",
        ),
        *_nudges(far=False),
        *_nudges(far=True),
        Action(
            "lower_threshold",
            ("Shift-J",),
            "Lower the threshold: more pixels",
            "Settings",
            "step_threshold",
            (-1,),
        ),
        Action(
            "raise_threshold",
            ("Shift-K",),
            "Raise the threshold: fewer pixels",
            "Settings",
            "step_threshold",
            (1,),
        ),
        Action("toggle_integrity", ("I",), "Structural integrity on or off", "Settings"),
        Action("cycle_policy", ("W",), "The next way to treat overlaps", "Settings"),
        Action("toggle_preview", ("H",), "Hide or show the preview", "Settings"),
        Action("toggle_keys", ("T",), "Show or hide the table of keys", "Help", "key_table.toggle"),
    )
}

#: The keys of the actions, by their names, unless others were chosen.
DEFAULTS: dict[str, Keys] = {name: action.keys for name, action in ACTIONS.items()}
