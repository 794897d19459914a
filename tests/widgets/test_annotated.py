"""Image, labels and channels: chosen, exchanged, removed and brought back."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import dask.array as da
import numpy as np
import pytest
from tests.session.fakes import FakePredictor
from tests.widgets.steps import GRAY, accept, accept_at, status


def test_objects_of_a_layer_that_comes_back_are_known(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.accept()
    layer = controller.labels
    controller.viewer.layers.remove(layer)
    controller.viewer.layers.append(layer)
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    controller.objects.delete([1])
    assert not layer.data.any()


def test_existing_labels_are_chosen_and_not_overwritten(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    mine = np.zeros(GRAY.shape, np.uint8)
    mine[20, 20] = 7
    layer = viewer.add_labels(mine, name="mine")
    viewer.add_labels(np.zeros((3, 3), int), name="too small")
    listed = [widget.labels.itemText(i) for i in range(widget.labels.count())]
    assert listed == ["new layer", "mine", "too small (has another shape)"]
    assert not widget.labels.model().item(2).isEnabled()
    widget.controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    assert widget.labels.currentText() == "mine"
    widget.controller.click(20, 22)
    assert widget.wait_idle()
    accept(widget)
    assert mine[20, 20] == 7
    assert np.count_nonzero(mine == 8) == 80
    assert "kept 1 px of 7" in widget.message.text()


def test_our_layers_come_back_when_deleted(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    for name in ("clicks", "preview"):
        viewer.layers.remove(name)
    widget.controller.click(24, 20)
    assert widget.wait_idle()
    assert [layer.name for layer in viewer.layers] == ["image", "preview", "clicks"]
    assert len(viewer.layers["clicks"].data) == 3


def test_the_layers_of_the_first_click_are_there_before_it(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    qtbot.waitUntil(lambda: len(viewer.layers) == 3)
    own = list(viewer.layers[1:])
    assert [layer.name for layer in own] == ["preview", "clicks"]
    assert viewer.layers.selection.active is viewer.layers[0]
    viewer.add_labels(np.zeros(GRAY.shape, np.int32), name="mine")
    controller.click(20, 20)
    assert widget.wait_idle()
    # No others are made, and what came in between lies below.
    assert [layer.name for layer in viewer.layers] == ["image", "mine", "preview", "clicks"]
    assert list(viewer.layers[2:]) == own
    viewer.layers.move(1, 4)  # wherever the user wants it from then on
    controller.click(24, 20)
    assert widget.wait_idle()
    assert viewer.layers[-1].name == "mine"


def test_markers_are_drawn_in_layers_made_anew(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    viewer.layers.remove("clicks")
    controller.annotated.prepare()
    controller.refresh()
    assert len(viewer.layers["clicks"].data) == 2  # the star and its ring


def test_a_deleted_labels_layer_is_replaced(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    viewer.layers.remove(accept(widget))
    assert "removed" in widget.message.text()
    widget.controller.click(40, 40)
    assert widget.wait_idle()
    labels = accept(widget)
    assert np.unique(labels.data).tolist() == [0, 2]


def test_the_image_is_deleted_renamed_and_another_chosen(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    first.name = "renamed"
    assert widget.images.currentText() == "renamed"
    second = viewer.add_image(GRAY.T, name="second")
    controller.click(20, 20)
    controller.annotated.choose_image(second)
    controller.click(70, 20)
    assert widget.wait_idle()
    controller.annotated.choose_image(first)
    assert widget.wait_idle()
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    assert controller.session.prediction is not None
    predictor.gate = threading.Event()
    controller.click(24, 20)
    viewer.layers.remove(first)
    predictor.gate.set()
    assert widget.wait_idle()
    assert controller.image is second
    assert [c.pixel for c in controller.session.clicks] == [(70, 20)]
    viewer.layers.clear()
    assert controller.image is None
    controller.accept()
    assert "first" in widget.message.text()


def test_layers_are_reordered(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    viewer.layers.reverse()
    accept(widget)
    widget.controller.click(40, 20)
    assert widget.wait_idle()
    assert len(widget.controller.session.objects) == 1


def test_the_selection_stays_as_it_is(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    viewer.layers.selection.active = widget.controller.image
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    accept(widget)
    assert viewer.layers.selection.active is widget.controller.image


def test_other_pixels_and_another_shape(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    widget.controller.image.data = GRAY[::-1]
    assert widget.wait_idle()
    assert len(predictor.asked) == asked + 1
    widget.controller.image.data = np.zeros((30, 30), np.uint8)
    assert widget.wait_idle()
    assert "shape" in widget.message.text()
    assert not widget.controller.session.clicks
    widget.controller.click(25, 25)
    assert widget.wait_idle()
    assert accept(widget).data.shape == (30, 30)


def test_an_image_chosen_again_is_on_the_slice_on_show(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    viewer.dims.set_current_step(0, 1)
    controller.click(20, 20)
    second = viewer.add_image(np.zeros((5, 60, 80), np.uint8), name="second")
    controller.annotated.choose_image(second)
    viewer.dims.set_current_step(0, 3)
    controller.annotated.choose_image(first)
    assert controller.session.place.index == (3,)
    mouse(viewer).click((3, 20, 20))
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    viewer.dims.set_current_step(0, 1)
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]


@pytest.mark.parametrize("options", [{"rotate": (0, 20, 0)}, {"shear": (0.2, 0, 0)}])
def test_layers_turned_out_of_the_plane_are_refused(options: Any, open_dock: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8), **options)
    assert "out of the plane" in widget.message.text()
    widget.controller.say("")
    assert "'image' is rotated or sheared out of the plane" in widget.status.text()
    widget.controller.click(20, 20)
    assert widget.controller.session is None
    assert "out of the plane" in widget.message.text()
    widget.controller.viewer.layers.clear()
    assert widget.status.text() == "Open or choose an image"


def test_two_images_write_into_one_labels_layer(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    controller.click(10, 10)
    assert widget.wait_idle()
    labels = accept(widget)
    controller.annotated.choose_image(viewer.add_image(GRAY, name="second"))
    controller.annotated.choose_labels(labels)
    controller.click(40, 40)
    assert widget.wait_idle()
    accept(widget)
    controller.annotated.choose_image(first)
    controller.click(40, 10)
    assert widget.wait_idle()
    accept(widget)
    assert [labels.data[p] for p in ((10, 10), (40, 40), (40, 10))] == [1, 2, 3]


def test_objects_of_an_image_that_was_removed_are_corrected_on_another(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    viewer = controller.viewer
    accept_at(widget, (20, 20))
    labels, other = controller.labels, viewer.add_image(GRAY[::-1].copy(), name="other")
    controller.annotated.choose_image(other)
    controller.annotated.choose_labels(labels)
    assert widget.wait_idle()
    controller.objects.pick_up_at(20, 20)
    assert "object 1 was accepted for another image" in widget.message.text()
    viewer.layers.remove("image")
    controller.objects.pick_up_at(20, 20)
    controller.click(20, 26)
    assert widget.wait_idle()
    controller.accept()
    assert widget.wait_idle()
    assert controller.session.objects[1].area == np.count_nonzero(labels.data == 1) > 81


def test_exchanged_labels_are_counted_anew(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    labels = accept(widget)
    data = np.zeros(GRAY.shape, labels.data.dtype)
    data[50, 50] = 30
    labels.data = data
    assert widget.wait_idle()
    assert controller.session.objects.next_label == 31
    labels.data = data[:30]
    controller.undo()
    assert "labels' shape changed" in widget.message.text()
    controller.click(5, 5)
    assert widget.wait_idle()
    accept(widget)
    assert "labels' shape changed" in widget.message.text()


def test_a_slice_that_is_not_on_show_is_not_drawn(open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8), scale=(2, 1, 1))
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    labels, drawn = accept(widget), []
    monkeypatch.setattr(labels, "refresh", lambda *a, **k: drawn.append(1))
    here = viewer.dims.current_step[0]
    target = controller.session.labels
    target[here, 0:5, 0:5] = np.ones((5, 5))
    assert len(drawn) == 1
    target[here + 1, 0:5, 0:5] = np.ones((5, 5))
    assert len(drawn) == 1
    target[0:5, 0, 0:5] = np.ones((5, 5))
    assert len(drawn) == 2


def test_labels_that_were_removed_can_be_brought_back(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    labels = accept(widget)
    assert widget.lost_bar.isHidden()
    controller.viewer.layers.remove(labels)
    assert "Bring back" in widget.message.text()
    assert not widget.lost_bar.isHidden()
    assert "'objects'" in widget.lost_bar.text.text()
    controller.undo()
    assert "in labels layer 'objects', which was removed" in widget.message.text()
    assert widget.lost_bar.isHidden()  # no object is in it now
    controller.redo()
    assert "which was removed" in widget.message.text()
    widget.lost_bar.back.click()
    assert widget.wait_idle()
    assert controller.labels is labels
    assert labels in controller.viewer.layers
    assert widget.lost_bar.isHidden()
    controller.objects.delete([1])
    assert not labels.data.any()


def test_removed_layers_are_let_go(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    accept(widget)
    chosen = viewer.add_labels(np.zeros(GRAY.shape, int), name="chosen")
    controller.annotated.choose_labels(chosen)
    other = viewer.add_image(GRAY, name="other")
    controller.annotated.choose_channels([other])
    assert widget.wait_idle()
    nothing_in_it = [weakref.ref(chosen), weakref.ref(other)]
    viewer.layers.remove(chosen)
    viewer.layers.remove(other)
    del chosen, other
    qtbot.wait(1)
    gc.collect()
    assert [ref() for ref in nothing_in_it] == [None, None]
    (labels,) = [layer for layer in viewer.layers if layer.name == "objects"]
    kept, image = weakref.ref(labels), weakref.ref(controller.image)
    viewer.layers.remove(labels)
    del labels
    gc.collect()
    assert kept() is not None  # its object can be brought back
    controller.undo()
    controller.redo()
    controller.features.flush()
    viewer.layers.remove(controller.image)
    qtbot.wait(1)
    gc.collect()
    assert (kept(), image()) == (None, None)


def test_what_is_at_stake_follows_a_brush(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    layer = controller.viewer.add_labels(np.zeros(GRAY.shape, int))
    controller.annotated.choose_labels(layer)
    controller.click(20, 20)
    assert widget.wait_idle()
    assert "keeps" not in status(widget)
    layer.brush_size = 1
    layer.mode = "paint"
    layer.paint((20, 20), 7)
    qtbot.waitUntil(lambda: "keeps 1 px of 7" in status(widget))


def test_deleted_markers_come_back_with_the_next_click(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.viewer.layers.remove(controller.current.layers.clicks)
    controller.click(24, 20)
    assert widget.wait_idle()
    layers = controller.current.layers
    assert layers.clicks in controller.viewer.layers
    assert len(layers.clicks.data) == 3


def test_all_layers_are_deleted_at_once(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.annotated.choose_image(viewer.add_image(GRAY, name="second"))
    controller.click(30, 30)
    assert widget.wait_idle()
    controller.annotated.choose_image(first)
    assert widget.wait_idle()
    viewer.layers.select_all()
    viewer.layers.remove_selected()
    assert widget.wait_idle()
    assert controller.image is None
    assert widget.images.count() == 0


def test_the_preview_of_a_removed_image_is_no_image(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    viewer.layers.remove(controller.image)
    assert controller.image is None
    assert widget.wait_idle()
    assert len(viewer.layers) == 0


def test_other_pixels_while_in_3d_lose_no_click(open_dock: Any) -> None:
    widget = open_dock(np.zeros((3, 60, 80), np.uint8))
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    viewer = widget.controller.viewer
    viewer.dims.ndisplay = 3
    widget.controller.image.data = np.ones((3, 60, 80), np.uint8)
    viewer.dims.ndisplay = 2
    assert widget.wait_idle()
    assert len(widget.controller.session.clicks) == 1
    assert widget.controller.session.prediction is not None


def test_labels_on_a_disk(open_dock: Any, tmp_path: Any) -> None:
    zarr = pytest.importorskip("zarr")
    widget = open_dock(np.zeros((3, 60, 80), np.uint8))
    viewer, controller = widget.controller.viewer, widget.controller
    stored = zarr.create_array(
        str(tmp_path / "labels.zarr"), shape=(3, 60, 80), chunks=(1, 32, 32), dtype="uint16"
    )
    stored[2, 0, 0] = 300
    controller.annotated.choose_labels(viewer.add_labels(stored, name="stored"))
    assert widget.wait_idle()
    assert controller.session.objects.next_label == 301
    viewer.dims.set_current_step(0, 1)
    controller.click(30, 31)
    assert widget.wait_idle()
    accept(widget)
    assert np.count_nonzero(stored[1] == 301) == 81
    controller.undo()
    assert not np.any(stored[:2])


def test_labels_of_planes_too_large_for_memory_are_refused(open_dock: Any) -> None:
    image = da.zeros((3, 60_000, 60_000), chunks=(1, 1000, 1000), dtype=np.uint8)
    thin = da.zeros((3, 60, 60), chunks=(1, 60, 60), dtype=np.uint8)
    widget = open_dock([image, thin], multiscale=True, contrast_limits=(0, 255))
    assert "and 7 GB for each plane on show" in widget.message.text()
    widget.controller.click(30500, 30500)
    assert widget.wait_idle()
    widget.controller.accept()
    assert "zarr" in widget.message.text()
    assert len(widget.controller.session.clicks) == 1


def test_labels_that_are_full_are_told_when_they_are_chosen(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    data = np.zeros(GRAY.shape, np.uint8)
    data.flat[:255] = np.arange(1, 256)
    full = viewer.add_labels(data, name="full")
    other = viewer.add_labels(np.zeros(GRAY.shape, np.uint8), name="other")
    for layer, told in ((full, True), (other, False), (full, True)):
        controller.annotated.choose_labels(layer)
        assert widget.wait_idle()
        assert ("'full' (uint8) has no number left" in widget.message.text()) is told
        controller.say("")


def test_labels_with_the_largest_number_take_an_object(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    data = np.zeros(GRAY.shape, np.uint8)
    data[50:] = 255
    labels = controller.viewer.add_labels(data)
    controller.annotated.choose_labels(labels)
    controller.click(20, 20)
    assert widget.wait_idle()
    assert widget.status.text().startswith("Object\N{NO-BREAK SPACE}1 ")
    accept(widget)
    assert np.count_nonzero(labels.data == 1) == 81
    assert (labels.data[50:] == 255).all()
