"""What accepting an object would do, or did, to the labels."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field, replace

from napari_fclick.core.labels import LabelPatch, OverlapPolicy
from napari_fclick.session.stack_parts import listed
from napari_fclick.session.state import SessionError


@dataclass(frozen=True)
class Stakes:
    """What accepting an object would do, or did, all its slices together.

    Attributes
    ----------
    label : int
        The object's number.
    slices : int
        How many slices it has pixels in.
    written : int
        Pixels of them that are ``label`` afterwards.
    overwritten : dict of int to int
        Pixels taken from other objects, by their number.
    withheld : dict of int to int
        Pixels of the masks that other objects kept, by their number.
    removed : tuple of int
        Slices that it was known in, and is taken out of.
    stays : tuple of int
        Slices that it was known in, and stays in as it was: it was not carried there now.
    rewritten : tuple of int
        Slices in which it was from elsewhere, such as a file, and gets another shape.
    """

    label: int
    slices: int = 0
    written: int = 0
    overwritten: dict[int, int] = field(default_factory=dict)
    withheld: dict[int, int] = field(default_factory=dict)
    removed: tuple[int, ...] = ()
    stays: tuple[int, ...] = ()
    rewritten: tuple[int, ...] = ()

    def plus(self, patch: LabelPatch, rewritten: tuple[int, ...] = ()) -> Stakes:
        """Return what it comes to with one more slice, which may be one that is rewritten."""
        return replace(
            self,
            slices=self.slices + (patch.written > 0),
            written=self.written + patch.written,
            overwritten=dict(Counter(self.overwritten) + Counter(patch.overwritten)),
            withheld=dict(Counter(self.withheld) + Counter(patch.withheld)),
            rewritten=(*self.rewritten, *rewritten),
        )

    def check(self, policy: OverlapPolicy) -> None:
        """Refuse to write nothing.

        Raises
        ------
        SessionError
            If other objects keep all pixels.
        """
        if not self.written:
            owners = ", ".join(map(str, sorted(self.withheld)))
            raise SessionError(
                f"nothing to write: all its pixels belong to object {owners} "
                f"(overlap policy {policy.value!r})"
            )

    @property
    def elsewhere(self) -> list[str]:
        """What becomes of it in slices that no person made now."""
        cases = (
            ("rewrites", self.rewritten),
            ("removed from", self.removed),
            ("stays as it was in", self.stays),
        )
        return [f"{what} {listed(slices)}" for what, slices in cases if slices]

    def others(self, overwrites: str, keeps: str, unit: str, named: float = math.inf) -> list[str]:
        """Say what it takes from other objects, and what they keep, with the verbs given.

        Parameters
        ----------
        overwrites, keeps, unit : str
        named : int, optional
            Numbers of objects that are named; of more, their count is told.
        """
        parts = []
        for verb, counts in ((overwrites, self.overwritten), (keeps, self.withheld)):
            if counts:
                whose = ", ".join(map(str, sorted(counts)))
                if len(counts) > named:
                    whose = f"{len(counts)} objects"
                parts.append(f"{verb} {sum(counts.values()):,} {unit} of {whose}")
        return parts

    def summary(self) -> str:
        """Say in one line what was done to the object, and to others."""
        volume = self.slices > 1
        unit, where = ("voxels", f" in {self.slices} slices") if volume else ("px", "")
        object_ = f"object {self.label}: {self.written:,} {unit}{where}"
        return "; ".join([object_, *self.others("overwrote", "kept", unit), *self.elsewhere])
