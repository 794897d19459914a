"""The dock on a stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.widgets.stacks.fakes import TubePredictor

from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.controller import Controller
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.stacks.tool import StackTool


class StackDock:
    """A dock, and what tests do with it."""

    def __init__(self, widget: FirstClickWidget, predictor: TubePredictor) -> None:
        self.widget, self.predictor = widget, predictor

    @property
    def controller(self) -> Controller:
        return self.widget.controller

    @property
    def tool(self) -> StackTool:
        return self.controller.stacks

    @property
    def session(self) -> Any:
        return self.controller.session

    @property
    def told(self) -> str:
        return str(self.controller.messages.text)

    def slices_of(self, label: int = 1) -> list[int]:
        """The slices in which an object is."""
        return sorted(set(np.nonzero(self.controller.labels.data == label)[0].tolist()))

    def wait(self) -> None:
        assert self.widget.wait_idle()

    def go(self, index: int, axis: int = 0) -> None:
        self.controller.viewer.dims.set_current_step(axis, index)

    def click(self, y: float, x: float, positive: bool = True) -> None:
        self.controller.click(y, x, positive)
        self.wait()

    def propagate(self) -> None:
        self.tool.propagate()
        self.wait()


OpenStack = Callable[..., StackDock]


@pytest.fixture
def tubes() -> TubePredictor:
    return TubePredictor()


@pytest.fixture
def open_stack(make_napari_viewer_proxy: Any, tubes: TubePredictor) -> Iterator[OpenStack]:
    """Open a dock on a stack, at a slice of its first axis."""
    widgets = []

    def opened(data: Any, at: int | None = None, **kwargs: Any) -> StackDock:
        viewer = make_napari_viewer_proxy()
        viewer.add_image(data, name="stack", **{"contrast_limits": (0, 255), **kwargs})
        widget = FirstClickWidget(viewer, load=lambda w, d: tubes, discover=Choices)
        widgets.append(widget)
        viewer.window.add_dock_widget(widget, name="First Click")
        dock = StackDock(widget, tubes)
        dock.wait()
        if at is not None:
            dock.go(at)
        return dock

    yield opened
    if tubes.gate is not None:
        for _ in range(10_000):
            tubes.gate.release()
    for widget in widgets:
        widget.controller.close()
