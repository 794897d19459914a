"""What the network says about one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Protocol

import numpy as np

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.integrity import Connectivity, Kept, keep_clicked
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.threshold import THRESHOLD, above
from napari_fclick.core.window import MASK_CANVAS, Window, fit_window
from napari_fclick.reading import Block, WindowReader


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says about one object.

    Attributes
    ----------
    probability : ndarray of float32, shape (h, w), in [0, 1]
        At the image's resolution, of the window only.
    view : Window
        The window and how the network saw it.
    clicks : ClickSequence
        The clicks that it answers.
    image_shape : (int, int)
        Rows and columns of the image.
    seconds : float
        Time from click to probability.
    timings : dict of str to float
        Seconds of it spent on "window" (reading and resizing) and "network".
    connectivity : {4, 8}
        Of the structural integrity strategy; it belongs to the weights.
    block : Block or None
        Pixels read from a lazy image, for the object's next click.
    specialist : int or None
        Which of the weights' specialists answered: -1 where none knows the image, None where it
        was not asked.
    bias : float
        Log-odds that were added to what the network said.
    blank : bool
        Whether there was nothing to be seen about the first click: one colour throughout, or no
        finite number.
    """

    probability: FloatArray
    view: Window
    clicks: ClickSequence
    image_shape: tuple[int, int]
    seconds: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    connectivity: Connectivity = 8
    block: Block | None = field(default=None, repr=False, compare=False)
    specialist: int | None = None
    bias: float = 0.0
    blank: bool = False

    #: Whether the network said it, so that its probability tells how sure that is.
    by_network: ClassVar[bool] = True

    @property
    def is_guess(self) -> bool:
        """Whether it is what the network made of a single click: nothing was corrected yet."""
        return len(self.clicks) == 1

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the image that the probability covers."""
        return self.view.slices

    def leads_to(self, clicks: ClickSequence) -> bool:
        """Whether these clicks are the ones that it answers, and further ones."""
        known = tuple(self.clicks)
        return len(known) < len(clicks) and tuple(clicks)[: len(known)] == known

    def kept(self, threshold: float = THRESHOLD) -> Kept:
        """Return the mask after the structural integrity strategy, and whether it fell back.

        At the threshold `THRESHOLD` it is worked out once, and its mask cannot be written to.

        Parameters
        ----------
        threshold : float in [0, 1]
            A pixel belongs to the object where its probability is greater.

        Returns
        -------
        Kept
            The mask, bool (h, w), of the window.

        Raises
        ------
        ValueError
            If the threshold is not within 0 to 1.
        """
        return self._kept if threshold == THRESHOLD else self._keep(threshold)

    @cached_property
    def _kept(self) -> Kept:
        found = self._keep(THRESHOLD)
        found.mask.flags.writeable = False
        return found

    def _keep(self, threshold: float) -> Kept:
        positives = [
            (row - self.view.top, column - self.view.left)
            for row, column in (click.pixel for click in self.clicks.positives)
        ]
        return keep_clicked(above(self.probability, threshold), positives, self.connectivity)

    def mask(self, threshold: float = THRESHOLD, integrity: bool = True) -> Mask:
        """Return the window's mask.

        Parameters
        ----------
        threshold : float in [0, 1]
            A pixel belongs to the object where its probability is greater.
        integrity : bool
            Keep only what hangs together with a positive click (section 3.3).

        Returns
        -------
        ndarray of bool, shape (h, w)
            The caller's own.

        Raises
        ------
        ValueError
            If the threshold is not within 0 to 1.
        """
        return self.kept(threshold).mask.copy() if integrity else above(self.probability, threshold)

    def full_mask(self, threshold: float = THRESHOLD, integrity: bool = True) -> Mask:
        """Return the image's mask, False outside the window.

        Parameters
        ----------
        threshold, integrity
            See `mask`.

        Returns
        -------
        ndarray of bool, shape (H, W)
            The caller's own.

        Raises
        ------
        ValueError
            If the threshold is not within 0 to 1.
        """
        # Zeroed memory is handed out page by page, so that a huge image costs no more.
        out = np.zeros(self.image_shape, bool)
        out[self.window] = self.mask(threshold, integrity)
        return out


@dataclass(frozen=True, eq=False)
class Existing(Prediction):
    """A mask that the network did not say: all of it is the object, whatever is clicked.

    Attributes
    ----------
    guess : bool
        Whether it was carried from another slice, and nobody has accepted it.
    """

    by_network: ClassVar[bool] = False
    guess: bool = False

    @property
    def is_guess(self) -> bool:
        """Whether nobody has accepted it."""
        return self.guess

    def kept(self, threshold: float = THRESHOLD) -> Kept:
        """Return the mask as it is."""
        return Kept(self.mask(threshold, integrity=False), False)


def existing(
    mask: StoredMask, clicks: ClickSequence, shape: tuple[int, int], *, guess: bool = False
) -> Existing:
    """Return a mask as if it had been predicted, so that the next click goes on from it.

    Parameters
    ----------
    mask : StoredMask
    clicks : ClickSequence
        That stand for it.
    shape : (int, int)
        Rows and columns of the image.
    guess : bool
        See `Existing`.
    """
    view = fit_window(mask.box, shape, MASK_CANVAS)
    probability = mask.within(view.box).astype(np.float32)
    return Existing(probability, view, clicks, shape, guess=guess)


@dataclass(frozen=True)
class Earlier:
    """A probability, and the window it was found in, to be fed back."""

    probability: FloatArray
    view: Window

    def seen_by(self, view: Window) -> FloatArray:
        """Return it as another window sees it; zeros where the windows do not meet."""
        if view.box == self.view.box:
            return view.shrink(self.probability[..., None])[..., 0]
        out = np.zeros((view.height, view.width), np.float32)
        both = self.view.box.shared(view.box)
        if both is not None:
            out[both.within(view.box)] = self.probability[both.within(self.view.box)]
        return view.shrink(out[..., None])[..., 0]


class Run(Protocol):
    """Runs the network."""

    def __call__(
        self, reader: WindowReader, views: list[Window], earlier: Earlier | None
    ) -> list[FloatArray]:
        """Return the probability at the network's input for each window, as one batch."""


def confidence(probability: FloatArray, mask: Mask) -> float:
    """Return how sure the network is of a mask: the IoU of the mask and the probability.

    Other objects that it sees in the window, above `THRESHOLD` outside the mask, do not count.

    Parameters
    ----------
    probability : ndarray of float32, shape (h, w), in [0, 1]
    mask : ndarray of bool, shape (h, w)

    Returns
    -------
    float in [0, 1]
        0 of an empty mask.
    """
    inside = float(probability[mask].sum())
    unsure = float(probability[~mask & (probability <= THRESHOLD)].sum())
    area = int(np.count_nonzero(mask))
    return inside / (area + unsure) if area else 0.0
