"""The keyframes of an object, and the spans of slices between and beyond them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from napari_fclick.core.direction import Direction
from napari_fclick.propagation.rules import Rules
from napari_fclick.propagation.slices import SliceMask


@dataclass(frozen=True)
class Keyframe:
    """A slice that a person made.

    Attributes
    ----------
    slice : SliceMask
    prediction : Prediction or None
        What the network said there.
    """

    slice: SliceMask
    prediction: Any = None

    @property
    def index(self) -> int:
        """Of its slice."""
        return self.slice.index


@dataclass(frozen=True)
class Span:
    """What lies between two neighbouring keyframes, or beyond the first or the last.

    Attributes
    ----------
    below, above : Keyframe or None
        None beyond the first or the last.
    rules : Rules or None
        What ends the object on its way; between two keyframes that have a mask, nothing does.
    """

    below: Keyframe | None
    above: Keyframe | None
    rules: Rules | None = None

    @property
    def goes_up(self) -> bool:
        """Whether there is a mask to be carried upward."""
        return self.below is not None and self.below.slice.mask is not None

    @property
    def goes_down(self) -> bool:
        """Whether there is a mask to be carried downward."""
        return self.above is not None and self.above.slice.mask is not None

    def holds(self, index: int) -> bool:
        """Whether a slice lies in it; its keyframes do not."""
        return (self.below is None or self.below.index < index) and (
            self.above is None or index < self.above.index
        )


def spans_of(keyframes: Iterable[Keyframe], rules: Rules, direction: Direction) -> list[Span]:
    """Return the spans that an object is carried through, those between keyframes first.

    Parameters
    ----------
    keyframes : iterable of Keyframe
        In the order of their slices.
    rules : Rules
    direction : {"both", "up", "down"}
        Which way to go where there is a mask on one side only: beyond the keyframes, and toward a
        mark of absence.
    """
    spans = [Span(below, above) for below, above in pairwise([None, *keyframes, None])]
    between = [span for span in spans if span.goes_up and span.goes_down]
    outward = [replace(span, rules=rules) for span in spans if span.goes_up != span.goes_down]
    up = [span for span in outward if span.goes_up and direction != "down"]
    down = [span for span in outward if span.goes_down and direction != "up"]
    return [*between, *up, *down]
