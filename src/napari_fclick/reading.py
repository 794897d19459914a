"""Reading an image's windows for the network, and no more of it than they need."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity, window
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.resizing import resize_8bit
from napari_fclick.core.window import Box, Window
from napari_fclick.network.checkpoints import Preprocessing

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Lazy images are read in full resolution in windows of up to this side.
BLOCK_LIMIT = 2048


@dataclass(frozen=True)
class Block:
    """Pixels of a lazy image that were read already, kept for the object's next click.

    Attributes
    ----------
    image : array
        The very image that they were read from.
    box : Box
    pixels : ndarray, shape (h, w) or (h, w, C)
    """

    image: Any
    box: Box
    pixels: NDArray[Any]

    def cut(self, box: Box) -> Block:
        """Return a copy of the part inside a smaller box."""
        top, left = self.box.top, self.box.left
        rows, columns = (
            slice(box.top - top, box.bottom - top),
            slice(box.left - left, box.right - left),
        )
        return Block(self.image, box, self.pixels[rows, columns].copy())


class WindowReader:
    """The image of one call: reads windows, and remembers how long that took."""

    def __init__(
        self,
        image: Any,
        shape: tuple[int, int],
        clicks: ClickSequence,
        channels: Sequence[int] | None,
        limits: tuple[float, float] | None,
    ) -> None:
        pyramid = window.levels(image)
        self.image: Any = pyramid[0] if len(pyramid) == 1 else pyramid
        self.shape, self.clicks = shape, clicks
        self.channels, self.limits = channels, limits
        self.seconds = {"window": 0.0, "network": 0.0}
        self._block: Block | None = None
        # A stack of channels that are no colours says so (see `core.channels`).
        self._separate = bool(getattr(pyramid[0], "separate_channels", False))

    def with_clicks(self, clicks: ClickSequence) -> WindowReader:
        """Return a reader of the same image, which shares what was read, with other clicks."""
        other = copy(self)
        other.clicks = clicks
        return other

    def object_in(self, answer: FloatArray, view: Window) -> Mask:
        """Return the mask in an answer, at the network's input, that hangs together with a click.

        Specks elsewhere are dropped in the end: the window must not run after them.
        """
        mask = view.inner(answer) > 0.5
        inside = [c for c in self.clicks.positives if view.contains(c)]
        points = [view.to_input(*map(float, c.pixel)) for c in inside]
        return keep_clicked(mask, [(round(y), round(x)) for y, x in points]).mask

    def remember(self, block: Block | None) -> None:
        """Use what an earlier click on the same image has read."""
        if block is not None and block.image is self.image and window.is_frozen(self.image):
            self._block = block

    def kept(self, view: Window) -> Block | None:
        """Return the pixels of the window for the next click, where they were read in full."""
        if self._block is None or not self._block.box.holds(view.box):
            return None
        return self._block if self._block.box == view.box else self._block.cut(view.box)

    def cover(self, view: Window) -> None:
        """Read a lazy image's window once, so that the windows inside it cost nothing more."""
        lazy = hasattr(self.image, "dtype") and not isinstance(self.image, np.ndarray)
        known = self._block is not None and self._block.box.holds(view.box)
        if lazy and not known and view.side <= BLOCK_LIMIT:
            self._block = Block(self.image, view.box, np.asarray(self.image[view.slices]))

    def _pixels(self, view: Window) -> NDArray[Any]:
        self.cover(view)
        if self._block is None or not self._block.box.holds(view.box):
            return window.read_window(self.image, view)
        box = self._block.box
        return window.read_window(self._block.pixels, view.shifted(-box.top, -box.left))

    def read(self, view: Window, settings: Preprocessing) -> FloatArray:
        """Return the window's pixels at the network's input, (h, w, 3) in [0, 1]."""
        pixels = self._pixels(view)
        unit = settings.scaling == "unit" and pixels.dtype == np.uint8 and self.limits is None
        if unit:
            size = (view.input_height, view.input_width)
            small = resize_8bit(pixels.reshape(*pixels.shape[:2], -1), size)
            return intensity.to_rgb(small.astype(np.float32), self.channels) / np.float32(255)
        values = view.shrink(intensity.to_float(pixels, self.limits), settings.antialias)
        if self._separate and self.limits is None:
            # Before two channels are joined: the brighter one must not drown the other.
            return intensity.to_rgb(intensity.stretch(values, jointly=False), self.channels)
        rgb = intensity.to_rgb(values, self.channels)
        if self.limits is not None:
            return rgb
        return intensity.stretch(rgb, jointly=intensity.is_colour(pixels))
