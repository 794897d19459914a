"""What tests of the dock do again and again."""

from __future__ import annotations

from typing import Any


def accept_at(widget: Any, *points: tuple[int, int]) -> None:
    """Click on objects, and accept each."""
    for y, x in points:
        widget.controller.click(y, x)
        assert widget.wait_idle()
        widget.controller.accept()
        assert widget.wait_idle()
