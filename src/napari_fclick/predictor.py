"""Image and clicks -> probability: the network on the window around the first click."""

from __future__ import annotations

import copy
import math
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from napari_fclick.core import window
from napari_fclick.core.arrays import FloatArray
from napari_fclick.core.channels import MOST_CHANNELS
from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.guidance import guidance_maps
from napari_fclick.core.window import Window
from napari_fclick.looking import Looking
from napari_fclick.network import checkpoints, recognition
from napari_fclick.network.checkpoints import Card, Specialist
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import channels_last, choose_device, fold_batch_norms
from napari_fclick.prediction import Earlier, Prediction
from napari_fclick.reach import Judge, Reach
from napari_fclick.reading import WindowReader

__all__ = ["Prediction", "Predictor"]

Result = TypeVar("Result")

#: Images that have, or need at the network's input, more pixels than this are not given whole
#: to a network made for whole images.
WHOLE_LIMIT = 4_000_000


class Predictor:
    """A network, ready to answer clicks.

    Parameters
    ----------
    network : FCANet
        Its batch norms are folded in place.
    card : Card
        Says how pixels and clicks reach it.
    device : torch.device
    specialists : sequence of Specialist
        The first one that knows an image answers in the place of ``network``.
    """

    def __init__(
        self,
        network: FCANet,
        card: Card,
        device: torch.device,
        specialists: Sequence[Specialist] = (),
    ) -> None:
        self.card = card
        self.preprocessing = card.preprocessing
        self._recognisers = [each.recogniser for each in specialists]
        #: The specialists', in their order; the general one is the last.
        networks = [*(each.network for each in specialists), network]
        #: What decides with each of them how far a correcting click reaches.
        self.reaches = [Reach(_judge_of(each)) for each in networks]
        self._networks = [_quick(each) for each in networks]
        #: One computation at a time: none loses its device to another that finds it full.
        self._computing = threading.Lock()
        try:
            self._move(device)
        except RuntimeError as error:
            if not self._lacks_memory(error):
                raise
            self._leave_device()
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

        Returns
        -------
        Predictor

        Warns
        -----
        RuntimeWarning
            If the device's memory is too small for the network, which works on the CPU then.

        Raises
        ------
        WeightsError
            If there are no such weights, or their file is damaged.
        DeviceError
            If there is no such device.
        ValueError
            If ``window`` is neither of the two. The other errors are ValueErrors, too.
        """
        chosen = choose_device(device)
        network, card, _, specialists = checkpoints.load_all(weights)
        if window is not None:
            if window not in ("anchored", "whole"):
                raise ValueError(f"window {window!r} is neither 'anchored' nor 'whole'")
            preprocessing = card.preprocessing.model_copy(update={"window": window})
            card = card.model_copy(update={"preprocessing": preprocessing})
        return cls(network, card, chosen, specialists)

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
        bias: float | None = None,
    ) -> Prediction:
        """Segment the object that the clicks are about.

        Parameters
        ----------
        image : array (H, W) or (H, W, C), or a list of pyramid levels
            numpy, dask, zarr; only the window is read.
        clicks : ClickSequence or iterable of Click
            The first must be positive.
        previous : Prediction, optional
            The last one of the same object, by the same weights: its window and its mask carry
            over, and which network answers. Without one, weights that know how far clicks reach
            answer the clicks one after the other. From the second correction on, further clicks
            only add to it, or only take away (see `one_way`), as far as they reach (see `Reach`).
        channels : sequence of 1 to 3 int, optional
            Which channels to look at, counted from 0.
        limits : (float, float), optional
            Intensities that become black and white, such as a layer's contrast limits; by
            default percentiles of the window.
        typical_side : float, optional
            Longer side in pixels of objects accepted before.
        bias : float, optional
            Log-odds that are added to what the network says: above 0 more of the image belongs to
            the object. By default that of ``previous``, or 0.

        Returns
        -------
        Prediction
            Of the window only; `Prediction.full_mask` is the whole image's.

        Warns
        -----
        RuntimeWarning
            If the memory of a GPU runs out: this prediction and all later ones are made on the
            CPU, as `device` tells.

        Raises
        ------
        ClickError
            If there are no clicks, the first is negative, one lies outside the image, or positive
            ones lie too far apart.
        ValueError
            If the image has other axes, no pixels or no such channels, ``previous`` is of an image
            of another shape, ``limits`` are not two finite numbers, the lower one first,
            ``typical_side`` is no positive number, or ``bias`` is not finite.
        TypeError
            If the image's pixels are no numbers, or ``previous`` is no prediction.
        """
        started = time.perf_counter()
        if not (previous is None or isinstance(previous, Prediction)):
            raise TypeError(f"previous is {type(previous).__name__}: give the last Prediction")
        shape = window.image_shape(image)
        sequence = clicks if isinstance(clicks, ClickSequence) else ClickSequence(clicks)
        _check_channels(image, channels)
        if bias is None:
            bias = 0.0 if previous is None else previous.bias
        _check(sequence, shape, previous, typical_side, bias)
        view = self._whole(shape)
        if previous is None and view is None and self.reaches[-1].is_learned:
            # How far a click reaches hangs on the mask before it.
            for count in range(1, len(sequence)):
                previous = self.predict(
                    image,
                    ClickSequence(sequence[:count]),
                    previous,
                    channels=channels,
                    limits=limits,
                    typical_side=typical_side,
                    bias=bias,
                )
        connectivity = self.preprocessing.connectivity
        reader = WindowReader(image, shape, sequence, channels, limits, connectivity)
        if previous is not None:
            reader.remember(previous.block)
        specialist = self._who_knows(reader, previous)
        number = -1 if specialist is None else specialist
        run = partial(self._run, self._networks[number], bias)
        if view is not None:
            earlier = None if previous is None else Earlier(previous.probability, previous.view)
            probability = view.expand(run(reader, [view], earlier)[0])
        else:
            looking = Looking(reader, self.preprocessing, run, self.reaches[number])
            probability, view = looking.look(previous, typical_side)
        blank = reader.is_blank(view) if previous is None else previous.blank
        seconds = time.perf_counter() - started
        reader.seconds["window"] = seconds - reader.seconds["network"]
        return Prediction(
            probability=probability,
            view=view,
            clicks=sequence,
            image_shape=shape,
            seconds=seconds,
            timings=reader.seconds,
            connectivity=connectivity,
            block=reader.kept(view),
            specialist=specialist,
            bias=bias,
            blank=blank,
        )

    def describe(self, image: Any, click: Click) -> FloatArray:
        """Describe what an image looks like about a click.

        Parameters
        ----------
        image
            See `predict`.
        click : Click

        Returns
        -------
        ndarray of float32, shape (D,)
            See `napari_fclick.network.recognition.describe`.
        """
        shape = window.image_shape(image)
        reader = WindowReader(image, shape, ClickSequence([click]), None, None)
        return self._describe(reader).numpy()

    # --- the window ---------------------------------------------------------------------

    def _whole(self, shape: tuple[int, int]) -> Window | None:
        """Return the view of a network made for whole images, where the image allows it."""
        if self.preprocessing.window != "whole":
            return None
        view = window.whole_window(shape, self.preprocessing.size)
        pixels = max(shape[0] * shape[1], view.canvas[0] * view.canvas[1])
        return view if pixels <= WHOLE_LIMIT else None

    # --- the network --------------------------------------------------------------------

    def _who_knows(self, reader: WindowReader, previous: Prediction | None) -> int | None:
        """Return which specialist answers, as before; -1 for none, None where there are none."""
        if not self._recognisers:
            return None
        before = None if previous is None else previous.specialist
        # One that other weights made may be of a kind that there is not here.
        if before is not None and before < len(self._recognisers):
            return before
        return recognition.first_to_know(self._recognisers, self._describe(reader))

    def _describe(self, reader: WindowReader) -> torch.Tensor:
        size = self.preprocessing.first_size
        view = window.first_windows(reader.clicks.first, reader.shape, size)[-1]
        x, _ = self._inputs(reader, view, None)
        x[3:] = 0  # whatever is clicked
        inner = view.input_height, view.input_width
        begun = time.perf_counter()
        found = self._on_device(lambda: self._described(torch.from_numpy(x[None]), inner))
        reader.seconds["network"] += time.perf_counter() - begun
        return found

    def _run(
        self,
        network: FCANet,
        bias: float,
        reader: WindowReader,
        views: list[Window],
        earlier: Earlier | None,
    ) -> list[FloatArray]:
        """Return the probability at the network's input for each window, as one batch."""
        inputs = [self._inputs(reader, view, earlier) for view in views]
        x = torch.from_numpy(np.stack([i for i, _ in inputs]))
        first = torch.from_numpy(np.stack([f for _, f in inputs]))
        begun = time.perf_counter()
        found = self._on_device(lambda: self._forward(network, bias, x, first))
        reader.seconds["network"] += time.perf_counter() - begun
        return list(found)

    def _on_device(self, compute: Callable[[], Result]) -> Result:
        """Compute on the device or, where its memory is used up, on the CPU."""
        with self._computing:
            try:
                return compute()
            except RuntimeError as error:
                if not self._lacks_memory(error):
                    raise
            self._leave_device()  # by now nothing holds what was computed on it
            return compute()

    def _lacks_memory(self, error: RuntimeError) -> bool:
        """Whether a device's memory is used up; Apple's has no error of its own for that."""
        full = isinstance(error, torch.OutOfMemoryError) or "out of memory" in str(error)
        return full and self.device.type != "cpu"

    def _leave_device(self) -> None:
        message = f"out of memory on {self.device}: going on on the CPU"
        warnings.warn(message, RuntimeWarning, stacklevel=3)
        self._move(torch.device("cpu"))
        torch.cuda.empty_cache()

    def _move(self, device: torch.device) -> None:
        self.device = device
        for network in self._networks:
            network.to(device)

    @torch.inference_mode()
    def _forward(
        self, network: FCANet, bias: float, x: torch.Tensor, first: torch.Tensor
    ) -> FloatArray:
        if self.device.type == "cuda":
            x, first = x.pin_memory(), first.pin_memory()
        x = x.to(self.device, memory_format=torch.channels_last, non_blocking=True)
        first = first.to(self.device, non_blocking=True)
        with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
            logits = network(x, first).main
        found: FloatArray = (logits[:, 0].float() + bias).sigmoid().cpu().numpy()
        return found

    def _described(self, x: torch.Tensor, inner: tuple[int, int]) -> torch.Tensor:
        x = x.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, enabled=self.device.type == "cuda"):
            return recognition.describe(self._networks[-1].backbone, x, inner)

    def _inputs(
        self, reader: WindowReader, view: Window, earlier: Earlier | None
    ) -> tuple[FloatArray, FloatArray]:
        """Return what the network sees: (5 or 6, S, S) and the first click's map (1, S, S)."""
        settings, canvas = self.preprocessing, view.canvas
        inner = (slice(0, view.input_height), slice(0, view.input_width))
        x = np.zeros((self.card.network.input_channels, *canvas), np.float32)
        image = np.zeros((*canvas, 3), np.float32)
        image[inner] = reader.read(view, settings)
        x[:3] = ((image - self._mean) / self._std).transpose(2, 0, 1)
        clicks = reader.clicks
        maps = guidance_maps(
            canvas,
            [self._point(view, click) for click in clicks.positives],
            [self._point(view, click) for click in clicks.negatives],
            self._point(view, clicks.first),
            settings.click_width,
            settings.first_click_width,
        )
        x[3:5] = maps[:2]
        if earlier is not None and self.card.network.mask_feedback:
            x[5][inner] = earlier.seen_by(view)
        return x, maps[2:]

    def _point(self, view: Window, click: Click) -> tuple[float, float]:
        if not self.preprocessing.truncate_clicks:
            return view.to_input(click.y, click.x)
        row, column = click.pixel
        return (
            float(int((row - view.top) * view.input_height / view.height)),
            float(int((column - view.left) * view.input_width / view.width)),
        )


def _judge_of(network: FCANet) -> Judge | None:
    """Return what says how probable it is that pixels change with a click; None if unlearned."""
    if network.reach is None:
        return None
    # It is small, and asked between steps that run on the CPU whatever the device.
    judge = copy.deepcopy(network.reach)

    @torch.inference_mode()
    def judged(evidence: FloatArray) -> FloatArray:
        chances: FloatArray = judge(torch.from_numpy(evidence)).sigmoid().numpy()
        return chances

    return judged


def _quick(network: FCANet) -> FCANet:
    return channels_last(fold_batch_norms(network.eval()).requires_grad_(False))


def _check_channels(image: Any, channels: Sequence[int] | None) -> None:
    """Refuse a stack whose slice was not chosen: it looks like an image of many channels."""
    shape = np.shape(window.levels(image)[0])
    if channels is None and len(shape) == 3 and shape[-1] > MOST_CHANNELS:
        raise ValueError(
            f"image has shape {shape}: {shape[-1]} channels; take one slice of a stack, or say "
            f"which channels to look at (without that at most {MOST_CHANNELS} are allowed)"
        )


def _check(
    clicks: ClickSequence,
    shape: tuple[int, int],
    previous: Prediction | None,
    typical_side: float | None,
    bias: float,
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
    if not math.isfinite(bias):
        raise ValueError(f"bias {bias!r} is not a finite number of log-odds")
