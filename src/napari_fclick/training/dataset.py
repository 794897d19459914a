"""Sets of images and labels -> samples for the network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch.utils.data import Dataset

from napari_fclick.core.arrays import Mask
from napari_fclick.core.object_sets import ObjectRef, Plane
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.cutting import Cutter, Piece
from napari_fclick.training.losses import IGNORE
from napari_fclick.training.rough_starts import RoughStarts
from napari_fclick.training.roughness import soften
from napari_fclick.training.simulation import RandomClicks
from napari_fclick.training.slices import Slices

logger = logging.getLogger(__name__)

#: Clicks that a sample can bring along.
MOST_CLICKS = 20
#: Draws after which the files must be in too bad a state to go on.
MOST_DRAWS = 50
NO_ROUGH_STARTS = RoughStarts()
NO_CLICKS = RandomClicks(0.0, 0, 0)


class ObjectSet(Protocol):
    """Objects to train on, as `napari_fclick.core.folders.ImageSet` offers them.

    It is copied to the loader's processes: what it keeps open must survive that. One that holds
    volumes may be a `napari_fclick.training.slices.VolumeSet`, too.
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
        positive; the others are a person's, where the object comes with them, or drawn.
    inner : Tensor (2,): rows and columns of the canvas that are not padding
    rough : float Tensor (1, S, S) in [0, 1]
        The mask that the network is handed with the first click; zeros: none.
    """

    image: torch.Tensor
    target: torch.Tensor
    clicks: torch.Tensor
    inner: torch.Tensor
    rough: torch.Tensor


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
    further : RandomClicks
        Clicks that a sample begins with beside the first, where it comes with no others.
    """

    cut: Cutter
    augment: Augmentation
    size: int
    further: RandomClicks = NO_CLICKS

    def __call__(
        self,
        plane: Plane,
        ref: ObjectRef,
        rng: np.random.Generator,
        rough: Mask | None = None,
    ) -> Sample:
        """Return one sample of an object; see `Cutter` for the parameters.

        Raises
        ------
        ValueError
            If nothing of the object is left in it.
        """
        piece = self.cut(plane, ref, rng, rough)
        patch = piece.patch
        if patch.rough is not None:
            patch = patch._replace(rough=soften(patch.rough, rng))
        image, labels, points, shown = self.augment(patch, rng)
        height, width = labels.shape
        canvas = np.zeros((3, self.size, self.size), np.float32)
        canvas[:, :height, :width] = image.transpose(2, 0, 1)
        target = np.full((self.size, self.size), IGNORE, np.uint8)
        target[:height, :width] = labels
        clicks = _listed(points, piece, (height, width))
        if not clicks[1:, 2].any():
            first = (round(float(clicks[0, 0])), round(float(clicks[0, 1])))
            drawn = self.further.draw(target == 1, first, target == IGNORE, rng)
            for row, click in zip(clicks[1:], drawn, strict=False):
                row[:] = click.row, click.column, 1 if click.positive else -1
        previous = np.zeros((1, self.size, self.size), np.float32)
        if shown is not None:
            previous[0, :height, :width] = shown
        return Sample(
            torch.from_numpy(canvas),
            torch.from_numpy(target),
            torch.from_numpy(clicks),
            torch.tensor((height, width)),
            torch.from_numpy(previous),
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
    starts : RoughStarts
        Which samples begin with a rough mask; by default none.
    """

    def __init__(
        self,
        sets: Sequence[ObjectSet],
        weights: Sequence[float],
        make: SampleMaker,
        seed: int,
        length: int,
        by_epochs: bool = False,
        starts: RoughStarts = NO_ROUGH_STARTS,
    ) -> None:
        kept = [(s, w) for s, w in zip(sets, weights, strict=True) if s.objects and w > 0]
        if not kept:
            raise ValueError("no set holds an object to train on")
        self.sets = [s for s, _ in kept]
        self.weights = np.array([w for _, w in kept]) / sum(w for _, w in kept)
        self.make, self.seed, self.length = make, seed, length
        self._starts, self._slices = starts, [Slices(s) for s in self.sets]
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
            which, ref = self._choose(index if attempt == 0 else None, rng)
            try:
                return self._make(which, ref, rng)
            except (OSError, ValueError) as error:
                self._tell(f"{self.sets[which].name}: {error}")
        raise ValueError(f"{MOST_DRAWS} objects in a row could not be read; see the warnings")

    def _make(self, which: int, ref: ObjectRef, rng: np.random.Generator) -> Sample:
        plane = self.sets[which].plane(ref)
        subject = self._starts.draw(plane, ref, self._slices[which], rng)
        return self.make(subject.plane, subject.ref, rng, subject.rough)

    def _choose(self, index: int | None, rng: np.random.Generator) -> tuple[int, ObjectRef]:
        if self._ends is not None and index is not None:
            return self._next_of_epoch(index, self._ends)
        which = int(rng.choice(len(self.sets), p=self.weights))
        return which, self.sets[which].draw(rng)

    def _next_of_epoch(
        self, index: int, ends: np.ndarray[tuple[int], np.dtype[np.intp]]
    ) -> tuple[int, ObjectRef]:
        epoch, place = divmod(index, int(ends[-1]))
        if epoch != self._epoch:
            self._order = np.random.default_rng((self.seed, epoch, 3)).permutation(int(ends[-1]))
            self._epoch = epoch
        number = int(self._order[place])
        which = int(np.searchsorted(ends, number, side="right"))
        return which, self.sets[which].objects[number - int(ends[which])]

    def _tell(self, message: str) -> None:
        if message not in self._named:
            self._named.add(message)
            logger.warning("%s: another object is drawn instead", message)
