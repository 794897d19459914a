"""Parts of the dock."""

from __future__ import annotations

from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fclick.widgets.sections import Scroller


def test_content_that_becomes_wider_widens_what_is_around_it(qtbot: QtBot) -> None:
    content, dock = QWidget(), QWidget()
    column = QVBoxLayout(content)
    QVBoxLayout(dock).addWidget(Scroller(content))
    qtbot.addWidget(dock)
    dock.show()
    wide = QWidget()
    wide.setMinimumWidth(700)
    column.addWidget(wide)
    qtbot.waitUntil(lambda: dock.width() >= 700)
