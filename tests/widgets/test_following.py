"""Which image the dock annotates, and what it says where another one is seen."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtGui import QShowEvent
from tests.session.fakes import FakePredictor
from tests.widgets.steps import accept_at

from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.docking import dock_of
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.moved import camera_of

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (60, 80), np.uint8)


def bold(widget: Any) -> str:
    return str(widget.status.text()).replace("\N{NO-BREAK SPACE}", " ")


def test_the_image_that_is_added_or_selected_is_annotated(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    second = viewer.add_image(GRAY[::-1], name="day2")
    assert widget.wait_idle()
    assert controller.image is second
    assert widget.images.currentText() == "day2"
    accept_at(widget, (20, 20))
    labels = controller.labels
    assert viewer.layers.index(labels) > viewer.layers.index(second)
    viewer.layers.selection.active = first
    assert widget.wait_idle()
    assert controller.image is first


def test_an_image_that_is_chosen_stays_whatever_is_selected_for_a_moment(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    viewer.add_image(GRAY[::-1], name="day2")
    assert widget.wait_idle()
    controller.annotated.choose_image(first)
    assert widget.wait_idle()  # layers of ours were added, and the selection was put back
    accept_at(widget, (20, 20))
    assert controller.image is first
    # Seen, though another image lies over the one that was clicked on.
    assert viewer.layers.index(controller.labels) > viewer.layers.index("day2")
    assert bold(widget).startswith("'day2' lies over 'image', which is clicked on")
    viewer.layers["day2"].visible = False
    assert bold(widget).startswith("'day2' is selected, 'image' is clicked on")
    viewer.layers.selection.active = controller.labels
    assert widget.wait_idle()
    assert bold(widget).startswith("Object 2")


def test_what_is_at_hand_is_not_left_and_that_is_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    controller.click(20, 20)
    assert widget.wait_idle()
    second = viewer.add_image(GRAY[::-1], name="day2")
    assert widget.wait_idle()
    assert controller.image is first
    assert bold(widget).startswith("'day2' lies over 'image', which is clicked on")
    viewer.layers.selection.active = first
    assert widget.wait_idle()
    assert "day2" in bold(widget)  # it still hides it
    controller.clear()
    viewer.layers.selection.active = second
    assert widget.wait_idle()
    assert controller.image is second


def test_channels_that_are_seen_together_are_not_followed(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    viewer.add_image(GRAY[::-1], name="membrane", blending="additive")
    assert widget.wait_idle()
    assert controller.image is first
    assert bold(widget).startswith("Object 1")
    third = viewer.add_image(GRAY[:, ::-1], name="apart", translate=(0, 200))
    assert widget.wait_idle()
    assert controller.image is third


def test_a_layer_that_napari_selects_for_one_removed_is_not_followed(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    viewer.add_image(GRAY[::-1], name="day2")
    notes = viewer.add_points([[1, 1]])
    assert widget.wait_idle()
    controller.annotated.choose_image(first)
    viewer.layers.selection.active = notes
    assert widget.wait_idle()
    viewer.layers.remove_selected()
    assert viewer.layers.selection.active is viewer.layers["day2"]
    assert widget.wait_idle()
    assert controller.image is first


def test_a_dock_begins_with_the_image_that_is_selected(
    make_napari_viewer_proxy: Any, predictor: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    viewer.add_image(GRAY, name="day1")
    viewer.add_image(GRAY[::-1], name="day2")
    widget = FirstClickWidget(viewer, load=lambda w, d: predictor, discover=Choices)
    assert widget.controller.image.name == "day2"
    widget.controller.close()


def test_what_is_said_of_the_image_before_is_not_said_of_the_next(open_dock: Any) -> None:
    widget = open_dock()
    viewer, controller = widget.controller.viewer, widget.controller
    controller.accept()
    assert widget.message.text() == "open or choose an image first"
    image = viewer.add_image(GRAY)
    assert widget.wait_idle()
    assert widget.message.text() == ""
    viewer.layers.remove(image)
    assert "was removed" in widget.message.text()
    viewer.add_image(GRAY)
    assert widget.wait_idle()
    assert widget.message.text() == ""


def test_that_the_view_is_3d_is_said_while_it_is(open_dock: Any) -> None:
    widget = open_dock(np.zeros((4, 30, 30), np.uint8))
    viewer = widget.controller.viewer
    viewer.dims.ndisplay = 3
    assert "2D" in widget.message.text()
    viewer.dims.ndisplay = 2
    assert widget.message.text() == ""


def test_what_was_done_is_no_longer_said_when_it_is_undone(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    assert widget.message.text().startswith("object 1: ")
    controller.undo()
    assert widget.message.text() == ""


def test_a_second_press_does_not_take_the_first_one_back(
    open_dock: Any, mouse: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("napari_fclick.widgets.mouse.double_click_time", lambda: 30.0)
    widget = open_dock(GRAY)
    hand = mouse(widget.controller.viewer)
    hand.click((20, 20))
    hand.click((20, 20))
    assert len(widget.controller.session.clicks) == 1
    hand.click((40, 40))  # elsewhere, it is a click
    hand.click((40, 40), button=3)
    assert len(widget.controller.session.clicks) == 2


def test_labels_are_named_after_the_second_image(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    names = []
    for name in ("", "day2"):
        if name:
            controller.viewer.add_image(GRAY, name=name)
            assert widget.wait_idle()
        accept_at(widget, (20, 20))
        names.append(controller.labels.name)
    assert names == ["objects", "objects of day2"]


def test_labels_that_do_not_fit_are_named_with_the_reason(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    widget.controller.viewer.add_labels(np.zeros((9, 9), int), name="small")
    assert [widget.labels.itemText(i) for i in range(widget.labels.count())] == [
        "new layer",
        "small (has another shape)",
    ]
    assert not widget.labels.model().item(1).isEnabled()


def test_why_no_channel_can_be_chosen_is_said(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    assert widget.channels.text() == "this image alone: no other fits"


def test_the_dock_tells_how_to_see_all_keys(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    assert widget.legend.keys.text() == "T: keys"
    widget.legend.keys.click()
    assert widget.controller.key_table.table is not None


def test_what_is_set_folds_with_the_first_click_and_only_then(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    section = widget.sections["image"]
    assert section.isExpanded()
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert not section.isExpanded()
    assert section.text().startswith("Image and network · image · discs on cpu")
    section.expand(animate=False)
    widget.controller.click(25, 20)
    assert widget.wait_idle()
    assert section.isExpanded()


def test_a_correction_that_has_no_click_yet_counts_none(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    controller.objects.pick_up(1)
    assert widget.wait_idle()
    assert bold(widget).startswith("Correcting object 1 · click what is wrong")
    assert not widget.effort.text().startswith("now")


def corners(layer: Any) -> list[Any]:
    """Where a picture begins and ends in the world."""
    ends = [n - 0.5 for n in layer.data.shape[:2]]
    return [layer.data_to_world((-0.5, -0.5)), layer.data_to_world(ends)]


def test_a_contour_follows_the_zoom(open_dock: Any) -> None:
    widget = open_dock(np.zeros((8, 8), np.uint8))
    controller = widget.controller
    camera_of(controller.viewer).zoom = 40.0
    controller.click(4, 4)
    assert widget.wait_idle()
    preview = controller.current.layers.preview
    assert preview.data.shape[0] > 8
    # It lies where the window does, however finely it is drawn.
    assert np.allclose(corners(preview), ((-0.5, -0.5), (7.5, 7.5)))
    camera_of(controller.viewer).zoom = 1.0
    assert preview.data.shape[0] == 8
    assert np.allclose(corners(preview), ((-0.5, -0.5), (7.5, 7.5)))


def test_panels_share_a_place(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    other = FirstClickWidget(
        widget.controller.viewer, load=lambda w, d: FakePredictor(), discover=Choices
    )
    widget.controller.viewer.window.add_dock_widget(other, name="Another")
    mine = dock_of(widget)
    window = mine.parentWidget()
    qtbot.waitUntil(lambda: dock_of(other) in window.tabifiedDockWidgets(mine))
    other.close_all()


def test_of_two_docks_the_one_on_show_takes_the_clicks(open_dock: Any, mouse: Any) -> None:
    one = open_dock(GRAY)
    viewer = one.controller.viewer
    other = FirstClickWidget(viewer, load=lambda w, d: FakePredictor(), discover=Choices)
    viewer.window.add_dock_widget(other, name="Another")
    assert other.wait_idle()
    for mine, its in ((other, one), (one, other)):
        mine.showEvent(QShowEvent())
        assert mine.message.text() == ""
        assert "another First Click dock takes clicks and keys" in its.message.text()
        counts = [len(each.controller.session.clicks) for each in (mine, its)]
        mouse(viewer).click((20, 20 + 10 * counts[0]))
        assert [len(each.controller.session.clicks) for each in (mine, its)] == [
            counts[0] + 1,
            counts[1],
        ]
    other.close_all()
