"""What the classical peers share: how pixels and clicks reach them, and the way back.

Their papers speak of scribbles, the robot user clicks. So that their figures can be compared with
published ones, which come from clicks, too, one rule holds for all of them:

- A click is a disc of 1 % of the image's shorter side, of two pixels at least: the stroke of a
  small brush. Larger discs would tell a method more than a click says.
- Until the first negative click, the image's border is background: a method that needs seeds of
  both kinds answers a lone positive click. Afterwards the border is free, so that objects may
  touch it. A peer whose answers fall apart without the border says that it keeps it.
- Each answer is that of the clicks alone, and nothing is done to it afterwards.
"""

from __future__ import annotations

import importlib
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core import intensity, window
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.errors import installs
from napari_fclick.core.threshold import THRESHOLD, above
from napari_fclick.core.window import Window
from napari_fclick.evaluation.methods.seeds import Border, Seeds, draw_seeds


class MissingPeerError(ImportError):
    """A peer whose library is not installed."""


def load_library(module: str, method: str) -> Any:
    """Import an optional library.

    Raises
    ------
    MissingPeerError
        In one line, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise MissingPeerError(
            f"{method} needs {module}, which is not installed: {installs('peers')}"
        ) from None


@dataclass(frozen=True, eq=False)
class PeerPrediction:
    """What a peer says about one object.

    Attributes
    ----------
    probability : ndarray of float32, shape (H, W), in [0, 1]
        Of the whole image, at its resolution.
    clicks : ClickSequence
        The clicks that it answers.
    seconds : float
        Time from click to probability.
    """

    probability: FloatArray
    clicks: ClickSequence
    seconds: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the probability covers: all."""
        height, width = self.probability.shape
        return slice(0, height), slice(0, width)

    def full_mask(self, threshold: float = THRESHOLD, integrity: bool = True) -> Mask:
        """Return the image's mask, bool (H, W): where the probability is above the threshold.

        ``integrity`` is ignored: the structural integrity strategy is FCA-Net's own, and the
        peers' answers are taken as they are.

        Raises
        ------
        ValueError
            If the threshold is not within 0 to 1.
        """
        return above(self.probability, threshold)


class Peer(ABC):
    """A classical method.

    It sees the whole image as RGB in [0, 1], shrunk to ``longest`` pixels on the longer side
    if it is larger; its answer is brought back bilinearly, and the clicked pixels themselves
    keep their sign.

    Raises
    ------
    MissingPeerError
        If the method's library is not installed.
    """

    #: In reports.
    name: ClassVar[str]
    #: Peers compute on the CPU.
    device: ClassVar[str] = "cpu"
    #: Optional library that it needs.
    library: ClassVar[str | None] = None
    #: Radius of the disc that a click stands for, as a part of the shorter side.
    radius: float = 0.01
    #: Pixels of the longer side at most.
    longest: int = 640
    #: When the image's border is taken for background; by default until a negative click.
    border: Border = "first"

    def __init__(self) -> None:
        if self.library is not None:
            load_library(self.library, self.name)

    @abstractmethod
    def segment(self, picture: FloatArray, seeds: Seeds) -> NDArray[Any]:
        """Return the probability of the object.

        Parameters
        ----------
        picture : ndarray of float32, shape (h, w, 3), in [0, 1]
        seeds : Seeds
            Some pixels are inside, some outside, and some are neither.

        Returns
        -------
        ndarray, shape (h, w)
            In [0, 1], or bool.
        """

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: PeerPrediction | None = None,
        *,
        typical_side: float | None = None,
        **ignored: Any,
    ) -> PeerPrediction:
        """Segment the object that the clicks are about.

        Parameters
        ----------
        image : array (H, W) or (H, W, C), or a list of pyramid levels
        clicks : ClickSequence
        previous, typical_side
            Ignored, as are other keywords of `napari_fclick.predictor.Predictor.predict`:
            each answer is that of the clicks alone.

        Raises
        ------
        ClickError, ValueError, TypeError
            For clicks or an image that cannot be used.
        """
        started = time.perf_counter()
        shape = window.image_shape(image)
        clicks.first  # noqa: B018 - refuses an empty sequence
        clicks.check_inside(shape)
        view = self._view(shape)
        seeds = draw_seeds(view, clicks, self.radius, self.border)
        picture = read_picture(image, view)
        asks = self.border == "unknown" or seeds.leave_a_question
        found = self.segment(picture, seeds) if asks else seeds.inside
        probability = view.expand(found.astype(np.float32))
        for click in clicks:
            probability[click.pixel] = float(click.positive)
        return PeerPrediction(probability, clicks, time.perf_counter() - started)

    def _view(self, shape: tuple[int, int]) -> Window:
        """Return the whole image, shrunk where it is large."""
        height, width = shape
        scale = min(1.0, self.longest / max(shape))
        size = max(1, round(height * scale)), max(1, round(width * scale))
        return Window(0, 0, height, width, *size, canvas=size)


def read_picture(image: Any, view: Window) -> FloatArray:
    """Return an image of any dtype and channels as RGB (h, w, 3) in [0, 1], stretched."""
    pixels = window.read_window(image, view)
    values = intensity.to_rgb(view.shrink(intensity.to_float(pixels)))
    return intensity.stretch(values, jointly=intensity.is_colour(pixels))
