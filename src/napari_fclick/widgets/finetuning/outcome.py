"""What a fine-tuning came to, as its process tells it."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

#: Labels of figures that are means of others.
MEANS = {"NoC": "Mean of both", "NoC10": "Ten at most"}


class _Told(BaseModel):
    """Part of what is told; what is told beyond it is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class DataSummary(_Told):
    """What is in the images.

    Attributes
    ----------
    images, objects : int
    training_images, validation_images : int
        Of those with objects: how many are learned from, and how many held back.
    messages : tuple of (level, text)
        What looks wrong; the level is "info", "warning" or "error".
    """

    images: int
    objects: int
    training_images: int
    validation_images: int
    messages: tuple[tuple[str, str], ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is something to learn from."""
        return not any(level == "error" for level, _ in self.messages)

    @property
    def text(self) -> str:
        """It in a line or two."""
        held = self.validation_images
        judged = f"{_count(held, 'is', 'are')} held back to judge by" if held else "none held back"
        learned = f"{_count(self.training_images, 'is', 'are')} learned from"
        there = f"{_count(self.images, 'image', 'images')}, "
        return f"{there}{_count(self.objects, 'object', 'objects')}: {learned}, {judged}."


class FigureRow(_Told):
    """A mean over objects, before and after.

    Attributes
    ----------
    name : str
        ``NoC@85``: clicks to IoU 0.85; ``NoC``: the geometric mean of those to 0.85 and 0.90;
        ``NoC10``: the mean of those to 0.80, 0.85 and 0.90, ten at most each; ``IoU@3``: IoU
        after three clicks.
    before, after : float
    low, high : float
        95 % interval of after - before.
    """

    name: str
    before: float
    after: float
    low: float
    high: float

    @property
    def label(self) -> str:
        """What it is, in words."""
        if self.name in MEANS:
            return MEANS[self.name]
        number = self.name.rpartition("@")[2]
        if self.is_effort:
            return f"Clicks to {number} %"
        return f"IoU, {number} click{'s' * (number != '1')}"

    @property
    def is_effort(self) -> bool:
        """Whether less is better: clicks, not overlap."""
        return self.name.startswith("NoC")

    @property
    def direction(self) -> int:
        """1 where it is better beyond the interval, -1 where worse, else 0."""
        sign = (self.low > 0) - (self.high < 0)
        return -sign if self.is_effort else sign


class ComparisonTable(_Told):
    """The same objects before and after."""

    objects: int
    images: int
    figures: tuple[FigureRow, ...]


class ChangedObject(_Told):
    """An object on which the new weights do otherwise than the old ones.

    Attributes
    ----------
    image : str
        Name of its image.
    digest : str
        The beginning of its image's digest: other images may have the same name.
    plane : int
        Of the image's planes.
    label : int
    box : tuple of int
        Top, left, bottom, right.
    noc_before, noc_after : int
        Clicks to IoU 0.85.
    ious_before, ious_after : tuple of float
        After each click.
    mask_before, mask_after : str
        After the first click; see `napari_fclick.evaluation.games.unpack_mask`.
    """

    image: str
    digest: str
    plane: int
    label: int
    box: tuple[int, int, int, int]
    noc_before: int
    noc_after: int
    ious_before: tuple[float, ...]
    ious_after: tuple[float, ...]
    mask_before: str
    mask_after: str

    @property
    def differs(self) -> bool:
        """Whether anything about it is otherwise at all."""
        before, after = (self.mask_before, self.ious_before), (self.mask_after, self.ious_after)
        return before != after


class Outcome(_Told):
    """A fine-tuning's result.

    Attributes
    ----------
    out : Path or None
        The weights file.
    promoted : bool
        Whether the gate lets it in.
    outcome : str
        "better", "not better", "forgets" or "cannot be proved".
    reasons : tuple of str
        The first one is the headline.
    weights : str
        The name of the weights it began from.
    validation, general : ComparisonTable or None
        On held-back images, and on the general set.
    note : str
        What answers on which images.
    steps : int
    seconds : float
    changed : tuple of ChangedObject
        The most changed first.
    """

    out: Path | None
    promoted: bool
    outcome: str
    reasons: tuple[str, ...]
    weights: str
    validation: ComparisonTable | None
    general: ComparisonTable | None
    steps: int
    seconds: float
    changed: tuple[ChangedObject, ...] = ()
    note: str = ""

    @property
    def headline(self) -> str:
        """The verdict in a few words."""
        return HEADLINES.get(self.outcome, self.outcome)

    def headline_beside(self, in_use: str | None) -> str:
        """Return the verdict in a few words, and what it does not say of other weights in use.

        Parameters
        ----------
        in_use : str or None
            The name of the weights in use; None where it is not known, or they are these.
        """
        if not self.promoted or in_use in (None, self.weights):
            return self.headline
        return f"Better than {self.weights}; not compared with {in_use}, which is in use."


def _count(number: int, one: str, more: str) -> str:
    return f"{number:,} {one if number == 1 else more}"


HEADLINES = {
    "better": "The new weights are better.",
    "not better": "Not better: the old weights stay.",
    "forgets": "Too much was forgotten: the old weights stay.",
    "cannot be proved": "Nothing can be proved: the old weights stay.",
}
