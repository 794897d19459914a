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
    while_shown : str
        The part of the controller that has to be there for the keys to be bound; they are
        napari's otherwise, and none of the dock's.
    """

    name: str
    keys: Keys
    text: str
    group: str
    method: str = ""
    arguments: tuple[Any, ...] = field(default=())
    repeats: bool = False
    while_shown: str = ""

    def bound_to(self, controller: Any) -> Callable[[], None]:
        """Return what it does with a controller."""
        return partial(_part(controller, self.method or self.name), *self.arguments)

    def is_wanted(self, controller: Any) -> bool:
        """Whether its keys are to be bound."""
        return not self.while_shown or _part(controller, self.while_shown) is not None


def _part(controller: Any, path: str) -> Any:
    return reduce(getattr, path.split("."), controller)


def _moves() -> list[Action]:
    """Return the moves of a suggestion that is on show; only then are the arrows ours."""
    return [
        Action(
            f"move_{direction}",
            (direction.capitalize(),),
            f"Move the suggestion {direction}",
            "Suggested click",
            "suggesting.nudge",
            (direction, True),
            while_shown="suggesting.ghost",
        )
        for direction in DIRECTIONS
    ]


def _nudges() -> list[Action]:
    """Return the moves by a pixel; napari leaves no other four arrows free at all times."""
    return [
        Action(
            f"nudge_{direction}",
            (f"Control-Shift-{direction.capitalize()}",),
            f"One pixel {direction}",
            "The suggestion, or else the chosen or the last click",
            "suggesting.nudge",
            (direction,),
            repeats=True,
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
        Action(
            "clear",
            ("D",),
            "Remove all clicks of the current object, in a stack in all its slices",
            "Object",
        ),
        Action(
            "promote_at_cursor",
            ("Q",),
            "Make the chosen click, or the one under the cursor, the first",
            "Object",
        ),
        Action(
            "correct_at_cursor",
            ("Shift-Q",),
            "Take the object under the cursor in hand again",
            "Object",
            "objects.pick_up_at_cursor",
        ),
        Action(
            "delete_at_cursor",
            ("Shift-X",),
            "Remove the object under the cursor from the labels",
            "Object",
            "objects.delete_at_cursor",
        ),
        Action(
            "merge_at_cursor",
            ("Shift-M",),
            "Merge: over the object that is to stay, then over the other one",
            "Object",
            "objects.merge_at_cursor",
        ),
        Action(
            "find_similar",
            ("Shift-F",),
            "Find more objects like those accepted in this plane; again: stop",
            "Object",
            "finding.toggle",
        ),
        Action(
            "show_objects",
            ("Shift-N",),
            "Go to the list of objects",
            "Object",
            "objects.focus_list",
        ),
        Action(
            "suggest",
            ("G",),
            "Suggest the next click; again: the next best place",
            "Suggested click",
            "suggesting.suggest",
        ),
        Action(
            "take_positive",
            ("J",),
            "Take the suggestion: it is on the object",
            "Suggested click",
            "suggesting.take",
            (True,),
        ),
        Action(
            "take_negative",
            ("K",),
            "Take the suggestion: it is not on the object",
            "Suggested click",
            "suggesting.take",
            (False,),
        ),
        Action(
            "withdraw",
            ("Shift-G",),
            "Take the suggestion away",
            "Suggested click",
            "suggesting.withdraw",
        ),
        *_moves(),
        *_nudges(),
        Action(
            "choose_click",
            ("Control-Shift-J",),
            "Choose the last click; again: the one before it",
            "The clicks at hand",
            "choosing.step",
        ),
        Action(
            "remove_chosen",
            ("Control-Shift-K",),
            "Remove the chosen click, or else the last",
            "The clicks at hand",
            "choosing.remove",
        ),
        Action(
            "propagate",
            ("Shift-T",),
            "Carry the object through the stack; again: stop",
            "Stack",
            "stacks.toggle",
        ),
        Action(
            "propagate_all",
            ("Shift-Y",),
            "Carry all objects of this slice through the stack, one after the other",
            "Stack",
            "stacks.one_by_one.begin",
        ),
        Action(
            "worst_next",
            ("Shift-W",),
            "Go to the least certain slice, or object, that was not looked at",
            "Stack",
            "stacks.worst_next",
        ),
        Action(
            "not_here",
            ("Shift-D",),
            "The object is not in this slice; again: it is",
            "Stack",
            "stacks.not_here",
        ),
        Action(
            "good_as_is",
            ("Shift-H",),
            "The carried mask of this slice is good as it is",
            "Stack",
            "stacks.good_as_is",
        ),
        Action(
            "lower_threshold",
            ("Shift-J",),
            "Lower the threshold: more pixels",
            "Settings",
            "adjusting.step_threshold",
            (-1,),
        ),
        Action(
            "raise_threshold",
            ("Shift-K",),
            "Raise the threshold: fewer pixels",
            "Settings",
            "adjusting.step_threshold",
            (1,),
        ),
        Action(
            "toggle_integrity",
            ("I",),
            "Structural integrity on or off",
            "Settings",
            "adjusting.toggle_integrity",
        ),
        Action(
            "toggle_outlines",
            ("Shift-O",),
            "Outlines of new objects as in those accepted before, or not",
            "Settings",
            "adjusting.toggle_outlines",
        ),
        Action(
            "next_class",
            ("Shift-R",),
            "The next class for the next objects",
            "Settings",
            "objects.step_class",
            (1,),
        ),
        Action(
            "previous_class",
            ("Shift-U",),
            "The class before it",
            "Settings",
            "objects.step_class",
            (-1,),
        ),
        Action(
            "cycle_policy",
            ("W",),
            "The next way to treat overlaps",
            "Settings",
            "adjusting.cycle_policy",
        ),
        Action(
            "toggle_limits",
            ("Shift-I",),
            "Contrast by the layer's limits, or not",
            "Settings",
            "adjusting.toggle_limits",
        ),
        Action(
            "toggle_preview",
            ("H",),
            "Hide or show the preview",
            "Settings",
            "adjusting.toggle_preview",
        ),
        Action(
            "next_image",
            ("Control-PageDown",),
            "Write the labels and go to the next image of the folder",
            "Folder",
            "walk.next",
        ),
        Action(
            "previous_image",
            ("Control-PageUp",),
            "Write the labels and go to the image before",
            "Folder",
            "walk.previous",
        ),
        Action("toggle_keys", ("T",), "Show or hide the table of keys", "Help", "key_table.toggle"),
    )
}

#: The keys of the actions, by their names, unless others were chosen.
DEFAULTS: dict[str, Keys] = {name: action.keys for name, action in ACTIONS.items()}
