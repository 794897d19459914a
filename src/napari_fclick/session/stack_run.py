"""How an object was carried through a stack, as a session keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from napari_fclick.propagation import Direction, Propagation


@dataclass(frozen=True)
class StackRun:
    """How an object was carried through a stack: enough to do it again.

    Attributes
    ----------
    axis : int
        Of the array, along which the slices lie.
    direction : {"both", "up", "down"}
    rules, carry : dict
        The fields of `napari_fclick.propagation.Rules` and `Carry`.
    spacing : (float, float, float)
        From slice to slice, row to row and column to column.
    limits : (float, float) or None
        Intensities that were black and white to the predictor.
    others : bool
        Whether the pixels of other objects were looked at.
    complete : bool
        Whether it ran to its ends; if not, what was known by then was accepted.
    slices : tuple of int
        Those that were accepted.
    absent : tuple of int
        Slices without the object: those that a person marked so, and those beyond a mark that
        it was removed from. A replay takes all of them for marked.
    one_way : bool
        Whether the direction held between a clicked slice and a mark, too. In files older than
        this field it did not: ``direction`` and ``rules`` are turned into what comes to the same.
    """

    axis: int
    direction: Direction = "both"
    rules: dict[str, Any] = field(default_factory=dict)
    carry: dict[str, Any] = field(default_factory=dict)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    limits: tuple[float, float] | None = None
    others: bool = False
    complete: bool = True
    slices: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    one_way: bool = False

    def __post_init__(self) -> None:
        if self.one_way or self.direction == "both" or not (self.absent and self.slices):
            return
        # Between a clicked slice and a mark it was carried either way, but not beyond all of them.
        first, last = self.rules.get("first"), self.rules.get("last")
        if self.direction == "up":
            first = max(first or 0, self.slices[0])
        else:
            last = min(self.slices[-1] if last is None else last, self.slices[-1])
        if first is None or last is None or first <= last:
            object.__setattr__(self, "direction", "both")
            object.__setattr__(self, "rules", self.rules | {"first": first, "last": last})

    @classmethod
    def of(
        cls,
        axis: int,
        propagation: Propagation,
        *,
        limits: tuple[float, float] | None = None,
        others: bool = False,
        complete: bool = True,
    ) -> StackRun:
        """Return what a propagation was given; see the attributes."""
        spacing = propagation.stack.spacing
        return cls(
            axis,
            propagation.direction,
            propagation.rules.model_dump(),
            propagation.settings.model_dump(),
            (spacing.step, spacing.row, spacing.column),
            limits,
            others,
            complete,
            one_way=True,
        )
