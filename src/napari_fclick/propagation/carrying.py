"""One step through a stack: from the mask in a slice to the mask in the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_fclick.core import intensity, window
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import depths, middle, peak
from napari_fclick.core.threshold import THRESHOLD
from napari_fclick.core.window import Box, Window
from napari_fclick.prediction import Prediction, confidence, existing
from napari_fclick.propagation.appearance import KeyContrast
from napari_fclick.propagation.rules import Measures
from napari_fclick.propagation.stack import Spacing

#: Takes a slice and a box, returns which of its pixels other objects have.
Others = Callable[[int, Box], Mask]

#: A conflict with other objects is answered by a negative click from this share of the mask on.
CONFLICT = 0.03


class Predicting(Protocol):
    """The part of a predictor that is needed here."""

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        limits: tuple[float, float] | None = None,
    ) -> Prediction:
        """See `napari_fclick.predictor.Predictor.predict`."""


class Carry(BaseModel):
    """How a mask is carried to the next slice.

    Attributes
    ----------
    threshold : float in [0, 1]
        Probability above which a pixel belongs.
    integrity : bool
        Keep only what hangs together with the anchor.
    guarded : bool
        Between two keyframes, leave a side that has jumped to something else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(THRESHOLD, ge=0, le=1)
    integrity: bool = True
    guarded: bool = True


class Reference(NamedTuple):
    """What the object was like in its keyframe.

    Attributes
    ----------
    contrast : KeyContrast
    confidence : float or None
        None where the network was not asked.
    """

    contrast: KeyContrast
    confidence: float | None


@dataclass(frozen=True)
class Front:
    """The last slice in which the object was found, and what the network said there.

    Attributes
    ----------
    index : int
    mask : StoredMask
    pixels : int
        Of the mask.
    prediction : Prediction
        Its window and, where the network was asked, its probability.
    reference : Reference
        What later slices are compared with.
    """

    index: int
    mask: StoredMask
    pixels: int
    prediction: Prediction
    reference: Reference


@dataclass(frozen=True)
class Carried:
    """What a step found.

    Attributes
    ----------
    front : Front
        To go on from.
    clicks : ClickSequence
        The derived anchor, and negative clicks where neighbours press in.
    measures : Measures
        What the stop rules look at.
    """

    front: Front
    clicks: ClickSequence
    measures: Measures


def begin(index: int, mask: StoredMask, plane: Any, known: Any = None) -> Front:
    """Return the front at a keyframe.

    Parameters
    ----------
    index : int
    mask : StoredMask
        What the object is there.
    plane : array (H, W) or (H, W, C), or a list of pyramid levels
        The keyframe's pixels.
    known : Prediction, optional
        What the network said there; without it the mask stands for its probability.
    """
    pixels, stands_out = mask.area, KeyContrast(plane, mask)
    if isinstance(known, Prediction) and known.view.box.holds(mask.box):
        sure = None
        if known.by_network:
            sure = confidence(known.probability, mask.within(known.view.box))
        return Front(index, mask, pixels, known, Reference(stands_out, sure))
    made = as_prediction(mask, window.image_shape(plane))
    return Front(index, mask, pixels, made, Reference(stands_out, None))


def as_prediction(mask: StoredMask, shape: tuple[int, int]) -> Prediction:
    """Return a mask as if the network had said it, with its anchor as the click.

    Parameters
    ----------
    mask : StoredMask
    shape : (int, int)
        Rows and columns of the plane.
    """
    return existing(mask, ClickSequence([anchor(mask)]), shape, guess=True)


class Carrier:
    """Carries masks from slice to slice.

    Parameters
    ----------
    predictor : Predictor
    spacing : Spacing
    settings : Carry
    limits : (float, float), optional
        Intensities that are black and white to the predictor.
    others : callable, optional
        Tells which pixels other objects have.
    """

    def __init__(
        self,
        predictor: Predicting,
        spacing: Spacing,
        settings: Carry,
        limits: tuple[float, float] | None = None,
        others: Others | None = None,
    ) -> None:
        self._predictor, self._spacing = predictor, spacing
        self._settings, self._limits, self._others = settings, limits, others

    def carry(self, front: Front, index: int, plane: Any) -> Carried | None:
        """Carry a mask to a slice; None where nothing is found there."""
        if is_blank(plane, front.prediction.view):
            return None
        clicks = ClickSequence([anchor(front.mask)])
        found = self._predict(plane, clicks, front.prediction)
        mask = self._mask(found, clicks)
        better = self._anchored_anew(front, found, mask, index)
        if better != clicks:
            clicks = better
            found = self._predict(plane, clicks, front.prediction)
            mask = self._mask(found, clicks)
        stored = StoredMask.pack(mask, found.view.top, found.view.left)
        if stored is None:
            return None
        sure = confidence(found.probability, mask)
        reference = front.reference
        if reference.confidence is None:
            reference = reference._replace(confidence=sure)
        ahead = Front(index, stored, int(np.count_nonzero(mask)), found, reference)
        return Carried(ahead, clicks, self._measures(front, ahead, sure, plane))

    def _predict(self, plane: Any, clicks: ClickSequence, previous: Prediction) -> Prediction:
        # What was read belongs to the other slice.
        earlier = replace(previous, clicks=clicks, block=None)
        return self._predictor.predict(plane, clicks, earlier, limits=self._limits)

    def _mask(self, found: Prediction, clicks: ClickSequence) -> Mask:
        mask = found.probability > self._settings.threshold
        if not self._settings.integrity:
            return mask
        view = found.view
        points = [(r - view.top, c - view.left) for r, c in (k.pixel for k in clicks.positives)]
        kept = keep_clicked(mask, points, found.connectivity)
        # What does not hang together with the anchor is another object.
        return np.zeros_like(mask) if kept.fell_back else kept.mask

    def _anchored_anew(
        self, front: Front, found: Prediction, mask: Mask, index: int
    ) -> ClickSequence:
        """Move the anchor where it lies off the object, and keep neighbours out."""
        view, probability, first = found.view, found.probability, found.clicks.first
        row, column = first.pixel
        if probability[row - view.top, column - view.left] <= self._settings.threshold:
            first = weighted_anchor(front.mask, probability, view.box) or first
        negatives = [] if self._others is None else self._pressing(mask, view.box, index)
        return ClickSequence([first, *negatives])

    def _pressing(self, mask: Mask, box: Box, index: int) -> list[Click]:
        assert self._others is not None
        conflict = mask & self._others(index, box)
        if int(np.count_nonzero(conflict)) < CONFLICT * int(np.count_nonzero(mask)):
            return []
        deepest = peak(conflict)
        if deepest is None:
            return []
        row, column = deepest.pixel
        return [Click(row + box.top, column + box.left, False)]

    def _measures(self, front: Front, ahead: Front, sure: float, plane: Any) -> Measures:
        reference = ahead.reference
        return Measures(
            sure,
            overlap(front.mask, ahead.mask),
            ahead.pixels / max(front.pixels, 1),
            distance(front.mask, ahead.mask, self._spacing),
            reference.contrast.left(plane, ahead.mask),
            sure / reference.confidence if reference.confidence else 1.0,
        )


# --- what a mask is, and next to another ------------------------------------------------


def anchor(mask: StoredMask) -> Click:
    """Return the pixel of a mask farthest from its border, as a first click."""
    deepest = middle(mask.unpack())
    assert deepest is not None  # a stored mask has pixels
    row, column = deepest
    return Click(row + mask.box.top, column + mask.box.left)


def weighted_anchor(mask: StoredMask, probability: FloatArray, box: Box) -> Click | None:
    """Return the pixel that is deep in a mask and probable; None where none is probable.

    Parameters
    ----------
    mask : StoredMask
        The neighbour's.
    probability : ndarray of float32, shape (h, w)
        This slice's, of the pixels in ``box``.
    """
    depth = depths(mask.within(box))
    worth = depth * probability
    best = int(np.argmax(worth))
    if worth.flat[best] <= 0:
        return None
    row, column = divmod(best, worth.shape[1])
    return Click(row + box.top, column + box.left)


def overlap(one: StoredMask, other: StoredMask) -> float:
    """Return the IoU of two masks."""
    box = one.box.union(other.box)
    a, b = one.within(box), other.within(box)
    return int(np.count_nonzero(a & b)) / max(int(np.count_nonzero(a | b)), 1)


def distance(one: StoredMask, other: StoredMask, spacing: Spacing) -> float:
    """Return how far apart the middles of two masks are, in the unit of the scale."""
    (y, x), (v, u) = _middle(one), _middle(other)
    return float(np.hypot((v - y) * spacing.row, (u - x) * spacing.column))


def is_blank(plane: Any, view: Window) -> bool:
    """Whether a window of a plane tells nothing: one colour throughout, or nothing finite.

    Of a pyramid, the level is looked at that the window is read from.
    """
    seen = window.read_window(plane, view)
    if not intensity.tells_nothing(seen):
        return False
    level, where = window.level_of(plane, view)
    if seen.shape[:2] == tuple(part.stop - part.start for part in where):
        return True
    # Of a window that was thinned out, all pixels, which may be many, are read only now.
    return intensity.tells_nothing(np.asarray(level[where]))


def is_blank_throughout(plane: Any, view: Window) -> bool:
    """Whether a window of a plane tells nothing, and the rest neither, as of a dropped frame."""
    whole = window.whole_window(window.image_shape(plane), window.MASK_CANVAS)
    return is_blank(plane, view) and is_blank(plane, whole)


def _middle(mask: StoredMask) -> tuple[float, float]:
    rows, columns = np.nonzero(mask.unpack())
    return rows.mean() + mask.box.top, columns.mean() + mask.box.left
