"""Long tasks in napari's activity dock."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from napari.utils import progress
from tests.session.fakes import FakePredictor

from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.loading import Choices


def ours() -> list[Any]:
    return [task for task in progress._all_instances if "First Click" in task.desc]


def test_loading_weights_shows_and_can_be_cancelled(make_napari_viewer_proxy: Any) -> None:
    gates = [threading.Event(), threading.Event()]
    waiting = iter(gates)

    def load(weights: str, device: str) -> FakePredictor:
        assert next(waiting).wait(20)
        return FakePredictor()

    viewer = make_napari_viewer_proxy()
    viewer.add_image(np.zeros((40, 40)), name="image")
    widget = FirstClickWidget(viewer, load=load, discover=Choices)
    controller = widget.controller
    try:
        (task,) = ours()
        assert "loading default" in task.desc
        task.cancel()
        assert not ours()
        assert not controller.weights.loading
        assert "cancelled" in widget.message.text()
        gates[0].set()
        assert widget.wait_idle()
        assert controller.weights.predictor is None  # what was loaded came too late
        controller.weights.load("default", "cpu")
        assert len(ours()) == 1
        gates[1].set()
        assert widget.wait_idle()
        assert controller.weights.predictor is not None
        assert not ours()
    finally:
        for gate in gates:
            gate.set()
        controller.close()
