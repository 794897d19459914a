"""What an object is in one slice of a stack."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation.rules import Reason
from napari_fclick.propagation.stack import Spacing


class Kind(StrEnum):
    """Where a mask comes from."""

    KEYFRAME = "keyframe"
    CARRIED = "carried"
    BETWEEN = "between"
    ABSENT = "absent"
    FOUND = "found"  # like others of its plane


@dataclass(frozen=True)
class SliceMask:
    """What an object is in one slice.

    Attributes
    ----------
    index : int
    kind : Kind
        Made by a person, carried from a neighbour, agreed on between two keyframes, or
        marked by a person as not there.
    mask : StoredMask or None
        None where nothing is.
    clicks : ClickSequence
        A person's, or the derived ones; empty where nothing was asked.
    confidence : float in [0, 1]
        How sure the network is of the mask; 1 for keyframes.
    overlap : float in [0, 1]
        IoU with the mask that it was carried from; 1 for keyframes.
    shift : float
        How far its middle moved from there, in the unit of the scale.
    agreement : float in [0, 1] or None
        Between keyframes, IoU of what came from either side; 0 where it came from one alone.
    source : int or None
        The slice that it was carried from.
    pixels : int
        Of the mask.
    alone : bool
        Between keyframes, whether nothing was found from the other side.
    """

    index: int
    kind: Kind
    mask: StoredMask | None
    clicks: ClickSequence = field(default_factory=ClickSequence)
    confidence: float = 1.0
    overlap: float = 1.0
    shift: float = 0.0
    agreement: float | None = None
    source: int | None = None
    pixels: int = 0
    alone: bool = False

    def area(self, spacing: Spacing) -> float:
        """Area of the mask in the squared unit of the scale."""
        return self.pixels * spacing.row * spacing.column

    @property
    def certainty(self) -> float:
        """The least of what is known in its favour, in [0, 1]; what is lowest is worth a look."""
        return min(self.confidence, self.overlap, 1.0 if self.agreement is None else self.agreement)


@dataclass(frozen=True)
class End:
    """Where an object stops, and why.

    Attributes
    ----------
    index : int
        The slice that it did not go on to.
    reason : Reason
    value : float or None
        What broke the rule.
    problem : str
        Why the slice cannot be read.
    """

    index: int
    reason: Reason
    value: float | None = None
    problem: str = ""

    @property
    def why(self) -> str:
        """The reason, with what is known of it in brackets."""
        more = self.problem if self.value is None else f"{self.value:.2f}"
        return f"{self.reason} ({more})" if more else str(self.reason)

    def __str__(self) -> str:
        return f"slice {self.index}: {self.why}"
