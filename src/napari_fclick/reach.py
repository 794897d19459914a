"""How far a correcting click reaches: which pixels change with the one that was clicked on.

A click says of one pixel that it is wrong. How much about it is wrong, too, is what is to be found
out, and the network alone answers that timidly: it was taught the outline that is seen, and late
clicks argue it away from there. How deep in the error the click lies, what lies along the outline
beside it, and what earlier clicks said tells more. `Reach` judges each pixel by that and by the
network's answer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.evidence import Pixels, Point, pixels_in_reach
from napari_fclick.core.threshold import above
from napari_fclick.core.window import Window
from napari_fclick.one_way import one_way
from napari_fclick.prediction import Prediction, confidence

#: Says of each row of evidence (n, `EVIDENCE`) how probable it is that the pixel changes (n,).
Judge = Callable[[FloatArray], FloatArray]

#: What the pixel clicked on gets, however it is judged.
CERTAIN = 0.99


class InReach(NamedTuple):
    """What may change with a click, and what was before it.

    Attributes
    ----------
    pixels : Pixels
    shape : (int, int)
        Of their grid: the window at the image's resolution, or at the network's where that is
        coarser.
    before : ndarray of float32, shape (h, w), in [0, 1]
    mask : ndarray of bool, shape (h, w)
        Before the click, in the window at the image's resolution.
    """

    pixels: Pixels
    shape: tuple[int, int]
    before: FloatArray
    mask: Mask


class Reach:
    """Finds what changes with a correcting click.

    Parameters
    ----------
    judge : callable or None
        Learned with the weights. None: what the network says is taken, one way.
    """

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge

    @property
    def is_learned(self) -> bool:
        """Whether there is a judge."""
        return self._judge is not None

    def __call__(
        self, found: FloatArray, view: Window, clicks: ClickSequence, previous: Prediction | None
    ) -> FloatArray:
        """Return the probability after a click, at the image's resolution.

        It changes only as the click says, so at every threshold; but for the first correction of
        a guess, in which the network may change the rest, too. Several new clicks are taken one
        after the other.

        Parameters
        ----------
        found, view, clicks, previous
            See `one_way`: what the network says, of which window, to which clicks, and what was
            before the newest ones.
        """
        if self._judge is None or previous is None or not previous.leads_to(clicks):
            return one_way(found, view, clicks, previous)
        now = previous
        for count in range(len(previous.clicks) + 1, len(clicks) + 1):
            until = ClickSequence(clicks[:count])
            after = self._after_one(self._judge, found, view, until, now)
            now = Prediction(
                after, view, until, previous.image_shape, connectivity=previous.connectivity
            )
        return now.probability

    @staticmethod
    def _after_one(
        judge: Judge, found: FloatArray, view: Window, clicks: ClickSequence, previous: Prediction
    ) -> FloatArray:
        """Return the probability after one more click."""
        out: FloatArray = one_way(found, view, clicks, previous)
        known = in_reach(found, view, clicks, previous)
        if known is None:
            return out
        pixels, shape, before, mask = known
        chance: FloatArray = np.zeros(shape, np.float32)
        judged: FloatArray = np.zeros(shape, np.float32)
        chance[pixels.rows, pixels.columns] = judge(pixels.evidence)
        judged[pixels.rows, pixels.columns] = 1
        if shape != out.shape:
            judged, chance = view.expand(judged), view.expand(chance)
            # A pixel that is not judged says nothing of the one beside it.
            chance /= np.maximum(judged, 1e-6)
        positive = clicks[-1].positive
        if not previous.is_guess:
            # What was not the object's is no part of what the click adds to.
            out = np.where(above(before) & ~mask, out, before)
        now, way = (chance, np.maximum) if positive else (1 - chance, np.minimum)
        out = np.where((judged > 0) & (mask != positive), way(now, before), out)
        row, column = clicks[-1].pixel
        out[row - view.top, column - view.left] = CERTAIN if positive else 1 - CERTAIN
        return out.astype(np.float32, copy=False)


def in_reach(
    found: FloatArray, view: Window, clicks: ClickSequence, previous: Prediction
) -> InReach | None:
    """Return the pixels that may change with the newest click.

    None where the click corrects nothing of the mask before it, or is out of sight.

    Parameters
    ----------
    found, view, clicks, previous
        See `Reach`.
    """
    click = clicks[-1]
    if not previous.leads_to(clicks) or not view.contains(click):
        return None
    before, mask = _before(previous, view)
    row, column = click.pixel
    if mask[row - view.top, column - view.left] == click.positive:
        return None
    coarse = view.side > max(view.canvas)
    seen = [found, before, mask.astype(np.float32)]
    if coarse:
        seen = [view.shrink(each[..., None])[..., 0] for each in seen]
    found, probability, inside = seen[0], seen[1], seen[2] > 0.5
    points = [_point(each, view, coarse) for each in clicks]
    inside[points[-1][:2]] = not click.positive
    if not inside.any():
        return None
    sure = confidence(found, above(found))
    pixels = pixels_in_reach(found, probability, inside, points, sure)
    return InReach(pixels, inside.shape, before, mask)


def _point(click: Click, view: Window, coarse: bool) -> Point:
    """Return where a click lies on the grid; it may lie outside."""
    row, column = click.pixel
    if not coarse:
        return Point(row - view.top, column - view.left, click.positive)
    y, x = view.to_input(float(row), float(column))
    return Point(round(y), round(x), click.positive)


def _before(previous: Prediction, view: Window) -> tuple[FloatArray, Mask]:
    """Return probability and mask of before the click in this window."""
    probability = np.zeros((view.height, view.width), np.float32)
    mask = np.zeros(probability.shape, bool)
    both = previous.view.box.shared(view.box)
    if both is not None:
        here, there = both.within(view.box), both.within(previous.view.box)
        probability[here] = previous.probability[there]
        mask[here] = previous.kept().mask[there]
    return probability, mask
