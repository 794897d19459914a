"""What a session is made of: drafts, settings, accepted objects, requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import Kept
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.window import Box
from napari_fclick.session.place import Place


class SessionError(ValueError):
    """Something was asked of a session that it cannot do now; the message says why."""


class PredictionLike(Protocol):
    """What a session needs of a prediction (see `napari_fclick.predictor.Prediction`)."""

    @property
    def probability(self) -> NDArray[np.float32]:
        """Probabilities (h, w) of the window."""

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image."""

    @property
    def clicks(self) -> ClickSequence:
        """The clicks that it answers."""

    @property
    def seconds(self) -> float:
        """Time it took."""

    def mask(self, threshold: float = 0.5, integrity: bool = True) -> NDArray[np.bool_]:
        """Return the window's mask (h, w)."""

    def kept(self, threshold: float = 0.5) -> Kept:
        """Return the mask after the structural integrity strategy."""


class PredictorLike(Protocol):
    """What predicts (see `napari_fclick.predictor.Predictor`)."""

    @property
    def name(self) -> str:
        """Name of the weights."""

    @property
    def device(self) -> Any:
        """Where it runs."""

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        channels: Sequence[int] | None = None,
        limits: tuple[float, float] | None = None,
        typical_side: float | None = None,
    ) -> Any:
        """Return a `PredictionLike`."""


@dataclass(frozen=True)
class Settings:
    """How a probability becomes a mask, and a mask labels.

    Attributes
    ----------
    threshold : float in [0, 1]
    integrity : bool
        Keep only what hangs together with a positive click.
    policy : OverlapPolicy
        What happens where the mask meets other objects.
    """

    threshold: float = 0.5
    integrity: bool = True
    policy: OverlapPolicy = OverlapPolicy.KEEP

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise SessionError(f"threshold {self.threshold!r} is not within 0 to 1")


@dataclass(frozen=True)
class Draft:
    """An object that is not accepted yet.

    Attributes
    ----------
    clicks : ClickSequence
    label : int or None
        The number of an existing object that is corrected; None for a new object.
    started : float or None
        Clock time of its first click.
    """

    clicks: ClickSequence = field(default_factory=ClickSequence)
    label: int | None = None
    started: float | None = None


@dataclass(frozen=True)
class AcceptedObject:
    """An object that was written into the labels.

    Attributes
    ----------
    label : int
    place : Place
        The plane it lies in.
    clicks : ClickSequence
    box : Box
        Bounds in pixels of the plane.
    area : int
        Pixels that carry its number.
    seconds : float
        From its first click to its acceptance.
    """

    label: int
    place: Place
    clicks: ClickSequence
    box: Box
    area: int
    seconds: float

    @property
    def side(self) -> int:
        """The longer side of its bounds in pixels."""
        return self.box.side


@dataclass(frozen=True)
class PredictionRequest:
    """What a predictor is to be asked, and the generation its answer belongs to.

    Attributes
    ----------
    generation : int
        Hand it back to `Session.receive` with the answer.
    image : array (H, W) or (H, W, C), or a list of pyramid levels
    clicks : ClickSequence
    previous : PredictionLike or None
        The answer to the longest known beginning of the same clicks.
    typical_side : float or None
        Longer side in pixels of the objects accepted before.
    limits : (float, float) or None
        Intensities that are black and white to the predictor; None for its own choice.
    """

    generation: int
    image: Any
    clicks: ClickSequence
    previous: PredictionLike | None = None
    typical_side: float | None = None
    limits: tuple[float, float] | None = None

    def run(self, predictor: PredictorLike) -> Any:
        """Ask ``predictor``; may raise whatever it raises."""
        return predictor.predict(
            self.image,
            self.clicks,
            self.previous,
            limits=self.limits,
            typical_side=self.typical_side,
        )
