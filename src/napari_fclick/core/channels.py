"""Several planes of one shape -> one image of several channels, without copying any."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity
from napari_fclick.core.intensity import Limits

#: The network looks at three channels.
MAX_CHANNELS = 3
#: An image of more channels than this is taken for a stack whose slice was not chosen.
MOST_CHANNELS = 16


class ChannelStack:
    """Planes (H, W) seen as one image (H, W, C); only what is asked for is read of each.

    Planes of one dtype of at most 16 bits are handed over as they are. Others are turned into
    float32 first, each on its own (`intensity.to_float`): their numbers say nothing about one
    another, and NaN in one of them must not change the others.

    Parameters
    ----------
    planes : sequence of 1 to 3 arrays (H, W)
        numpy, dask, zarr or anything that indexes like them.
    limits : sequence of (float, float), optional
        Of each plane the intensities that become 0 and 1.

    Attributes
    ----------
    shape : (int, int, int)
    ndim : int
        3.
    dtype : dtype
    parts : tuple of array
        The planes.
    separate_channels : bool
        True: the channels are no colours, and are stretched one by one.

    Raises
    ------
    ValueError
        If there are no planes or too many, they are not (H, W), or they differ in shape.
    """

    separate_channels = True
    ndim = 3

    def __init__(self, planes: Sequence[Any], limits: Sequence[Limits] | None = None) -> None:
        if not 1 <= len(planes) <= MAX_CHANNELS:
            raise ValueError(f"{len(planes)} channels given; allowed are 1 to {MAX_CHANNELS}")
        if limits is not None and len(limits) != len(planes):
            raise ValueError(f"{len(limits)} pairs of limits given for {len(planes)} channels")
        shapes = [tuple(int(n) for n in np.shape(plane)) for plane in planes]
        if len(shapes[0]) != 2 or any(shape != shapes[0] for shape in shapes):
            raise ValueError(f"channels have the shapes {shapes}; they must be one (rows, columns)")
        self.parts, self.limits = tuple(planes), limits
        self.shape = (*shapes[0], len(planes))
        dtypes = {np.dtype(plane.dtype) for plane in planes}
        self._as_they_are = limits is None and len(dtypes) == 1 and _is_narrow(dtypes)
        self.dtype = dtypes.pop() if self._as_they_are else np.dtype(np.float32)

    def __getitem__(self, index: Any) -> NDArray[Any]:
        """Read a region: rows and columns as slices, and of the channels what is asked for."""
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) > 3 or not all(isinstance(part, slice) for part in parts[:2]):
            raise IndexError(f"index {index!r} is not allowed: rows and columns are read as slices")
        rows, columns = [*parts, slice(None), slice(None)][:2]
        wanted = parts[2] if len(parts) == 3 else slice(None)
        if not isinstance(wanted, slice):
            return self._read(operator.index(wanted), rows, columns)
        numbers = range(len(self.parts))[wanted]
        return np.stack([self._read(number, rows, columns) for number in numbers], -1)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:, :], dtype=dtype)

    def _read(self, number: int, rows: slice, columns: slice) -> NDArray[Any]:
        pixels = np.asarray(self.parts[number][rows, columns])
        if self._as_they_are:
            return pixels
        limits = None if self.limits is None else self.limits[number]
        return intensity.to_float(pixels, limits)[..., 0]


def stack_channels(channels: Sequence[Any], limits: Sequence[Limits] | None = None) -> Any:
    """Return planes, or pyramids of planes, as one image of several channels.

    Parameters
    ----------
    channels : sequence of arrays (H, W), or of lists of such, finest first
    limits : sequence of (float, float), optional
        See `ChannelStack`.

    Returns
    -------
    ChannelStack, or list of ChannelStack
        A pyramid only where all channels are pyramids of the same shapes, else what is finest.
    """
    pyramids = [channel if isinstance(channel, list) else [channel] for channel in channels]
    shapes = {tuple(tuple(np.shape(level)) for level in pyramid) for pyramid in pyramids}
    depth = len(pyramids[0]) if len(shapes) == 1 else 1
    levels = [ChannelStack([pyramid[i] for pyramid in pyramids], limits) for i in range(depth)]
    return levels if isinstance(channels[0], list) and depth > 1 else levels[0]


def _is_narrow(dtypes: set[np.dtype[Any]]) -> bool:
    """Whether pixels can be handed over as they are: exact in float32, and none is NaN."""
    return all(dtype.kind in "bui" and dtype.itemsize <= 2 for dtype in dtypes)
