"""Layers that were drawn can be removed, and what is left is drawn."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from vispy.gloo import gl

ROOT = Path(__file__).parents[2]

#: Layers come and go in a window that is seen. Without the dock, many drivers end it at once.
COME_AND_GO = """
import numpy as np
from napari import Viewer
from napari.layers import Image
from napari_fclick.widgets import FirstClickWidget
from qtpy.QtWidgets import QApplication

def draw():
    for _ in range(10):
        QApplication.processEvents()

image = np.random.default_rng(0).integers(0, 255, (200, 250)).astype(np.uint8)
viewer = Viewer(show=True)
widget = FirstClickWidget(viewer, load=lambda weights, device: None)
viewer.window.add_dock_widget(widget)
shown = viewer.add_image(image, name="0")
for number in range(1, 9):
    added = [
        viewer.add_labels((image > 150).astype(np.int32)),
        viewer.add_points(np.array([[5.0, 5.0]]), symbol="star"),
        viewer.add_image(image[:60, :60], opacity=0.5),
    ]
    draw()
    following = Image(np.roll(image, 20 * number, 1), name=str(number))
    viewer.add_layer(following)
    for layer in (*added, shown):
        viewer.layers.remove(layer)
    shown = following
    draw()
viewer.close()
print("drawn")
"""

#: The only stack is removed and another one opened, while there are markers and a preview.
ANOTHER_STACK = """
import numpy as np
from napari import Viewer
from napari_fclick.widgets import FirstClickWidget
from qtpy.QtTest import QTest
from tests.session.fakes import FakePredictor

stack = np.random.default_rng(0).integers(0, 255, (20, 128, 128)).astype(np.uint16)
viewer = Viewer(show=True)
shown = viewer.add_image(stack)
widget = FirstClickWidget(viewer, load=lambda weights, device: FakePredictor())
viewer.window.add_dock_widget(widget)
assert widget.wait_idle()
viewer.dims.set_current_step(0, 10)
QTest.qWait(500)
viewer.layers.remove(shown)
viewer.add_image(stack)
QTest.qWait(500)
viewer.close()
print("drawn")
"""

#: A stack is split into its channels, right after it was opened.
SPLIT_STACK = """
import numpy as np
from napari import Viewer
from napari.layers._layer_actions import _split_stack
from napari_fclick.widgets import FirstClickWidget
from qtpy.QtTest import QTest
from tests.session.fakes import FakePredictor

viewer = Viewer(show=True)
widget = FirstClickWidget(viewer, load=lambda weights, device: FakePredictor())
viewer.window.add_dock_widget(widget)
assert widget.wait_idle()
stack = np.random.default_rng(0).integers(0, 255, (2, 24, 2, 133, 120)).astype(np.uint16)
shown = viewer.add_image(stack)
QTest.qWait(500)
viewer.layers.selection = {shown}
_split_stack(viewer.layers, axis=2)
QTest.qWait(500)
viewer.close()
print("drawn")
"""


class Canvas(QOpenGLWidget):
    """A canvas that notes what is done in its context."""

    def __init__(self, drawn: bool, done: list[Any]) -> None:
        super().__init__()
        self._drawn, self._done = drawn, done

    def isValid(self) -> bool:  # noqa: N802
        return self._drawn

    def makeCurrent(self) -> None:  # noqa: N802
        self._done.append("begun")

    def doneCurrent(self) -> None:  # noqa: N802
        self._done.append("ended")


def test_canvases_forget_when_a_layer_is_removed(
    open_dock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = open_dock()
    viewer = widget.controller.viewer
    done: list[Any] = []
    monkeypatch.setattr(gl, "glDisableVertexAttribArray", done.append)
    canvases = [Canvas(True, done), Canvas(False, done)]
    layer = viewer.add_points([[1, 2]])
    assert not done
    viewer.layers.remove(layer)
    assert done == ["begun", "begun", *range(16)]  # it stays current
    widget.close_all()
    done.clear()
    viewer.layers.remove(viewer.add_points([[1, 2]]))
    assert not done
    for canvas in canvases:
        canvas.deleteLater()


@pytest.mark.skipif(not os.environ.get("DISPLAY"), reason="no window is seen without a display")
@pytest.mark.parametrize("steps", [COME_AND_GO, ANOTHER_STACK, SPLIT_STACK])
def test_what_is_left_is_drawn(steps: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", steps], capture_output=True, text=True, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "drawn" in done.stdout
