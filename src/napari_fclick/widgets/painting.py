"""Shows what was written into a Labels layer, without drawing all of it anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from napari.layers import Labels

from napari_fclick.core.arrays import Array
from napari_fclick.core.pyramids import Region
from napari_fclick.widgets.planes import to_data

#: Planes of at most this many pixels are drawn anew as a whole: it takes some milliseconds.
SMALL_PLANE = 2**20


class LabelsPainter:
    """Draws changed regions of a Labels layer.

    To refresh a Labels layer, napari turns the whole plane on show into colour numbers: 0.3 to
    1 s for 9000 x 9000 pixels. A brush sends only what it has painted, by the layer's event
    ``labels_update``; so does this. What napari itself keeps of the plane, for the brush and
    for what it says under the cursor, may then be out of date: `renew` before a tool is used.

    Parameters
    ----------
    viewer : napari.Viewer
    layer : Labels
    """

    def __init__(self, viewer: Any, layer: Labels) -> None:
        self._viewer, self._layer = viewer, layer
        self._outdated = False

    def show(self, where: Any) -> None:
        """Show a region of the data that has changed, where the slice on show meets it.

        Parameters
        ----------
        where : index
            Slices and whole numbers, one an axis; other indices draw everything anew.
        """
        if not self._is_region(where):
            self._refresh()
            return
        if not self._may_be_shown(where):
            return
        seen = self._seen(where) if self._draws_in_parts() else None
        if seen is None or not self._send(seen):
            self._refresh()

    def renew(self) -> None:
        """Draw everything anew, if only parts were drawn since it last was."""
        if self._outdated:
            self._refresh()

    def show_all(self, regions: Sequence[Any]) -> None:
        """Show regions that have changed, many of them by drawing everything anew."""
        if len(regions) == 1:
            self.show(regions[0])
        elif any(not self._is_region(where) or self._may_be_shown(where) for where in regions):
            self._refresh()

    def _is_region(self, where: Any) -> bool:
        return isinstance(where, tuple) and len(where) == self._layer.ndim

    def _refresh(self) -> None:
        self._outdated = False
        self._layer.refresh(extent=False)

    def _draws_in_parts(self) -> bool:
        """Whether drawing a part is worth it, and safe."""
        layer = self._layer
        if layer.multiscale or self._viewer.dims.ndisplay != 2 or not layer.visible:
            return False  # of a pyramid only what is on the screen is drawn
        if layer.mode != "pan_zoom" or layer.contour or not layer.loaded:
            return False
        rows, columns = (layer.data.shape[axis] for axis in self._displayed())
        return bool(rows * columns > SMALL_PLANE)

    def _send(self, seen: Region) -> bool:
        """Send a region to the screen; False where this version of napari cannot."""
        emitter = getattr(self._layer.events, "labels_update", None)
        if emitter is None:
            return False
        labels = np.asarray(self._layer.data[seen])
        direct = labels.dtype in (np.uint8, np.uint16)
        colours = labels if direct else _colour_numbers(labels, self._layer.colormap)
        if colours is None:
            return False
        # Of narrow numpy labels napari keeps no copy.
        self._outdated |= not (direct and isinstance(self._layer.data, np.ndarray))
        rows, columns = self._displayed()
        if rows > columns:  # the view is transposed
            colours = colours.T
        offset = [seen[axis].start for axis in (rows, columns)]  # type: ignore[union-attr]
        emitter(data=np.ascontiguousarray(colours), offset=offset)
        return True

    def _displayed(self) -> list[int]:
        """Return the layer's axes on show, in the order in which they are shown."""
        missing = self._viewer.dims.ndim - self._layer.ndim
        return [axis - missing for axis in self._viewer.dims.displayed]

    def _point(self) -> tuple[float, ...]:
        return to_data(self._viewer, self._layer, self._viewer.dims.point)

    def _seen(self, where: Region) -> Region | None:
        """Return the part of a region in the plane on show; None where it is no rectangle."""
        shown, point = self._displayed(), self._point()
        seen: list[slice | int] = []
        for axis, part in enumerate(where):
            if axis not in shown:
                seen.append(round(point[axis]) if isinstance(part, slice) else part)
            elif isinstance(part, slice) and part.step in (None, 1):
                seen.append(slice(*part.indices(self._layer.data.shape[axis])[:2]))
            else:
                return None
        return tuple(seen)

    def _may_be_shown(self, where: Region) -> bool:
        """Whether the slice on show meets a region: to draw it anew takes its time."""
        shown = self._displayed()
        for axis, (part, position) in enumerate(zip(where, self._point(), strict=True)):
            if axis in shown:
                continue
            first, last = _ends(part, self._layer.data.shape[axis])
            # Wider than half a pixel: napari may round otherwise.
            if not first - 0.6 <= position <= last + 0.6:
                return False
        return True


def _ends(part: slice | int, size: int) -> tuple[int, int]:
    """Return the first and the last position of a part of an axis."""
    if not isinstance(part, slice):
        return part, part
    start, stop, _ = part.indices(size)
    return start, stop - 1


def _colour_numbers(labels: Array, colormap: Any) -> Array | None:
    """Return what napari sends to the screen for labels (h, w); None where it cannot be had.

    A small layer of its own is asked: changing two corners of its frame makes it send all.
    """
    framed = Labels(np.pad(labels, 1), colormap=colormap)
    sent: list[Array] = []
    framed.events.labels_update.connect(lambda event: sent.append(event.data))
    corners = (np.array([0, framed.data.shape[0] - 1]), np.array([0, framed.data.shape[1] - 1]))
    framed.data_setitem(corners, 1)
    whole = sent and sent[0].shape == framed.data.shape
    return sent[0][1:-1, 1:-1] if whole else None
