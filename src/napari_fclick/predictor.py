"""Image and clicks -> probability: the network on the window around the first click."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_fclick.core import intensity, window
from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.guidance import guidance_map
from napari_fclick.core.integrity import Connectivity, Kept, keep_clicked
from napari_fclick.core.resizing import resize_8bit
from napari_fclick.core.window import Box, Window
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import channels_last, choose_device, fold_batch_norms

FloatArray = NDArray[np.float32]
Mask = NDArray[np.bool_]

#: Images that have, or need at the network's input, more pixels than this are not given whole
#: to a network made for whole images.
WHOLE_LIMIT = 4_000_000
#: Runs of the network on fitted windows that one click may cost at most.
MOST_RUNS = 3
#: Lazy images are read in full resolution in windows of up to this side.
BLOCK_LIMIT = 2048
#: Of the windows tried, one is preferred in which the object's side is about this fraction.
GOOD_FRACTION = 0.3


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


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one object.

    Attributes
    ----------
    probability : ndarray of float32, shape (h, w), in [0, 1]
        At the image's resolution, of the window only.
    view : Window
        The window and how the network saw it.
    clicks : ClickSequence
        The clicks that it answers.
    image_shape : (int, int)
        Rows and columns of the image.
    seconds : float
        Time from click to probability.
    timings : dict of str to float
        Seconds of it spent on "window" (reading and resizing) and "network".
    connectivity : {4, 8}
        Of the structural integrity strategy; it belongs to the weights.
    block : Block or None
        Pixels read from a lazy image, for the object's next click.
    """

    probability: FloatArray
    view: Window
    clicks: ClickSequence
    image_shape: tuple[int, int]
    seconds: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    connectivity: Connectivity = 8
    block: Block | None = field(default=None, repr=False, compare=False)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the probability covers."""
        return self.view.slices

    def kept(self, threshold: float = 0.5) -> Kept:
        """Return the mask after the structural integrity strategy, and whether it fell back."""
        positives = [
            (row - self.view.top, column - self.view.left)
            for row, column in (click.pixel for click in self.clicks.positives)
        ]
        return keep_clicked(self._above(threshold), positives, self.connectivity)

    def mask(self, threshold: float = 0.5, integrity: bool = True) -> Mask:
        """Return the window's mask, bool (h, w).

        Parameters
        ----------
        threshold : float in [0, 1]
            A pixel belongs to the object where its probability is greater.
        integrity : bool
            Keep only what hangs together with a positive click (section 3.3).

        Raises
        ------
        ValueError
            If the threshold is not within 0 to 1.
        """
        return self.kept(threshold).mask if integrity else self._above(threshold)

    def full_mask(self, threshold: float = 0.5, integrity: bool = True) -> Mask:
        """Return the image's mask, bool (H, W): False outside the window."""
        # Zeroed memory is handed out page by page, so that a huge image costs no more.
        out = np.zeros(self.image_shape, bool)
        out[self.window] = self.mask(threshold, integrity)
        return out

    def _above(self, threshold: float) -> Mask:
        if not 0 <= threshold <= 1:
            raise ValueError(f"threshold {threshold!r} is not within 0 to 1")
        return self.probability > threshold


class Predictor:
    """A network, ready to answer clicks.

    Parameters
    ----------
    network : FCANet
        Its batch norms are folded in place.
    card : Card
        Says how pixels and clicks reach it.
    device : torch.device
    """

    def __init__(self, network: FCANet, card: Card, device: torch.device) -> None:
        self.card = card
        self.preprocessing = card.preprocessing
        self.device = device
        folded = fold_batch_norms(network.eval()).requires_grad_(False)
        try:
            self._network = channels_last(folded.to(device))
        except torch.cuda.OutOfMemoryError:
            self._leave_device()
            self._network = channels_last(folded.to(self.device))
        self._mean = np.array(self.preprocessing.mean, np.float32)
        self._std = np.array(self.preprocessing.std, np.float32)

    @classmethod
    def from_weights(
        cls, weights: str | Path = "default", device: str = "auto", window: str | None = None
    ) -> Predictor:
        """Load weights.

        Parameters
        ----------
        weights : str or Path
            ``default``, the name of imported weights, or a file.
        device : str
            ``auto``, ``cpu``, ``cuda``, ``cuda:n`` or ``mps``.
        window : {"anchored", "whole"}, optional
            Overrides what the weights' card says.

        Raises
        ------
        WeightsError, DeviceError
            Both are ValueErrors; in one line.
        """
        chosen = choose_device(device)
        network, card = checkpoints.load(weights)
        if window is not None:
            if window not in ("anchored", "whole"):
                raise ValueError(f"window {window!r} is neither 'anchored' nor 'whole'")
            preprocessing = card.preprocessing.model_copy(update={"window": window})
            card = card.model_copy(update={"preprocessing": preprocessing})
        return cls(network, card, chosen)

    @property
    def name(self) -> str:
        """The name of the weights."""
        return self.card.name

    def predict(
        self,
        image: Any,
        clicks: ClickSequence | Iterable[Click],
        previous: Prediction | None = None,
        *,
        channels: Sequence[int] | None = None,
        limits: tuple[float, float] | None = None,
        typical_side: float | None = None,
    ) -> Prediction:
        """Segment the object that the clicks are about.

        Parameters
        ----------
        image : array (H, W) or (H, W, C), or a list of pyramid levels
            numpy, dask, zarr; only the window is read.
        clicks : ClickSequence or iterable of Click
            The first must be positive.
        previous : Prediction, optional
            The last one of the same object: its window and its mask carry over.
        channels : sequence of 1 to 3 int, optional
            Which channels to look at.
        limits : (float, float), optional
            Intensities that become black and white, such as a layer's contrast limits; by
            default percentiles of the window.
        typical_side : float, optional
            Longer side in pixels of objects accepted before.

        Raises
        ------
        ClickError, ValueError, TypeError
            For clicks or an image that cannot be used.
        """
        started = time.perf_counter()
        shape = window.image_shape(image)
        sequence = clicks if isinstance(clicks, ClickSequence) else ClickSequence(clicks)
        _check(sequence, shape, previous, typical_side)
        reader = _Reader(image, shape, sequence, channels, limits)
        if previous is not None:
            reader.remember(previous.block)
        whole = window.whole_window(shape, self.preprocessing.size)
        pixels = max(shape[0] * shape[1], whole.canvas[0] * whole.canvas[1])
        if self.preprocessing.window == "whole" and pixels <= WHOLE_LIMIT:
            view, found = whole, self._run(reader, [whole], None)[0]
        else:
            found, view = self._anchored(reader, previous, typical_side)
        begun = time.perf_counter()
        probability = view.expand(found)
        reader.seconds["window"] += time.perf_counter() - begun
        return Prediction(
            probability=probability,
            view=view,
            clicks=sequence,
            image_shape=shape,
            seconds=time.perf_counter() - started,
            timings=reader.seconds,
            connectivity=self.preprocessing.connectivity,
            block=reader.kept(view),
        )

    # --- the window ---------------------------------------------------------------------

    def _anchored(
        self, reader: _Reader, previous: Prediction | None, typical_side: float | None
    ) -> tuple[FloatArray, Window]:
        """Run on the window that fits, chosen coarse to fine or carried over."""
        size = self.preprocessing.size
        if previous is None:
            view, earlier = self._first_window(reader, typical_side)
            runs = MOST_RUNS - 1
        else:
            mask = previous.kept().mask
            view = window.next_window(previous.view, mask, reader.clicks, reader.shape, size)
            earlier = _Earlier(previous.probability, previous.view)
            runs = MOST_RUNS
        seen = {view}
        for remaining in reversed(range(runs)):
            found = self._run(reader, [view], earlier)[0]
            mask = reader.object_in(found, view)
            better = window.next_window(view, mask, reader.clicks, reader.shape, size)
            if not remaining or better in seen:
                break
            earlier = _Earlier(view.expand(found), view)
            view = better
            seen.add(view)
        return found, view

    def _first_window(
        self, reader: _Reader, typical_side: float | None
    ) -> tuple[Window, _Earlier | None]:
        """Try windows of several sizes in one batch and fit one to the best answer."""
        first, small = reader.clicks.first, self.preprocessing.first_size
        views = window.first_windows(first, reader.shape, small, typical_side)
        reader.cover(views[-1])
        view, answer = self._best(reader, views)
        if view is views[-1] and typical_side is None:
            wider = window.wider_windows(first, reader.shape, small)
            cut = window.touches_border(reader.object_in(answer, view), view, reader.shape)
            if wider and cut:
                view, answer = self._best(reader, [view, *wider])
        mask = reader.object_in(answer, view)
        size = self.preprocessing.size
        fitted = window.next_window(view, mask, reader.clicks, reader.shape, size)
        return fitted, _Earlier(view.expand(answer), view)

    def _best(self, reader: _Reader, views: list[Window]) -> tuple[Window, FloatArray]:
        """Return the window whose answer is to be trusted most, and that answer."""
        answers = self._run(reader, views, None)
        scores = [_score(a, v) for a, v in zip(answers, views, strict=True)]
        best = int(np.argmax(scores))
        return views[best], answers[best]

    # --- the network --------------------------------------------------------------------

    def _run(
        self, reader: _Reader, views: list[Window], earlier: _Earlier | None
    ) -> list[FloatArray]:
        """Return the probability at the network's input for each window, as one batch."""
        begun = time.perf_counter()
        inputs = [self._inputs(reader, view, earlier) for view in views]
        x = torch.from_numpy(np.stack([i for i, _ in inputs]))
        first = torch.from_numpy(np.stack([f for _, f in inputs]))
        between = time.perf_counter()
        try:
            found = self._forward(x, first)
        except torch.cuda.OutOfMemoryError:
            self._leave_device()
            self._network = self._network.to(self.device)
            torch.cuda.empty_cache()
            found = self._forward(x, first)
        reader.seconds["window"] += between - begun
        reader.seconds["network"] += time.perf_counter() - between
        return list(found)

    def _leave_device(self) -> None:
        message = f"out of memory on {self.device}: going on on the CPU"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        self.device = torch.device("cpu")

    @torch.inference_mode()
    def _forward(self, x: torch.Tensor, first: torch.Tensor) -> FloatArray:
        if self.device.type == "cuda":
            x, first = x.pin_memory(), first.pin_memory()
        x = x.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        first = first.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
            logits = self._network(x, first).main
        found: FloatArray = logits[:, 0].float().sigmoid().cpu().numpy()
        return found

    def _inputs(
        self, reader: _Reader, view: Window, earlier: _Earlier | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return what the network sees: (5 or 6, S, S) and the first click's map (1, S, S)."""
        settings, canvas = self.preprocessing, view.canvas
        inner = (slice(0, view.input_height), slice(0, view.input_width))
        x = np.zeros((self.card.network.input_channels, *canvas), np.float32)
        image = np.zeros((*canvas, 3), np.float32)
        image[inner] = reader.read(view, settings)
        x[:3] = ((image - self._mean) / self._std).transpose(2, 0, 1)
        clicks = reader.clicks
        for channel, group in ((3, clicks.positives), (4, clicks.negatives)):
            points = [self._point(view, c) for c in group]
            x[channel] = guidance_map(canvas, points, settings.click_width)
        if earlier is not None and self.card.network.mask_feedback:
            x[5][inner] = earlier.seen_by(view)
        point = self._point(view, clicks.first)
        return x, guidance_map(canvas, [point], settings.first_click_width)[None]

    def _point(self, view: Window, click: Click) -> tuple[float, float]:
        if not self.preprocessing.truncate_clicks:
            return view.to_input(click.y, click.x)
        row, column = click.pixel
        return (
            float(int((row - view.top) * view.input_height / view.height)),
            float(int((column - view.left) * view.input_width / view.width)),
        )


def _check(
    clicks: ClickSequence,
    shape: tuple[int, int],
    previous: Prediction | None,
    typical_side: float | None,
) -> None:
    """Refuse what cannot be answered, before anything is read."""
    clicks.first  # noqa: B018 - refuses an empty sequence
    clicks.check_inside(shape)
    reach = window.clicks_box(clicks.positives).side
    if reach > window.MAX_SIDE:
        raise ClickError(
            f"positive clicks lie {reach} px apart; an object may span {window.MAX_SIDE} px at most"
        )
    if previous is not None and previous.image_shape != shape:
        raise ValueError(
            f"previous is of an image of shape {previous.image_shape}, this one has {shape}"
        )
    if typical_side is not None and not 0 < typical_side < float("inf"):
        raise ValueError(f"typical_side {typical_side!r} is not a positive number of pixels")


@dataclass(frozen=True)
class _Earlier:
    """A probability, and the window it was found in, to be fed back."""

    probability: FloatArray
    view: Window

    def seen_by(self, view: Window) -> FloatArray:
        """Return it as another window sees it; zeros where the windows do not meet."""
        mine, theirs = self.view.box, view.box
        top, left = max(mine.top, theirs.top), max(mine.left, theirs.left)
        bottom, right = min(mine.bottom, theirs.bottom), min(mine.right, theirs.right)
        out = np.zeros((view.height, view.width), np.float32)
        if top < bottom and left < right:
            out[top - view.top : bottom - view.top, left - view.left : right - view.left] = (
                self.probability[
                    top - self.view.top : bottom - self.view.top,
                    left - self.view.left : right - self.view.left,
                ]
            )
        return view.shrink(out[..., None])[..., 0]


class _Reader:
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
        # Of the lazy arrays only dask's cannot change between two clicks.
        frozen = type(self.image).__module__.startswith("dask.")
        if block is not None and block.image is self.image and frozen:
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

    def read(self, view: Window, settings: checkpoints.Preprocessing) -> FloatArray:
        """Return the window's pixels at the network's input, (h, w, 3) in [0, 1]."""
        pixels = self._pixels(view)
        unit = settings.scaling == "unit" and pixels.dtype == np.uint8 and self.limits is None
        if unit:
            size = (view.input_height, view.input_width)
            small = resize_8bit(pixels.reshape(*pixels.shape[:2], -1), size)
            return intensity.to_rgb(small.astype(np.float32), self.channels) / np.float32(255)
        values = view.shrink(intensity.to_float(pixels, self.limits), settings.antialias)
        rgb = intensity.to_rgb(values, self.channels)
        if self.limits is not None:
            return rgb
        colour = pixels.ndim == 3 and pixels.shape[-1] in (3, 4)
        return intensity.stretch(rgb, jointly=colour)


def _score(answer: FloatArray, view: Window) -> float:
    """Say how much an answer is to be trusted: sure of itself, of a good size, not cut off."""
    inner = view.inner(answer)
    mask = inner > 0.5
    box = window.mask_box(mask, view)
    if box is None:
        return 0.0
    sure = float(inner[mask].sum() / (mask.sum() + inner[~mask].sum()))
    good_size = -0.5 * np.log(box.side / view.side / GOOD_FRACTION) ** 2
    edges = (inner[0].mean(), inner[-1].mean(), inner[:, 0].mean(), inner[:, -1].mean())
    return float(sure**2 * np.exp(good_size - 2.5 * sum(edges)))
