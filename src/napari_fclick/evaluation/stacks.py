"""The robot user in stacks: whole objects, by propagation and by what it has to beat.

The robot makes its first click in the middle of the object's middle slice, has it carried
through the stack, then corrects the slice with the largest error: there it clicks in the middle
of the largest error, as in a single image, or says that the object is not there at all. After
each click what the click touched is carried again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import peak
from napari_fclick.core.window import Box
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.metrics import iou
from napari_fclick.prediction import Prediction
from napari_fclick.propagation import Carry, Propagation, Rules, Spacing, Stack
from napari_fclick.propagation.carrying import as_prediction, signed_distance
from napari_fclick.propagation.stack import ISOTROPIC
from napari_fclick.training.simulation import correction

Mask = NDArray[np.bool_]
#: Clicks that one object may cost, all slices together.
MOST_CLICKS = 40


class StackRound(NamedTuple):
    """One click, and the object after everything it touched was carried again.

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
        Slices that were carried.
    """

    at: int
    click: Click | None
    iou: float
    seconds: float
    slices: int


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
        stack = Stack(lambda index: self.image[index], len(self.image), self.spacing)
        self.propagation = Propagation(stack, self.predictor, self.rules, self.carry)

    @property
    def found(self) -> Mask:
        """What is segmented now, bool (Z, Y, X)."""
        return self._found

    def play(self, most: int = MOST_CLICKS, target: float = 1.0) -> Iterator[StackRound]:
        """Click until the object's IoU reaches the target, or no click is left.

        Parameters
        ----------
        most : int
            Clicks at most, marks of absence among them.
        target : float

        Yields
        ------
        StackRound
            One a click.
        """
        index = middle_slice(self.truth)
        for _ in range(most):
            click = self._click(index)
            if click is None and self.truth[index].any():
                return
            seconds, slices = self._carry()
            reached = self._iou()
            yield StackRound(index, click, reached, seconds, slices)
            if reached >= target:
                return
            worst = self._worst()
            if worst is None:
                return
            index = worst

    # --- clicking -----------------------------------------------------------------------

    def _click(self, index: int) -> Click | None:
        """Correct a slice; None where the object was said not to be there."""
        truth = self.truth[index]
        if not truth.any():
            self.propagation.set_absent(index)
            return None
        clicks, previous = self._known(index)
        click = _next_click(truth, self._found[index], clicks, self._ignored(index))
        if click is None:
            return None
        clicks = clicks.add(click)
        made = self.predictor.predict(self.image[index], clicks, previous)
        mask = StoredMask.pack(made.mask(self.carry.threshold), made.view.top, made.view.left)
        if mask is None:
            return None
        self._predictions[index] = made
        self.propagation.set_keyframe(index, clicks, mask, made)
        return click

    def _known(self, index: int) -> tuple[ClickSequence, Prediction | None]:
        """Return the clicks that a slice has, and what came of them."""
        made = self.propagation.slices.get(index)
        if made is None or made.mask is None:
            return ClickSequence(), None
        if index in self._predictions:
            return made.clicks, self._predictions[index]
        known = as_prediction(made.mask, self.truth.shape[1:3])
        return known.clicks, known

    def _worst(self) -> int | None:
        wrong = self.truth != self._found
        if self.ignore is not None:
            wrong &= ~self.ignore
        errors = np.count_nonzero(wrong, axis=(1, 2))
        return int(np.argmax(errors)) if errors.any() else None

    def _carry(self) -> tuple[float, int]:
        begun = time.perf_counter()
        slices = sum(1 for _ in self.propagation.run())
        seconds = time.perf_counter() - begun
        self._found = object_of(self.propagation, self.truth.shape)
        return seconds, slices

    def _ignored(self, index: int) -> Mask | None:
        return None if self.ignore is None else self.ignore[index]

    def _iou(self) -> float:
        return iou(self.truth, self._found, self.ignore)


def middle_slice(truth: Mask) -> int:
    """Return the middle one of the slices that an object is in."""
    inside = np.flatnonzero(truth.any((1, 2)))
    return int(inside[len(inside) // 2])


def object_of(propagation: Propagation, shape: tuple[int, ...]) -> Mask:
    """Return what a propagation has found, bool (Z, Y, X)."""
    out = np.zeros(shape, bool)
    everything = Box(0, 0, shape[1], shape[2])
    for index, found in propagation.slices.items():
        if found.mask is not None:
            out[index] = found.mask.within(everything)
    return out


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


def slice_by_slice(
    predictor: Any, image: Any, truth: Mask, target: float, ignore: Mask | None = None
) -> Baseline:
    """Click every slice on its own until it reaches the target, with 20 clicks at most."""
    found, clicks = np.zeros_like(truth), 0
    for index in np.flatnonzero(truth.any((1, 2))):
        hidden = None if ignore is None else ignore[index]
        plane = image[index]
        rounds = list(robot.play(predictor, plane, truth[index], ignore=hidden, target=target))
        clicks += len(rounds)
        found[index] = rounds[-1].mask
    return Baseline(clicks, iou(truth, found, ignore))


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
    """Click the object's first and last slice and interpolate between their outlines.

    The outlines are interpolated linearly as signed distances.
    """
    inside = np.flatnonzero(truth.any((1, 2)))
    ends: dict[int, NDArray[np.float64]] = {}
    clicks = 0
    for index in {int(inside[0]): None, int(inside[-1]): None}:
        hidden = None if ignore is None else ignore[index]
        rounds = list(
            robot.play(predictor, image[index], truth[index], ignore=hidden, target=target)
        )
        clicks += len(rounds)
        # Where nothing was found, nothing is near.
        distance = signed_distance(rounds[-1].mask).astype(np.float64)
        ends[index] = np.maximum(distance, -float(sum(truth.shape[1:])))
    first, last = ends[int(inside[0])], ends[int(inside[-1])]
    found = np.zeros_like(truth)
    for index in map(int, inside):
        share = (index - inside[0]) / max(inside[-1] - inside[0], 1)
        found[index] = (1 - share) * first + share * last > 0
    return Baseline(clicks, iou(truth, found, ignore))


def _next_click(
    truth: Mask, found: Mask, clicks: ClickSequence, ignore: Mask | None
) -> Click | None:
    if not clicks:
        start = peak(truth)
        return None if start is None else Click(start.pixel[0], start.pixel[1])
    wrong = correction(truth, found, [click.pixel for click in clicks], ignore)
    return None if wrong is None else Click(wrong.row, wrong.column, wrong.positive)
