"""Take the pictures of the documentation: xvfb-run -a python scripts/screenshot.py [FOLDER].

The window, and beside it each panel: an earlier session that is offered, the table of keys, the
list of classes, a suggested click.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import napari
from qtpy.QtWidgets import QApplication, QWidget

from napari_fclick.demo import robot_actions
from napari_fclick.samples import coins, coins_truth
from napari_fclick.session import autosave, editing
from napari_fclick.widgets import FirstClickWidget

OBJECTS = 9
CLASSES = {"worn": (1, 4, 8)}


def open_window() -> tuple[napari.Viewer, FirstClickWidget]:
    """Open a viewer on the coins, with the dock."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1380, 900)
    for data, options, _ in coins():
        viewer.add_image(data, **options)
    widget = FirstClickWidget(viewer)
    viewer.window.add_dock_widget(widget, name="First Click")
    assert widget.wait_idle(120)
    settle()
    return viewer, widget


def settle(rounds: int = 40) -> None:
    """Let everything be drawn."""
    for _ in range(rounds):
        QApplication.processEvents()


def picture(widget: QWidget | Any, path: Path) -> None:
    """Save what a widget shows."""
    settle()
    assert widget.grab().save(str(path)), path


def annotate(widget: FirstClickWidget) -> None:
    """Segment some coins, give some a class, and begin to correct one more."""
    controller = widget.controller
    for _ in robot_actions(controller, coins_truth(), OBJECTS):
        assert widget.wait_idle(120)
    session = controller.session
    assert session is not None
    controller.objects.add_class("coin")
    for name, labels in CLASSES.items():
        controller.objects.add_class(name)
        for label in labels:
            editing.classify(session, label, name)
    for label in list(session.objects):
        if not session.objects[label].class_name:
            editing.classify(session, label, "coin")
    for y, x, positive in ((126, 336, True), (112, 330, True), (140, 312, False)):
        controller.click(y, x, positive)
        assert widget.wait_idle(120)


def main(folder: Path) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as sessions:
        autosave.sessions_folder = lambda: Path(sessions)
        viewer, widget = open_window()
        annotate(widget)
        viewer.reset_view()
        settle()
        viewer.screenshot(str(folder / "dock.png"), canvas_only=False)
        widget.controller.suggesting.suggest()
        assert widget.wait_idle(120)
        settle()
        viewer.screenshot(str(folder / "suggestion.png"), canvas_only=True, size=(420, 560))
        widget.controller.suggesting.withdraw()
        widget.controller.key_table.toggle()
        picture(widget.controller.key_table.table, folder / "keys.png")
        widget.controller.key_table.close()
        widget.classes.open_editor()
        picture(widget.classes.editor, folder / "classes.png")
        viewer.close()
        viewer, widget = open_window()
        picture(widget, folder / "resume.png")
        viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
