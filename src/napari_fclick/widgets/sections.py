"""Parts of the dock, and of the panels, that can be folded away, and rows of fields in them."""

from __future__ import annotations

from qtpy.QtCore import QEvent, QObject, QPointF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap, QPolygonF
from qtpy.QtWidgets import QFormLayout, QFrame, QScrollArea, QSizePolicy, QWidget
from superqt import QCollapsible

_UNLIMITED = 16_777_215  # Qt's own limit of a widget's size
#: Pixels of a title's line that are neither its arrow nor its text.
MARGIN = 16


class Section(QCollapsible):
    """A titled part; unfolded, it takes the room that its content may take.

    Parameters
    ----------
    title : str
    content : QWidget
    unfolded : bool
    """

    def __init__(self, title: str, content: QWidget, unfolded: bool = True) -> None:
        super().__init__(title, expandedIcon=_arrow("down"), collapsedIcon=_arrow("right"))
        self.setDuration(0)
        whole = self.layout()
        assert whole is not None
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        # Lines that wrap may need more than the size hint, which alignment would hold them to.
        whole.setAlignment(Qt.AlignmentFlag(0))
        replaced = self.content()
        self.setContent(content)
        replaced.deleteLater()
        policy = content.sizePolicy().verticalPolicy()
        # Not Maximum: it is the size hint, too.
        self._unfolded_policy = (
            policy if policy == QSizePolicy.Policy.Expanding else QSizePolicy.Policy.Preferred
        )
        self._title = self._text = title
        button = self.toggleButton()
        # Not the colour that napari gives to buttons that are pressed.
        button.setStyleSheet(
            "QPushButton { text-align: left; border: none; padding: 2px; font-weight: bold;"
            " background: transparent; } QPushButton:focus { text-decoration: underline; }"
        )
        # A long text is shortened rather than widen the dock.
        button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        button.installEventFilter(self)
        self.toggled.connect(self._on_toggled)
        if unfolded:
            self.expand(animate=False)
        else:
            self.collapse(animate=False)

    def tell(self, detail: str) -> None:
        """Add something to the title: it is seen while the part is folded away, too."""
        self._text = f"{self._title} · {detail}" if detail else self._title
        self.toggleButton().setToolTip(detail)
        self._fit()

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:  # noqa: N802
        """Show as much of the title as there is room for."""
        if a0 is None or a1 is None:
            return False
        if a0 is not self.toggleButton():
            return bool(super().eventFilter(a0, a1))
        if a1.type() == QEvent.Type.Resize:
            self._fit()
        return False

    def _fit(self) -> None:
        button = self.toggleButton()
        text = self._text
        if self.isVisible():
            room = button.width() - button.iconSize().width() - MARGIN
            elide = Qt.TextElideMode.ElideRight
            text = button.fontMetrics().elidedText(self._text, elide, room)
        self.setText(text)

    def _on_toggled(self, unfolded: bool) -> None:
        content = self.content()
        content.setVisible(unfolded)  # so that Tab does not go through what is folded away
        if unfolded:
            content.setMaximumHeight(_UNLIMITED)
        policy = self._unfolded_policy if unfolded else QSizePolicy.Policy.Maximum
        self.setSizePolicy(QSizePolicy.Policy.Preferred, policy)


def _arrow(direction: str) -> QIcon:
    """Return a triangle of a gray that is seen on napari's dark and on its light theme."""
    pixmap = QPixmap(24, 24)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#909090"))
    corners = [(4, 8), (20, 8), (12, 18)] if direction == "down" else [(8, 4), (8, 20), (18, 12)]
    painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
    painter.end()
    return QIcon(pixmap)


class Scroller(QScrollArea):
    """Scrolls a dock's content, up and down only, where the window is too low for it.

    Parameters
    ----------
    content : QWidget
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        content.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Have the dock become wider with content that needs it, rather than cut it off."""
        if event is not None and event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
        return super().eventFilter(watched, event)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for all the room that the content would like."""
        content = self.widget()
        return super().sizeHint() if content is None else content.sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Be as wide as the content has to be; any height will do."""
        content, bar = self.widget(), self.verticalScrollBar()
        if content is None or bar is None:
            return super().minimumSizeHint()
        return QSize(content.minimumSizeHint().width() + bar.sizeHint().width() + 2, 160)


def form_in(part: QWidget) -> QFormLayout:
    """Return a layout for rows of names and fields, which is the part's from now on."""
    form = QFormLayout(part)
    form.setContentsMargins(0, 0, 0, 0)
    form.setVerticalSpacing(4)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    return form
