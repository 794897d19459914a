"""Loss and clicks while training goes on."""

from __future__ import annotations

import pandas as pd
import pyqtgraph as pg
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_fclick.widgets.finetuning.model import TuningModel
from napari_fclick.widgets.plots import SmallPlot

#: Colours that the colour-blind can tell apart, on dark and on light ground; shapes differ, too.
LOSS, NOC85, NOC90 = "#8f8f8f", "#0f8fd0", "#d98a00"
#: Points of the loss that a point of the smooth line looks back on.
SPAN = 20
HEIGHT = 110
LOSS_TITLE = "Loss over steps"
NOC_TITLE = (
    f'Clicks an object: <span style="color: {NOC85}">● to 85 %</span>'
    f' &nbsp; <span style="color: {NOC90}">■ to 90 %</span>'
)


class Curves(QWidget):
    """Two plots, one below the other.

    Attributes
    ----------
    loss, smooth, noc85, noc90, best : PlotDataItem
        The lines.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loss_plot, self._noc_plot = SmallPlot(HEIGHT, room=34), SmallPlot(HEIGHT, room=34)
        self._loss_plot.setToolTip("What training makes smaller; the line is its recent mean")
        self._noc_plot.setToolTip(
            "Clicks that a robot needs on held-back objects which only watch the training: to IoU "
            "85 % (discs) and 90 % (squares); step 0 is before the training, a star is the best"
        )
        self.loss = self._loss_plot.plot(pen=pg.mkPen(LOSS, width=1))
        self.smooth = self._loss_plot.plot(pen=pg.mkPen(NOC85, width=2))
        self.noc85 = _dotted(self._noc_plot, NOC85, "o")
        self.noc90 = _dotted(self._noc_plot, NOC90, "s")
        self.best = self._noc_plot.plot(pen=None, symbol="star", symbolSize=16)
        self.best.setSymbolBrush(NOC85)
        for plot in (self._loss_plot, self._noc_plot):
            plot.setLimits(xMin=-1, minXRange=10)
        self._noc_plot.setXLink(self._loss_plot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self._loss_title, self._noc_title = QLabel(LOSS_TITLE), QLabel(NOC_TITLE)
        for title, plot in (
            (self._loss_title, self._loss_plot),
            (self._noc_title, self._noc_plot),
        ):
            title.setToolTip(plot.toolTip())
            column.addWidget(title)
            column.addWidget(plot)
        self.show_colours("#ffffff")

    def show_colours(self, text: str) -> None:
        """Draw axes in the colour of the window's text."""
        for plot in (self._loss_plot, self._noc_plot):
            plot.show_colours(text)

    def show_model(self, model: TuningModel) -> None:
        """Draw the curves as they are now."""
        steps = [point.step for point in model.steps]
        losses = [point.loss for point in model.steps]
        for shown, title, plot in (
            (bool(steps), self._loss_title, self._loss_plot),
            # Where few objects are held back, all of them judge, and none is left to watch.
            (bool(model.watched), self._noc_title, self._noc_plot),
        ):
            title.setVisible(shown)
            plot.setVisible(shown)
        self.loss.setData(steps, losses)
        self.smooth.setData(steps, pd.Series(losses, dtype=float).ewm(span=SPAN).mean().to_list())
        watched = [point.step for point in model.watched]
        self.noc85.setData(watched, [point.noc85 for point in model.watched])
        self.noc90.setData(watched, [point.noc90 for point in model.watched])
        best = [point for point in model.watched if point.best][-1:]
        self.best.setData([p.step for p in best], [p.noc85 for p in best])


def _dotted(plot: pg.PlotWidget, colour: str, symbol: str) -> pg.PlotDataItem:
    line = plot.plot(pen=pg.mkPen(colour, width=2), symbol=symbol, symbolSize=7)
    line.setSymbolBrush(colour)
    line.setSymbolPen(None)
    return line
