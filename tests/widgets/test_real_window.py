"""A real window, real mouse and key events."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QOpenGLWidget
from tests.session.fakes import FakePredictor

from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.moved import camera_of

pytestmark = pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="needs a display: xvfb-run"
)

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE = Qt.KeyboardModifier.NoModifier


class Window:
    """A viewer on the screen, driven by Qt events on its canvas."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self.viewer, self.qtbot = viewer, qtbot
        self.widget = FirstClickWidget(viewer, load=lambda w, d: FakePredictor(9), discover=Choices)
        viewer.window.add_dock_widget(self.widget, name="First Click")
        assert self.widget.wait_idle()
        qtbot.wait(200)
        windows = QApplication.topLevelWidgets()
        (self.canvas,) = [c for w in windows for c in w.findChildren(QOpenGLWidget)]

    def at(self, y: float, x: float) -> QPoint:
        """Where a pixel of the image is on the canvas."""
        camera = camera_of(self.viewer)
        row, column = (np.array([y, x]) - np.asarray(camera.center)[-2:]) * camera.zoom
        return QPoint(
            round(self.canvas.width() / 2 + column), round(self.canvas.height() / 2 + row)
        )

    def click(self, y: float, x: float, button: Any = LEFT, modifier: Any = NONE) -> None:
        QTest.mouseClick(self.canvas, button, modifier, self.at(y, x))
        self.qtbot.wait(450)  # longer than a double click
        assert self.widget.wait_idle()

    def drag(self, *path: QPoint) -> None:
        QTest.mousePress(self.canvas, LEFT, NONE, path[0])
        for point in path[1:]:
            # QTest's own moves carry no pressed button.
            spot = QPointF(point)
            where = QPointF(self.canvas.mapToGlobal(point))
            move = QMouseEvent(QMouseEvent.Type.MouseMove, spot, where, LEFT, LEFT, NONE)
            QApplication.sendEvent(self.canvas, move)
            self.qtbot.wait(20)
        QTest.mouseRelease(self.canvas, LEFT, NONE, path[-1])
        self.qtbot.wait(450)
        assert self.widget.wait_idle()

    def key(self, key: Any, modifier: Any = NONE) -> None:
        QTest.keyClick(self.canvas, key, modifier)
        self.qtbot.wait(30)
        assert self.widget.wait_idle()


@pytest.fixture
def window(make_napari_viewer: Any, qtbot: Any) -> Any:
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((200, 200), np.uint8), name="image")
    opened = Window(viewer, qtbot)
    yield opened
    opened.widget.controller.close()


def test_two_objects_by_mouse_and_keys_alone(window: Window) -> None:
    session = window.widget.controller.session
    assert session is not None
    window.click(60, 60)
    assert [c.pixel for c in session.clicks] == [(60, 60)]
    window.click(60, 80, RIGHT)
    window.click(80, 60, LEFT, Qt.KeyboardModifier.AltModifier)
    assert [c.positive for c in session.clicks] == [True, False, False]
    window.key(Qt.Key.Key_N)
    assert list(session.objects) == [1]
    zoom = camera_of(window.viewer).zoom
    QTest.mouseDClick(window.canvas, LEFT, NONE, window.at(120, 120))
    assert camera_of(window.viewer).zoom == zoom
    window.click(140, 140)
    window.key(Qt.Key.Key_N)
    assert session.objects.next_label == 3
    control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
    window.key(Qt.Key.Key_Z, control)
    assert session.objects.next_label == 2
    window.key(Qt.Key.Key_Z, control | shift)
    assert session.objects.next_label == 3


def test_dragging_a_marker_moves_it_and_dragging_elsewhere_pans(window: Window) -> None:
    session, camera = window.widget.controller.session, camera_of(window.viewer)
    assert session is not None
    window.click(60, 60)
    centre = camera.center
    start, end = window.at(60, 60), window.at(90, 100)
    window.drag(start, (start + end) / 2, end)
    assert session.clicks[0].pixel == (90, 100)
    assert camera.center == centre
    start, end = window.at(150, 150), window.at(130, 150)
    window.drag(start, (start + end) / 2, end)
    assert len(session.clicks) == 1
    assert camera.center != centre
    window.click(90, 100, LEFT)
    assert not session.clicks


def test_ctrl_click_takes_an_object_up_again(window: Window) -> None:
    session, camera = window.widget.controller.session, camera_of(window.viewer)
    assert session is not None
    window.click(60, 60)
    window.key(Qt.Key.Key_N)
    view = camera.center, camera.zoom
    window.click(63, 62, LEFT, Qt.KeyboardModifier.ControlModifier)
    assert session.draft.label == 1
    assert [c.pixel for c in session.clicks] == [(60, 60)]
    assert (camera.center, camera.zoom) == view
    window.click(60, 75)
    window.key(Qt.Key.Key_N)
    assert list(session.objects) == [1]
    assert session.objects[1].made == 2
