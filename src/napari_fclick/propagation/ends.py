"""Which way an object ends where, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from napari_fclick.propagation.rules import Reason
from napari_fclick.propagation.slices import End, Kind, SliceMask


@dataclass(frozen=True)
class LastSlice:
    """The last slice that an object was carried to on one side, and why it ends there.

    Attributes
    ----------
    index : int
    below : bool
        Whether it is a lower end.
    end : End
    """

    index: int
    below: bool
    end: End

    def __str__(self) -> str:
        way = "Down" if self.below else "Up"
        # Beyond the stack or the range there is no slice to be looked at.
        beyond = self.end.reason in (Reason.STACK, Reason.RANGE)
        where = "" if beyond else f" in {self.end.index}"
        return f"{way} to slice {self.index}: {self.end.why}{where}"


def last_slices(slices: Mapping[int, SliceMask], ends: Sequence[End]) -> list[LastSlice]:
    """Return the last slices of an object at its ends, lowest first.

    Parameters
    ----------
    slices : mapping of int to SliceMask
    ends : sequence of End
        As a `Propagation` has them.

    Returns
    -------
    list of LastSlice
        One an end; none where no slice is clicked.
    """
    clicked = [index for index, each in slices.items() if each.kind is Kind.KEYFRAME]
    if not clicked:
        return []
    known = [index for index, each in slices.items() if each.mask is not None]
    found: list[LastSlice] = []
    for number, end in enumerate(ends):
        # Where it is marked as absent, it may end twice: from below first.
        again = number > 0 and ends[number - 1].index == end.index
        from_above = end.index + 1 in known and end.index - 1 not in known
        below = end.index < min(clicked) or again or from_above
        if below:
            last = min((i for i in known if i > end.index), default=end.index)
        else:
            last = max((i for i in known if i < end.index), default=end.index)
        found.append(LastSlice(last, below, end))
    return found
