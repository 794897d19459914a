"""A closer look at what the newest click is about."""

from __future__ import annotations

import numpy as np

from napari_fclick.core import window
from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.integrity import keep_clicked
from napari_fclick.core.peaks import peak
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.core.window import Window
from napari_fclick.prediction import Earlier, Prediction, Run
from napari_fclick.reading import WindowReader

#: Side of a close-up in multiples of the longer side of what the click changed.
FACTOR = 3.5
#: Its side as a part of the wide window's: below it is too little to see, above it shows no more.
LEAST, MOST = 0.15, 0.6
#: Part of a close-up's side over which it fades into the wide answer.
FADE = 0.15


class CloseUp:
    """Looks closer at what a correcting click changed, and joins that to the wide answer.

    The network's input limits how fine an answer is: the outline of an object of 1,000 px is exact
    to about 7 px. A correcting click is about a part of it. A smaller window, the close-up, shows
    that part finer; the wide answer is its previous mask. Its first click is the object's own where
    that lies inside, else the middle of what it shows of the object.

    Parameters
    ----------
    reader : WindowReader
        Of the image, with the clicks.
    settings : Preprocessing
        Of the network: the side of its input.
    run : Run
    """

    def __init__(self, reader: WindowReader, settings: Preprocessing, run: Run) -> None:
        self._reader, self._run, self._size = reader, run, settings.size

    def __call__(self, found: FloatArray, view: Window, previous: Prediction | None) -> FloatArray:
        """Return the window's probability (h, w), finer about the newest click.

        Parameters
        ----------
        found : ndarray of float32
            What the network said of the wide window, at its input.
        view : Window
            The wide window.
        previous : Prediction or None
            Of the same object, before the newest click. If it answers other clicks than those
            before the newest ones, nothing was corrected, and the answer stays as it is.
        """
        wide = view.expand(found)
        if previous is None or not previous.leads_to(self._reader.clicks):
            return wide
        mask = self._reader.object_in(found, view)
        close = self._window(mask, view, previous)
        clicks = None if close is None else self._clicks(mask, view, close)
        if close is None or clicks is None:
            return wide
        reader = self._reader.with_clicks(clicks)
        (answer,) = self._run(reader, [close], Earlier(wide, view))
        return _joined(wide, view, close.expand(answer), close, self._reader.shape)

    def _window(self, mask: Mask, view: Window, previous: Prediction) -> Window | None:
        """Return the window about what the newest click changed; None where it is no smaller."""
        newest = self._reader.clicks[-1]
        if not view.contains(newest):
            return None
        before = Earlier(previous.kept().mask.astype(np.float32), previous.view)
        changed = mask ^ (before.seen_by(view) > 0.5)
        row, column = view.to_pixel(newest)
        box = None
        if changed[row, column]:
            box = window.mask_box(keep_clicked(changed, [(row, column)]).mask, view)
        centre: tuple[float, float] = newest.pixel
        side = LEAST * view.side
        if box is not None:
            centre = box.centre
            side = max(side, box.side * FACTOR)
        side = max(side, window.MIN_SIDE)
        if side > MOST * view.side:
            return None
        return window.square_window(centre, side, self._reader.shape, self._size)

    def _clicks(self, mask: Mask, view: Window, close: Window) -> ClickSequence | None:
        """Return the clicks in a close-up, the first one first; None where nothing could be it."""
        inside = [click for click in self._reader.clicks if close.contains(click)]
        if self._reader.clicks.first in inside:
            return ClickSequence(inside)
        middle = _middle(mask, view, close)
        return None if middle is None else ClickSequence([middle, *inside])


def _middle(mask: Mask, view: Window, close: Window) -> Click | None:
    """Return the middle of what a close-up shows of a mask at the wide window's input."""
    box = close.box
    top, left = (max(round(n), 0) for n in view.to_input(box.top, box.left))
    bottom, right = (round(n) for n in view.to_input(box.bottom, box.right))
    deepest = peak(mask[top:bottom, left:right])
    if deepest is None:
        return None
    row, column = deepest.pixel[0] + top, deepest.pixel[1] + left
    y, x = view.to_image(row, column)
    return Click(min(max(y, box.top), box.bottom - 1), min(max(x, box.left), box.right - 1))


def _joined(
    wide: FloatArray, view: Window, fine: FloatArray, close: Window, shape: tuple[int, int]
) -> FloatArray:
    """Return the wide probability with the fine one faded in."""
    near, far = close.box, view.box
    rows = _share(near.top, near.bottom, shape[0], FADE * close.side)
    columns = _share(near.left, near.right, shape[1], FADE * close.side)
    both = near.shared(far)
    if both is None:
        return wide
    inner, outer = both.within(near), both.within(far)
    share = np.minimum.outer(rows, columns)[inner]
    joined = wide.copy()
    joined[outer] += share * (fine[inner] - wide[outer])
    return joined


def _share(start: int, stop: int, limit: int, fade: float) -> FloatArray:
    """Return how much a close-up counts along an axis: less towards ends within the image."""
    length = stop - start
    ramp = np.arange(length, dtype=np.float32) + 0.5
    before = np.full(length, np.inf, np.float32) if start == 0 else ramp
    after = np.full(length, np.inf, np.float32) if stop == limit else ramp[::-1]
    share: FloatArray = np.minimum(np.minimum(before, after) / fade, 1).astype(np.float32)
    return share
