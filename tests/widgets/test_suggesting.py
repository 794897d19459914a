"""Annotating by keys alone: the ghost, taken, moved and taken away."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from tests.session.fakes import FakePredictor
from tests.widgets.steps import pixels

from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.suggesting import BURST

GRAY = np.zeros((60, 80), np.uint8)


def ghost_layer(widget: Any) -> Any:
    layers = {layer.name: layer for layer in widget.controller.viewer.layers}
    return layers.get("suggestion")


def test_an_object_by_keys_alone(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    keys = controller.suggesting
    keys.suggest()
    assert (keys.ghost.y, keys.ghost.x, keys.ghost.why) == (30, 40, "start")
    assert not controller.session.clicks
    keys.nudge("up")
    keys.nudge("right")
    keys.take(positive=True)
    assert pixels(widget) == [(29, 41)]
    assert keys.ghost is None and not ghost_layer(widget).visible
    assert not len(ghost_layer(widget).data)
    assert widget.wait_idle()
    keys.suggest()
    assert keys.ghost.why == "boundary"
    assert "1 of" in widget.message.text()
    place = (keys.ghost.y, keys.ghost.x)
    keys.take(positive=False)
    assert pixels(widget)[1] == place
    assert [click.positive for click in controller.session.clicks] == [True, False]
    assert widget.wait_idle()
    controller.accept()
    assert list(controller.session.objects) == [1]


def test_asked_again_the_next_best_and_around(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    keys = widget.controller.suggesting
    widget.controller.click(30, 40)
    assert widget.wait_idle()
    seen = []
    for _ in range(9):
        keys.suggest()
        seen.append(keys.ghost)
    count = len(set(seen))
    assert 1 < count < 9
    assert seen[count] == seen[0]
    np.testing.assert_array_equal(ghost_layer(widget).data[0], (keys.ghost.y, keys.ghost.x))
    assert len(widget.controller.session.clicks) == 1


def test_the_first_click_is_never_negative(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    keys = widget.controller.suggesting
    keys.take(positive=True)
    assert "no suggestion" in widget.message.text()
    keys.suggest()
    keys.take(positive=False)
    assert "must be on the object" in widget.message.text()
    assert keys.ghost is not None and not widget.controller.session.clicks


def test_the_ghost_goes_with_what_it_was_for(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    controller, keys = widget.controller, widget.controller.suggesting
    changes = {
        "withdraw": keys.withdraw,
        "clear": controller.clear,
        "undo": controller.undo,
        "mouse": lambda: mouse(controller.viewer).click((10, 10)),
        "accept": controller.accept,
    }
    for how, change in changes.items():
        controller.clear()
        controller.click(30, 40)
        assert widget.wait_idle()
        keys.suggest()
        assert ghost_layer(widget).visible and widget.message.text().startswith("suggested")
        change()
        assert keys.ghost is None and not ghost_layer(widget).visible, how
        assert not widget.message.text().startswith("suggested"), how
        assert len(controller.session.clicks) == {"mouse": 2, "withdraw": 1}.get(how, 0)


def test_a_setting_keeps_the_ghost(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller, session = widget.controller, widget.controller.session
    controller.click(30, 40)
    assert widget.wait_idle()
    controller.suggesting.suggest()
    controller.adjusting.step_threshold(1)
    assert session.settings.threshold == 0.55
    controller.adjusting.step_threshold(20)
    assert session.settings.threshold == 0.95
    seen = []
    for _ in range(4):
        seen.append(session.settings.policy.value)
        controller.adjusting.cycle_policy()
    assert seen == ["keep", "replace", "background", "keep"]
    assert controller.suggesting.ghost is not None


def test_another_slice_or_image_has_no_ghost(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(np.zeros((3, 60, 80), np.uint8), scale=(5, 2, 2), translate=(0, 10, 0))
    controller, keys = widget.controller, widget.controller.suggesting
    viewer = controller.viewer
    viewer.dims.set_current_step(0, 1)
    keys.suggest()
    layer = ghost_layer(widget)
    assert layer.data[0].tolist() == [1, 30, 40]
    np.testing.assert_array_equal(layer.scale, controller.image.scale)
    np.testing.assert_array_equal(layer.translate, controller.image.translate)
    controller.image.translate = (0, 20, 5)
    np.testing.assert_array_equal(layer.translate, (0, 20, 5))
    viewer.dims.set_current_step(0, 2)
    assert keys.ghost is None and not layer.visible
    keys.suggest()
    other = viewer.add_image(GRAY, name="other")
    controller.annotated.choose_image(other)
    qtbot.wait(20)
    assert keys.ghost is None and ghost_layer(widget) is None
    keys.suggest()
    viewer.layers.clear()
    qtbot.wait(20)
    assert keys.ghost is None and ghost_layer(widget) is None
    keys.suggest()
    assert "image first" in widget.message.text()


def test_a_deleted_ghost_comes_back(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    active = viewer.layers.selection.active
    widget.controller.suggesting.suggest()
    assert viewer.layers.selection.active is active
    viewer.layers.remove(ghost_layer(widget))
    widget.controller.suggesting.suggest()
    assert ghost_layer(widget).visible
    widget.controller.close()
    assert ghost_layer(widget) is None


def test_a_burst_of_nudges_is_one_step_and_one_prediction(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller, keys = widget.controller, widget.controller.suggesting
    controller.click(30, 40)
    controller.click(20, 40)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    for _ in range(5):
        keys.nudge("down")
    assert keys.busy and not controller.idle
    assert pixels(widget) == [(30, 40), (20, 40)]
    marker = controller.current.layers.clicks.data[2]
    assert marker.tolist() == [25, 40]
    assert widget.wait_idle()
    assert pixels(widget) == [(30, 40), (25, 40)]
    assert len(predictor.asked) == asked + 1
    controller.undo()
    assert pixels(widget) == [(30, 40), (20, 40)]


def test_what_comes_after_a_nudge_does_not_lose_it(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller, keys = widget.controller, widget.controller.suggesting
    controller.click(30, 40)
    assert widget.wait_idle()
    keys.nudge("left")
    controller.click(10, 10)
    assert pixels(widget) == [(30, 39), (10, 10)]
    assert widget.wait_idle()
    keys.nudge("left")
    controller.undo()
    assert pixels(widget) == [(30, 39), (10, 10)]


def test_nudges_stay_in_the_image_and_need_something(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    keys = widget.controller.suggesting
    keys.nudge("up")
    assert "nothing to move" in widget.message.text()
    widget.controller.click(0, 40)
    assert widget.wait_idle()
    keys.nudge("up", far=True)
    assert widget.wait_idle()
    assert pixels(widget) == [(0, 40)]
    camera_of(widget.controller.viewer).zoom = 2.5
    keys.nudge("down", far=True)
    assert widget.wait_idle()
    assert pixels(widget) == [(4, 40)]  # ten pixels of the screen
    assert BURST < 1000


def test_directions_are_those_of_the_screen(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    keys, viewer = widget.controller.suggesting, widget.controller.viewer
    viewer.dims.order = (1, 0)  # the image's rows run to the right
    keys.suggest()
    before = keys.ghost
    keys.nudge("right")
    assert (keys.ghost.y - before.y, keys.ghost.x - before.x) == (1, 0)
    keys.nudge("up")
    assert (keys.ghost.y - before.y, keys.ghost.x - before.x) == (1, -1)
    viewer.dims.order = (0, 1)
    camera_of(viewer).orientation2d = ("up", "right")
    keys.suggest()
    before = keys.ghost
    keys.nudge("up")
    assert (keys.ghost.y - before.y, keys.ghost.x - before.x) == (1, 0)
    camera_of(viewer).orientation2d = ("down", "right")
    widget.controller.image.scale = (1, -1)  # mirrored
    keys.suggest()
    before = keys.ghost
    keys.nudge("right")
    assert keys.ghost.x - before.x == -1


def test_asked_before_the_mask_is_there(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    keys = widget.controller.suggesting
    predictor.gate = threading.Event()
    widget.controller.click(30, 40)
    keys.suggest()
    assert keys.ghost is None and "as soon as" in widget.message.text()
    predictor.gate.set()
    assert widget.wait_idle()
    assert keys.ghost.why == "boundary"


def test_nothing_is_suggested_while_an_object_is_being_accepted(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller, keys = widget.controller, widget.controller.suggesting
    controller.click(30, 40)
    assert widget.wait_idle()
    predictor.gate = threading.Event()
    controller.click(10, 10)
    controller.accept()
    keys.suggest()
    assert keys.ghost is None and "being accepted" in widget.message.text()
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == [1]
