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
        )
