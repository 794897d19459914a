"""Lines of text, and the colours of what is said."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

#: Of messages by their level, as they are read on napari's dark and on its light theme.
COLOURS = {"info": "", "warning": "#D98A00", "error": "#E5534B"}


class TextLine(QLabel):
    """A label that wraps."""

    def __init__(self) -> None:
        super().__init__()
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)

    def tell(self, text: str, level: str = "info") -> None:
        """Show a message in the colour of its level."""
        colour = COLOURS[level]
        self.setStyleSheet(f"color: {colour}" if colour else "")
        self.setText(text)
