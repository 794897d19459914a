"""The robot user: it clicks in the middle of the largest error until it is content.

It is the paper's (section 4.1). The first click goes to the middle of the object, each next one
to the middle of the largest error: where its distance to what is not that error is largest. What
lies outside of the image is no error (the error's map is padded), pixels clicked before are not
clicked again, the first of several middles in reading order is taken, a miss and a false alarm of
the same depth get a negative click, and ignored pixels are no error.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.peaks import Pixel, peak
from napari_fclick.evaluation.methods.base import Answer
from napari_fclick.evaluation.metrics import iou
from napari_fclick.evaluation.protocol import MOST_CLICKS
from napari_fclick.training.simulation import SimulatedClick, correction

A_co = TypeVar("A_co", bound=Answer, covariant=True)


class Answering(Protocol[A_co]):
    """The part of a method that the robot needs, with the kind of its answers."""

    def predict(
        self,
        image: Any,
        clicks: ClickSequence,
        previous: Any = None,
        *,
        typical_side: float | None = None,
    ) -> A_co:
        """See `napari_fclick.evaluation.methods.Method.predict`."""


class Round(NamedTuple, Generic[A_co]):
    """One click and what came of it."""

    click: SimulatedClick
    prediction: A_co
    iou: float
    mask: Mask


def play(
    method: Answering[A_co],
    image: Any,
    truth: Mask,
    *,
    ignore: Mask | None = None,
    most: int = MOST_CLICKS,
    target: float = 1.0,
    rng: np.random.Generator | None = None,
    jitter: float = 0.0,
    jitter_share: float = 0.0,
    typical_side: float | None = None,
    integrity: bool = True,
) -> Iterator[Round[A_co]]:
    """Segment one object as a careful user would.

    Parameters
    ----------
    method : Method
        Gets its previous answer with each further click.
    image : array (H, W) or (H, W, C)
    truth : ndarray of bool, shape (H, W)
        The object; must not be empty.
    ignore : ndarray of bool, shape (H, W), optional
        Pixels that count in neither clicks nor IoU.
    most : int
        Clicks at most.
    target : float
        Stop when this IoU is reached.
    rng : Generator, optional
        Of the jitter; without it there is none.
    jitter : float
        So many pixels from the middle of the error region, at most, on the part of the region
        that hangs together with it.
    jitter_share : float in [0, 1]
        A share of the error region's depth instead, see `napari_fclick.core.peaks.peak`.
    typical_side : float, optional
        Handed to the method.
    integrity : bool
        Whether its masks keep only what hangs together with a positive click.

    Yields
    ------
    Round
        One a click; also ends where no error is left to click on.

    Raises
    ------
    ValueError
        If the object has no pixels.
    """
    if ignore is not None:
        truth = truth & ~ignore
    start = peak(truth, rng=rng, jitter=jitter_share)
    if start is None:
        raise ValueError("the object to segment has no pixels")
    click: SimulatedClick | None = SimulatedClick(*start.pixel, True)
    clicks = ClickSequence()
    prediction: A_co | None = None
    mask = np.zeros_like(truth)
    while click is not None and len(clicks) < most:
        if rng is not None and jitter:
            wrong = truth & ~mask if click.positive else mask & ~truth
            taken = [known.pixel for known in clicks]
            click = _displaced(
                click, wrong if ignore is None else wrong & ~ignore, taken, rng, jitter
            )
        clicks = clicks.add(Click(click.row, click.column, click.positive))
        prediction = method.predict(image, clicks, prediction, typical_side=typical_side)
        mask = prediction.full_mask(integrity=integrity)
        reached = iou(truth, mask, ignore)
        yield Round(click, prediction, reached, mask)
        if reached >= target:
            return
        taken = [known.pixel for known in clicks]
        click = correction(truth, mask, taken, ignore, rng, jitter_share)


def _displaced(
    click: SimulatedClick, region: Mask, taken: list[Pixel], rng: np.random.Generator, reach: float
) -> SimulatedClick:
    """Move a click to a random pixel of the region about it, ``reach`` pixels away at most."""
    free = keep_clicked(region, [(click.row, click.column)]).mask
    for pixel in taken:
        free[pixel] = False
    rows, columns = np.nonzero(free)
    near = np.hypot(rows - click.row, columns - click.column) <= reach
    chosen = int(rng.choice(np.flatnonzero(near)))
    return click._replace(row=int(rows[chosen]), column=int(columns[chosen]))
