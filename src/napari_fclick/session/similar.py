"""More objects like those that were accepted: each is clicked once by us, not by a person.

Where pixels look like those of the accepted objects, a predictor is given a first click, and
another one in the middle of its answer. Whether what that finds is such an object is told by two
things that mean the same in all kinds of images: how sure the network is, and how its pixels stand
out from those about it in looking like the accepted ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.special import expit, logit

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.peaks import middle
from napari_fclick.core.window import Box
from napari_fclick.session.answers import stored_mask
from napari_fclick.session.likeness import Likeness, Look, Seen
from napari_fclick.session.state import (
    Answer,
    PredictionLike,
    PredictionRequest,
    PredictorLike,
    Settings,
)

#: So many objects have to be accepted first; so many of the last ones count.
LEAST, MOST = 3, 30
#: An answer that shares more than this part with objects that are there is none.
SHARED = 0.25
#: Nor is one that is so many times larger than the largest accepted object, or smaller than the
#: smallest.
LARGER = 2.0
#: What is at least so sure is taken for such an object: to remove one that is none costs as much as
#: to click on one that is missing.
SURE = 0.5
#: How likely objects are hangs on the last answers that were judged, about so many.
LATELY = 12
#: After so many places in a row with nothing, the rest is left.
PATIENCE = 15


class Signs(NamedTuple):
    """What tells whether an answer is an object like the accepted ones.

    Attributes
    ----------
    confidence : float
        Mean probability of the mask's pixels.
    contrast : float
        See `Likeness.contrast`.
    """

    confidence: float
    contrast: float

    def sure(self, usual: float) -> float:
        """Return how likely it is such an object, 0 to 1, where that part of all answers are."""
        told = CONSTANT + sum(w * sign for w, sign in zip(WEIGHTS, self, strict=True))
        return float(expit(told + logit(usual) - logit(USUAL)))


#: Of the logistic regression that judges (`scripts/similar.py --fit`), which learned from answers
#: of which this part was right, in images that the network had not learned from.
USUAL = 0.765
CONSTANT, WEIGHTS = -31.2762, Signs(39.0217, 1.0391)


@dataclass(frozen=True)
class Found:
    """An answer that may be an object like those accepted.

    Attributes
    ----------
    click : Click
        What it is the answer to.
    mask : StoredMask
        In pixels of the plane.
    signs : Signs
    sure : float
        How likely it is such an object, 0 to 1.
    asked : Answer
        What the predictor was asked.
    """

    click: Click
    mask: StoredMask
    signs: Signs
    sure: float
    asked: Answer


class Search:
    """Looks for objects like those that were accepted.

    Parameters
    ----------
    request : PredictionRequest
        What the predictor is asked of a new object, whatever its clicks.
    predictor : PredictorLike
    settings : Settings
        What makes a mask of an answer.
    seen : Seen
        The plane that is looked at.
    look : Look
        What the accepted objects look like.
    taken : ndarray of bool
        Of the pixels in the region that is looked at: those of any object.

    Raises
    ------
    ValueError
        As `Likeness` does.
    """

    def __init__(
        self,
        request: PredictionRequest,
        predictor: PredictorLike,
        settings: Settings,
        seen: Seen,
        look: Look,
        taken: Mask,
    ) -> None:
        self._request, self._predictor = _sized(request, look), predictor
        self._settings = settings
        self._like, self._look = Likeness(seen, look), look
        self._taken, self._usual = taken.copy(), USUAL

    def run(self, least: float = SURE) -> Iterator[Found | None]:
        """Try one place after the other; yield what is found there, None where nothing is.

        Parameters
        ----------
        least : float
            How sure it has to be that something is such an object, 0 to 1.
        """
        failed = 0
        for row, column in self.places():
            found = self.tried(row, column, least)
            if found is not None:
                self.take(found.mask)
            failed = 0 if found is not None else failed + 1
            yield found
            if failed >= PATIENCE:
                return

    def places(self) -> Iterator[tuple[int, int]]:
        """Yield pixels of the plane to be tried, the likeliest first, but none that is taken."""
        region = self._like.region
        for row, column in self._like.places():
            if not self._taken[row - region.top, column - region.left]:
                yield row, column

    def tried(self, row: int, column: int, least: float = SURE) -> Found | None:
        """Return what a click at a pixel of the plane finds; None where that is less sure."""
        first, _ = self._answer(row, column)
        if first is None or self._shared(first) > SHARED:
            return None
        # Objects are seen best from their middle, as where a person clicks.
        centre = middle(first.unpack())
        assert centre is not None  # it has pixels
        click = Click(float(centre[0] + first.box.top), float(centre[1] + first.box.left))
        mask, confidence = self._answer(*click.pixel)
        if mask is None or not self._fits(mask) or self._shared(mask) > SHARED:
            return None
        signs = Signs(confidence, self._like.contrast(mask))
        sure = signs.sure(self._usual)
        self._note(sure)
        if sure < least:
            return None
        return Found(click, mask, signs, sure, replace(self._request.asked, clicks=1))

    def _note(self, sure: float) -> None:
        """Note an answer: where few are objects, one that looks like it is less likely to be one.

        Those that are judged count, as they did where the judge learned.
        """
        self._usual += (sure - self._usual) / LATELY

    def take(self, mask: StoredMask) -> None:
        """Look for nothing more where an object is."""
        region = self._like.region
        both = region.shared(mask.box)
        if both is not None:
            self._taken[both.within(region)] |= mask.within(both)

    def _answer(self, row: int, column: int) -> tuple[StoredMask | None, float]:
        """Return the mask that a first click gives, if any, and how sure the network is of it."""
        clicks = ClickSequence([Click(float(row), float(column))])
        answer: PredictionLike = replace(self._request, clicks=clicks).run(self._predictor)
        mask = stored_mask(answer, self._settings)
        return mask, 0.0 if mask is None else _confidence(answer, mask)

    def _fits(self, mask: StoredMask) -> bool:
        """Whether a mask is about as large as the accepted objects."""
        smallest, largest = self._look.areas
        return smallest / LARGER <= mask.area <= largest * LARGER

    def _shared(self, mask: StoredMask) -> float:
        """Return which part of a mask other objects have."""
        region = self._like.region
        both = region.shared(mask.box)
        if both is None:
            return 0.0
        shared = np.count_nonzero(self._taken[both.within(region)] & mask.within(both))
        return shared / mask.area


def _sized(request: PredictionRequest, look: Look) -> PredictionRequest:
    """Tell the predictor how large objects are where none was accepted that tells it."""
    if request.asked.typical_side is not None:
        return request
    return replace(request, trail=(replace(request.asked, typical_side=2 * look.radius),))


def _confidence(answer: PredictionLike, mask: StoredMask) -> float:
    window = Box.of(*answer.window)
    return float(answer.probability[mask.box.within(window)][mask.unpack()].mean())
