"""How keys are written: as napari writes them, as people do, and as Qt does."""

from __future__ import annotations

import string

from qtpy.QtGui import QKeySequence

MODIFIERS = ("Control", "Alt", "Shift", "Meta")
NAMED = (
    *("Up", "Down", "Left", "Right", "PageUp", "PageDown", "Home", "End"),
    *("Insert", "Delete", "Backspace", "Space", "Enter", "Escape", "Tab"),
    *(f"F{number}" for number in range(1, 13)),
)
CHARACTERS = string.ascii_uppercase + string.digits
#: Other names, in lower case, of what napari calls otherwise.
_ALIASES = {
    "ctrl": "Control",
    "cmd": "Control",
    "command": "Control",
    "option": "Alt",
    "win": "Meta",
    "super": "Meta",
    "pgup": "PageUp",
    "pgdown": "PageDown",
    "ins": "Insert",
    "del": "Delete",
    "return": "Enter",
    "esc": "Escape",
    **{f"{arrow.lower()}arrow": arrow for arrow in ("Up", "Down", "Left", "Right")},
    **{name.lower(): name for name in (*MODIFIERS, *NAMED, *CHARACTERS)},
}
#: What Qt calls otherwise than napari.
_QT = {
    "Control": "Ctrl",
    "PageUp": "PgUp",
    "PageDown": "PgDown",
    "Insert": "Ins",
    "Delete": "Del",
    "Enter": "Return",
    "Escape": "Esc",
}


class KeyNameError(ValueError):
    """A key that cannot be used; the message says why."""


def parse(text: str) -> tuple[str, ...]:
    """Return the keys in a text, as napari writes them.

    Parameters
    ----------
    text : str
        Keys separated by spaces, such as ``"U Ctrl+Shift+Z Alt-F3"``.

    Raises
    ------
    KeyNameError
        Naming what is no key, and what is one.
    """
    keys = [_key(word) for word in text.split()]
    return tuple(dict.fromkeys(keys))


def join(keys: tuple[str, ...]) -> str:
    """Return keys as one text that `parse` understands."""
    return " ".join(keys)


def shown(key: str) -> str:
    """Return a key as people write it: ``Ctrl+Shift+Z``."""
    return key.replace("Control", "Ctrl").replace("-", "+")


def to_qt(key: str) -> QKeySequence:
    """Return a key as Qt has it."""
    return QKeySequence("+".join(_QT.get(part, part) for part in key.split("-")))


def from_qt(sequence: QKeySequence) -> str:
    """Return the first key of a sequence; raises KeyNameError where it is none of ours."""
    portable = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    return _key(portable.split(", ")[0])


def _key(word: str) -> str:
    parts = [_ALIASES.get(part.lower(), "") for part in word.replace("+", "-").split("-")]
    *modifiers, key = parts
    if key not in (*NAMED, *CHARACTERS) or not set(modifiers) <= set(MODIFIERS):
        raise KeyNameError(
            f"{word!r} is no key: write a letter, a digit, F1 to F12 or {', '.join(NAMED[:15])}, "
            "after any of Ctrl+, Alt+, Shift+ and Meta+"
        )
    if "Shift" in modifiers and key in string.digits:
        raise KeyNameError(f"{word!r}: with Shift a digit is another character on each keyboard")
    return "-".join([*(m for m in MODIFIERS if m in modifiers), key])
