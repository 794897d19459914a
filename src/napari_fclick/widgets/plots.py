"""Plots in a dock: small, and only looked at."""

from __future__ import annotations

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor


class SmallPlot(pg.PlotWidget):  # type: ignore[misc]
    """A plot without a menu or buttons; the wheel scrolls what is around it.

    Parameters
    ----------
    height : int
        In pixels.
    room : int
        Width of the numbers at the left, in pixels.
    """

    def __init__(self, height: int, room: int) -> None:
        super().__init__(background=QColor(Qt.GlobalColor.transparent))
        self.setFixedHeight(height)
        self.setMinimumWidth(100)
        self.setMenuEnabled(False)
        self.hideButtons()
        self.setMouseEnabled(x=False, y=False)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        left, bottom = self.getAxis("left"), self.getAxis("bottom")
        left.setWidth(room)
        left.setStyle(maxTickLevel=0)
        bottom.setStyle(tickLength=4, maxTickLevel=0)
        self.showGrid(y=True, alpha=0.2)

    def show_colours(self, text: str) -> None:
        """Draw axes in the colour of the window's text; the ground shines through."""
        for side in ("left", "bottom"):
            axis = self.getAxis(side)
            axis.setPen(text)
            axis.setTextPen(text)
