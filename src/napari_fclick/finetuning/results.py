"""What a fine-tuning came to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_fclick.finetuning.gate import Verdict
from napari_fclick.finetuning.scoring import (
    Comparison,
    Score,
    curve,
    mean,
    most_changed,
    paired,
)
from napari_fclick.finetuning.sources import LabelledData
from napari_fclick.finetuning.split import Split
from napari_fclick.network.checkpoints import Card

#: Where a smaller part of the held-back objects is recognised, it is said to be little.
FEW_RECOGNISED = 0.9


@dataclass(frozen=True)
class Result:
    """What a fine-tuning came to.

    Attributes
    ----------
    out : Path
        The weights file; beside the wanted one, with another ending, if it was not promoted.
    card : Card
        The file's.
    verdict : Verdict
    validation, general : Comparison or None
        None where there was too little to compare.
    before, after : list of Score
        Of the held-back objects; of fewer after, where time ran out.
    blend : float
        How far from the base weights (0) to the tuned ones (1).
    steps : int
    seconds : float
    names : dict of str to list of str
        The images of each side of the split.
    recognised : float or None
        Which part of the held-back objects is recognised as of images like those learned from;
        None where no other weights answer on images that are not.
    """

    out: Path
    card: Card
    verdict: Verdict
    validation: Comparison | None
    general: Comparison | None
    before: list[Score]
    after: list[Score]
    blend: float
    steps: int
    seconds: float
    names: dict[str, list[str]]
    recognised: float | None = None

    @property
    def note(self) -> str:
        """What answers where: empty where the new weights answer on all images."""
        others = self.card.tuned.get("other images")
        if others is None:
            return ""
        told = f"on images that look otherwise, {others} goes on answering"
        if self.recognised is None:
            return told
        only = "only " if self.recognised < FEW_RECOGNISED else ""
        return f"{told}; {only}{self.recognised:.0%} of the held-back objects are taken for yours"

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON; its means are over the objects that were tested both times."""
        pairs = paired(self.before, self.after)
        before, after = [score for score, _ in pairs], [score for _, score in pairs]
        return {
            "out": str(self.out),
            "promoted": self.verdict.promoted,
            "outcome": self.verdict.outcome,
            "reasons": list(self.verdict.reasons),
            "sha256": self.card.sha256,
            "weights": self.card.tuned["parent"],
            "parent": self.card.parent,
            "data": self.card.tuned["data"],
            "split": self.names,
            "before": {**mean(before), "mIoU": curve(before)},
            "after": {**mean(after), "mIoU": curve(after)},
            "validation": self.validation.as_json() if self.validation else None,
            "general": self.general.as_json() if self.general else None,
            "note": self.note,
            "recognised": self.recognised,
            "blend": self.blend,
            "steps": self.steps,
            "seconds": round(self.seconds, 1),
            "changed": most_changed(self.before, self.after),
        }


def names_of(data: LabelledData, split: Split) -> dict[str, list[str]]:
    """Return the names of the images of each side of a split."""
    sides = {"training": split.training, "validation": split.validation}
    return {name: [i.name for i in split.choose(data, side)] for name, side in sides.items()}
