"""In the dock outlines of new objects follow those accepted before, in this image and in others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.session.fakes import SoftPredictor
from tests.widgets.steps import accept, status

IMAGE = np.random.default_rng(0).integers(0, 255, (120, 700), np.uint8)
SAID = "larger, as in objects accepted before"


@pytest.fixture
def predictor() -> SoftPredictor:
    return SoftPredictor()


def click(widget: Any, y: float, x: float) -> None:
    widget.controller.click(y, x)
    assert widget.wait_idle()


def accept_corrected(widget: Any, *columns: int) -> None:
    for x in columns:
        click(widget, 60, x)
        click(widget, 65, x)
        accept(widget)


def test_the_dock_says_so_and_lets_it_be_turned_off(
    open_dock: Any, predictor: SoftPredictor
) -> None:
    widget = open_dock(IMAGE)
    accept_corrected(widget, 50, 140, 230)
    assert SAID not in status(widget)
    click(widget, 60, 320)
    assert SAID in status(widget)
    assert predictor.asked[-1][1] == 1
    accept(widget)
    widget.mask_form.as_accepted.setChecked(False)
    click(widget, 60, 410)
    assert SAID not in status(widget)
    assert predictor.asked[-1][1] == 0
    widget.controller.undo()
    widget.controller.undo()
    assert widget.mask_form.as_accepted.isChecked()
    widget.controller.adjusting.toggle_outlines()
    assert not widget.mask_form.as_accepted.isChecked()


def test_other_images_tell_once_there_are_three(open_dock: Any, predictor: SoftPredictor) -> None:
    widget = open_dock(IMAGE)
    viewer = widget.controller.viewer
    for name in ("second", "third", "fourth"):
        accept_corrected(widget, 50)
        old = widget.controller.image
        viewer.add_image(IMAGE, name=name)
        widget.controller.annotated.choose_image(viewer.layers[name])
        viewer.layers.remove(old)  # what is closed tells, too
    click(widget, 60, 50)
    assert predictor.asked[-1][1] == 1 and SAID in status(widget)


def test_other_weights_begin_anew(open_dock: Any, predictor: SoftPredictor) -> None:
    widget = open_dock(IMAGE)
    accept_corrected(widget, 50, 140, 230)
    widget.controller.weights.load("others", "cpu")
    assert widget.wait_idle()
    click(widget, 60, 320)
    assert predictor.asked[-1][1] == 0
