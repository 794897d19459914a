"""Clicks: what the annotator says about one object, in order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import overload


class ClickError(ValueError):
    """A click, or a sequence of clicks, that says nothing sensible."""


class OutsideError(ClickError):
    """A click outside the image."""


@dataclass(frozen=True, slots=True)
class Click:
    """One click on an image.

    Parameters
    ----------
    y, x : float
        Row and column in pixels of the image; pixel centres are integers.
    positive : bool
        True on the object, False on what is not the object.

    Raises
    ------
    ClickError
        If a coordinate is not a finite number, or the sign is neither True nor False.
    """

    y: float
    x: float
    positive: bool = True

    def __post_init__(self) -> None:
        for name, value in (("y", self.y), ("x", self.x)):
            if not _is_finite(value):
                raise ClickError(f"click {name}={value!r} is not a finite number")
        if self.positive not in (True, False):
            raise ClickError(f"click positive={self.positive!r} is neither True nor False")

    @property
    def pixel(self) -> tuple[int, int]:
        """The (row, column) of the pixel under the click."""
        return math.floor(self.y + 0.5), math.floor(self.x + 0.5)

    def moved(self, y: float, x: float) -> Click:
        """Return this click at another place."""
        return replace(self, y=y, x=x)


class ClickSequence(Sequence[Click]):
    """The clicks of one object in the order they were made; immutable.

    The first click is the anchor (paper, section 3): it is always positive. Every method
    that changes something returns a new sequence.

    Parameters
    ----------
    clicks : iterable of Click
        May be empty, which is an object not begun.

    Raises
    ------
    ClickError
        If the first click is negative.
    """

    __slots__ = ("_clicks",)

    def __init__(self, clicks: Iterable[Click] = ()) -> None:
        self._clicks = tuple(clicks)
        for click in self._clicks:
            if not isinstance(click, Click):
                raise ClickError(f"{click!r} is no Click; make one with Click(y, x, positive)")
        if self._clicks and not self._clicks[0].positive:
            first = self._clicks[0]
            raise ClickError(
                f"the first click at y={first.y:g}, x={first.x:g} is negative; the first click "
                "must be positive (on the object), negative clicks may follow it"
            )

    @overload
    def __getitem__(self, index: int) -> Click: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Click, ...]: ...
    def __getitem__(self, index: int | slice) -> Click | tuple[Click, ...]:
        return self._clicks[index]

    def __len__(self) -> int:
        return len(self._clicks)

    def __iter__(self) -> Iterator[Click]:
        return iter(self._clicks)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ClickSequence) and self._clicks == other._clicks

    def __hash__(self) -> int:
        return hash(self._clicks)

    def __repr__(self) -> str:
        return f"ClickSequence({list(self._clicks)!r})"

    @property
    def first(self) -> Click:
        """The anchor.

        Raises
        ------
        ClickError
            If there are no clicks.
        """
        if not self._clicks:
            raise ClickError("no clicks: an object needs at least one positive click")
        return self._clicks[0]

    @property
    def positives(self) -> tuple[Click, ...]:
        """Positive clicks, the first among them."""
        return tuple(click for click in self._clicks if click.positive)

    @property
    def negatives(self) -> tuple[Click, ...]:
        """Negative clicks."""
        return tuple(click for click in self._clicks if not click.positive)

    def add(self, click: Click) -> ClickSequence:
        """Return the sequence with one more click.

        Raises
        ------
        ClickError
            If the sequence is empty and the click negative.
        """
        return ClickSequence((*self._clicks, click))

    def remove(self, index: int) -> ClickSequence:
        """Return the sequence without one click.

        Without its first click an object is anchored on its next positive one; when there
        is none, nothing is left to correct and the sequence is empty.

        Raises
        ------
        ClickError
            If there is no click at that index, which counts from 0.
        """
        gone = self._checked(index)
        rest = [click for i, click in enumerate(self._clicks) if i != gone]
        if rest and not rest[0].positive:
            following = next((i for i, click in enumerate(rest) if click.positive), None)
            return ClickSequence() if following is None else _anchored(rest, following)
        return ClickSequence(rest)

    def move(self, index: int, y: float, x: float) -> ClickSequence:
        """Return the sequence with one click at another place, in pixels of the image.

        Raises
        ------
        ClickError
            If there is no click at that index, which counts from 0, or the place is not finite.
        """
        moved = list(self._clicks)
        moved[index] = moved[self._checked(index)].moved(y, x)
        return ClickSequence(moved)

    def promote(self, index: int) -> ClickSequence:
        """Return the sequence anchored on another of its positive clicks.

        Raises
        ------
        ClickError
            If that click is negative, or there is none at that index, which counts from 0.
        """
        return _anchored(list(self._clicks), self._checked(index))

    def check_signs(self) -> None:
        """Refuse a pixel that is said to be on the object, and not to be.

        Raises
        ------
        ClickError
            Naming the pixel.
        """
        both = {c.pixel for c in self.positives} & {c.pixel for c in self.negatives}
        if both:
            y, x = min(both)
            raise ClickError(
                f"y={y}, x={x} is clicked as on the object and as not on it: leave one out"
            )

    def check_inside(self, shape: tuple[int, int]) -> None:
        """Refuse clicks outside an image of ``shape`` (rows, columns).

        Raises
        ------
        OutsideError
            Naming the click and the rows and columns that are allowed.
        """
        height, width = shape
        for number, click in enumerate(self._clicks, start=1):
            row, column = click.pixel
            if not (0 <= row < height and 0 <= column < width):
                raise OutsideError(
                    f"click {number} at y={click.y:g}, x={click.x:g} lies outside the image: "
                    f"y must be within 0 to {height - 1} and x within 0 to {width - 1}"
                )

    def _checked(self, index: int) -> int:
        if not 0 <= index < len(self._clicks):
            raise ClickError(f"no click number {index + 1}: there are {len(self._clicks)}")
        return index


def _anchored(clicks: list[Click], index: int) -> ClickSequence:
    """Put the click at ``index`` first and keep the order of the others."""
    return ClickSequence([clicks[index], *clicks[:index], *clicks[index + 1 :]])


def _is_finite(value: object) -> bool:
    try:
        return math.isfinite(value)  # type: ignore[arg-type]
    except (TypeError, OverflowError):
        return False
