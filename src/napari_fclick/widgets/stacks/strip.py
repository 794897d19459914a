"""The drift strip: how sure each slice is, and how large, with what a person said of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_fclick.propagation import Kind, SliceMask
from napari_fclick.widgets.plots import SmallPlot
from napari_fclick.widgets.stacks.model import CarriedObject

#: Colours that the colour-blind can tell apart, on dark and on light ground; shapes differ, too.
SURE, OVERLAP, AGREE, AREA = "#0f8fd0", "#d98a00", "#1aa179", "#8f8f8f"
PERSON, STOP, HERE = "#e069b4", "#e5534b", "#808080"
HEIGHTS = (96, 66)
DRIFT_RANGE = (-0.14, 1.2)
#: Of more slices, no points are drawn: they would touch, and take long.
DOTTED = 200
#: Slices that are seen beyond the object.
MARGIN = 1.5

_LEGEND = (
    f'<span style="color: {SURE}">● sure</span> &nbsp; '
    f'<span style="color: {OVERLAP}">■ overlap</span> &nbsp; '
    f'<span style="color: {AGREE}">▲ agree</span> &nbsp; '
    f'<span style="color: {PERSON}">★ yours</span> &nbsp; '
    f'<span style="color: {STOP}">┆ stop</span>'
)
_TIP = (
    "One point a slice, from 0 to 1; click to go there.\n"
    "● sure: how sure the network is of the mask\n"
    "■ overlap: with the mask of the slice that it was carried from (IoU)\n"
    "▲ agree: between two slices of yours, how far what came from either side agrees (IoU)\n"
    "★ yours: slices that you clicked; ✕: where you said that it is not\n"
    "┆ stop: where it was not carried on; gray line: the slice on show\n"
    "Pale points are of before the last change."
)


class DriftStrip(QWidget):
    """Two plots over the slices, one below the other.

    Attributes
    ----------
    jumped : Signal(int)
        A slice was clicked.
    sure, overlap, agree, area, person, absent, stale, stops : PlotDataItem
    here : tuple of InfiniteLine
        The slice on show.
    """

    jumped = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._drift, self._size = (SmallPlot(height, room=40) for height in HEIGHTS)
        self._size.setXLink(self._drift)
        # Labels that would reach beyond the axis are not drawn: there is room for them.
        self._drift.setYRange(*DRIFT_RANGE, padding=0)
        self._drift.getAxis("left").setTicks([[(0, "0"), (0.5, "0.5"), (1, "1")]])
        self._make_items()
        self._area_title, legend = QLabel(), QLabel(_LEGEND)
        legend.setWordWrap(True)
        for widget in (legend, self._drift):
            widget.setToolTip(_TIP)
        self._drift.setAccessibleName("Certainty of each slice")
        self._size.setAccessibleName("Area in each slice")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        for part in (legend, self._drift, self._area_title, self._size):
            column.addWidget(part)
        for plot in (self._drift, self._size):
            plot.scene().sigMouseClicked.connect(self._clicked_in(plot))
        self.show_colours("#ffffff")

    def _make_items(self) -> None:
        self.stops = self._drift.plot(
            pen=pg.mkPen(STOP, width=2, style=Qt.PenStyle.DashLine), connect="pairs"
        )
        self.overlap = _series(self._drift, OVERLAP, "s", 5)
        self.agree = _series(self._drift, AGREE, "t1", 6)
        self.sure = _series(self._drift, SURE, "o", 6)
        self.stale = _series(self._drift, QColor(128, 128, 128, 150), "o", 6, joined=False)
        self.person = _series(self._drift, PERSON, "star", 13, joined=False)
        self.absent = _series(self._drift, STOP, "x", 11, joined=False)
        self.area = _series(self._size, AREA, "o", 4)
        self.here = tuple(
            plot.addLine(x=0, pen=pg.mkPen(HERE, width=3)) for plot in (self._drift, self._size)
        )
        for line in self.here:
            line.setZValue(-10)

    def show_colours(self, text: str) -> None:
        """Draw axes in the colour of the window's text."""
        for plot in (self._drift, self._size):
            plot.show_colours(text)

    def show_here(self, index: int) -> None:
        """Mark the slice on show."""
        for line in self.here:
            line.setValue(index)

    def show_object(self, carried: CarriedObject, pixel: float, unit: str) -> None:
        """Draw what is known of an object.

        Parameters
        ----------
        carried : CarriedObject
        pixel : float
            Area of a pixel.
        unit : str
            Of areas.
        """
        slices = [each for _, each in sorted(carried.slices.items())]
        found = [each for each in slices if each.mask is not None]
        stale = carried.stale
        carried_ones = [each for each in found if each.kind is not Kind.KEYFRAME]
        _show(self.sure, found, lambda each: each.confidence)
        _show(self.overlap, carried_ones, lambda each: each.overlap)
        agreed = [each for each in found if each.agreement is not None]
        _show(self.agree, agreed, lambda each: each.agreement)
        _show(self.stale, [e for e in found if e.index in stale], lambda each: each.confidence)
        _show(self.area, found, lambda each: each.pixels * pixel)
        largest = max((each.pixels for each in found), default=1) * pixel
        self._size.setYRange(-0.25 * largest, 1.3 * largest, padding=0)
        self._size.getAxis("left").setTicks([[(0, "0"), (largest, _short(largest))]])
        _show(self.person, [e for e in found if e.kind is Kind.KEYFRAME], lambda _: 1.0)
        absent = [index for index, draft in carried.drafts().items() if draft.absent]
        self.absent.show_points(absent, [0.06] * len(absent))
        ends = [_edge(end.index, carried) for end in carried.ends]
        self.stops.setData([x for x in ends for _ in "ab"], [*DRIFT_RANGE] * len(ends))
        self._area_title.setText(f"Area in {unit}")
        self._show_extent([*(each.index for each in found), *ends, *absent])

    def _show_extent(self, indices: list[float]) -> None:
        if indices:
            self._drift.setXRange(min(indices) - MARGIN, max(indices) + MARGIN, padding=0)
            spacing = max(1, math.ceil((max(indices) - min(indices)) / 8))
            for plot in (self._drift, self._size):
                plot.getAxis("bottom").setTickSpacing(spacing, spacing)

    def _clicked_in(self, plot: pg.PlotWidget) -> Callable[[Any], None]:
        def clicked(event: Any) -> None:
            if event.button() == Qt.MouseButton.LeftButton:
                point = plot.getPlotItem().vb.mapSceneToView(event.scenePos())
                self.jumped.emit(round(point.x()))

        return clicked


def _show(item: _Series, slices: list[SliceMask], value: Callable[[SliceMask], Any]) -> None:
    item.show_points([each.index for each in slices], [value(each) for each in slices])


def _short(value: float) -> str:
    return f"{value:.0f}" if 100 <= value < 100_000 else f"{value:.3g}"


def _edge(index: int, carried: CarriedObject) -> float:
    """Return where a stop is drawn: between the last slice and the one it did not go on to."""
    known = carried.slices
    if index - 1 in known:
        return index - 0.5
    return index + 0.5 if index + 1 in known else float(index)


class _Series(pg.PlotDataItem):  # type: ignore[misc]
    """Points, joined by a line or not; of many, the line alone is drawn."""

    def __init__(self, colour: Any, symbol: str, size: int, joined: bool = True) -> None:
        pen = pg.mkPen(colour, width=2) if joined else None
        super().__init__(pen=pen, symbolSize=size, symbolBrush=colour, symbolPen=None)
        self._mark, self._joined = symbol, joined

    def show_points(self, x: list[int], y: list[Any]) -> None:
        """Draw these."""
        dotted = not self._joined or len(x) <= DOTTED
        self.setData(x, y, symbol=self._mark if dotted else None)


def _series(
    plot: pg.PlotWidget, colour: Any, symbol: str, size: int, joined: bool = True
) -> _Series:
    series = _Series(colour, symbol, size, joined)
    plot.addItem(series)
    return series
