"""When to stop: what ends an object on its way through a stack."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Reason(StrEnum):
    """Why an object ends at a slice."""

    STACK = "end of the stack"
    RANGE = "end of the range"
    ABSENT = "marked as not here"
    CONFIDENCE = "low confidence"
    TRUST = "confidence fell"
    CONTRAST = "contrast fell"
    OVERLAP = "little overlap with the neighbour"
    AREA = "sudden change of area"
    SHIFT = "sudden move"
    EMPTY = "nothing found"
    UNREADABLE = "the slice cannot be read"


class Rules(BaseModel):
    """Which slices an object is taken to end at; None switches a rule off.

    Lengths are in the unit of the layer's scale.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    contrast: float | None = Field(
        0.4,
        ge=0,
        le=1,
        title="Least part of the contrast",
        description="Stop where the object stands out from its surroundings less than this part "
        "(0 to 1) of what it does in the keyframe. Where it hardly does there, this says nothing.",
    )
    trust: float | None = Field(
        0.75,
        ge=0,
        le=1,
        title="Least part of the confidence",
        description="Stop where the network's confidence is less than this part (0 to 1) of what "
        "it is in the keyframe.",
    )
    confidence: float | None = Field(
        None,
        ge=0,
        le=1,
        title="Least confidence",
        description="Stop where the network is less sure of the mask than this (0 to 1).",
    )
    overlap: float | None = Field(
        0.3,
        ge=0,
        le=1,
        title="Least overlap",
        description="Stop where the mask's IoU with its neighbour's is less than this (0 to 1).",
    )
    growth: float | None = Field(
        3.0,
        gt=1,
        title="Largest change of area",
        description="Stop where the area is so many times its neighbour's, or so much smaller.",
    )
    shift: float | None = Field(
        None,
        gt=0,
        title="Largest move",
        description="Stop where the middle moves farther than this from slice to slice, in the "
        "unit of the layer's scale.",
    )
    empty: int | None = Field(
        1,
        ge=1,
        title="Empty slices",
        description="Stop after so many slices in a row in which nothing is found; fewer are "
        "passed over and stay empty.",
    )
    blank: int | None = Field(
        3,
        ge=1,
        title="Blank slices",
        description="Pass over up to so many slices in a row that are of one colour as a whole, or "
        "hold no numbers, like frames that were dropped: they do not count as empty.",
    )
    first: int | None = Field(
        None, ge=0, title="First slice", description="Go no farther down than this slice."
    )
    last: int | None = Field(
        None, ge=0, title="Last slice", description="Go no farther up than this slice."
    )

    @model_validator(mode="after")
    def _range_is_one(self) -> Rules:
        if self.first is not None and self.last is not None and self.first > self.last:
            raise ValueError(f"the first slice {self.first} lies after the last {self.last}")
        return self

    def allows(self, index: int) -> bool:
        """Whether a slice lies in the range."""
        return (self.first is None or index >= self.first) and (
            self.last is None or index <= self.last
        )


def ends_after(rules: Rules, missed: int, blank: int) -> bool:
    """Whether an object ends after so many slices in which nothing is found, some of them blank."""
    return rules.empty is not None and missed - min(blank, rules.blank or 0) >= rules.empty


@dataclass(frozen=True)
class Measures:
    """What the rules look at in one slice, next to the one that it was carried from.

    Attributes
    ----------
    confidence : float in [0, 1]
    overlap : float in [0, 1]
        IoU with the neighbour's mask.
    growth : float
        Area over the neighbour's area.
    shift : float
        How far the middle moved, in the unit of the layer's scale.
    contrast, trust : float
        Contrast and confidence over those in the keyframe; 1 where that is not known.
    """

    confidence: float
    overlap: float
    growth: float
    shift: float
    contrast: float = 1.0
    trust: float = 1.0


def judge(rules: Rules, measures: Measures) -> Reason | None:
    """Return the first rule that a mask breaks; None where the object goes on."""
    low = (
        (rules.contrast, measures.contrast, Reason.CONTRAST),
        (rules.trust, measures.trust, Reason.TRUST),
        (rules.confidence, measures.confidence, Reason.CONFIDENCE),
        (rules.overlap, measures.overlap, Reason.OVERLAP),
    )
    for least, value, reason in low:
        if least is not None and value < least:
            return reason
    if rules.growth is not None and not 1 / rules.growth <= measures.growth <= rules.growth:
        return Reason.AREA
    if rules.shift is not None and measures.shift > rules.shift:
        return Reason.SHIFT
    return None
