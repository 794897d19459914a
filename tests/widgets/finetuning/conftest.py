"""The panel in a viewer, with processes that play events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from tests.widgets.finetuning.fakes import FakeProcess

from napari_fclick.widgets.finetuning import FineTunePanel
from napari_fclick.widgets.loading import Choices

OpenPanel = Callable[..., FineTunePanel]


@pytest.fixture
def processes() -> list[FakeProcess]:
    """The processes that were started."""
    return []


@pytest.fixture
def cells() -> tuple[Any, Any]:
    """An image and its labels: two squares."""
    labels = np.zeros((64, 64), np.int32)
    labels[10:30, 10:30] = 1
    labels[40:60, 35:60] = 2
    noise = np.random.default_rng(0).integers(0, 60, labels.shape)
    return ((labels > 0) * 120 + noise).astype(np.uint8), labels


@pytest.fixture
def open_panel(
    request: pytest.FixtureRequest, qtbot: QtBot, processes: list[FakeProcess], cells: Any
) -> Iterator[OpenPanel]:
    """Open the panel on some layers, with ``empty`` on none; with ``window`` in napari's own."""
    panels = []

    def start(request: Any) -> FakeProcess:
        processes.append(FakeProcess(request))
        return processes[-1]

    def opened(empty: bool = False, window: bool = False) -> FineTunePanel:
        make_viewer = request.getfixturevalue("make_napari_viewer_proxy") if window else ViewerModel
        viewer: Any = make_viewer()
        if not empty:
            viewer.add_image(cells[0], name="cells")
            viewer.add_labels(cells[1], name="objects")
        panel = FineTunePanel(viewer, start=start, discover=Choices)
        panels.append(panel)
        if window:
            viewer.window.add_dock_widget(panel, name="First Click: fine-tune")
        else:
            qtbot.addWidget(panel)
            panel.show()
        qtbot.waitUntil(lambda: panel.idle, timeout=20_000)
        return panel

    yield opened
    for panel in panels:
        panel.close_all()
