"""The markers and the preview, and what napari makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.widgets.steps import accept

from napari_fclick.widgets import FirstClickWidget

#: An object about its middle, small enough that the preview cuts pixels up.
BLOCK = np.zeros((30, 30, 30), np.uint8)
BLOCK[5:25, 10:20, 10:20] = 200


def steps(widget: FirstClickWidget) -> tuple[int, ...]:
    """How many steps the viewer's sliders have."""
    return tuple(widget.controller.viewer.dims.nsteps)


@pytest.mark.parametrize("scale", [(1, 1, 1), (3, 0.5, 0.25)])
def test_sliders_keep_one_step_a_slice(scale: Any, open_dock: Any) -> None:
    widget = open_dock(BLOCK, scale=scale)
    controller, viewer = widget.controller, widget.controller.viewer
    viewer.dims.set_current_step(0, 15)
    controller.click(15, 15)
    assert widget.wait_idle()
    assert controller.current.layers.preview.data.shape[1] > 30  # finer than the image
    assert steps(widget) == BLOCK.shape
    accept(widget)
    assert steps(widget) == BLOCK.shape
    controller.click(15, 15)
    assert widget.wait_idle()
    points = viewer.add_points(np.full((1, 3), 15.0), scale=scale, name="of somebody else")
    assert steps(widget) == BLOCK.shape
    points.data = np.full((2, 3), 15.0)
    assert steps(widget) == BLOCK.shape
    viewer.layers.remove(points)
    assert steps(widget) == BLOCK.shape


def test_a_preview_that_is_deleted_comes_back_without_finer_steps(open_dock: Any) -> None:
    widget = open_dock(BLOCK)
    controller = widget.controller
    controller.click(15, 15)
    assert widget.wait_idle()
    controller.viewer.layers.remove(controller.current.layers.preview)
    controller.click(13, 13)
    assert widget.wait_idle()
    assert controller.current.layers.preview in controller.viewer.layers
    assert steps(widget) == BLOCK.shape


def test_a_turned_view_goes_slice_by_slice(open_dock: Any) -> None:
    widget = open_dock(BLOCK)
    controller, viewer = widget.controller, widget.controller.viewer
    viewer.dims.set_current_step(0, 15)
    controller.click(15, 15)
    assert widget.wait_idle()
    accept(widget)
    viewer.dims.order = (1, 0, 2)
    viewer.dims.set_point(1, 15)
    viewer.dims._increment_dims_right(1)
    assert viewer.dims.point[1] == 16
    assert controller.session.place.index == (16,)


def test_the_preview_is_an_image_to_napari(open_dock: Any) -> None:
    widget = open_dock(BLOCK)
    controller, viewer = widget.controller, widget.controller.viewer
    controller.click(15, 15)
    assert widget.wait_idle()
    preview = controller.current.layers.preview
    assert preview.as_layer_data_tuple()[2] == "image"
    viewer.layers.selection.active = preview  # napari shows its controls
    viewer.window._qt_viewer.controls  # noqa: B018


def test_the_clicks_tell_which_object_they_are_on(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(BLOCK)
    controller = widget.controller

    def told(number: int, count: int) -> None:
        layer = controller.current.layers.clicks
        qtbot.waitUntil(lambda: list(layer.features.get("object", ())) == [number] * count)

    controller.click(15, 15)
    told(1, 2)  # the first click has a ring
    taken = np.zeros(BLOCK.shape, np.uint8)
    taken[0, 0, 0] = 7
    controller.annotated.choose_labels(controller.viewer.add_labels(taken))
    assert widget.wait_idle()
    told(8, 2)
    accept(widget)
    controller.objects.pick_up_at(15, 15)
    assert widget.wait_idle()
    controller.click(13, 13)
    assert widget.wait_idle()
    told(8, 3)
