"""What is in the data, and what looks wrong with it, in plain words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy import ndimage

from napari_fclick.core.object_sets import IGNORE_LABEL, Plane, measured
from napari_fclick.finetuning.objects import MIN_AREA
from napari_fclick.finetuning.sources import LabelledData, LabelledImage
from napari_fclick.finetuning.split import Split, split_of
from napari_fclick.network import checkpoints

Level = Literal["info", "warning", "error"]

#: An object that covers more of its image than this is suspicious.
GIANT = 0.5
#: Objects whose longer side is smaller than this are hard to click on, in pixels.
TINY_SIDE = 8
#: A square without any object of this part of the image's sides is suspicious, where the rest
#: of the image is crowded.
EMPTY = 0.5
#: Sides of the map in which such a square is looked for, in blocks, at most.
COARSE = 1024
#: So many objects of an image make it crowded.
CROWDED = 12


class Message(NamedTuple):
    """Something to know about the data."""

    level: Level
    text: str


@dataclass(frozen=True)
class Summary:
    """What is in the data.

    Attributes
    ----------
    images, objects : int
        All of them; an object of a volume counts once in each plane.
    training_images, validation_images, training_objects, validation_objects : int
        Of each side; what is on neither is in the first two alone.
    messages : tuple of Message
    """

    images: int
    objects: int
    training_images: int
    validation_images: int
    training_objects: int
    validation_objects: int
    messages: tuple[Message, ...]

    @property
    def usable(self) -> bool:
        """Whether there is something to learn from."""
        return not any(message.level == "error" for message in self.messages)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return {**asdict(self), "messages": [list(message) for message in self.messages]}


def summarise(data: LabelledData, split: Split | None = None) -> Summary:
    """Return what is in the data and what looks wrong with it.

    Parameters
    ----------
    data : LabelledData
    split : Split, optional
        Without one, all images count as learned from.
    """
    counts = [(image.digest, _count(image)) for image in data.images]
    everything = tuple(digest for digest, _ in counts)
    sides = (split.training, split.validation) if split else (everything, ())
    objects = [sum(n for digest, n in counts if digest in side) for side in sides]
    images = [sum(n > 0 for digest, n in counts if digest in side) for side in sides]
    messages = [Message("warning", note) for note in data.notes]
    messages += [Message("warning", text) for text in (split.messages if split else ())]
    messages += _warnings(data)
    if not objects[0]:
        messages.append(Message("error", "there is no object to learn from"))
    return Summary(
        len(data.images), sum(n for _, n in counts), images[0], images[1], objects[0], objects[1],
        tuple(messages),
    )  # fmt: skip


def before_start(data: LabelledData, weights: str) -> Summary:
    """Return what a run would find that begins from some weights; no side is stored.

    Parameters
    ----------
    data : LabelledData
    weights : str
        A name or a path. What they have learned from is not held back.

    Raises
    ------
    WeightsError
        If there are no such weights.
    """
    learned = checkpoints.read_card(checkpoints.find(weights)).learned
    return summarise(data, split_of(data, store=False).without(learned))


def _count(image: LabelledImage) -> int:
    return sum(len(measured(plane.labels)) for plane in image.planes)


def _warnings(data: LabelledData) -> list[Message]:
    """Return what is wrong with images, each kind once with the names it holds for."""
    found: dict[str, list[str]] = defaultdict(list)
    for image in data.images:
        for kind in dict.fromkeys(_problems(image)):
            found[kind].append(image.name)
    messages = [Message("warning", f"{_names(names)}: {kind}") for kind, names in found.items()]
    return messages + _duplicates(data)


def _names(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return shown if len(names) <= 4 else f"{shown} and {len(names) - 4} more"


def _duplicates(data: LabelledData) -> list[Message]:
    counts = Counter(image.digest for image in data.images)
    return [
        Message(
            "warning",
            f"{_names([i.name for i in data.images if i.digest == digest])} are the same image; "
            "they are held back or learned from together",
        )
        for digest, number in counts.items()
        if number > 1
    ]


def _problems(image: LabelledImage) -> Iterator[str]:
    if not image.has_objects:
        yield "nothing is labelled; not used"
        return
    for plane in image.planes:
        yield from _problems_of(plane)


def _problems_of(plane: Plane) -> Iterator[str]:
    objects = measured(plane.labels)
    if not objects:
        return
    if any(each.area > GIANT * plane.labels.size for each in objects):
        yield "an object covers more than half of the image: is it the background?"
    if any(each.box.side < TINY_SIDE and each.area < TINY_SIDE**2 for each in objects):
        yield f"objects of less than {TINY_SIDE} pixels across: specks, or hard to click on"
    if any(each.area < MIN_AREA for each in objects):
        yield f"objects of less than {MIN_AREA} pixels are not used"
    if _looks_semantic(plane, len(objects)):
        yield (
            "few numbers, many separate pieces each: the labels look like classes, but each "
            "object needs a number of its own"
        )
    if _has_gap(plane, len(objects)):
        yield "a large part of the image has no object: is everything labelled there?"
    low, high = plane.image.min(), plane.image.max()
    if low == high:
        yield "the image has one single value everywhere"
    if not (np.isfinite(low) and np.isfinite(high)):
        yield "some pixels are no finite numbers; they are taken for the lowest or highest value"


def _looks_semantic(plane: Plane, objects: int) -> bool:
    """Whether few numbers stand for many pieces, as in a mask of classes."""
    if objects > 3:
        return False
    foreground = (plane.labels != 0) & (plane.labels != IGNORE_LABEL)
    pieces, _ = ndimage.label(foreground)
    return sum(piece.area >= MIN_AREA for piece in measured(pieces)) >= 4 * objects


def _has_gap(plane: Plane, objects: int) -> bool:
    """Whether a crowded image has a quarter or more, as a square, without any object."""
    if objects < CROWDED:
        return False
    # Of large images, blocks of pixels: sums over all pixels would take many times its memory.
    step = 1 + max(plane.labels.shape) // COARSE
    rows, columns = (range(0, n, step) for n in plane.labels.shape)
    labelled = np.logical_or.reduceat(plane.labels != 0, rows, axis=0)
    labelled = np.logical_or.reduceat(labelled, columns, axis=1)
    height, width = (max(1, int(n * EMPTY)) for n in labelled.shape)
    filled = np.pad(labelled.cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    sums = (
        filled[height:, width:] - filled[:-height, width:]
        - filled[height:, :-width] + filled[:-height, :-width]
    )  # fmt: skip
    return bool((sums == 0).any())
