"""The planes that lie one behind the other along an axis of an image layer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.session import Place
from napari_fclick.widgets.planes import layer_shape, linear_matrix

#: What an axis of channels is named.
CHANNELS = ("c", "ch", "channel", "channels")


class Axis(NamedTuple):
    """An axis along which an object can be carried.

    Attributes
    ----------
    number : int
        Of the layer's data.
    name : str
    length : int
        How many slices there are.
    """

    number: int
    name: str
    length: int


@dataclass(frozen=True)
class Line:
    """Planes that differ in their position along one axis only.

    Attributes
    ----------
    axis : int
        Of the layer's data.
    base : Place
        The plane at position 0.
    """

    axis: int
    base: Place

    @classmethod
    def through(cls, place: Place, axis: int) -> Line:
        """Return the line along an axis that a plane lies on."""
        return cls(axis, place.moved(axis, 0))

    def at(self, index: int) -> Place:
        """Return the plane at a position."""
        return self.base.moved(self.axis, index)

    def described(self, image: Any) -> str:
        """Say where it lies in an image layer: "at t 0", or "along z" where it is the only one."""
        names = {axis.number: axis.name for axis in axes_of(image, self.base)}
        others = [number for number in names if number != self.axis]
        if not others:
            return f"along {names[self.axis]}"
        return "at " + ", ".join(f"{names[n]} {self.base.position(n)}" for n in others)

    def position(self, place: Place) -> int | None:
        """Return where a plane lies on it; None where it does not."""
        lies = place.axes == self.base.axes and Line.through(place, self.axis) == self
        return place.position(self.axis) if lies else None


def axes_of(image: Any, place: Place) -> tuple[Axis, ...]:
    """Return the axes of an image layer that are not on show.

    Parameters
    ----------
    image : Layer
    place : Place
        Of the plane on show.
    """
    shape = layer_shape(image)
    return tuple(
        Axis(axis, _name(image, axis), length)
        for axis, length in enumerate(shape)
        if axis not in place.axes
    )


def default_axis(axes: tuple[Axis, ...]) -> int | None:
    """Return the axis along which an object is carried unless another is chosen; None of none.

    It is one named z, or else the last one, among those that have more than one slice; channels
    only where there is nothing else.
    """
    spatial = [axis for axis in axes if axis.name.lower() not in CHANNELS] or axes
    longer = [axis for axis in spatial if axis.length > 1] or spatial
    named = [axis for axis in longer if axis.name.lower() == "z"]
    return next((axis.number for axis in reversed(named or longer)), None)


def spacing_of(image: Any, line: Line) -> tuple[float, float, float]:
    """Return how far it is from slice to slice, row to row and column to column.

    In the unit of the layer's scale.
    """
    sides = np.linalg.norm(linear_matrix(image), axis=0)
    rows, columns = line.base.axes
    return float(sides[line.axis]), float(sides[rows]), float(sides[columns])


def _name(image: Any, axis: int) -> str:
    label = str(image.axis_labels[axis])
    return f"axis {axis}" if not label or re.fullmatch(r"-?\d+|axis -?\d+", label) else label
