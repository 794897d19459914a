"""A correcting click only adds, or only takes away.

But for the first correction: what the network says after a single click, or of another slice, is a
guess, and the first correction may have it think again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from napari_fclick.core.arrays import FloatArray
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.threshold import above
from napari_fclick.core.window import Window
from napari_fclick.prediction import Prediction


def one_way(
    found: FloatArray, view: Window, clicks: ClickSequence, previous: Prediction | None
) -> FloatArray:
    """Return a probability that differs from the one before only as the new clicks say.

    A positive click says that something is missing, a negative one that something is too much:
    what the network changes the other way is not what was asked for, and more often wrong than
    right. So it is at every threshold.

    Parameters
    ----------
    found : ndarray of float32, shape (h, w), in [0, 1]
        What the network says of the window, at the image's resolution.
    view : Window
    clicks : ClickSequence
        That it answers.
    previous : Prediction or None
        Before the new clicks. Where it is a guess, or not the answer to the clicks before them,
        or the new ones are of both signs, anything may change.
    """
    if previous is None or previous.is_guess or not previous.leads_to(clicks):
        return found
    way = _way(clicks[len(previous.clicks) :])
    both = view.box.shared(previous.view.box)
    if way is None or both is None:
        return found
    here, there = both.within(view.box), both.within(previous.view.box)
    before, now = previous.probability[there], found[here]
    # What was not the object's is no part of what the click adds to.
    others = above(before) & ~previous.kept().mask[there]
    out = found.copy()
    out[here] = np.where(others, now, way(now, before))
    return out


def _way(new: Sequence[Click]) -> Callable[[FloatArray, FloatArray], FloatArray] | None:
    signs = {click.positive for click in new}
    if len(signs) != 1:
        return None
    return np.maximum if signs.pop() else np.minimum
