"""Sets of images and labels -> samples for the network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from napari_fclick.core.object_sets import ObjectRef, Plane
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.cutting import Cutter, Piece
from napari_fclick.training.losses import IGNORE

logger = logging.getLogger(__name__)

#: Clicks that a sample can bring along.
MOST_CLICKS = 20
#: Draws after which the files must be in too bad a state to go on.
MOST_DRAWS = 50


class ObjectSet(Protocol):
    """Objects to train on, as `napari_fclick.core.folders.ImageSet` offers them.

    It is copied to the loader's processes: what it keeps open must survive that.
    """

    @property
    def name(self) -> str:
        """What the weights' card calls it."""

    @property
    def objects(self) -> Sequence[ObjectRef]:
        """All objects."""

    def plane(self, ref: ObjectRef) -> Plane:
        """Return the 2-D cut that an object lies in: image and labels (H, W).

        Raises
        ------
        OSError, ValueError
            If it cannot be had any more: it is named in a warning, and another is drawn.
        """

    def draw(self, rng: np.random.Generator) -> ObjectRef:
        """Draw an object; which one depends on ``rng`` alone."""


class Sample(NamedTuple):
    """One sample.

    Attributes
    ----------
    image : Tensor (3, S, S) in [0, 1]
    target : uint8 Tensor (S, S): 0, 1, `IGNORE`
    clicks : float Tensor (MOST_CLICKS, 3)
        Row, column, and the sign: 1, -1, or 0 where there is no further click. The first is
        positive; the others are a person's, where the object comes with them.
    inner : Tensor (2,): rows and columns of the canvas that are not padding
    """

    image: torch.Tensor
    target: torch.Tensor
    clicks: torch.Tensor
    inner: torch.Tensor


@dataclass(frozen=True)
class SampleMaker:
    """Cut, augment and pad: an object of an image -> a sample.

    Parameters
    ----------
    cut : Cutter
    augment : Augmentation
    size : int
        Side of the network's input; what a piece leaves of it, at the bottom and the right,
        is ignored.
    """

    cut: Cutter
    augment: Augmentation
    size: int

    def __call__(self, plane: Plane, ref: ObjectRef, rng: np.random.Generator) -> Sample:
        """Return one sample of an object.

        Raises
        ------
        ValueError
            If nothing of the object is left in it.
        """
        piece = self.cut(plane, ref, rng)
        image, labels, points = self.augment(piece.patch, rng)
        height, width = labels.shape
        canvas = np.zeros((3, self.size, self.size), np.float32)
        canvas[:, :height, :width] = image.transpose(2, 0, 1)
        target = np.full((self.size, self.size), IGNORE, np.uint8)
        target[:height, :width] = labels
        return Sample(
            torch.from_numpy(canvas),
            torch.from_numpy(target),
            torch.from_numpy(_listed(points, piece, (height, width))),
            torch.tensor((height, width)),
        )


def _listed(
    points: np.ndarray[tuple[int, ...], np.dtype[np.float32]], piece: Piece, shape: tuple[int, int]
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Return the clicks that are still in sight."""
    pixels = np.rint(points)
    seen = np.flatnonzero(((pixels >= 0) & (pixels < shape)).all(-1))
    rows = np.column_stack([points, np.where(piece.positive, 1, -1)])[seen][:MOST_CLICKS]
    listed = np.zeros((MOST_CLICKS, 3), np.float32)
    listed[: len(rows)] = rows
    return listed


class WindowDataset(Dataset[Sample]):
    """Samples of objects; sample ``i`` is a function of the seed and of ``i`` alone.

    Parameters
    ----------
    sets : sequence of ObjectSet
    weights : sequence of float
        How often each set is drawn, relative to the others.
    make : SampleMaker
    seed : int
    length : int
        Samples before the data set ends.
    by_epochs : bool
        Instead of being drawn, every object comes once before any comes again.
    """

    def __init__(
        self,
        sets: Sequence[ObjectSet],
        weights: Sequence[float],
        make: SampleMaker,
        seed: int,
        length: int,
        by_epochs: bool = False,
    ) -> None:
        kept = [(s, w) for s, w in zip(sets, weights, strict=True) if s.objects and w > 0]
        if not kept:
            raise ValueError("no set holds an object to train on")
        self.sets = [s for s, _ in kept]
        self.weights = np.array([w for _, w in kept]) / sum(w for _, w in kept)
        self.make, self.seed, self.length = make, seed, length
        self._ends = np.cumsum([len(s.objects) for s in self.sets]) if by_epochs else None
        self._epoch, self._order = -1, np.zeros(0, np.intp)
        self._named: set[str] = set()

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        """Return a sample; where a file has become useless, another draw takes its place.

        Raises
        ------
        ValueError
            If one draw after the other fails.
        """
        rng = np.random.default_rng((self.seed, index))
        for attempt in range(MOST_DRAWS):
            chosen, ref = self._choose(index if attempt == 0 else None, rng)
            try:
                return self.make(chosen.plane(ref), ref, rng)
            except (OSError, ValueError) as error:
                self._tell(f"{chosen.name}: {error}")
        raise ValueError(f"{MOST_DRAWS} objects in a row could not be read; see the warnings")

    def _choose(self, index: int | None, rng: np.random.Generator) -> tuple[ObjectSet, ObjectRef]:
        if self._ends is not None and index is not None:
            return self._next_of_epoch(index, self._ends)
        chosen = self.sets[int(rng.choice(len(self.sets), p=self.weights))]
        return chosen, chosen.draw(rng)

    def _next_of_epoch(
        self, index: int, ends: np.ndarray[tuple[int], np.dtype[np.intp]]
    ) -> tuple[ObjectSet, ObjectRef]:
        epoch, place = divmod(index, int(ends[-1]))
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch, 3)).permutation(int(ends[-1]))
            self._epoch = epoch
        number = int(self._order[place])
        which = int(np.searchsorted(ends, number, side="right"))
        chosen = self.sets[which]
        return chosen, chosen.objects[number - int(ends[which])]

    def _tell(self, message: str) -> None:
        if message not in self._named:
            self._named.add(message)
            logger.warning("%s: another object is drawn instead", message)
