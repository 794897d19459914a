"""Take the README's picture of the dock at work: xvfb-run -a python scripts/screenshot.py."""

from __future__ import annotations

import sys
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

from napari_fclick.demo import robot_actions
from napari_fclick.samples import coins, coins_truth
from napari_fclick.widgets import FirstClickWidget

OBJECTS = 9


def main(out: Path) -> None:
    """Segment some coins through the real widget, begin one more, and save the window."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1380, 860)
    for data, options, _ in coins():
        viewer.add_image(data, **options)
    widget = FirstClickWidget(viewer)
    viewer.window.add_dock_widget(widget, name="First Click")
    assert widget.wait_idle(120)
    for _ in robot_actions(widget.controller, coins_truth(), OBJECTS):
        assert widget.wait_idle(120)
    for y, x, positive in ((128, 275, True), (100, 260, True), (140, 240, False)):
        widget.controller.click(y, x, positive)
        assert widget.wait_idle(120)
    viewer.reset_view()
    for _ in range(20):
        QApplication.processEvents()
    viewer.screenshot(str(out), canvas_only=False)
    viewer.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/dock.png"))
