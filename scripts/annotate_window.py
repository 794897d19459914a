"""An annotator at a real window, played by mouse and key events on the canvas.

    python scripts/annotate_window.py annotate IMAGE SESSION [--objects N] [--stay]
    python scripts/annotate_window.py resume IMAGE SESSION LABELS.npy

``annotate`` clicks objects of the bundled coins image, corrects one, undoes, redoes and saves
the session; it prints, as JSON, how long a click takes until its mask is on the screen, from the
moment that the button is released and from the moment that it is pressed, and how
long the window was ever kept busy by the plugin. ``resume`` opens the session in a new window
and writes its labels. Both need a display (``xvfb-run -a``).
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import napari
import numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QOpenGLWidget

from napari_fclick.core.peaks import peak
from napari_fclick.samples import coins_truth
from napari_fclick.widgets import FirstClickWidget, workers
from napari_fclick.widgets.controller import Controller
from napari_fclick.widgets.keys import KeyBindings
from napari_fclick.widgets.mouse import MouseTool
from napari_fclick.widgets.moved import camera_of

#: Seconds for which a person's button stays down; ``--press`` takes another.
PRESS = 0.08
LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
NONE, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


class Stopwatch:
    """Notes how long the plugin's own callbacks keep the GUI thread busy."""

    def __init__(self) -> None:
        self.longest: dict[str, float] = {}
        self._inside = 0

    def watch(self, owner: Any, name: str) -> None:
        """Time a method from now on."""
        method: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(method)
        def timed(*args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            self._inside += 1
            try:
                return method(*args, **kwargs)
            finally:
                self._inside -= 1
                if not self._inside:
                    taken = 1000 * (time.perf_counter() - begun)
                    self.longest[name] = max(self.longest.get(name, 0), taken)

        setattr(owner, name, timed)


class Person:
    """Sits at a viewer and sees the canvas only."""

    def __init__(self, image: Path, press: float = PRESS) -> None:
        self.stopwatch = Stopwatch()
        self._press = press
        # Whatever Qt calls of ours: results that arrive, the mouse, buttons and keys.
        for owner, name in (
            (workers.Worker, "_deliver"),
            (MouseTool, "_release"),
            (MouseTool, "_click"),
            (Controller, "accept"),
            (Controller, "undo"),
            (Controller, "redo"),
            (Controller, "refresh"),
            (KeyBindings, "bind"),
        ):
            self.stopwatch.watch(owner, name)
        self.viewer = napari.Viewer(show=True)
        self.viewer.window.resize(1380, 900)
        self.viewer.open(str(image), plugin="napari")
        self.widget = FirstClickWidget(self.viewer)
        self.viewer.window.add_dock_widget(self.widget, name="First Click")
        assert self.widget.wait_idle(120)
        self.wait(0.5)
        windows = QApplication.topLevelWidgets()
        (self.canvas,) = [c for w in windows for c in w.findChildren(QOpenGLWidget)]
        self.stopwatch.longest.clear()  # opening a window is no work at it
        self.from_press: list[float] = []
        self.from_release: list[float] = []
        self._clock = QTimer()  # wakes a wait that nothing else ends
        self._clock.start(1000)

    def wait(self, seconds: float) -> None:
        """Let the window live."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            QApplication.processEvents()
            time.sleep(0.002)

    def at(self, y: float, x: float) -> QPoint:
        """Return where a pixel of the image is on the canvas."""
        camera = camera_of(self.viewer)
        row, column = (np.array([y, x]) - np.asarray(camera.center)[-2:]) * camera.zoom
        return QPoint(
            round(self.canvas.width() / 2 + column), round(self.canvas.height() / 2 + row)
        )

    def click(self, y: float, x: float, button: Any = LEFT, modifier: Any = NONE) -> None:
        """Click, and wait until the mask that answers is drawn."""
        session = self.widget.controller.session
        before = session.clicks
        begun = time.perf_counter()
        QTest.mousePress(self.canvas, button, modifier, self.at(y, x))
        self.wait(self._press)
        released = time.perf_counter()
        QTest.mouseRelease(self.canvas, button, modifier, self.at(y, x))
        while session.answers.pending or session.clicks == before:
            # As Qt's own loop does: asleep until something happens.
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.perf_counter() - begun > 30:
                raise TimeoutError(f"the click at {y:g}, {x:g} was not answered")
        self.canvas.repaint()
        shown = time.perf_counter()
        self.from_press.append(1000 * (shown - begun))
        self.from_release.append(1000 * (shown - released))
        self.wait(0.45)  # longer than a double click

    def key(self, key: Any, modifier: Any = NONE) -> None:
        """Press a key over the canvas."""
        QTest.keyClick(self.canvas, key, modifier)
        self.wait(0.05)
        assert self.widget.wait_idle()


def annotate(image: Path, session: Path, objects: int, press: float, stay: bool) -> None:
    """Segment, correct, undo, redo, save; with ``stay`` go on for ever, to be killed."""
    person, truth = Person(image, press), coins_truth()
    controller = person.widget.controller
    person.widget.resume_bar.dismiss.click()
    for label in range(1, objects + 1):
        found = peak(truth == label)
        assert found is not None
        person.click(*found.pixel)
        person.key(Qt.Key.Key_N)
    rows, columns = np.nonzero(controller.labels.data == 1)
    middle = len(rows) // 2
    person.click(float(rows[middle]), float(columns[middle]), LEFT, CONTROL)
    assert controller.session.draft.label == 1
    person.click(float(rows.min()) - 4, float(columns[rows.argmin()]))
    person.key(Qt.Key.Key_N)
    for key in (Qt.Key.Key_U, Qt.Key.Key_U, Qt.Key.Key_R, Qt.Key.Key_R):
        person.key(key)
    assert controller.journaling.save_as(session)
    report = {
        "objects": len(controller.session.objects),
        "clicks": len(person.from_press),
        "release_to_mask_ms": told(person.from_release),
        "press_to_mask_ms": told(person.from_press),
        "longest_busy_ms": {
            name: round(value, 1)
            for name, value in sorted(person.stopwatch.longest.items(), key=lambda x: -x[1])
        },
    }
    print(json.dumps(report), flush=True)
    while stay:
        person.wait(1)


def told(milliseconds: list[float]) -> dict[str, float]:
    """Return what is told of times."""
    return {
        "median": round(float(np.median(milliseconds)), 1),
        "p95": round(float(np.percentile(milliseconds, 95)), 1),
        "longest": round(max(milliseconds), 1),
    }


def resume(image: Path, session: Path, out: Path) -> None:
    """Go on in a session; write the labels as they were and as undo and redo leave them."""
    person = Person(image)
    controller = person.widget.controller
    assert controller.resuming.resume(session)
    labels = controller.labels.data.copy()
    person.key(Qt.Key.Key_U)
    changed = bool((controller.labels.data != labels).any())
    person.key(Qt.Key.Key_R)
    assert np.array_equal(controller.labels.data, labels)
    np.save(out, labels)
    print(json.dumps({"objects": len(controller.session.objects), "undo_works": changed}))


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["annotate", "resume"])
    parser.add_argument("image", type=Path)
    parser.add_argument("session", type=Path)
    parser.add_argument("labels", type=Path, nargs="?")
    parser.add_argument("--objects", type=int, default=10)
    parser.add_argument("--press", type=float, default=PRESS, help="seconds a button is down")
    parser.add_argument("--stay", action="store_true")
    chosen = parser.parse_args()
    if chosen.what == "annotate":
        annotate(chosen.image, chosen.session, chosen.objects, chosen.press, chosen.stay)
    else:
        resume(chosen.image, chosen.session, chosen.labels)
    napari.Viewer.close_all()  # a thread of its window may not outlive it
    sys.stdout.flush()


if __name__ == "__main__":
    main()
