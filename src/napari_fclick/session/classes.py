"""The classes that objects may have: names and colours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_fclick.core.words import counted
from napari_fclick.session.history import Change, Commit
from napari_fclick.session.state import SessionError

if TYPE_CHECKING:
    from napari_fclick.session.session import Session

#: Colours that the colour-blind can tell apart: Okabe and Ito's (https://jfly.uni-koeln.de/color),
#: then Paul Tol's muted ones (https://personal.sron.nl/~pault).
PALETTE = (
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
    "#332288",
    "#882255",
    "#117733",
    "#999933",
    "#CC6677",
)
#: The colour of objects without a class.
UNCLASSIFIED = "#A0A0A0"
#: Names of more characters are no names.
LONGEST_NAME = 80


class Classes:
    """Class names in an order of their own, each with a colour.

    Parameters
    ----------
    colours : mapping of str to str, optional
        Names and colours ``#rrggbb``.

    Attributes
    ----------
    changed : Signal()
        A name or a colour changed.

    Raises
    ------
    SessionError
        If a name or a colour is none.
    """

    changed = Signal()

    def __init__(self, colours: Mapping[str, str] | None = None) -> None:
        self._colours: dict[str, str] = {}
        # A class that comes back, such as by undo, has the colour that it had.
        self._remembered: dict[str, str] = {}
        for name, colour in (colours or {}).items():
            self.add(name, colour)

    @property
    def colours(self) -> dict[str, str]:
        """Names and their colours ``#rrggbb``, in order."""
        return dict(self._colours)

    @property
    def names(self) -> list[str]:
        """The names, in order."""
        return list(self._colours)

    def __contains__(self, name: object) -> bool:
        return name in self._colours

    def __len__(self) -> int:
        return len(self._colours)

    def colour(self, name: str) -> str:
        """Return a class's colour; gray for none and for a class that is not listed."""
        return self._colours.get(name, UNCLASSIFIED)

    def add(self, name: str, colour: str | None = None) -> str:
        """Add a class at the end.

        Parameters
        ----------
        name : str
        colour : str, optional
            ``#rrggbb``; by default one that no other class has.

        Returns
        -------
        str
            The name as it is listed, without blanks around it.

        Raises
        ------
        SessionError
            If there is such a class, or name or colour cannot be.
        """
        name = self._free_name(name)
        self._colours[name] = self._next_colour(name) if colour is None else _checked(colour)
        self.changed.emit()
        return name

    def ensure(self, names: Iterable[str]) -> None:
        """Add the classes that are not there yet; an empty name is none."""
        missing = [n for n in dict.fromkeys(names) if n and n not in self._colours]
        for name in missing:
            self._colours[name] = self._next_colour(name)
        if missing:
            self.changed.emit()

    def take(self, other: Classes) -> None:
        """Take over names and colours of other classes."""
        self._remembered.update(other.colours)
        self.ensure(other.names)

    def rename(self, name: str, to: str) -> str:
        """Give a class another name; place and colour stay.

        `rename_class` does so for a session's objects too.

        Raises
        ------
        SessionError
            If there is no such class, or one of the new name.
        """
        self._check_listed(name)
        to = self._free_name(to)
        self._remembered[name] = self._colours[name]
        self._colours = {to if n == name else n: c for n, c in self._colours.items()}
        self.changed.emit()
        return to

    def recolour(self, name: str, colour: str) -> None:
        """Give a class another colour ``#rrggbb``; raises SessionError for what is none."""
        self._check_listed(name)
        self._colours[name] = _checked(colour)
        self.changed.emit()

    def remove(self, name: str) -> None:
        """Take a class off the list; raises SessionError where there is none.

        `remove_class` first looks whether objects have it.
        """
        self._check_listed(name)
        self._remembered[name] = self._colours.pop(name)
        self.changed.emit()

    def _next_colour(self, name: str) -> str:
        if name in self._remembered:
            return self._remembered[name]
        used = list(self._colours.values())
        return min(PALETTE, key=used.count)

    def _free_name(self, name: str) -> str:
        name = name.strip()
        if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise SessionError(
                f"{name!r} is no name for a class: it takes 1 to {LONGEST_NAME} characters"
            )
        if name in self._colours:
            raise SessionError(f"there is a class {name!r} already")
        return name

    def _check_listed(self, name: str) -> None:
        if name not in self._colours:
            known = ", ".join(map(repr, self._colours)) or "none yet"
            raise SessionError(f"there is no class {name!r}; the classes are: {known}")


def objects_of(session: Session, name: str) -> list[int]:
    """Return the numbers of the accepted objects of a class."""
    return [n for n, record in session.objects.items() if record.class_name == name]


def rename_class(session: Session, name: str, to: str) -> None:
    """Give a class, its objects and the class at hand another name; it is one undoable step.

    Raises
    ------
    SessionError
        If there is no such class, or one of the new name.
    """
    if to.strip() == name:
        return
    having = objects_of(session, name)
    to = session.classes.rename(name, to)
    changes = tuple(
        Change(label, session.objects[label], replace(session.objects[label], class_name=to))
        for label in having
    )
    step = session.step(f"rename class {name} to {to}", session.draft)
    if session.settings.class_name == name:
        step = replace(step, settings_after=replace(session.settings, class_name=to))
    if changes:
        owner = session.objects.owners[having[0]]  # nothing is written: any object's will do
        step = replace(step, commit=Commit((), owner, changes, owner.shape))
    if step.commit is not None or step.settings_after != step.settings_before:
        session.do(step)


def remove_class(session: Session, name: str) -> None:
    """Take a class off the list.

    Raises
    ------
    SessionError
        If objects have it, or there is none.
    """
    having = objects_of(session, name)
    if having:
        some = ", ".join(map(str, having[:5])) + (", …" if len(having) > 5 else "")
        objects = f"{counted(len(having), 'object')} ({some})"
        raise SessionError(f"class {name!r} is in use by {objects}: give them another first")
    session.classes.remove(name)
    if session.settings.class_name == name:
        session.set(class_name="")


def _checked(colour: str) -> str:
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", colour):
        raise SessionError(f"{colour!r} is no colour: it is written #rrggbb, such as '#0072B2'")
    return colour.upper()
