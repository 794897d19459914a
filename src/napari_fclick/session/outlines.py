"""Where an annotator draws outlines: learned from the objects that were accepted.

A network draws them where most of its training data did. Of images that it never saw, its first
answers are often too small, or too large, all alike. What was accepted tells: each object says how
much better its first answer would have been, had a bit more or less been taken for the object. Once
enough of them agree, the next first answer begins there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from napari_fclick.core.arrays import Mask
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.window import Box
from napari_fclick.session.state import PredictionLike

#: Log-odds that may be added to what a network says.
BIASES = np.arange(-1.5, 1.51, 0.25)
#: So many objects, or other images, have to tell something; so many of the last ones count.
LEAST, OBJECTS, IMAGES = 3, 30, 10
#: So many images are kept in mind: of some nothing may have been accepted.
REMEMBERED = 50
#: A first answer that comes to no more than this IoU meant something else, whatever the outline.
MEANT = 0.4
#: What one object can tell for or against a bias: so much in IoU.
MOST_GAIN = 0.15
#: What is gained has to be so many standard errors above nothing; the spread of this many objects
#: that differ by this much is taken for known, and so many that tell of no gain.
ERRORS, KNOWN, SPREAD, DOUBTS = 1.0, 3, 0.05, 2
#: Windows are thinned out to so many pixels a side.
SIDE = 256

Gains = NDArray[np.float64]


class First(NamedTuple):
    """The first answer to an object.

    Attributes
    ----------
    prediction : PredictionLike
        The answer to the first click alone.
    bias : float
        That it was made with.
    """

    prediction: PredictionLike
    bias: float


class Outlines:
    """What the accepted objects of an image tell of the outlines of the next.

    Parameters
    ----------
    images : list of Outlines
        Those of all images that are annotated with it, in their order; it adds itself.
    """

    def __init__(self, images: list[Outlines] | None = None) -> None:
        self._gains: dict[int, Gains] = {}
        self._images = [] if images is None else images
        self._images.append(self)
        del self._images[:-REMEMBERED]

    def learn(self, label: int, first: First, mask: Mask, box: Box) -> None:
        """Learn from an object that is accepted.

        Parameters
        ----------
        label : int
            Its number.
        first : First
        mask : ndarray of bool
            What is accepted, of the pixels in ``box``.
        box : Box
            In pixels of the plane.
        """
        found = gains(first, mask, box)
        if found is not None:
            self._gains[label] = found

    def forget(self, label: int | None = None) -> None:
        """Forget what an object told, or all of them."""
        if label is None:
            self._gains.clear()
        else:
            self._gains.pop(label, None)

    @property
    def bias(self) -> float:
        """The log-odds to add to what the network says of a next object; 0 while nothing is known.

        Of other images each counts as one object: they tell something once they are `LEAST`.
        """
        own = list(self._gains.values())[-OBJECTS:]
        others = [
            np.mean(list(each._gains.values()), axis=0)
            for each in self._images
            if each is not self and each._gains
        ][-IMAGES:]
        return best_bias([*own, *(others if len(others) >= LEAST else [])])


def best_bias(told: Sequence[Gains]) -> float:
    """Return the bias that surely gains most; 0 where none does.

    Parameters
    ----------
    told : sequence of ndarray, shape (len(BIASES),)
        What each would have gained.
    """
    count = len(told)
    if count < LEAST:
        return 0.0
    every = np.stack(told)
    variance = (every.var(axis=0) * count + KNOWN * SPREAD**2) / (count + KNOWN)
    sure = every.mean(axis=0) * count / (count + DOUBTS) - ERRORS * np.sqrt(variance / count)
    sure[BIASES == 0] = 0.0
    sure -= 1e-6 * np.abs(BIASES)  # of two that gain alike, the lesser
    return float(BIASES[np.argmax(sure)])


def gains(first: First, mask: Mask, box: Box) -> Gains | None:
    """Return by how much each bias would have raised the IoU of a first answer.

    Parameters
    ----------
    first, mask, box
        See `Outlines.learn`.

    Returns
    -------
    ndarray of float64, shape (len(BIASES),), or None
        None where the first answer meant something else.
    """
    prediction = first.prediction
    window = Box.of(*prediction.window)
    step = -(-window.side // SIDE)
    accepted = np.zeros(prediction.probability.shape, bool)
    both = window.shared(box)
    if both is not None:
        accepted[both.within(window)] = mask[both.within(box)]
    probability, accepted = prediction.probability[::step, ::step], accepted[::step, ::step]
    area = np.count_nonzero(mask) / step**2
    click = prediction.clicks.first.pixel
    at = [((click[0] - window.top) // step, (click[1] - window.left) // step)]
    ious = []
    for bias in BIASES:
        # Where the log-odds with this bias are above 0.
        answer = keep_clicked(probability > expit(first.bias - bias), at).mask
        common = np.count_nonzero(answer & accepted)
        ious.append(common / max(np.count_nonzero(answer) + area - common, 1.0))
    found = np.array(ious)
    if found.max() <= MEANT:
        return None
    out: Gains = np.clip(found - found[BIASES == 0], -MOST_GAIN, MOST_GAIN)
    return out
