"""From clicks in slices to the whole object, in one call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.direction import Direction
from napari_fclick.core.masks import StoredMask
from napari_fclick.prediction import Prediction
from napari_fclick.propagation.carrying import Carry, Predicting
from napari_fclick.propagation.propagation import Propagation
from napari_fclick.propagation.rules import Rules
from napari_fclick.propagation.stack import Stack


def from_clicks(
    stack: Stack,
    predictor: Predicting,
    clicks: Mapping[int, ClickSequence],
    absent: Iterable[int] = (),
    *,
    rules: Rules | None = None,
    carry: Carry | None = None,
    direction: Direction = "both",
) -> Propagation:
    """Return a propagation whose keyframes are made from clicks; run it to carry the object.

    Parameters
    ----------
    stack : Stack
    predictor : Predictor
    clicks : mapping of int to ClickSequence
        By slice. They are answered one after the other, as if they had been made by hand.
    absent : iterable of int
        Slices in which the object is not.
    rules, carry, direction
        See `Propagation`.

    Raises
    ------
    ValueError
        If there is no such slice, the clicks of one find nothing, or the object is said not to be
        in one that is clicked.
    """
    absent = tuple(absent)
    for index in absent:
        if index in clicks:
            raise ValueError(
                f"slice {index} is clicked, and said to be without the object: it is one of both"
            )
    propagation = Propagation(stack, predictor, rules, carry, direction)
    threshold, integrity = propagation.settings.threshold, propagation.settings.integrity
    for index, sequence in clicks.items():
        stack.check(index)
        made = _answer(stack, predictor, index, sequence)
        rows, columns = made.window
        mask = StoredMask.pack(made.mask(threshold, integrity), rows.start, columns.start)
        if mask is None:
            off = any(not click.positive for click in sequence)
            leave = ", or leave out clicks that are not on the object (--not)" if off else ""
            raise ValueError(
                f"the clicks in slice {index} find nothing: lower the threshold{leave}"
            )
        propagation.set_keyframe(index, sequence, mask, made)
    for index in absent:
        propagation.set_absent(index)
    return propagation


def _answer(
    stack: Stack,
    predictor: Predicting,
    index: int,
    clicks: ClickSequence,
) -> Prediction:
    plane = stack.read(index)
    made: Prediction | None = None
    for count in range(1, len(clicks) + 1):
        made = predictor.predict(plane, ClickSequence(clicks[:count]), made)
    if made is None:
        raise ValueError(f"slice {index} has no clicks")
    return made
