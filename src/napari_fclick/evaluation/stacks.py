"""The robot user in stacks: whole objects, by propagation and by what it has to beat.

The robot makes its first click in the middle of the object's middle slice, has it carried
through the stack, then corrects the slice with the largest error: there it clicks in the middle
of the largest error, as in a single image, or says that the object is not there at all. After
each click what the click touched is carried again. A click that finds nothing counts, too; a slice
in which no click is left gives way to the one with the next largest error.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import peak
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.metrics import iou
from napari_fclick.prediction import Prediction
from napari_fclick.propagation import Carry, Propagation, Rules, Spacing, Stack
from napari_fclick.propagation.carrying import as_prediction
from napari_fclick.propagation.joining import signed_distance
from napari_fclick.propagation.stack import ISOTROPIC
from napari_fclick.training.simulation import correction

#: Clicks that one object may cost, all slices together.
MOST_CLICKS = 40
#: Clicks that one slice may cost, whether it is carried to or clicked on its own.
MOST_OF_SLICE = 20
#: The slices that are interpolated from, in parts of the object's extent.
INNER = (0.25, 0.75)


class StackRound(NamedTuple):
    """One click, and the object after everything it touched was carried again.

    Where a click found nothing, the object is as it was before.

    Attributes
    ----------
    at : int
        The slice that was clicked.
    click : Click or None
        None where the robot said that the object is not there.
    iou : float in [0, 1]
        Of the whole object.
    seconds : float
        Spent on carrying.
    slices : int
        Slices that were carried; what is met from both sides counts once.
    """

    at: int
    click: Click | None
    iou: float
    seconds: float
    slices: int


class _Made(NamedTuple):
    """A click: in which slice, which (None: a mark of absence), whether it found something."""

    at: int
    click: Click | None
    found: bool


@dataclass
class StackRobot:
    """A robot user and the propagation that it corrects.

    Parameters
    ----------
    predictor : Predictor
    image : array (Z, Y, X) or (Z, Y, X, C)
    truth : ndarray of bool, shape (Z, Y, X)
    spacing : Spacing
    rules : Rules
    carry : Carry
    ignore : ndarray of bool, shape (Z, Y, X), optional
        Voxels that count in neither clicks nor IoU.
    """

    predictor: Any
    image: Any
    truth: Mask
    spacing: Spacing = ISOTROPIC
    rules: Rules = field(default_factory=Rules)
    carry: Carry = field(default_factory=Carry)
    ignore: Mask | None = None

    def __post_init__(self) -> None:
        if self.ignore is not None:
            self.truth = self.truth & ~self.ignore
        if not self.truth.any():
            raise ValueError("the object to segment has no voxels")
        self._found = np.zeros_like(self.truth)
        self._predictions: dict[int, Prediction] = {}
        self._made: Counter[int] = Counter()
        stack = Stack(lambda index: self.image[index], len(self.image), self.spacing)
        self.propagation = Propagation(stack, self.predictor, self.rules, self.carry)

    @property
    def found(self) -> Mask:
        """What is segmented now, bool (Z, Y, X)."""
        return self._found

    def play(
        self, most: int = MOST_CLICKS, target: float = 1.0, least: int = 1
    ) -> Iterator[StackRound]:
        """Click until the object's IoU reaches the target, or no click is left in any slice.

        Parameters
        ----------
        most : int
            Clicks at most, marks of absence and clicks that found nothing among them.
        target : float
        least : int
            Clicks made even where the target is reached before, as long as something is wrong.

        Yields
        ------
        StackRound
            One a click.
        """
        slices = [middle_slice(self.truth)]
        for number in range(1, most + 1):
            # The first of them that can be clicked; the others are not.
            made = next(filter(None, map(self._click, slices)), None)
            if made is None:
                return
            seconds, carried = self._carry() if made.found else (0.0, 0)
            reached = self._iou()
            yield StackRound(made.at, made.click, reached, seconds, carried)
            if reached >= target and number >= least:
                return
            slices = self._worst_first()

    # --- clicking -----------------------------------------------------------------------

    def _click(self, index: int) -> _Made | None:
        """Correct a slice; None where no click is left."""
        truth = self.truth[index]
        if not truth.any():
            self.propagation.set_absent(index)
            return _Made(index, None, True)
        seen, clicks, previous = self._known(index)
        click = _next_click(truth, seen, clicks, self._ignored(index))
        if click is None or self._made[index] == MOST_OF_SLICE:
            return None
        self._made[index] += 1
        clicks = clicks.add(click)
        made = self.predictor.predict(self.image[index], clicks, previous)
        self._predictions[index] = made
        mask = StoredMask.pack(made.mask(self.carry.threshold), made.view.top, made.view.left)
        if mask is not None:
            self.propagation.set_keyframe(index, clicks, mask, made)
        return _Made(index, click, mask is not None)

    def _known(self, index: int) -> tuple[Mask, ClickSequence, Prediction | None]:
        """Return what is seen in a slice, its clicks, and what came of them."""
        said = self._predictions.get(index)
        if said is not None:
            # Where the last click found nothing, the next one is made on an empty slice.
            lost = not said.mask(self.carry.threshold).any()
            return self._found[index] & (not lost), said.clicks, said
        carried = self.propagation.slices.get(index)
        if carried is None or carried.mask is None:
            return self._found[index], ClickSequence(), None
        known = as_prediction(carried.mask, self.truth.shape[1:3])
        return self._found[index], known.clicks, known

    def _worst_first(self) -> list[int]:
        """Return the slices in which something is wrong, those with the most first."""
        errors = np.count_nonzero(_wrong(self.truth, self._found, self.ignore), axis=(1, 2))
        order = map(int, np.argsort(-errors, kind="stable"))
        return [index for index in order if errors[index]]

    def _carry(self) -> tuple[float, int]:
        begun = time.perf_counter()
        slices = len({each.index for each in self.propagation.run()})
        seconds = time.perf_counter() - begun
        self._found = self.propagation.volume(self.truth.shape[1:])
        return seconds, slices

    def _ignored(self, index: int) -> Mask | None:
        return None if self.ignore is None else self.ignore[index]

    def _iou(self) -> float:
        return iou(self.truth, self._found, self.ignore)


def middle_slice(truth: Mask) -> int:
    """Return the middle one of the slices that an object is in."""
    inside = np.flatnonzero(truth.any((1, 2)))
    return int(inside[len(inside) // 2])


# --- what propagation has to beat -------------------------------------------------------


class Baseline(NamedTuple):
    """An object segmented another way.

    Attributes
    ----------
    clicks : int
    iou : float in [0, 1]
        Of the whole object.
    """

    clicks: int
    iou: float


class SliceBySlice:
    """The slices of an object, each clicked on its own.

    Parameters
    ----------
    predictor : Predictor
    image : array (Z, Y, X) or (Z, Y, X, C)
    truth : ndarray of bool, shape (Z, Y, X)
    ignore : ndarray of bool, shape (Z, Y, X), optional
    """

    def __init__(self, predictor: Any, image: Any, truth: Mask, ignore: Mask | None = None) -> None:
        self._truth, self._ignore = truth, ignore
        self._inside = list(map(int, np.flatnonzero(truth.any((1, 2)))))
        # Both ways click a slice alike: each click is made when the first of them gets there.
        self._games = {
            index: robot.play(
                predictor,
                image[index],
                truth[index],
                ignore=None if ignore is None else ignore[index],
                most=MOST_OF_SLICE,
            )
            for index in self._inside
        }
        self._rounds: dict[int, list[robot.Round[Any]]] = {index: [] for index in self._inside}

    def each(self, target: float) -> Baseline:
        """Click each slice until its own IoU reaches the target, or no click is left."""
        found, made = self._nothing()
        for index in self._inside:
            reached: float | None = 0.0
            while reached is not None and reached < target:
                reached = self._click(found, made, index)
        return self._told(found, made)

    def worst_first(self, target: float) -> Baseline:
        """Click each slice once, then where most is wrong, until the object's IoU is there.

        It ends by the same rule as `StackRobot.play`, and chooses slices by the same error: one in
        which no click is left gives way to the next.
        """
        found, made = self._nothing()
        for index in self._inside:
            self._click(found, made, index)
        while self._told(found, made).iou < target:
            worst = self._worst(found, made)
            if worst is None:
                break
            self._click(found, made, worst)
        return self._told(found, made)

    def _nothing(self) -> tuple[Mask, dict[int, int]]:
        return np.zeros_like(self._truth), dict.fromkeys(self._inside, 0)

    def _click(self, found: Mask, made: dict[int, int], index: int) -> float | None:
        """Click a slice once more; return its IoU, None where no click is left."""
        after = self._after(index, made[index])
        if after is None:
            return None
        found[index] = after.mask
        made[index] += 1
        return after.iou

    def _after(self, index: int, clicks: int) -> robot.Round[Any] | None:
        rounds = self._rounds[index]
        if clicks == len(rounds):
            rounds.extend(itertools.islice(self._games[index], 1))
        return rounds[clicks] if clicks < len(rounds) else None

    def _worst(self, found: Mask, made: dict[int, int]) -> int | None:
        """Return the slice with the most wrong pixels of those that can be clicked again."""
        wrong = _wrong(self._truth, found, self._ignore)
        errors = {index: int(np.count_nonzero(wrong[index])) for index in self._inside}
        for index in sorted(self._inside, key=lambda each: -errors[each]):
            if errors[index] and self._after(index, made[index]) is not None:
                return index
        return None

    def _told(self, found: Mask, made: dict[int, int]) -> Baseline:
        return Baseline(sum(made.values()), iou(self._truth, found, self._ignore))


def unchanged(predictor: Any, image: Any, truth: Mask, ignore: Mask | None = None) -> Baseline:
    """Click once in the middle slice and copy that mask to all slices of the object."""
    index = middle_slice(truth)
    first = next(iter(robot.play(predictor, image[index], truth[index])))
    found = np.zeros_like(truth)
    found[np.flatnonzero(truth.any((1, 2)))] = first.mask
    return Baseline(1, iou(truth, found, ignore))


def interpolated(
    predictor: Any, image: Any, truth: Mask, target: float, ignore: Mask | None = None
) -> Baseline:
    """Click two slices and interpolate between their outlines, linearly as signed distances.

    They lie a quarter of the object's extent from either end, which is where they tell most: its
    first and last slices are small and hard to click. Beyond them the nearer one is copied.
    """
    inside = np.flatnonzero(truth.any((1, 2)))
    first, last = (int(inside[round(part * (len(inside) - 1))]) for part in INNER)
    outlines: dict[int, NDArray[np.float64]] = {}
    clicks = 0
    for index in {first: None, last: None}:
        hidden = None if ignore is None else ignore[index]
        rounds = list(
            robot.play(predictor, image[index], truth[index], ignore=hidden, target=target)
        )
        clicks += len(rounds)
        # Where nothing was found, nothing is near.
        distance = signed_distance(rounds[-1].mask).astype(np.float64)
        outlines[index] = np.maximum(distance, -float(sum(truth.shape[1:])))
    found = np.zeros_like(truth)
    for index in map(int, inside):
        share = min(max((index - first) / max(last - first, 1), 0.0), 1.0)
        found[index] = (1 - share) * outlines[first] + share * outlines[last] > 0
    return Baseline(clicks, iou(truth, found, ignore))


def _wrong(truth: Mask, found: Mask, ignore: Mask | None) -> Mask:
    wrong: Mask = truth != found
    return wrong if ignore is None else wrong & ~ignore


def _next_click(
    truth: Mask, found: Mask, clicks: ClickSequence, ignore: Mask | None
) -> Click | None:
    if not clicks:
        start = peak(truth)
        return None if start is None else Click(start.pixel[0], start.pixel[1])
    wrong = correction(truth, found, [click.pixel for click in clicks], ignore)
    return None if wrong is None else Click(wrong.row, wrong.column, wrong.positive)
