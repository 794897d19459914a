"""Reading an image's windows for the network, and no more of it than they need."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity, window
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import Connectivity, keep_clicked
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.resizing import resize_8bit
from napari_fclick.core.threshold import above
from napari_fclick.core.window import Window

#: Lazy images are read in full resolution in windows of up to this side.
BLOCK_LIMIT = 2048


class Region(NamedTuple):
    """Pixels (h, w) or (h, w, C) of one level, and the row and column where they begin."""

    top: int
    left: int
    pixels: NDArray[Any]

    def part(self, rows: slice, columns: slice) -> NDArray[Any] | None:
        """Return what is wanted, if it lies within."""
        bottom, right = (
            start + n for start, n in zip(self[:2], self.pixels.shape[:2], strict=True)
        )
        inside = self.top <= rows.start and rows.stop <= bottom
        if not inside or columns.start < self.left or columns.stop > right:
            return None
        return self.pixels[
            rows.start - self.top : rows.stop - self.top : rows.step,
            columns.start - self.left : columns.stop - self.left : columns.step,
        ]


@dataclass(frozen=True)
class Block:
    """Pixels of a lazy image that were read already, kept for the object's next click.

    Attributes
    ----------
    levels : tuple of array
        The very ones that they were read from.
    regions : tuple of Region or None
        Of each level what is kept.
    """

    levels: tuple[Any, ...]
    regions: tuple[Region | None, ...]

    @property
    def nbytes(self) -> int:
        """Memory that the pixels take."""
        return sum(region.pixels.nbytes for region in self.regions if region is not None)


class Level:
    """One level of a lazy image: what was read of it last is not read again.

    Parameters
    ----------
    source : array (H, W) or (H, W, C)
    """

    def __init__(self, source: Any) -> None:
        self.source, self.dtype = source, source.dtype
        self.shape: tuple[int, ...] = tuple(np.shape(source))
        self.region: Region | None = None
        self._thinned: tuple[tuple[slice, ...], NDArray[Any]] | None = None

    def __getitem__(self, index: tuple[slice, slice]) -> NDArray[Any]:
        """Read rows and columns, both with a start and a stop."""
        rows, columns = index
        known = None if self.region is None else self.region.part(rows, columns)
        if known is not None:
            return known
        if max(rows.stop - rows.start, columns.stop - columns.start) > BLOCK_LIMIT:
            if self._thinned is None or self._thinned[0] != index:
                self._thinned = (index, np.asarray(self.source[index]))
            return self._thinned[1]
        whole = (slice(rows.start, rows.stop), slice(columns.start, columns.stop))
        self.region = Region(rows.start, columns.start, np.asarray(self.source[whole]))
        return self.region.pixels[:: rows.step, :: columns.step]

    def kept(self, rows: slice, columns: slice) -> Region | None:
        """Return what is known of a region, without the rest; None where it is not all known."""
        if self.region is None:
            return None
        part = self.region.part(rows, columns)
        if part is None or part.shape == self.region.pixels.shape:
            return None if part is None else self.region
        return Region(rows.start, columns.start, part.copy())


class WindowReader:
    """The image of one call: reads windows, and remembers how long that took."""

    def __init__(
        self,
        image: Any,
        shape: tuple[int, int],
        clicks: ClickSequence,
        channels: Sequence[int] | None,
        limits: tuple[float, float] | None,
        connectivity: Connectivity = 8,
    ) -> None:
        pyramid = window.levels(image)
        # A stack of channels that are no colours says so (see `core.channels`).
        self._separate = bool(getattr(pyramid[0], "separate_channels", False))
        self._levels = [x if isinstance(x, np.ndarray) else Level(x) for x in pyramid]
        self.shape, self.clicks = shape, clicks
        self.channels, self.limits = channels, limits
        self.connectivity = connectivity
        self.seconds = {"window": 0.0, "network": 0.0}

    def with_clicks(self, clicks: ClickSequence) -> WindowReader:
        """Return a reader of the same image, which shares what was read, with other clicks."""
        other = copy(self)
        other.clicks = clicks
        return other

    def object_in(self, answer: FloatArray, view: Window) -> Mask:
        """Return the mask in an answer, at the network's input, that hangs together with a click.

        Specks elsewhere are dropped in the end: the window must not run after them.
        """
        mask = above(view.inner(answer))
        inside = [c for c in self.clicks.positives if view.contains(c)]
        points = [view.to_input(*map(float, c.pixel)) for c in inside]
        pixels = [(round(y), round(x)) for y, x in points]
        return keep_clicked(mask, pixels, self.connectivity).mask

    def remember(self, block: Block | None) -> None:
        """Use what an earlier click on the same image has read."""
        if block is None or len(block.levels) != len(self._levels):
            return
        for level, source, region in zip(self._levels, block.levels, block.regions, strict=True):
            if isinstance(level, Level) and level.source is source and window.is_frozen(source):
                level.region = region

    def kept(self, view: Window) -> Block | None:
        """Return the pixels of the window for the next click, where they were read in full."""
        height, width = self.shape
        regions: list[Region | None] = []
        sources = []
        for level in self._levels:
            found = None
            if isinstance(level, Level):
                zoom = (level.shape[0] / height, level.shape[1] / width)
                found = level.kept(*window.level_slices(view, zoom))
            regions.append(found)
            sources.append(level.source if isinstance(level, Level) else level)
        return Block(tuple(sources), tuple(regions)) if any(regions) else None

    def cover(self, views: Sequence[Window]) -> None:
        """Read what is lazy of these windows, large ones first: those inside cost nothing more."""
        if any(isinstance(level, Level) for level in self._levels):
            for view in sorted(views, key=lambda each: -each.side):
                window.read_window(self._levels, view)

    def is_blank(self, view: Window) -> bool:
        """Whether there is nothing to be seen in a window: one colour throughout."""
        return intensity.tells_nothing(window.read_window(self._levels, view), self.channels)

    def read(self, view: Window, settings: Preprocessing) -> FloatArray:
        """Return the window's pixels at the network's input, (h, w, 3) in [0, 1]."""
        pixels = window.read_window(self._levels, view)
        jointly = intensity.is_colour(pixels)
        pixels = intensity.chosen(pixels, self.channels)
        unit = settings.scaling == "unit" and pixels.dtype == np.uint8 and self.limits is None
        if unit:
            size = (view.input_height, view.input_width)
            small = resize_8bit(pixels, size)
            return intensity.to_rgb(small.astype(np.float32)) / np.float32(255)
        values = view.shrink(intensity.to_float(pixels, self.limits), settings.antialias)
        if self.limits is not None:
            return intensity.to_rgb(values)
        if self._separate or values.shape[-1] == 1:
            # Before they are joined or repeated: a brighter one must not drown another.
            return intensity.to_rgb(intensity.stretch(values, jointly=False))
        return intensity.stretch(intensity.to_rgb(values), jointly=jointly)
