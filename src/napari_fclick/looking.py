"""Which windows the network looks at for a click, and how often."""

from __future__ import annotations

import numpy as np

from napari_fclick.close_up import CloseUp
from napari_fclick.core import window
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.threshold import above
from napari_fclick.core.window import Window
from napari_fclick.prediction import Earlier, Prediction, Run, confidence
from napari_fclick.reach import Reach
from napari_fclick.reading import WindowReader

#: Runs of the network on fitted windows that one click may cost at most.
MOST_RUNS = 3
#: An answer less sure of itself than this is handed to the network once more, as the previous mask.
SURE = 0.6
#: Where no window's answer is trusted as much as this, the object may be larger than all of them.
CREDIBLE = 0.05
#: Of the windows tried, one is preferred in which the object's side is about this fraction.
GOOD_FRACTION = 0.3


class Looking:
    """Finds the window that fits one click's object, by looking.

    Parameters
    ----------
    reader : WindowReader
        Of the image, with the clicks.
    settings : Preprocessing
        Of the network: the sides of its input.
    run : Run
    reach : Reach
        Decides what changes with a correcting click.
    """

    def __init__(
        self, reader: WindowReader, settings: Preprocessing, run: Run, reach: Reach
    ) -> None:
        self._reader, self._run, self._reach = reader, run, reach
        self._size, self._small = settings.size, settings.first_size
        self._close_up = CloseUp(reader, settings, run)

    def look(
        self, previous: Prediction | None, typical_side: float | None
    ) -> tuple[FloatArray, Window]:
        """Run on the window that fits; look again where the answer is doubtful or was corrected.

        What changes goes the way of the clicks, as far as they reach: see `Reach`.

        Returns the probability of the window at the image's resolution (h, w), and the window.

        Parameters
        ----------
        previous : Prediction or None
            The last one of the same object: its window and its mask carry over.
        typical_side : float or None
            Longer side in pixels of objects accepted before.
        """
        found, view = self._fitted(previous, typical_side)
        inner = view.inner(found)
        if confidence(inner, above(inner)) < SURE:
            found = self._run(self._reader, [view], Earlier(view.expand(found), view))[0]
        closer = self._close_up(found, view, previous)
        return self._reach(closer, view, self._reader.clicks, previous), view

    def _fitted(
        self, previous: Prediction | None, typical_side: float | None
    ) -> tuple[FloatArray, Window]:
        """Run on the window that fits, chosen coarse to fine or carried over."""
        if previous is None:
            answer = None if typical_side is None else self._as_before(typical_side)
            if answer is not None:
                return answer
            view, earlier = self._first_window()
            runs = MOST_RUNS - 1
        else:
            view = self._next(previous.view, previous.kept().mask)
            earlier = Earlier(previous.probability, previous.view)
            runs = MOST_RUNS
        seen = {view}
        for remaining in reversed(range(runs)):
            found = self._run(self._reader, [view], earlier)[0]
            better = self._next(view, self._reader.object_in(found, view))
            if not remaining or better in seen:
                break
            earlier = Earlier(view.expand(found), view)
            view = better
            seen.add(view)
        return found, view

    def _next(self, view: Window, mask: Mask) -> Window:
        reader = self._reader
        return window.next_window(view, mask, reader.clicks, reader.shape, self._size)

    def _as_before(self, typical_side: float) -> tuple[FloatArray, Window] | None:
        """Run on the window that fits an object like those before; None if this one does not."""
        reader, side = self._reader, typical_side * window.FIT_FACTOR
        view = window.square_window(reader.clicks.first.pixel, side, reader.shape, self._size)
        found = self._run(reader, [view], None)[0]
        mask = reader.object_in(found, view)
        return (found, view) if mask.any() and self._next(view, mask) == view else None

    def _first_window(self) -> tuple[Window, Earlier]:
        """Try windows of several sizes in one batch and fit one to the best answer."""
        reader = self._reader
        views = window.first_windows(reader.clicks.first, reader.shape, self._small)
        reader.cover(views)
        view, answer, score = self._best(views)
        # What is larger than all of them is not seen in any, or runs out of the largest.
        cut = view is views[-1] and window.touches_border(
            reader.object_in(answer, view), view, reader.shape
        )
        if cut or score < CREDIBLE:
            wider = window.wider_windows(reader.clicks.first, reader.shape, self._small)
            if wider:
                view, answer, _ = self._best([view, *wider])
        fitted = self._next(view, reader.object_in(answer, view))
        return fitted, Earlier(view.expand(answer), view)

    def _best(self, views: list[Window]) -> tuple[Window, FloatArray, float]:
        """Return the window whose answer is to be trusted most, that answer, and how much."""
        answers = self._run(self._reader, views, None)
        scores = [_score(a, v) for a, v in zip(answers, views, strict=True)]
        best = int(np.argmax(scores))
        return views[best], answers[best], scores[best]


def _score(answer: FloatArray, view: Window) -> float:
    """Say how much an answer is to be trusted: sure of itself, of a good size, not cut off."""
    inner = view.inner(answer)
    mask = above(inner)
    box = window.mask_box(mask, view)
    if box is None:
        return 0.0
    good_size = -0.5 * np.log(box.side / view.side / GOOD_FRACTION) ** 2
    edges = (inner[0].mean(), inner[-1].mean(), inner[:, 0].mean(), inner[:, -1].mean())
    return float(confidence(inner, mask) ** 2 * np.exp(good_size - 2.5 * sum(edges)))
