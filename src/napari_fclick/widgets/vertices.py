"""Keeps a canvas from drawing with the vertices of layers that are gone, which ends the process.

vispy leaves on what a visual's vertices came from, and does not turn it off when that is deleted:
the next visual that needs fewer of them is drawn with an array that is not there any more, an
access violation in many drivers (napari/napari#6472, #8471).
"""

from __future__ import annotations

from typing import Any

from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl

#: Arrays of vertices that every OpenGL has.
ARRAYS = 16


class ForgetVertices:
    """Turns the arrays off whenever a layer is removed; visuals turn on those that they need.

    What the layer was drawn with is deleted in whatever context is current then, be it the
    window's: the canvas is made current before.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        viewer.layers.events.removing.connect(self._enter)
        viewer.layers.events.removed.connect(self._forget)

    def close_links(self) -> None:
        """No longer follow the viewer."""
        self._viewer.layers.events.removing.disconnect(self._enter)
        self._viewer.layers.events.removed.disconnect(self._forget)

    def _enter(self, event: Any = None) -> None:
        for canvas in _canvases():
            canvas.makeCurrent()

    def _forget(self, event: Any = None) -> None:
        for canvas in _canvases():
            canvas.makeCurrent()
            for number in range(ARRAYS):
                gl.glDisableVertexAttribArray(number)
            # The canvas stays current: what vispy makes ready for the next layers before it
            # draws them would get lost otherwise, and drawing it end the process.


def _canvases() -> list[QOpenGLWidget]:
    """Return the canvases that have been drawn."""
    widgets = QApplication.allWidgets()
    return [each for each in widgets if isinstance(each, QOpenGLWidget) and each.isValid()]
