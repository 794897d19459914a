"""What the robot user asks of a method, be it our network or a classical peer."""

from __future__ import annotations

from typing import Any, Protocol

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.threshold import THRESHOLD


class Answer(Protocol):
    """What a method says about one object; `napari_fclick.prediction.Prediction` is one."""

    @property
    def probability(self) -> FloatArray:
        """Probability in [0, 1], float32 (h, w), of the window only."""

    @property
    def seconds(self) -> float:
        """Time from click to probability."""

    def full_mask(self, threshold: float = THRESHOLD, integrity: bool = True) -> Mask:
        """Return the image's mask, bool (H, W); only the network's answers know integrity."""


class Method(Protocol):
    """Turns clicks into an answer; `napari_fclick.predictor.Predictor` is one."""

    @property
    def device(self) -> Any:
        """Where it computes; the kind of device is kept with results."""

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        typical_side: float | None = None,
    ) -> Answer:
        """Segment the object that the clicks are about.

        Parameters
        ----------
        image : array (H, W) or (H, W, C), or a list of pyramid levels
        clicks : ClickSequence
            The first is positive.
        previous : Answer, optional
            This method's last one of the same object.
        typical_side : float, optional
            Longer side in pixels of objects accepted before.
        """
