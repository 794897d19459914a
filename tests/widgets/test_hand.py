"""Mouse and keys on the canvas: clicks, markers, and what is left to napari."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.widgets.steps import GRAY, accept


def test_left_right_and_alt(open_dock: Any, mouse: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    hand = mouse(widget.controller.viewer)
    hand.click((20, 20), button=2)
    assert "left click" in widget.message.text()
    assert not widget.controller.session.clicks
    hand.click((20, 20))
    hand.click((20, 40), button=2)
    hand.click((40, 40), modifiers=("Alt",))
    hand.click((40, 20))
    assert [c.positive for c in widget.controller.session.clicks] == [True, False, False, True]
    assert widget.wait_idle()
    layer = widget.controller.current.layers.clicks
    kinds = ["ring", "first", "negative", "negative", "positive"]
    qtbot.waitUntil(lambda: list(layer.features.get("kind", ())) == kinds)
    assert [str(s) for s in layer.symbol][1:3] == ["star", "cross"]


def test_a_drag_pans_and_a_click_outside_is_told(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    hand = mouse(widget.controller.viewer)
    assert hand.drag((20, 20), (30, 30), (20, 20)) == [False, False, False]
    assert not widget.controller.session.clicks
    hand.click((500, 20))
    assert "outside the image" in widget.message.text()


def test_markers_are_removed_moved_and_promoted(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    session = widget.controller.session
    hand = mouse(widget.controller.viewer)
    for point in ((10, 10), (30, 30), (50, 60)):
        hand.click(point)
    assert hand.drag((30, 30), (31, 40), (35, 45)) == [True, True, True]
    assert [c.pixel for c in session.clicks] == [(10, 10), (35, 45), (50, 60)]
    hand.click((50, 60), modifiers=("Shift",))
    assert [c.pixel for c in session.clicks] == [(50, 60), (10, 10), (35, 45)]
    hand.click((10, 10))
    assert [c.pixel for c in session.clicks] == [(50, 60), (35, 45)]
    for _ in range(3):
        widget.controller.undo()
    assert [c.pixel for c in session.clicks] == [(10, 10), (30, 30), (50, 60)]
    hand.drag((10, 10), (-40, 10))  # out of the image: it goes back
    assert session.clicks[0].pixel == (10, 10)
    assert widget.controller.current.layers.clicks.data[1].tolist() == [10, 10]


def test_a_brush_in_hand_is_left_alone(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    layer = viewer.add_labels(np.zeros(GRAY.shape, int))
    layer.mode = "paint"
    mouse(viewer).click((20, 20))
    assert not widget.controller.session.clicks


def test_no_clicks_in_3d(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    viewer = widget.controller.viewer
    viewer.dims.ndisplay = 3
    mouse(viewer).click((2, 20, 20))
    assert "2D" in widget.message.text()
    viewer.dims.ndisplay = 2
    mouse(viewer).click((2, 20, 20))
    assert len(widget.controller.session.clicks) == 1


def test_an_image_opened_in_3d_is_annotated_in_2d(open_dock: Any) -> None:
    widget = open_dock()
    viewer = widget.controller.viewer
    viewer.dims.ndisplay = 3
    viewer.add_image(np.zeros((5, 60, 80), np.uint8))
    widget.controller.click(3, 3)
    assert "switch to 2D to click" in widget.message.text()
    viewer.dims.ndisplay = 2
    assert widget.controller.session is not None
    assert widget.status.text().startswith("Object")


def test_keys(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, session = widget.controller.viewer, widget.controller.session

    def press(key: str, owner: Any = viewer) -> None:
        found = {str(k): f for k, f in owner.keymap.items()}
        found[key](owner)

    widget.controller.click(20, 20)
    assert widget.wait_idle()
    press("N")
    assert list(session.objects) == [1]
    press("Ctrl+Z")
    assert not session.objects
    press("Ctrl+Shift+Z", widget.controller.labels)
    assert list(session.objects) == [1]
    press("U", widget.controller.image)
    press("R")
    assert list(session.objects) == [1]
    press("I")
    assert not widget.mask_form.integrity.isChecked()
    widget.controller.click(40, 40)
    press("D")
    assert not session.clicks
    widget.controller.close()
    owners = [viewer, *viewer.layers]
    assert not any(str(k) in ("N", "Ctrl+Z") for owner in owners for k in owner.keymap)


def test_ctrl_z_is_the_brushs_own_while_painting(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    labels = accept(widget)
    labels.mode = "paint"
    labels.paint((50, 50), 9)
    assert widget.controller.session.objects.next_label == 10
    bound = {str(k): f for k, f in labels.keymap.items()}
    bound["Ctrl+Z"](labels)
    assert labels.data[50, 50] == 0
    assert labels.data[20, 20] == 1


def test_a_brush_takes_back_nothing_from_before_an_accepted_object(open_dock: Any) -> None:
    """What its stroke had painted over has been written anew since."""
    widget = open_dock(GRAY)
    widget.controller.click(50, 50)
    assert widget.wait_idle()
    labels = accept(widget)
    labels.paint((20, 20), 9)
    assert labels.data[20, 20] == 9
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    widget.controller.adjusting.set(policy="replace")
    accept(widget)
    number = labels.data[20, 20]
    assert number not in (0, 9)
    labels.undo()
    assert labels.data[20, 20] == number
    labels.paint((20, 20), 9)  # a later one can be taken back
    labels.undo()
    assert labels.data[20, 20] == number


def test_a_drag_of_a_marker_that_is_no_more(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    for y in (10, 30, 50):
        controller.click(y, 40)
    hand = mouse(controller.viewer)
    before = hand._set

    def interrupted(kind: str, world: Any) -> None:
        if kind == "mouse_release":
            controller.remove(0)
        before(kind, world)

    hand._set = interrupted
    hand.drag((30, 40), (35, 60), (40, 70))
    assert [c.pixel for c in controller.session.clicks] == [(30, 40), (50, 40)]


def test_a_click_at_the_edge_of_a_large_window_is_drawn_thinned_out() -> None:
    from napari_fclick.widgets.drawing import draw_preview, preview_detail

    assert preview_detail((1024, 10)).step == 1
    whole = np.ones((3000, 100), bool)
    drawn = draw_preview(whole.astype(np.float32), whole, preview_detail(whole.shape))
    assert drawn.shape == (1000, 34, 4)
    assert drawn[0, 0, 3] == 255


def test_classes_by_key(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    session = controller.session
    step = controller.objects.step_class
    step(1)
    assert widget.message.text() == "there are no classes yet: make them in the dock"
    session.classes.add("vessel")
    session.classes.add("nucleus")
    seen = []
    for steps in (1, 1, 1, -1, -1):
        step(steps)
        seen.append(session.settings.class_name)
    assert seen == ["vessel", "nucleus", "", "nucleus", "vessel"]
    controller.undo()
    assert session.settings.class_name == "nucleus"
