"""Where a plane of pixels lies in an array of any number of dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """The plane that is annotated: two axes of the array, and a position along the others.

    Parameters
    ----------
    axes : (int, int)
        The array's axes that are the plane's rows and columns, in increasing order, whatever
        way round a viewer shows them.
    index : tuple of int
        Positions along the other axes, in their order; empty for a 2-D array.

    Raises
    ------
    ValueError
        If the axes are not two increasing axes of the array.
    """

    axes: tuple[int, int] = (0, 1)
    index: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        rows, columns = self.axes
        if not 0 <= rows < columns < self.ndim:
            raise ValueError(
                f"axes {self.axes} are not two increasing axes within 0 to {self.ndim - 1}"
            )

    @property
    def ndim(self) -> int:
        """The array's number of dimensions."""
        return 2 + len(self.index)

    def where(self, rows: slice, columns: slice) -> tuple[slice | int, ...]:
        """Return the array's index of a region of the plane."""
        return tuple(self._spread(rows, columns))

    def point(self, y: float, x: float) -> tuple[float, ...]:
        """Return the array's coordinates of a point of the plane."""
        return tuple(float(v) for v in self._spread(y, x))

    def position(self, axis: int) -> int:
        """Return the plane's position along one of the other axes.

        Raises
        ------
        ValueError
            If it is no other axis of the array.
        """
        return self.index[self._other(axis)]

    def moved(self, axis: int, position: int) -> Place:
        """Return the plane at another position along an axis; raises as `position` does."""
        index = list(self.index)
        index[self._other(axis)] = position
        return Place(self.axes, tuple(index))

    def behind(self, other: Place) -> bool:
        """Whether it is another plane before or behind one, along any axis."""
        pairs = zip(self.index, other.index, strict=True)
        return self.axes == other.axes and sum(a != b for a, b in pairs) == 1

    def _other(self, axis: int) -> int:
        others = [other for other in range(self.ndim) if other not in self.axes]
        if axis not in others:
            raise ValueError(
                f"axis {axis} is not one of those that planes with axes {self.axes} are stacked "
                f"along: {others or 'none'}"
            )
        return others.index(axis)

    def plane_shape(self, shape: tuple[int, ...]) -> tuple[int, int]:
        """Return rows and columns of the plane in an array of ``shape``."""
        return shape[self.axes[0]], shape[self.axes[1]]

    def within(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of ``shape`` has this plane."""
        others = [n for axis, n in enumerate(shape) if axis not in self.axes]
        return len(shape) == self.ndim and all(
            0 <= i < n for i, n in zip(self.index, others, strict=True)
        )

    def _spread(self, first: Any, second: Any) -> list[Any]:
        values: list[Any] = list(self.index)
        values.insert(self.axes[0], first)
        values.insert(self.axes[1], second)
        return values
