"""Image files in, masks out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_fclick.core.errors import one_line
from napari_fclick.core.paths import check_file_path, replacing
from napari_fclick.core.units import FRAME, TIME_SYMBOLS, is_time, symbol_of

#: Axes of labels by their number, outermost first.
_AXES = {2: "YX", 3: "ZYX", 4: "TZYX", 5: "TCZYX"}
#: Axes that labels may have to be written.
MOST_AXES = max(_AXES)
TIFF_SUFFIXES = (".tif", ".tiff")
#: Files that do not keep what was written, but about that.
_LOSSY = (".jpg", ".jpeg")
#: Those that may say how they are to be turned, as cameras have it.
_PHOTOGRAPHS = (*_LOSSY, ".png")
SUFFIXES = (*TIFF_SUFFIXES, ".png", *_LOSSY, ".bmp", ".npy")
#: Kinds of pixels whose channels are no colours as they are, and what they are read as.
_PLAIN = {"CMYK": "RGB", "LA": "L"}
#: How photographs say (EXIF) that they are shown: whether rows and columns are exchanged, and the
#: steps along both then.
_ORIENTATION = 274
_ORIENTATIONS = {
    2: (False, 1, -1),
    3: (False, -1, -1),
    4: (False, -1, 1),
    5: (True, 1, 1),
    6: (True, 1, -1),
    7: (True, -1, -1),
    8: (True, -1, 1),
}
#: Bytes of pixels that a TIFF holds which is no BigTIFF.
_LARGEST_TIFF = 2**32 - 2**25
#: The largest number that labels are written with.
_HIGHEST = 2**32 - 1


def read_image(path: Path, *, as_stored: bool = False, stack: bool = False) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : Path
        Of one of `SUFFIXES`.
    as_stored : bool
        Leave axes and channels as they are in the file, as viewers do; else colours come last, and
        pixels that are no colours as they are, such as CMYK, become some.
    stack : bool
        Take planes that are marked as colours, where there are no other ones, for slices: many
        programs mark a stack of three or four slices so.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no such file, or it is a folder.
    ValueError
        If it is of another kind, or cannot be read.
    """
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder; an image is read from one file: {', '.join(SUFFIXES)}"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: cannot read {suffix!r} files; allowed are {', '.join(SUFFIXES)}")
    with reading(path):
        return _as_stored(path, suffix) if as_stored else _read(path, suffix, stack)


def map_tiff(path: Path, *, as_stored: bool = False) -> NDArray[Any]:
    """Map a TIFF into memory that is not compressed, with its axes as `read_image` has them.

    Raises
    ------
    ValueError
        If it cannot be mapped.
    """
    with reading(path), tifffile.TiffFile(path) as file:
        series = first_series(file)
        pixels = tifffile.memmap(path, mode="r")
        return pixels if as_stored else _colours_last(pixels, series.axes, stack=False)


def first_series(file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """Return the image of a TIFF; of several, the first.

    Raises
    ------
    ValueError
        If it holds none, as where a disk was full before anything of it was written.
    """
    if not file.series:
        raise ValueError("it holds none")
    return file.series[0]


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged file fails with into a ValueError that names it."""
    try:
        yield
    except Exception as error:
        reason = one_line(error, 120)
        raise ValueError(f"{path} cannot be read as an image: {reason}") from None


def axes_of(path: Path, *, stack: bool = False) -> str:
    """Return the axes of an image that `read_image` read, a letter each; empty where unknown.

    Parameters
    ----------
    path, stack
        See `read_image`.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return ""
    with tifffile.TiffFile(path) as file:
        return _as_read(first_series(file).axes, stack)


def has_channels(
    path: Path, pixels: NDArray[Any], axes: str, most: int, *, stack: bool = False
) -> bool:
    """Whether the last axis of an image that `read_image` read is one of channels.

    TIFF may name its axes, and photographs have no others; else it is told by the shape.

    Parameters
    ----------
    path : Path
    pixels : ndarray
        What was read.
    axes : str
        See `axes_of`.
    most : int
        Where axes have no names, a last one up to this length is taken for channels.
    stack : bool
        See `read_image`. Where axes have no names, three are those of a stack.
    """
    if axes and "Q" not in axes:  # that is an axis of which nothing is known
        return axes[-1] in "SC"
    if path.suffix.lower() not in (*TIFF_SUFFIXES, ".npy"):
        return pixels.ndim > 2
    return pixels.ndim > 2 + stack and pixels.shape[-1] <= most


def turned(path: Path, pixels: NDArray[Any]) -> NDArray[Any]:
    """Return an image that `read_image` read, turned as its file says that it is to be shown.

    Cameras store photographs that were taken upright on their side, and say so (EXIF). napari shows
    them as they are stored, as they are read here; most other programs turn them.
    """
    if path.suffix.lower() not in _PHOTOGRAPHS:
        return pixels
    from PIL import Image

    with reading(path), Image.open(path) as opened:
        orientation = opened.getexif().get(_ORIENTATION, 1)
    exchanged, down, right = _ORIENTATIONS.get(orientation, (False, 1, 1))
    return np.ascontiguousarray((pixels.swapaxes(0, 1) if exchanged else pixels)[::down, ::right])


def read_indices(path: Path) -> NDArray[Any]:
    """Read an image file of numbers: where it has a palette, the indices, not the colours.

    Numbers have no colours, whatever a file marks: axes stay as they are stored.

    Raises
    ------
    FileNotFoundError, ValueError
        See `read_image`; also of JPEG, which changes numbers.
    """
    from PIL import Image

    if path.suffix.lower() in _LOSSY and path.is_file():
        raise ValueError(f"{path} holds no labels: JPEG changes numbers; save them as TIFF or PNG")

    if path.suffix.lower() in (".png", ".bmp", ".gif") and path.is_file():
        try:
            with Image.open(path) as opened:
                if opened.mode == "P":
                    return np.asarray(opened)
        except Exception as error:  # a damaged file fails in any of the reader's ways
            reason = one_line(error, 120)
            raise ValueError(f"{path} cannot be read as labels: {reason}") from None
    return read_image(path, as_stored=True)


def write_mask(path: Path, mask: NDArray[Any]) -> None:
    """Write a mask or labels as a compressed TIFF, at once or not at all.

    Raises
    ------
    ValueError
        If the path does not end in ``.tif`` or ``.tiff``.
    """
    check_mask_path(path)
    with replacing(path) as partial:
        # Otherwise three or four columns would be taken for colours, here and below.
        tifffile.imwrite(partial, mask, compression="zlib", photometric="minisblack")


def write_labels(
    path: Path,
    labels: Any,
    spacing: tuple[float, ...] = (),
    unit: str | Sequence[str] = "",
) -> None:
    """Write labels as a compressed OME-TIFF, at once or not at all.

    16-bit where their numbers allow it, else 32-bit.

    Parameters
    ----------
    path : Path
        Ends in ``.tif`` or ``.tiff``.
    labels : array of int, shape ([T,] [C,] [Z,] Y, X)
        Channels only beside T and Z; read plane by plane, so that it may be larger than the memory.
    spacing : tuple of float
        Size of a pixel along each axis.
    unit : str or sequence of str
        Of the spacing, such as ``µm`` or ``nanometer``: one for all axes, or each axis's. An axis
        with a unit of time, or `FRAME`, is T. Where OME has no symbol for a unit, or it is not
        known and the spacing is not 1, no size is written: without a unit it would be taken for
        micrometers.

    Raises
    ------
    ValueError
        If the path is of another kind, the labels have other axes, or a number is negative or
        larger than 32 bits hold.
    """
    check_mask_path(path)
    check_label_axes(labels.ndim)
    lowest, highest = _range_of(labels)
    if lowest < 0 or highest > _HIGHEST:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"label {wrong} cannot be written; allowed are 0 to {_HIGHEST}")
    units = (unit,) * labels.ndim if isinstance(unit, str) else tuple(unit)
    axes = _axes(units)
    metadata = {"axes": axes} | _sizes(axes, spacing, units)
    dtype = np.dtype(np.uint16 if highest < 2**16 else np.uint32)
    with replacing(path) as partial:
        tifffile.imwrite(
            partial,
            (plane.astype(dtype) for plane in _planes_of(labels)),
            shape=labels.shape,
            dtype=dtype,
            bigtiff=math.prod(labels.shape) * dtype.itemsize > _LARGEST_TIFF,
            compression="zlib",
            photometric="minisblack",
            ome=True,
            metadata=metadata,
        )


def _planes_of(labels: Any) -> Iterator[NDArray[Any]]:
    for index in np.ndindex(*labels.shape[:-2]):
        yield np.asarray(labels[(*index, slice(None), slice(None))])


def _range_of(labels: Any) -> tuple[int, int]:
    """Return the least and the largest number of labels and 0."""
    lowest = highest = 0
    for plane in _planes_of(labels):
        lowest = min(lowest, int(plane.min(initial=0)))
        highest = max(highest, int(plane.max(initial=0)))
    return lowest, highest


def _axes(units: Sequence[str]) -> str:
    """Return the letters of labels' axes, of which each has a unit."""
    times = [axis for axis, unit in enumerate(units[:-2]) if is_time(unit)]
    if len(times) != 1:
        return _AXES[len(units)]
    others = "CZYX"[1 - len(units) :]
    return f"{others[: times[0]]}T{others[times[0] :]}"


def _sizes(axes: str, spacing: Sequence[float], units: Sequence[str]) -> dict[str, Any]:
    """Return what OME says of the size of a pixel."""
    found: dict[str, Any] = {}
    space = [
        (axis, abs(float(step)), unit)
        for axis, step, unit in zip(axes, spacing, units, strict=False)
        if axis in "ZYX"
    ]
    if any(step != 1 and unit in ("", "pixel") for _, step, unit in space):
        return found
    for axis, step, unit in space:
        symbol = symbol_of(unit or "pixel")
        if symbol is not None:
            found |= {f"PhysicalSize{axis}": step, f"PhysicalSize{axis}Unit": symbol}
    for axis, step, unit in zip(axes, spacing, units, strict=False):
        if axis == "T" and is_time(unit) and unit != FRAME:
            found |= {"TimeIncrement": abs(float(step)), "TimeIncrementUnit": TIME_SYMBOLS[unit]}
    return found


def check_label_axes(count: int) -> None:
    """Refuse labels of more axes than are written, or of less.

    Raises
    ------
    ValueError
        Telling how many are allowed.
    """
    if count not in _AXES:
        raise ValueError(
            f"labels of {count} axes cannot be written as TIFF; allowed are {min(_AXES)} to "
            f"{MOST_AXES} ({_AXES[MOST_AXES]})"
        )


def check_mask_path(path: Path) -> None:
    """Refuse a path to which no mask can be written; see `write_mask`.

    Raises
    ------
    IsADirectoryError, FileNotFoundError, PermissionError
        See `napari_fclick.core.paths.check_file_path`.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES and not path.is_dir():
        raise ValueError(f"{path}: masks are written as .tif or .tiff")
    check_file_path(path)


def _as_stored(path: Path, suffix: str) -> NDArray[Any]:
    if suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    if suffix in TIFF_SUFFIXES:
        with tifffile.TiffFile(path) as file:
            return np.asarray(first_series(file).asarray())
    from skimage import io

    return np.asarray(io.imread(path))


def _read(path: Path, suffix: str, stack: bool) -> NDArray[Any]:
    if suffix in TIFF_SUFFIXES:
        return _read_tiff(path, stack)
    if suffix != ".npy":
        from PIL import Image

        with Image.open(path) as opened:
            if opened.mode in _PLAIN:
                return np.asarray(opened.convert(_PLAIN[opened.mode]))
    return _as_stored(path, suffix)


def _read_tiff(path: Path, stack: bool) -> NDArray[Any]:
    with tifffile.TiffFile(path) as file:
        series = first_series(file)
        return _colours_last(np.asarray(series.asarray()), series.axes, stack)


def _colours_last(pixels: NDArray[Any], axes: str, stack: bool) -> NDArray[Any]:
    if _as_read(axes, stack) == axes:
        return pixels
    return np.moveaxis(pixels, axes.index("S"), -1)


def _as_read(axes: str, stack: bool) -> str:
    """Return a TIFF's axes as they are read: colours in planes of their own are no slices."""
    if stack and axes == "SYX":
        return axes
    return axes.replace("S", "") + "S" * axes.count("S")
