"""Which planes lie behind one another, and how far apart."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_fclick.session import Place
from napari_fclick.widgets.stacks.lines import Line, axes_of, default_axis, spacing_of


def image(shape: tuple[int, ...], **kwargs: object) -> Image:
    return Image(np.zeros(shape, np.uint8), contrast_limits=(0, 1), **kwargs)


def test_axes_are_those_not_on_show() -> None:
    layer = image((3, 1, 20, 30), axis_labels=("t", "z", "y", "x"))
    axes = axes_of(layer, Place((2, 3), (0, 0)))
    assert [tuple(axis) for axis in axes] == [(0, "t", 3), (1, "z", 1)]
    axes = axes_of(image((3, 1, 20, 30)), Place((0, 2), (0, 5)))
    assert [tuple(axis) for axis in axes] == [(1, "axis 1", 1), (3, "axis 3", 30)]
    assert axes_of(image((20, 30)), Place()) == ()


@pytest.mark.parametrize(
    ("shape", "names", "taken"),
    [
        ((3, 4), "cz", "z"),
        ((3, 4), "tz", "z"),
        ((4, 3), "Zt", "Z"),
        ((3, 1), "tz", "t"),
        ((4, 3), "tc", "t"),
        ((1, 3), "zc", "z"),
        ((4, 3), "ab", "b"),
        ((1, 1), "ab", "b"),
        ((3, 4, 2), "tzc", "z"),
    ],
)
def test_slices_lie_along_z_or_the_last_axis_but_not_along_channels(
    shape: tuple[int, ...], names: str, taken: str
) -> None:
    layer = image((*shape, 20, 30), axis_labels=(*names, "y", "x"))
    place = Place((len(shape), len(shape) + 1), (0,) * len(shape))
    number = default_axis(axes_of(layer, place))
    assert number is not None and names[number] == taken


def test_there_may_be_nothing_but_channels_or_no_slices() -> None:
    layer = image((3, 20, 30), axis_labels=("channel", "y", "x"))
    assert default_axis(axes_of(layer, Place((1, 2), (0,)))) == 0
    assert default_axis(()) is None


def test_planes_of_a_line() -> None:
    line = Line.through(Place((1, 3), (2, 5)), 2)
    assert line == Line.through(Place((1, 3), (2, 8)), 2)
    assert line != Line.through(Place((1, 3), (1, 5)), 2)
    assert line.at(7) == Place((1, 3), (2, 7))
    assert line.position(Place((1, 3), (2, 8))) == 8
    assert line.position(Place((1, 3), (1, 8))) is None
    assert line.position(Place((0, 1), (2, 8))) is None


def test_lines_are_described() -> None:
    layer = image((3, 4, 20, 30), axis_labels=("t", "z", "y", "x"))
    assert Line.through(Place((2, 3), (1, 2)), 1).described(layer) == "at t 1"
    assert Line.through(Place((2, 3), (1, 2)), 0).described(layer) == "at z 2"
    assert Line.through(Place((1, 2), (5,)), 0).described(image((4, 20, 30))) == "along axis 0"


@pytest.mark.parametrize("affine", [None, np.diag([2, 1, 1, 1])])
def test_distances_are_those_of_the_world(affine: object) -> None:
    layer = image((5, 20, 30), scale=(-4, 0.5, 3), units=("um",) * 3, affine=affine)
    along_z = Line.through(Place((1, 2), (0,)), 0)
    assert spacing_of(layer, along_z) == (4 if affine is None else 8, 0.5, 3)
    along_x = Line.through(Place((0, 1), (0,)), 2)
    assert spacing_of(layer, along_x) == (3, 4 if affine is None else 8, 0.5)
