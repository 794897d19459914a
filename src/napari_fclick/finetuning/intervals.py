"""How sure a mean change is, where objects of one image fare alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from napari_fclick.evaluation.metrics import CONFIDENCE

#: How much the changes of two objects of one image have in common (the intraclass correlation).
ALIKE = 0.1


def paired_intervals(
    changes: NDArray[np.float64], images: Sequence[str]
) -> list[tuple[float, float]]:
    """Return the 95 % intervals of mean changes.

    Student's t interval of as many objects as would tell as much if each were of an image of its
    own: the design effect 1 + (m - 1) rho of Kish ("Survey Sampling", 1965), with m the mean
    number of objects in an object's image. A bootstrap over objects promises too much where there
    are few of them, or few images.

    Parameters
    ----------
    changes : ndarray of float, shape (objects, figures)
        Of two objects at least.
    images : sequence of str, of the same length
        What each object is in.
    """
    _, sizes = np.unique(list(images), return_counts=True)
    objects = len(changes)
    effect = 1 + ((sizes**2).sum() / objects - 1) * ALIKE
    told = objects / effect
    error = changes.std(axis=0, ddof=1) / np.sqrt(told)
    reach = error * stats.t.ppf((1 + CONFIDENCE) / 2, max(told - 1, 1.0))
    return [
        (float(mean - by), float(mean + by))
        for mean, by in zip(changes.mean(axis=0), reach, strict=True)
    ]
