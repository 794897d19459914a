"""What a session is made of: drafts, settings, accepted objects, requests."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import Kept
from napari_fclick.core.labels import OverlapPolicy
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.threshold import THRESHOLD
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind
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

    @property
    def blank(self) -> bool:
        """Whether there was nothing to be seen about the first click."""

    def mask(self, threshold: float = THRESHOLD, integrity: bool = True) -> NDArray[np.bool_]:
        """Return the window's mask (h, w)."""

    def kept(self, threshold: float = THRESHOLD) -> Kept:
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
        bias: float | None = None,
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
    class_name : str
        The class of the next object; empty for none.
    as_accepted : bool
        Whether the outlines of new objects follow those accepted before; see `Outlines`.
    """

    threshold: float = THRESHOLD
    integrity: bool = True
    policy: OverlapPolicy = OverlapPolicy.KEEP
    class_name: str = ""
    as_accepted: bool = True

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
    seconds : float
        Spent on it until its last click; long breaks do not count.
    made : int
        Clicks made on it, those included that were taken back.
    start : Start or None
        The mask that an existing object had, or that was carried here from another slice.
    absent : bool
        The object of the stack is marked as not being in this plane; there are no clicks then.
    """

    clicks: ClickSequence = field(default_factory=ClickSequence)
    label: int | None = None
    seconds: float = 0.0
    made: int = 0
    start: Start | None = None
    absent: bool = False

    @property
    def begun(self) -> bool:
        """Whether it says something about an object."""
        return bool(self.clicks) or self.absent


@dataclass(frozen=True)
class Start:
    """The mask from which a correction begins: an existing object's, or a carried one.

    Attributes
    ----------
    clicks : ClickSequence
        The clicks that stand for it, which no person made: one in its middle, or those that
        were derived when it was carried.
    mask : StoredMask
    guess : bool
        Whether it was carried, and nobody has accepted it.
    """

    clicks: ClickSequence
    mask: StoredMask
    guess: bool = False


@dataclass(frozen=True)
class Answer:
    """What a predictor was asked on the way to a mask: enough to ask it again.

    Attributes
    ----------
    clicks : int
        How many of the object's clicks it was given.
    typical_side : float or None
        Longer side in pixels of the objects accepted before.
    limits : (float, float) or None
        Intensities that are black and white to the predictor; None for its own choice.
    bias : float
        Log-odds that are added to what the network says.
    """

    clicks: int
    typical_side: float | None = None
    limits: tuple[float, float] | None = None
    bias: float = 0.0


@dataclass(frozen=True)
class Part:
    """What an object is in one plane.

    Attributes
    ----------
    place : Place
    clicks : ClickSequence
    box : Box
        Bounds in pixels of the plane.
    area : int
        Pixels that carry its number.
    answers : tuple of Answer
        What led to its mask, in order.
    start : Start or None
        The mask that it began from, when it was corrected.
    settings : Settings
        As they were when it was accepted.
    kind : Kind
        How its mask came about: made by a person (a keyframe), carried there, or found as it is
        like others; by clicks that were derived.
    certainty : float or None
        How sure it was of a mask that no person made, 0 to 1: see `SliceMask.certainty` and
        `Found.sure`. None where a person made it, or that is not known.
    """

    place: Place
    clicks: ClickSequence
    box: Box
    area: int
    answers: tuple[Answer, ...] = ()
    start: Start | None = None
    settings: Settings = field(default_factory=Settings)
    kind: Kind = Kind.KEYFRAME
    certainty: float | None = None

    @property
    def by_person(self) -> bool:
        """Whether a person made its mask."""
        return self.kind is Kind.KEYFRAME

    def derived(self, click: Click) -> bool:
        """Whether one of its clicks was derived, and not made by a person."""
        return not self.by_person or (self.start is not None and click in self.start.clicks)


@dataclass(frozen=True)
class AcceptedObject:
    """An object that was written into the labels.

    Attributes
    ----------
    label : int
    parts : tuple of Part
        One a plane, the one accepted last at the end.
    seconds : float
        Time spent on it, corrections included; long breaks do not count.
    made : int
        Clicks made on it, those included that were taken back.
    class_name : str
        Empty for none.
    """

    label: int
    parts: tuple[Part, ...]
    seconds: float = 0.0
    made: int = 0
    class_name: str = ""

    @property
    def place(self) -> Place:
        """The plane in which it was accepted last."""
        return self.parts[-1].place

    @property
    def clicks(self) -> ClickSequence:
        """Its clicks there."""
        return self.parts[-1].clicks

    @property
    def box(self) -> Box:
        """Its bounds there, in pixels of the plane."""
        return self.parts[-1].box

    @cached_property
    def area(self) -> int:
        """Pixels that carry its number, in all planes."""
        return sum(part.area for part in self.parts)

    @property
    def side(self) -> int:
        """The longer side of its bounds in pixels."""
        return self.box.side

    def part(self, place: Place) -> Part | None:
        """Return what it is in a plane; None where it is not."""
        return self._by_place.get(place)

    @cached_property
    def _by_place(self) -> dict[Place, Part]:
        return {part.place: part for part in self.parts}

    def with_parts(self, parts: Sequence[Part], without: Collection[Place] = ()) -> AcceptedObject:
        """Return the object with parts in place of those that it had in their planes.

        Parameters
        ----------
        parts : sequence of Part
        without : collection of Place
            Planes in which it is no longer.
        """
        gone = {part.place for part in parts}.union(without)
        others = tuple(known for known in self.parts if known.place not in gone)
        return replace(self, parts=(*others, *parts))

    def with_less(self, place: Place, pixels: int) -> AcceptedObject:
        """Return the object with so many pixels less in a plane."""
        parts = (
            replace(part, area=max(part.area - pixels, 0)) if part.place == place else part
            for part in self.parts
        )
        return replace(self, parts=tuple(parts))


@dataclass(frozen=True)
class PredictionRequest:
    """What a predictor is to be asked, and the generation its answer belongs to.

    Attributes
    ----------
    generation : int
        What it was when this was asked; for `Answers.fail`.
    image : array (H, W) or (H, W, C), or a list of pyramid levels
    clicks : ClickSequence
    previous : PredictionLike or None
        The answer to the longest known beginning of the same clicks.
    trail : tuple of Answer
        What was asked for ``previous``, and now.
    forgotten : int
        How often all answers had been forgotten.
    """

    generation: int
    image: Any
    clicks: ClickSequence
    previous: PredictionLike | None = None
    trail: tuple[Answer, ...] = (Answer(1),)
    forgotten: int = 0

    @property
    def asked(self) -> Answer:
        """What is asked now."""
        return self.trail[-1]

    def same_as(self, other: PredictionRequest) -> bool:
        """Whether a predictor is asked the same, whatever the generation."""
        return (
            self.image is other.image
            and self.previous is other.previous
            and (self.clicks, self.trail, self.forgotten)
            == (other.clicks, other.trail, other.forgotten)
        )

    def run(self, predictor: PredictorLike) -> Any:
        """Ask ``predictor``; may raise whatever it raises."""
        return predictor.predict(
            self.image,
            self.clicks,
            self.previous,
            limits=self.asked.limits,
            typical_side=self.asked.typical_side,
            bias=self.asked.bias,
        )
