"""Take the pictures of the documentation.

xvfb-run -a python scripts/screenshot.py [FOLDER [DATA [MINUTES] | STACK.tif Z,Y,X ...]]

The window, and beside it each panel: an earlier session that is offered, the table of keys, the
list of classes, a suggested click, a folder of images. With DATA, a folder that holds images/ and
labels/, the panel for fine-tuning instead: before, during and after a run on it, of two minutes
unless said otherwise. With STACK.tif Z,Y,X in its place, a stack and a click on an object in it:
the object carried through the stack, and corrected; with further clicks in one slice, on other
objects, all of these being carried.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
import tifffile
from qtpy.QtCore import QRect
from qtpy.QtWidgets import QApplication, QScrollArea, QWidget

from napari_fclick.core import places
from napari_fclick.core.folders import find_pairs, load_pair
from napari_fclick.demo import robot_actions
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.samples import coins, coins_truth
from napari_fclick.session import editing
from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.finetuning import FineTunePanel
from napari_fclick.widgets.finetuning.choice import Choice

OBJECTS = 9
#: So many coins are accepted before the others are found.
ACCEPTED = 4
#: Of a fine-tuning, and the part of it after which the picture of its middle is taken.
MINUTES, MIDDLE = 2.0, 0.6
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


def find_picture(folder: Path) -> None:
    """Find the other coins from some that are accepted."""
    viewer, widget = open_window()
    for _ in robot_actions(widget.controller, coins_truth(), ACCEPTED):
        assert widget.wait_idle(120)
    widget.controller.finding.begin()
    assert widget.wait_idle(600)
    viewer.reset_view()
    settle()
    viewer.screenshot(str(folder / "find.png"), canvas_only=False)
    viewer.close()


def stack_pictures(folder: Path, path: Path, clicks: list[tuple[int, int, int]]) -> None:
    """Carry an object through a stack, correct it where it is least certain, and carry others."""
    with tempfile.TemporaryDirectory() as home:
        os.environ[places.HOME] = home
        _stack_pictures(folder, path, *clicks)


def _stack_pictures(
    folder: Path, path: Path, click: tuple[int, int, int], *others: tuple[int, int, int]
) -> None:
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1380, 960)
    viewer.add_image(tifffile.imread(path), name=path.stem, gamma=0.6, axis_labels=("z", "y", "x"))
    widget = FirstClickWidget(viewer)
    viewer.window.add_dock_widget(widget, name="First Click")
    assert widget.wait_idle(120)
    for name in ("image", "mask"):
        widget.sections[name].collapse(False)
    controller, stacks = widget.controller, widget.controller.stacks
    viewer.dims.set_current_step(0, click[0])
    viewer.reset_view()
    controller.click(click[1], click[2])
    assert widget.wait_idle(120)
    stacks.propagate()
    assert widget.wait_idle(600)
    stacks.worst_next()
    settle()
    viewer.screenshot(str(folder / "stack.png"), canvas_only=False)
    picture(widget.stack, folder / "stack_panel.png")
    mask = stacks.carried.mask
    controller.click(mask.box.top, (mask.box.left + mask.box.right) // 2, False)
    assert widget.wait_idle(600)
    settle()
    viewer.screenshot(str(folder / "stack_corrected.png"), canvas_only=False)
    widget.stack.rules.expand(False)
    picture(widget.stack.rules, folder / "stack_rules.png")
    widget.stack.rules.collapse(False)
    controller.clear()
    for z, y, x in others:
        viewer.dims.set_current_step(0, z)
        controller.click(y, x)
        assert widget.wait_idle(120)
        controller.accept()
    if others:
        stacks.one_by_one.begin()
        half = f"{(len(others) + 1) // 2} of {len(others)}"
        wait(lambda: half in stacks.one_by_one.text and stacks.count > 4, 600)
        viewer.screenshot(str(folder / "stack_all.png"), canvas_only=False)
        stacks.stop()
        assert widget.wait_idle(600)
    viewer.close()


def main(folder: Path) -> None:
    """Take all pictures."""
    with tempfile.TemporaryDirectory() as home:
        os.environ[places.HOME] = home
        find_picture(folder)
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
        widget.mask_form.classes.open_editor()
        picture(widget.mask_form.classes.editor, folder / "classes.png")
        viewer.close()
        viewer, widget = open_window()
        picture(widget, folder / "resume.png")
        viewer.close()
        folder_picture(folder, Path(home) / "coins")


def folder_picture(folder: Path, images: Path) -> None:
    """Go through a folder of images: some have labels, one of them is open."""
    image, truth = coins()[0][0], coins_truth()
    (images / "images").mkdir(parents=True)
    for number, shift in enumerate((0, 110, 200, 290), 1):
        tifffile.imwrite(images / f"images/tray_{number}.tif", np.roll(image, shift, 1))
    (images / "labels").mkdir()
    tifffile.imwrite(images / "labels/tray_1.tif", truth.astype(np.uint16))
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1200, 860)
    widget = FirstClickWidget(viewer)
    viewer.window.add_dock_widget(widget, name="First Click")
    assert widget.wait_idle(120)
    widget.controller.walk.choose(images)
    assert widget.wait_idle(120)
    for y, x in ((126, 62), (55, 156), (196, 156)):
        widget.controller.accept()
        assert widget.wait_idle(120)
        widget.controller.click(y, x)
        assert widget.wait_idle(120)
    settle()
    viewer.screenshot(str(folder / "folder.png"), canvas_only=False)
    viewer.close()


def whole(panel: FineTunePanel, path: Path) -> None:
    """Save all of a panel as wide as its dock shows it, whatever is scrolled out of sight."""
    settle()
    area = panel.findChild(QScrollArea)
    assert area is not None
    inside = area.widget()
    inside.setFixedHeight(inside.layout().totalHeightForWidth(inside.width()))
    settle()
    seen = QRect(0, 0, area.viewport().width(), inside.height())
    assert inside.grab(seen).save(str(path)), path
    inside.setMinimumHeight(0)
    inside.setMaximumHeight(2**24 - 1)


def wait(done: Callable[[], bool], seconds: float) -> None:
    """Let the window live until something is so."""
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        settle(1)
        time.sleep(0.02)
    assert done()


def fine_tune(folder: Path, data: Path, minutes: float) -> None:
    """Take the pictures of a fine-tuning."""
    viewer = napari.Viewer(show=True)
    viewer.window.resize(1300, 860)
    plane = load_pair(find_pairs(data)[0])
    viewer.add_image(plane.image, name=data.name)
    viewer.add_labels(plane.labels.astype(int), name="objects")
    panel = FineTunePanel(viewer)
    viewer.window.add_dock_widget(panel, name="First Click: fine-tune")
    panel.data.choose(Choice(folders=(data,)))
    panel.form.show_options(FineTuneOptions(minutes=minutes))
    wait(lambda: panel.idle, 60)
    settle()
    viewer.reset_view()
    settle()
    viewer.screenshot(str(folder / "finetuning-start.png"), canvas_only=False)
    panel.begin()
    wait(lambda: panel.model.fraction > MIDDLE, 60 * minutes + 60)
    whole(panel, folder / "finetuning-middle.png")
    wait(lambda: panel.idle, 60 * minutes + 60)
    for name in ("images", "options"):
        panel.sections[name].collapse()
    whole(panel, folder / "finetuning-end.png")
    viewer.close()


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    out.mkdir(parents=True, exist_ok=True)
    if len(sys.argv) > 3 and "," in sys.argv[3]:
        clicks = [(int(z), int(y), int(x)) for z, y, x in (a.split(",") for a in sys.argv[3:])]
        stack_pictures(out, Path(sys.argv[2]), clicks)
    elif len(sys.argv) > 2:
        fine_tune(out, Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else MINUTES)
    else:
        main(out)
