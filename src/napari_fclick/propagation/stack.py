"""A stack of planes along one axis, read one plane at a time and a little ahead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core import window
from napari_fclick.core.window import Box


class Spacing(NamedTuple):
    """Size of a voxel in the unit of the layer's scale."""

    step: float = 1.0
    row: float = 1.0
    column: float = 1.0


ISOTROPIC = Spacing()


class ReadError(OSError):
    """A plane cannot be read; the message is that of whatever reads it."""


@dataclass(frozen=True)
class Stack:
    """Planes of one size along one axis.

    Attributes
    ----------
    read : callable
        Takes an index from 0 to ``length - 1``, returns the plane (H, W) or (H, W, C), or a
        list of pyramid levels; it should be lazy, only windows are read of it.
    length : int
        How many planes there are.
    spacing : Spacing

    Raises
    ------
    ValueError
        If there is no plane, or a spacing is not a positive number.
    """

    read: Callable[[int], Any]
    length: int
    spacing: Spacing = ISOTROPIC

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"a stack of {self.length} slices has nothing to propagate in")
        for name, value in self.spacing._asdict().items():
            if not 0 < value < float("inf"):
                raise ValueError(f"spacing {name} {value!r} is not a positive number")

    def check(self, index: int) -> None:
        """Raise ValueError for a slice that is not in the stack."""
        if not 0 <= index < self.length:
            raise ValueError(f"slice {index}: the stack has slices 0 to {self.length - 1}")


@contextmanager
def _reading() -> Iterator[None]:
    """Make a `ReadError` of whatever is raised."""
    try:
        yield
    except Exception as error:  # files and what decodes them raise all kinds
        raise ReadError(str(error) or type(error).__name__) from error


class GuardedPlane:
    """A lazy plane; whatever is raised while it is read is a `ReadError`."""

    def __init__(self, plane: Any) -> None:
        self._plane = plane
        self.shape, self.ndim, self.dtype = plane.shape, plane.ndim, plane.dtype
        self.separate_channels = bool(getattr(plane, "separate_channels", False))

    def __getitem__(self, index: Any) -> Any:
        with _reading():
            return np.asarray(self._plane[index])


class AheadPlane:
    """A lazy plane of which one region was read already."""

    def __init__(self, plane: Any, box: Box, pixels: np.ndarray[Any, Any]) -> None:
        self._plane, self._box, self._pixels = plane, box, pixels
        self.shape, self.ndim, self.dtype = plane.shape, plane.ndim, plane.dtype
        self.separate_channels = bool(getattr(plane, "separate_channels", False))

    def __getitem__(self, index: Any) -> Any:
        parts = index if isinstance(index, tuple) else (index,)
        rows, columns = [*parts, slice(None)][:2]
        if not self._holds(rows, columns):
            return self._plane[index]
        height, width = self.shape[:2]
        inner = (_moved(rows, height, self._box.top), _moved(columns, width, self._box.left))
        return self._pixels[(*inner, *parts[2:])]

    def _holds(self, rows: Any, columns: Any) -> bool:
        if not (isinstance(rows, slice) and isinstance(columns, slice)):
            return False
        (top, bottom, down), (left, right, across) = (
            part.indices(int(n)) for part, n in zip((rows, columns), self.shape[:2], strict=True)
        )
        forward = min(down, across) > 0 and top <= bottom and left <= right
        return forward and self._box.holds(Box(top, left, bottom, right))


class Ahead:
    """Reads the next plane's region in a thread while the network is busy with this one's."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._pool = ThreadPoolExecutor(1, "napari-fclick-ahead")
        self._waiting: tuple[int, Future[Any]] | None = None

    @property
    def length(self) -> int:
        """How many planes there are."""
        return self._stack.length

    def plane(self, index: int) -> Any:
        """Return a plane; what was read of it ahead costs nothing more.

        Raises
        ------
        ReadError
            If it cannot be read. Of what was not read ahead, it may come later.
        """
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting[0] == index:
            return waiting[1].result()
        return self._open(index)

    def prepare(self, index: int, box: Box) -> None:
        """Begin to read a region of a plane, if there is such a plane."""
        if 0 <= index < self._stack.length:
            self._waiting = (index, self._pool.submit(self._read, index, box))

    def close(self) -> None:
        """Forget what is being read."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _open(self, index: int) -> Any:
        with _reading():
            plane = self._stack.read(index)
        levels = window.levels(plane)
        if all(isinstance(level, np.ndarray) for level in levels):
            return plane
        guarded = [GuardedPlane(level) for level in levels]
        return guarded if len(guarded) > 1 else guarded[0]

    def _read(self, index: int, box: Box) -> Any:
        plane = self._open(index)
        if isinstance(plane, np.ndarray) or len(window.levels(plane)) > 1:
            return plane
        height, width = window.image_shape(plane)
        cut = Box(max(box.top, 0), max(box.left, 0), min(box.bottom, height), min(box.right, width))
        return AheadPlane(plane, cut, np.asarray(plane[cut.slices]))


def _moved(part: slice, length: int, by: int) -> slice:
    start, stop, step = part.indices(int(length))
    return slice(start - by, stop - by, step)
