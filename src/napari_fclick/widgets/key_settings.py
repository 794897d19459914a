"""Which keys the user has chosen, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache

from napari.layers import Image, Labels, Points
from napari.viewer import Viewer
from psygnal import Signal
from qtpy.QtWidgets import QApplication, QMenu

from napari_fclick.widgets.actions import ACTIONS, DEFAULTS, Keys
from napari_fclick.widgets.key_names import KeyNameError, join, parse, shown
from napari_fclick.widgets.key_stores import Store, user_stores


class KeySettings:
    """The keys in use: an action's own ones unless others were chosen for it.

    What was chosen and is no key, or is taken, is refused: the action then has its own keys.

    Parameters
    ----------
    stores : sequence of Store
        The first that has something for an action decides; changes are written to it.

    Attributes
    ----------
    keys : dict of str to tuple of str
        By the action's name, as napari writes them.
    problems : tuple of str
        What was refused, and why.
    changed : Signal()
        Keys or problems changed.
    """

    changed = Signal()

    def __init__(self, stores: Sequence[Store]) -> None:
        self._stores = tuple(stores)
        self._writing = False
        self.keys = dict(DEFAULTS)
        self.problems: tuple[str, ...] = ()
        for store in self._stores:
            store.watch(self._reread)
        self.read()

    def read(self) -> None:
        """Read the stores anew."""
        chosen, problems = self._chosen()
        self.keys, refused = resolve(chosen)
        self.problems = (*problems, *refused)

    def hint(self, name: str) -> str:
        """Return what an action does, with its keys, for a tooltip."""
        keys = " or ".join(shown(key) for key in self.keys[name])
        return f"{ACTIONS[name].text} ({keys})" if keys else ACTIONS[name].text

    def change(self, name: str, keys: str) -> None:
        """Give an action other keys.

        Parameters
        ----------
        name : str
        keys : str
            Separated by spaces, such as ``"U Ctrl+Z"``; empty for none.

        Raises
        ------
        KeyNameError
            If one is no key, or is taken. The action then keeps the keys it has.
        """
        wanted = parse(keys)
        for other, theirs in self.keys.items():
            for key in set(wanted) & set(theirs):
                if other != name:
                    raise KeyNameError(f"{shown(key)} is taken: {ACTIONS[other].text.lower()}")
        for key in set(wanted) - set(DEFAULTS[name]):
            _refuse_taken(key)
        self._keep({**self.keys, name: wanted})

    def reset(self) -> None:
        """Give all actions their own keys again."""
        self._keep(DEFAULTS)

    def _keep(self, keys: Mapping[str, Keys]) -> None:
        chosen = {n: join(k) for n, k in keys.items() if k != DEFAULTS[n]}
        self._writing = True
        try:
            for store in self._stores:
                store.write(chosen)
                chosen = {}  # one place is enough
        except OSError as error:
            raise KeyNameError(f"the keys cannot be kept: {error}") from None
        finally:
            self._writing = False
            self._reread()

    def _reread(self) -> None:
        if not self._writing:
            self.read()
            self.changed.emit()

    def _chosen(self) -> tuple[dict[str, str], list[str]]:
        chosen: dict[str, str] = {}
        problems = []
        for store in reversed(self._stores):
            try:
                chosen.update(store.read())
            except KeyNameError as problem:
                problems.append(str(problem))
        return chosen, problems


def resolve(chosen: Mapping[str, str]) -> tuple[dict[str, Keys], tuple[str, ...]]:
    """Return the keys of all actions, and what of the chosen ones was refused.

    Parameters
    ----------
    chosen : mapping of str to str
        Keys, separated by spaces, by the names of actions.
    """
    accepted: dict[str, Keys] = {}
    problems = []
    for name, text in chosen.items():
        try:
            accepted[name] = _checked(name, text)
        except KeyNameError as problem:
            problems.append(f"key for {name}: {problem}")
    # A key given back by one may be the own one of another: look again until all is well.
    while clash := _clash({**DEFAULTS, **accepted}, accepted):
        name, key = clash
        problems.append(f"key for {name}: {shown(key)} has another action too; its own is kept")
        del accepted[name]
    return {**DEFAULTS, **accepted}, tuple(problems)


def _checked(name: str, text: str) -> Keys:
    if name not in ACTIONS:
        raise KeyNameError(f"no such action; there are {', '.join(ACTIONS)}")
    keys = parse(text)
    for key in set(keys) - set(DEFAULTS[name]):
        _refuse_taken(key)
    return keys


def _clash(keys: Mapping[str, Keys], refusable: Iterable[str]) -> tuple[str, str] | None:
    """Return a chosen key that another action has too, and whose it is."""
    count = Counter(key for theirs in keys.values() for key in theirs)
    for name in reversed(list(refusable)):
        for key in keys[name]:
            if count[key] > 1:
                return name, key
    return None


def _refuse_taken(key: str) -> None:
    """Refuse a key that napari has for something else; raises KeyNameError."""
    for owner in (Viewer, Image, Points, Labels):
        # What layers and viewers inherit is in the classes above them.
        for kind in owner.__mro__:
            if key in _parsed(str(bound) for bound in getattr(kind, "class_keymap", {})):
                raise KeyNameError(f"{shown(key)} is taken by napari ({owner.__name__})")
    if key in _parsed(_menu_shortcuts()):
        raise KeyNameError(f"{shown(key)} is taken by a menu of napari")


def _menu_shortcuts() -> list[str]:
    widgets = [] if QApplication.instance() is None else QApplication.allWidgets()
    actions = [a for menu in widgets if isinstance(menu, QMenu) for a in menu.actions()]
    return [key.toString() for action in actions for key in action.shortcuts()]


def _parsed(keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for key in keys:
        with suppress(KeyNameError):
            found.update(parse(key))
    return found


@cache
def key_settings() -> KeySettings:
    """Return the keys of this user, the same for all docks."""
    return KeySettings(user_stores())


def key_of(name: str) -> str:
    """Return the first key of an action as people write it; its name where it has none."""
    keys = key_settings().keys[name]
    return shown(keys[0]) if keys else f"'{name}' (it has no key)"
