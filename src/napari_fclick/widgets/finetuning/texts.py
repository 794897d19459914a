"""Lines of text of the panel."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import Qt

from napari_fclick.widgets.texts import COLOURS, TextLine

#: Before a message: levels are told apart without their colours, too.
SIGNS = {"info": "•", "warning": "▲", "error": "✕"}


class SelectableLine(TextLine):
    """A label that wraps, and whose text can be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)

    def tell(self, text: str, level: str = "info") -> None:
        """Show a message in the colour of its level; without one, nothing."""
        super().tell(text, level)
        self.setVisible(bool(text))


def messages_html(messages: Sequence[tuple[str, str]]) -> str:
    """Return messages (level, text), a line each, in the colours of their levels."""
    order = ("error", "warning", "info")
    lines = sorted(messages, key=lambda message: order.index(message[0]))
    return "<br>".join(_line_html(level, text) for level, text in lines)


def _line_html(level: str, text: str) -> str:
    colour = f' style="color: {COLOURS[level]}"' if COLOURS[level] else ""
    return f"<span{colour}>{SIGNS[level]} {escape(text)}</span>"
