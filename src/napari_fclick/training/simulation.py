"""Simulated clicks, shared by training and by the robot user of the evaluation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from napari_fclick.core.arrays import Mask
from napari_fclick.core.peaks import Pixel, depths, peak


class SimulatedClick(NamedTuple):
    """A click on a pixel of a mask's array."""

    row: int
    column: int
    positive: bool


def correction(
    truth: Mask,
    prediction: Mask,
    taken: Iterable[Pixel] = (),
    ignore: Mask | None = None,
    rng: np.random.Generator | None = None,
    jitter: float = 0.0,
) -> SimulatedClick | None:
    """Return the click a careful user makes next: the centre of the largest error (4.1).

    Positive on what was missed, negative on a false alarm; a tie goes to the negative.

    Parameters
    ----------
    truth, prediction : ndarray of bool, shape (h, w)
    taken : iterable of (row, column)
        Pixels that were clicked before and are not clicked again.
    ignore : ndarray of bool, shape (h, w), optional
        Pixels that are no error, whatever was predicted.
    rng, jitter : Generator, float in [0, 1]
        How far from the centre it may be; see `napari_fclick.core.peaks.peak`.

    Returns
    -------
    SimulatedClick or None
        None where there is no error left to click on.
    """
    missed, alarm = truth & ~prediction, prediction & ~truth
    if ignore is not None:
        missed, alarm = missed & ~ignore, alarm & ~ignore
    taken = list(taken)
    miss, false = (peak(region, taken, rng, jitter) for region in (missed, alarm))
    if miss is not None and (false is None or miss.depth > false.depth):
        return SimulatedClick(*miss.pixel, True)
    return None if false is None else SimulatedClick(*false.pixel, False)


#: Distances, at an input of `PAPER_SIDE` px, from which one is drawn for each object (section 3.5).
BORDER_MARGINS = (5, 10, 15, 20)
POSITIVE_SPACINGS = (7, 10, 20)
NEGATIVE_MARGINS = (15, 40, 60)
NEGATIVE_REACH = 80
NEGATIVE_SPACINGS = (10, 15, 25)
PAPER_SIDE = 512


def paper_clicks(
    truth: Mask,
    rng: np.random.Generator,
    positives: int,
    negatives: int,
    first: Pixel,
    ignore: Mask | None = None,
) -> list[SimulatedClick]:
    """Sample the paper's random training clicks around a first click (Eq. 9 and 10).

    Parameters
    ----------
    truth : ndarray of bool
        The object, at the network's input: the paper's distances are scaled to its longer side.
    positives, negatives : int
        Clicks wanted beside the first; fewer come where there is no room for them.
    first : (row, column)
    ignore : ndarray of bool, optional
        What is neither object nor background, such as padding: no negative click lies there.

    Returns
    -------
    list of SimulatedClick
        Without the first click.
    """
    clicks: list[SimulatedClick] = []
    unit = max(truth.shape) / PAPER_SIDE
    inside = depths(truth)
    allowed = inside > unit * rng.choice(BORDER_MARGINS)
    spacing = unit * float(rng.choice(POSITIVE_SPACINGS))
    _clear(allowed, first, spacing)
    clicks += [SimulatedClick(*p, True) for p in _spread(allowed, positives, spacing, rng)]
    if negatives:
        outside = ndimage.distance_transform_edt(~truth)
        margin = unit * rng.choice(NEGATIVE_MARGINS)
        allowed = (outside > margin) & (outside < unit * NEGATIVE_REACH)
        if ignore is not None:
            allowed &= ~ignore
        spacing = unit * float(rng.choice(NEGATIVE_SPACINGS))
        clicks += [SimulatedClick(*p, False) for p in _spread(allowed, negatives, spacing, rng)]
    return clicks


@dataclass(frozen=True)
class RandomClicks:
    """Draws with a chance how many of the paper's random clicks there are, and which.

    Parameters
    ----------
    chance : float
    positives, negatives : int
        At most.
    """

    chance: float
    positives: int
    negatives: int

    def draw(
        self, truth: Mask, first: Pixel, ignore: Mask, rng: np.random.Generator
    ) -> list[SimulatedClick]:
        """Return the clicks beside the first; see `paper_clicks`."""
        # A slice without the object tells nothing of where else one would click on it.
        if not truth.any() or rng.random() >= self.chance:
            return []
        wanted = int(rng.integers(self.positives + 1)), int(rng.integers(self.negatives + 1))
        return paper_clicks(truth, rng, *wanted, first, ignore)


def _spread(allowed: Mask, count: int, spacing: float, rng: np.random.Generator) -> list[Pixel]:
    """Draw up to ``count`` allowed pixels that keep ``spacing`` from each other."""
    drawn: list[Pixel] = []
    while len(drawn) < count:
        candidates = np.flatnonzero(allowed)
        if not candidates.size:
            break
        row, column = divmod(int(rng.choice(candidates)), allowed.shape[1])
        drawn.append((row, column))
        _clear(allowed, (row, column), spacing)
    return drawn


def _clear(allowed: Mask, centre: Pixel, radius: float) -> None:
    """Forbid the disc about ``centre``, in place."""
    rows, columns = np.ogrid[: allowed.shape[0], : allowed.shape[1]]
    allowed &= (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 > radius**2
