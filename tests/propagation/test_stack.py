"""Planes read one at a time and a little ahead: exactly what is read, and of what."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import Any

import dask.array as da
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.propagation.fakes import (
    OFF,
    PLAIN,
    Bright,
    LazyPlane,
    LazyStack,
    mark,
    of_box,
    rectangles,
)

from napari_fclick.core import window
from napari_fclick.core.channels import ChannelStack
from napari_fclick.core.window import Box
from napari_fclick.propagation import Propagation, Spacing, Stack
from napari_fclick.propagation.stack import Ahead, AheadPlane, ReadError

PIXELS = np.arange(80, dtype=np.float32).reshape(8, 10)
BOX = Box(2, 3, 6, 8)
BRIGHT = rectangles(1, {0: BOX})[0]


def ahead_of(box: Box = BOX) -> tuple[AheadPlane, list[int]]:
    """Return a plane of which a box was read, and the sizes of further readings."""
    read: list[int] = []
    plane = LazyPlane(PIXELS, read)
    pixels = PIXELS[box.top : box.bottom, box.left : box.right]
    return AheadPlane(plane, box, pixels), read


@pytest.mark.parametrize(
    "index",
    [
        np.s_[2:6, 3:8],
        np.s_[3:5, 4:5],
        np.s_[2:6:2, 3:8:3],
        np.s_[3:6:2, 4:8:2],
        np.s_[-6:-2, -7:-2],  # the box again, counted from the end
        np.s_[2:-2, 3:-2],
        np.s_[4:4, 3:8],
    ],
)
def test_what_was_read_is_not_read_again(index: Any) -> None:
    plane, read = ahead_of()
    assert np.array_equal(plane[index], PIXELS[index])
    assert not read


@pytest.mark.parametrize(
    "index",
    [
        np.s_[1:6, 3:8],
        np.s_[2:7, 3:8],
        np.s_[2:6, 2:8],
        np.s_[2:6, 3:9],
        np.s_[:, 3:8],
        np.s_[2:6, 3:],
        np.s_[2:6, :8],
        np.s_[2:6],
        np.s_[:],
        np.s_[-8:-2, 3:8],
        np.s_[3],
        np.s_[3, 4:6],
        np.s_[...],
        np.s_[..., 4:6],
        np.s_[PIXELS > 40],
    ],
)
def test_what_was_not_read_is_read_through(index: Any) -> None:
    plane, read = ahead_of()
    assert np.array_equal(plane[index], PIXELS[index])
    assert read == [PIXELS[index].size]


@pytest.mark.parametrize(
    "index",
    [np.s_[5:1:-1, 3:8], np.s_[::-1, ::-1], np.s_[::-1, 3:8], np.s_[5:3, 3:8], np.s_[6:5, 4:5]],
)
@pytest.mark.parametrize("box", [BOX, Box(0, 0, 8, 10), Box(4, 3, 8, 8)])
def test_backward_and_empty_slices(index: Any, box: Box) -> None:
    plane, _ = ahead_of(box)
    assert np.array_equal(plane[index], PIXELS[index])


def test_a_plane_read_as_a_whole() -> None:
    plane, read = ahead_of(Box(0, 0, 8, 10))
    for index in (np.s_[:], np.s_[:, :], np.s_[::3], np.s_[2:, :-4], np.s_[-3:], np.s_[0:99]):
        assert np.array_equal(plane[index], PIXELS[index])
    assert not read
    assert (plane.shape, plane.ndim, plane.dtype) == ((8, 10), 2, np.float32)


def test_channels() -> None:
    colours = np.arange(240).reshape(8, 10, 3)
    lazy = da.from_array(colours, chunks=4)
    plane = AheadPlane(lazy, BOX, colours[2:6, 3:8])
    for index in (np.s_[2:6, 3:8], np.s_[2:6, 3:8, 1], np.s_[3:5, 4:8:2, ::2]):
        found = plane[index]
        assert isinstance(found, np.ndarray)  # read before: not dask's any more
        assert np.array_equal(found, colours[index])
    assert np.array_equal(np.asarray(plane[2:7, 3:8, 1]), colours[2:7, 3:8, 1])
    assert not plane.separate_channels
    channels = ChannelStack([PIXELS.astype(np.uint8), PIXELS.astype(np.uint8)])
    assert AheadPlane(channels, BOX, np.asarray(channels[2:6, 3:8])).separate_channels


# --- reading ahead --------------------------------------------------------------------------


def test_only_the_region_is_read() -> None:
    lazy = LazyStack(lambda index: PIXELS + index)
    with closing(Ahead(Stack(lazy.read, 5))) as ahead:
        ahead.prepare(3, BOX)
        plane = ahead.plane(3)
        assert np.array_equal(plane[2:6, 3:8], PIXELS[2:6, 3:8] + 3)
    assert (lazy.opened, lazy.reads) == ({3: 1}, {3: [20]})


def test_a_region_that_sticks_out_is_cut() -> None:
    lazy = LazyStack(lambda index: PIXELS)
    with closing(Ahead(Stack(lazy.read, 5))) as ahead:
        ahead.prepare(0, Box(-3, 5, 4, 99))
        assert np.array_equal(ahead.plane(0)[:4, 5:], PIXELS[:4, 5:])
    assert lazy.reads == {0: [20]}


def test_another_plane_than_the_one_prepared() -> None:
    lazy = LazyStack(lambda index: PIXELS + index)
    with closing(Ahead(Stack(lazy.read, 5))) as ahead:
        ahead.prepare(3, BOX)
        assert ahead.plane(1)[0, 0] == 1
        assert ahead.plane(3)[0, 0] == 3
        for outside in (-1, 5):
            ahead.prepare(outside, BOX)
    assert lazy.opened.keys() == {1, 3}


def test_arrays_and_pyramids_are_handed_over_as_they_are() -> None:
    for plane in (PIXELS, [PIXELS, PIXELS[::2, ::2]]):
        with closing(Ahead(Stack(lambda index, plane=plane: plane, 5))) as ahead:
            ahead.prepare(3, BOX)
            assert ahead.plane(3) is plane


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("ahead_of", [3, 0])
def test_whatever_is_raised_by_reading_is_one_error(levels: int, ahead_of: int) -> None:
    class Damaged:
        shape, ndim, dtype = (8, 10), 2, np.dtype(np.float32)

        def __getitem__(self, index: Any) -> Any:
            raise RuntimeError("blosc: bad magic")

    plane = Damaged() if levels == 1 else [Damaged(), Damaged()]
    with closing(Ahead(Stack(lambda index: plane, 5))) as ahead:
        ahead.prepare(ahead_of, BOX)
        with pytest.raises(ReadError, match="bad magic"):
            window.levels(ahead.plane(3))[0][2:6, 3:8]


def test_what_fails_ahead_is_told_when_it_is_asked_for() -> None:
    def read(index: int) -> NDArray[Any]:
        raise OSError(f"slice {index} is gone")

    with closing(Ahead(Stack(read, 5))) as ahead:
        ahead.prepare(3, BOX)
        with pytest.raises(OSError, match="slice 3 is gone"):
            ahead.plane(3)


def test_the_thread_ends_whatever_happens() -> None:
    _wait_for(0)
    made = Propagation(Stack(lambda index: BRIGHT, 5), Bright(), OFF, PLAIN)
    mark(made, 2, of_box(BOX))
    running = made.run()
    next(running)
    assert _reading() == 1
    running.close()
    _wait_for(0)


def _reading() -> int:
    return sum(thread.name.startswith("napari-fclick-ahead") for thread in threading.enumerate())


def _wait_for(threads: int) -> None:
    """Closing does not wait for what is being read; give it the time."""
    for _ in range(100):
        if _reading() == threads:
            return
        time.sleep(0.02)
    raise AssertionError(f"{_reading()} threads are left of {threads}")


# --- what a stack is ------------------------------------------------------------------------


def test_a_stack_of_nothing() -> None:
    with pytest.raises(ValueError, match="a stack of 0 slices has nothing"):
        Stack(lambda index: PIXELS, 0)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"spacing row .* is not a positive number"):
            Stack(lambda index: PIXELS, 1, Spacing(1, bad, 1))


def test_slices_outside() -> None:
    stack = Stack(lambda index: PIXELS, 5)
    stack.check(0)
    stack.check(4)
    for outside in (-1, 5):
        with pytest.raises(ValueError, match=f"slice {outside}: the stack has slices 0 to 4"):
            stack.check(outside)
