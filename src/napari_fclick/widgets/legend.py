"""What the markers on the canvas mean."""

from __future__ import annotations

from qtpy.compat import isalive
from qtpy.QtCore import QPointF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from napari_fclick.widgets.drawing import NEGATIVE, POSITIVE, star_outline
from napari_fclick.widgets.key_names import shown
from napari_fclick.widgets.key_settings import key_settings

_ANY = "\nDrag it to move it; click on it to remove it."
_TEXTS = {
    "first": (
        "first",
        "The first click: the object is what it is on (left click)."
        f"{_ANY} The next positive one is then the first.",
    ),
    "positive": (
        "more",
        "A positive click: on the object (left click)."
        f"{_ANY}\nShift + click on it makes it the first.",
    ),
    "negative": (
        "not it",
        f"A negative click: not on the object (right click, or Alt + left).{_ANY}",
    ),
}


class MarkerIcon(QWidget):
    """One marker, drawn as it is on the canvas.

    Parameters
    ----------
    kind : {"first", "positive", "negative"}
    """

    def __init__(self, kind: str) -> None:
        super().__init__()
        self._kind = kind
        self.setFixedSize(QSize(26, 26))

    def paintEvent(self, event: QPaintEvent | None) -> None:  # noqa: N802
        """Draw the marker."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(13, 13)
        painter.setPen(QPen(QColor("white"), 1.2))
        painter.setBrush(QColor(NEGATIVE if self._kind == "negative" else POSITIVE))
        {"first": _star, "positive": _disc, "negative": _cross}[self._kind](painter)
        painter.end()


class Legend(QWidget):
    """The three kinds of markers, in a row; beside them the button that shows all keys.

    Attributes
    ----------
    keys : QToolButton
    """

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(3)
        for kind, (text, tip) in _TEXTS.items():
            icon, label = MarkerIcon(kind), QLabel(text)
            icon.setToolTip(tip)
            label.setToolTip(tip)
            row.addWidget(icon)
            row.addWidget(label)
            row.addSpacing(3)
        row.addStretch(1)
        self.keys = QToolButton()
        self.keys.setText("Keys")
        row.addWidget(self.keys)
        self._settings = key_settings()
        self._settings.changed.connect(self._name_key)
        self._name_key()
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def _name_key(self) -> None:
        if isalive(self.keys):  # type: ignore[no-untyped-call]
            keys = self._settings.keys["toggle_keys"]
            self.keys.setText(f"{shown(keys[0])}: keys" if keys else "Keys")


def _star(painter: QPainter) -> None:
    painter.drawPolygon(QPolygonF([QPointF(x, y) for y, x in star_outline(8.0)]))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(POSITIVE), 2.4))
    painter.drawEllipse(QPointF(0, 0), 11, 11)


def _disc(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(0, 0), 6, 6)


def _cross(painter: QPainter) -> None:
    corners = [(-2, -7), (2, -7), (2, -2), (7, -2), (7, 2), (2, 2)]
    corners += [(-x, -y) for x, y in corners]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
