"""What tests of the dock do again and again."""

from __future__ import annotations

from typing import Any

import numpy as np

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
