"""What tests of the dock do again and again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication

from napari_fclick.widgets.planes import to_world

#: An image of which nothing is to be told.
GRAY = np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8)


def world(widget: Any, y: float, x: float) -> Any:
    """The point of the world at a row and column of the plane on show."""
    controller = widget.controller
    return to_world(controller.viewer, controller.image, controller.session.place, y, x)


def status(widget: Any) -> str:
    """What the dock says of the object at hand."""
    return str(widget.status.text()).replace("\N{NO-BREAK SPACE}", " ")


def pixels(widget: Any) -> list[tuple[int, int]]:
    """Where the clicks are."""
    return [click.pixel for click in widget.controller.session.clicks]


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Run Qt's event loop until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        QApplication.processEvents()
        time.sleep(0.002)


def accept(widget: Any) -> Any:
    """Accept the object at hand; return the Labels layer."""
    widget.controller.accept()
    assert widget.wait_idle()
    return widget.controller.labels


def accept_at(widget: Any, *points: tuple[int, int]) -> None:
    """Click on objects, and accept each."""
    for y, x in points:
        widget.controller.click(y, x)
        assert widget.wait_idle()
        widget.controller.accept()
        assert widget.wait_idle()
