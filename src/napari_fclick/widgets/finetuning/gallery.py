"""The objects that changed most: what one click gives, before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import QPointF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget
from skimage.measure import find_contours

from napari_fclick.core.arrays import Mask
from napari_fclick.widgets.finetuning.crops import Crop
from napari_fclick.widgets.finetuning.outcome import ChangedObject
from napari_fclick.widgets.finetuning.texts import SelectableLine

#: Side of a picture on the screen.
SIDE = 128
#: Colours that the colour-blind can tell apart; the truth is dashed.
TRUTH, BEFORE, AFTER = "#ffffff", "#e69f00", "#56b4e9"
#: What the outlines mean.
KEY = (
    "The mask after one click: old weights "
    f'<span style="color: {BEFORE}">▬</span>, new weights '
    f'<span style="color: {AFTER}">▬</span>; dashed: as labelled.'
)


class Gallery(QWidget):
    """A row an object: its name, and two pictures.

    Attributes
    ----------
    rows : list of ObjectRow
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[ObjectRow] = []
        self._key = SelectableLine()
        self._key.setText(KEY)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(6)
        self._column.addWidget(self._key)

    def show_objects(self, changed: Sequence[ChangedObject], crops: Sequence[Crop | None]) -> None:
        """Show objects; those whose image is gone are left out."""
        for row in self.rows:
            self._column.removeWidget(row)
            row.deleteLater()
        pairs = zip(changed, crops, strict=True)
        self.rows = [ObjectRow(each, crop) for each, crop in pairs if crop is not None]
        for row in self.rows:
            self._column.addWidget(row)
        self._key.setVisible(bool(self.rows))


class ObjectRow(QWidget):
    """One object, before and after.

    Parameters
    ----------
    changed : ChangedObject
    crop : Crop
    """

    def __init__(self, changed: ChangedObject, crop: Crop) -> None:
        super().__init__()
        self.title = SelectableLine()
        what = describe(changed, crop.place)
        self.title.setText(what)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.addWidget(self.title, 0, 0, 1, 2)
        sides = (
            ("before", crop.before, BEFORE, changed.ious_before),
            ("after", crop.after, AFTER, changed.ious_after),
        )
        for column, (name, mask, colour, ious) in enumerate(sides):
            picture = QLabel()
            picture.setPixmap(draw(crop, mask, colour))
            picture.setFixedWidth(SIDE)
            picture.setAccessibleName(f"{name}: {what}")
            caption = QLabel(f"{name}: IoU {ious[0]:.2f}" if ious else name)
            grid.addWidget(picture, 1, column)
            grid.addWidget(caption, 2, column)
        grid.setColumnStretch(2, 1)


def describe(changed: ChangedObject, place: tuple[int, ...] = ()) -> str:
    """Return in words which object it is, of a stack in which slice, and its clicks."""
    plane = f", slice {', '.join(map(str, place))}" if place else ""
    clicks = f"{changed.noc_before} → {changed.noc_after} clicks to 85 %"
    return f"{changed.image}{plane}, object {changed.label}: {clicks}"


def draw(crop: Crop, mask: Mask, colour: str) -> QPixmap:
    """Return a picture with the outlines of a mask and of the truth."""
    height, width = crop.truth.shape
    scale = SIDE / max(height, width)
    pixels = crop.picture.tobytes()
    image = QImage(pixels, width, height, 3 * width, QImage.Format.Format_RGB888)
    smooth = Qt.TransformationMode.SmoothTransformation
    size = (max(1, round(scale * width)), max(1, round(scale * height)))
    pixmap = QPixmap.fromImage(image).scaled(*size, Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for outline, pen in (
        (mask, QPen(QColor(colour), 2.0)),
        (crop.truth, QPen(QColor(TRUTH), 1.0, Qt.PenStyle.DashLine)),
    ):
        painter.setPen(pen)
        for polygon in _outlines(outline, scale):
            painter.drawPolyline(polygon)
    painter.end()
    return pixmap


def _outlines(mask: Mask, scale: float) -> list[QPolygonF]:
    """Return the outlines of a mask in the picture's coordinates; closed at its border."""
    contours = find_contours(np.pad(mask, 1).astype(np.float32), 0.5)
    return [
        QPolygonF([QPointF(scale * (x - 0.5), scale * (y - 0.5)) for y, x in contour])
        for contour in contours
    ]
