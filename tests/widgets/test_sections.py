"""Parts of the dock."""

from __future__ import annotations

from pytestqt.qtbot import QtBot
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_fclick.widgets.sections import Scroller, Section
from napari_fclick.widgets.texts import TextLine


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


def test_a_title_that_is_too_long_is_shortened(qtbot: QtBot) -> None:
    section = Section("Image and network", QWidget())
    qtbot.addWidget(section)
    section.tell("a long name · default on cpu")
    assert section.text() == "Image and network · a long name · default on cpu"
    section.resize(200, 60)
    section.show()
    qtbot.waitUntil(lambda: section.text().endswith("…"))
    assert section.text().startswith("Image and")
    assert section.toggleButton().toolTip() == "a long name · default on cpu"
    section.resize(700, 60)
    qtbot.waitUntil(lambda: section.text().endswith("default on cpu"))


def test_no_line_that_wraps_is_cut_off_where_there_is_room(qtbot: QtBot) -> None:
    content, dock, line = QWidget(), QWidget(), TextLine()
    QVBoxLayout(content).addWidget(line)
    column = QVBoxLayout(dock)
    column.addWidget(Section("Images", content))
    column.addStretch(1)
    qtbot.addWidget(dock)
    line.setText("labels/a.tif holds no labels: they are an image without colours " * 9)
    dock.resize(200, 900)
    dock.show()
    qtbot.waitUntil(lambda: line.height() >= line.heightForWidth(line.width()))
