"""Image files of more axes than an image has: one time point of them, and some channels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_fclick.core.channels import MAX_CHANNELS, stack_channels
from napari_fclick.core.files import (
    TIFF_SUFFIXES,
    axes_of,
    first_series,
    has_channels,
    read_image,
    reading,
)

#: Axes that a file may be said to have, but for colours.
LETTERS = "TCZYX"


@dataclass(frozen=True)
class Part:
    """What of a file is looked at; by default all.

    Attributes
    ----------
    time : int, optional
        Number of the time point, from 0.
    channels : tuple of int
        Numbers of up to three channels, from 0; none: the file is taken to have no such axis.
    axes : str
        What the file's axes are, outermost first, of `LETTERS`; empty: what it says itself.

    Raises
    ------
    ValueError
        If the axes are no such letters, or there are too many channels.
    """

    time: int | None = None
    channels: tuple[int, ...] = ()
    axes: str = ""

    def __post_init__(self) -> None:
        axes = self.axes.removesuffix("C")
        if self.axes and not (
            axes[-2:] == "YX" and len(set(self.axes)) == len(self.axes) and set(axes) <= {*LETTERS}
        ):
            raise ValueError(
                f"--axes {self.axes!r} are not letters of {LETTERS}, each at most once, that end "
                "in YX or YXC, as in TZYX"
            )
        if len(self.channels) > MAX_CHANNELS:
            raise ValueError(
                f"--channel is given {len(self.channels)} times; allowed are up to {MAX_CHANNELS}"
            )


class Picture(NamedTuple):
    """An image or a stack, as it was read from a file.

    Attributes
    ----------
    pixels : array, shape ([Z,] H, W) or ([Z,] H, W, C)
        Of several channels that are no colours what a slice of is an image.
    coloured : bool
        Whether the last axis is one of channels.
    axes : str
        The letters of its axes; empty where they are not known.
    """

    pixels: Any
    coloured: bool
    axes: str

    @property
    def how_to_choose(self) -> str:
        """What to say where it has too many axes."""
        choose = "choose a time point with --time, and channels with --channel"
        if self.axes and "Q" not in self.axes:
            return choose
        return f"say what they are with --axes, as in --axes TZYX, and {choose}"

    def check_slices(self, path: Path) -> None:
        """Raise a ValueError where what is taken for slices is channels, as the file says."""
        if self.axes[:1] == "C":
            raise ValueError(
                f"{path} has axes {self.axes}: the first is of channels, no slices; choose up to "
                "three of them with --channel"
            )


class _Slices:
    """Stacks of one shape, each a channel, seen as a stack of images of several channels."""

    def __init__(self, channels: Sequence[NDArray[Any]]) -> None:
        self._channels = channels
        self.shape = (*channels[0].shape, len(channels))
        self.ndim, self.size = len(self.shape), channels[0].size * len(channels)

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, index: int) -> Any:
        return stack_channels([channel[index] for channel in self._channels])


def read_part(path: Path, part: Part, most: int, *, stack: bool = False) -> Picture:
    """Read an image file, or a part of it; of a TIFF no more than the part.

    Parameters
    ----------
    path : Path
    part : Part
    most : int
        See `napari_fclick.core.files.has_channels`.
    stack : bool
        See `napari_fclick.core.files.read_image`.

    Raises
    ------
    FileNotFoundError, ValueError
        If it cannot be read, or has no such part.
    """
    if part == Part():
        pixels = read_image(path, stack=stack)
        axes = axes_of(path, stack=stack)
        return Picture(pixels, has_channels(path, pixels, axes, most, stack=stack), axes)
    with _opened(path) as (source, known):
        axes = _checked_axes(path, part.axes or known, source.shape)
        index = dict.fromkeys(axes, slice(None)) | _time_of(path, part, axes, source.shape)
        if not part.channels:
            return _read(path, source, axes, index)
        letter = _channel_axis(axes)
        parts = [_read(path, source, axes, {**index, letter: n}) for n in part.channels]
    if len(parts) == 1:
        return parts[0]
    planes = [each.pixels for each in parts]
    joined = stack_channels(planes) if planes[0].ndim == 2 else _Slices(planes)
    return Picture(joined, True, f"{parts[0].axes}C")


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, str]]:
    """Return the pixels as they are stored, to be read in parts, and the letters of their axes."""
    if path.suffix.lower() not in TIFF_SUFFIXES or not path.is_file():
        pixels = read_image(path)
        coloured = path.suffix.lower() != ".npy" and pixels.ndim == 3
        yield pixels, "YXS" if coloured else ""
        return
    import zarr

    with ExitStack() as opened:
        with reading(path):
            series = first_series(opened.enter_context(tifffile.TiffFile(path)))
            source = zarr.open_array(series.aszarr(), mode="r")
        yield source, series.axes


def _checked_axes(path: Path, axes: str, shape: Sequence[int]) -> str:
    if not axes or "Q" in axes:
        raise ValueError(
            f"{path} does not say what its axes are: say it with --axes, as in --axes TZYX; it "
            f"has shape {tuple(shape)}"
        )
    if len(axes) != len(shape):
        raise ValueError(f"--axes {axes}: {path} has shape {tuple(shape)}, {len(shape)} axes")
    return axes


def _time_of(path: Path, part: Part, axes: str, shape: Sequence[int]) -> dict[str, Any]:
    """Return the index along the axis of time, after a look at all that was chosen."""
    wanted = [("T", "--time", part.time)] * (part.time is not None)
    wanted += [(_channel_axis(axes), "--channel", number) for number in part.channels]
    for letter, option, number in wanted:
        what = "time points" if letter == "T" else "channels"
        if letter not in axes:
            raise ValueError(f"{option} {number}: {path} has no {what}, its axes are {axes}")
        count = shape[axes.index(letter)]
        if number not in range(count):
            raise ValueError(f"{option} {number}: {path} has {what} 0 to {count - 1}")
    return {"T": part.time} if part.time is not None else {}


def _channel_axis(axes: str) -> str:
    return "C" if "C" in axes else "S"


def _read(path: Path, source: Any, axes: str, index: dict[str, Any]) -> Picture:
    with reading(path):
        pixels = np.asarray(source[tuple(index[letter] for letter in axes)])
    left = "".join(letter for letter in axes if isinstance(index[letter], slice))
    if "S" in left:
        pixels = np.moveaxis(pixels, left.index("S"), -1)
        left = left.replace("S", "") + "S"
    return Picture(pixels, left[-1] in "SC", left)
