"""The dock: from a click on the canvas to labels, on images of all kinds."""

from __future__ import annotations

import gc
import threading
import weakref
from contextlib import closing
from typing import Any

import dask.array as da
import numpy as np
import pytest
from tests.session.fakes import FakePrediction, FakePredictor

from napari_fclick.network import checkpoints
from napari_fclick.session import NumberedLabels
from napari_fclick.session.journal import Journal
from napari_fclick.widgets.planes import to_world

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (60, 80), np.uint8)


def world(widget: Any, y: float, x: float) -> Any:
    """The point of the world at a row and column of the plane on show."""
    controller = widget.controller
    return to_world(controller.viewer, controller.image, controller.session.place, y, x)


def status(widget: Any) -> str:
    return str(widget.status.text()).replace("\N{NO-BREAK SPACE}", " ")


def accept(widget: Any) -> Any:
    widget.controller.accept()
    assert widget.wait_idle()
    return widget.controller.labels


KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "8-bit": (GRAY, {}),
    "16-bit": (GRAY.astype(np.uint16) * 200, {}),
    "bool": (GRAY > 100, {}),
    "NaN": (np.where(GRAY > 200, np.nan, GRAY.astype(np.float32)), {}),
    "RGB": (np.stack([GRAY] * 3, -1), {"rgb": True}),
    "scaled": (GRAY, {"scale": (0.5, 0.25), "translate": (7, -3), "units": ("um", "um")}),
    "rotated": (GRAY, {"rotate": 30, "scale": (2, 2), "translate": (5, 5)}),
    "sheared": (GRAY, {"shear": [0.3], "affine": [[1, 0.2, 4], [-0.2, 1, 9], [0, 0, 1]]}),
    "multiscale": ([GRAY, GRAY[::2, ::2], GRAY[::4, ::4]], {"multiscale": True}),
    "dask": (da.from_array(GRAY, chunks=20), {}),
    "ZYX": (np.stack([GRAY] * 5), {"scale": (4, 1, 1)}),
    "TZYX": (np.stack([np.stack([GRAY] * 5)] * 2), {"scale": (1, 4, 0.5, 0.5)}),
    "Z RGB": (np.stack([np.stack([GRAY] * 3, -1)] * 5), {"rgb": True}),
    "dask ZYX": (da.from_array(np.stack([GRAY] * 5), chunks=(1, 20, 20)), {}),
    "multiscale ZYX": (
        [np.stack([GRAY] * 4), np.stack([GRAY[::2, ::2]] * 2)],
        {"multiscale": True},
    ),
}


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("kind", KINDS)
def test_a_click_lands_on_its_pixel_and_the_mask_in_its_place(
    kind: str, open_dock: Any, mouse: Any, predictor: FakePredictor
) -> None:
    data, options = KINDS[kind]
    widget = open_dock(data, **options)
    viewer = widget.controller.viewer
    for axis in range(viewer.dims.ndim - 2):
        viewer.dims.set_current_step(axis, 1)
    mouse(viewer).click(world(widget, 20, 33))
    assert widget.wait_idle()
    (click,) = widget.controller.session.clicks
    assert (click.y, click.x) == (pytest.approx(20), pytest.approx(33))
    labels = accept(widget)
    place = np.argwhere(labels.data)
    assert place[:, :-2].tolist() == [[1] * (labels.ndim - 2)] * 81
    assert place.mean(0)[-2:].tolist() == [20, 33]
    for name in ("scale", "translate", "rotate", "shear"):
        np.testing.assert_allclose(getattr(labels, name), getattr(widget.controller.image, name))
    np.testing.assert_allclose(
        labels.affine.affine_matrix, widget.controller.image.affine.affine_matrix
    )
    assert labels.units == widget.controller.image.units


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_permuted_axes(order: Any, open_dock: Any, mouse: Any) -> None:
    widget = open_dock(np.zeros((40, 50, 60), np.uint8), scale=(3, 1, 2))
    viewer = widget.controller.viewer
    viewer.dims.order = order
    viewer.dims.set_current_step(order[0], 17)
    session = widget.controller.session
    assert session.place.axes == tuple(sorted(order[1:]))
    assert session.place.index == (17,)
    target = [0.0, 0.0, 0.0]
    target[order[0]], target[order[1]], target[order[2]] = 17.0, 21.0, 30.0
    mouse(viewer).click(widget.controller.image.data_to_world(target))
    assert widget.wait_idle()
    labels = accept(widget)
    assert np.argwhere(labels.data).mean(0).tolist() == target


def test_the_preview_covers_the_window_only_and_lies_right(open_dock: Any) -> None:
    widget = open_dock(np.zeros((3, 500, 400), np.uint8), scale=(3, 0.5, 0.25), rotate=(0, 0, 20))
    controller = widget.controller
    controller.click(100, 200)
    assert widget.wait_idle()
    preview = controller._current.layers.preview
    assert preview.data.shape == (1, 17, 17, 4)
    inner = preview.world_to_data(world(widget, 100, 200))
    assert inner == pytest.approx((0, 8, 8))
    controller.image.translate = (1, 2, 3)
    controller.image.rotate = (0, 0, 50)
    assert preview.world_to_data(world(widget, 100, 200)) == pytest.approx((0, 8, 8))


def test_nothing_of_the_image_is_read_but_windows(open_dock: Any) -> None:
    read: list[int] = []

    def block(block_info: Any = None) -> Any:
        read.append(1)
        return np.zeros((1000, 1000), np.uint8)

    chunks = ((1000,) * 60, (1000,) * 60)
    image = da.map_blocks(block, dtype=np.uint8, chunks=chunks, meta=np.zeros((0, 0), np.uint8))
    tiny = da.zeros((600, 600), chunks=600, dtype=np.uint8)
    widget = open_dock([image, tiny], multiscale=True, contrast_limits=(0, 255))
    before = len(read)
    widget.controller.click(30500, 30500)
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None
    assert len(read) - before <= 4
    widget.controller.accept()
    assert widget.controller.labels.data[30500, 30500] == 1


# --- the hand ---------------------------------------------------------------------------


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
    layer = widget.controller._current.layers.clicks
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
    assert widget.controller._current.layers.clicks.data[1].tolist() == [10, 10]


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
    assert "first" in widget.message.text()
    viewer.dims.ndisplay = 2
    assert widget.controller.session is not None


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
    assert not widget.integrity.isChecked()
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


# --- time -------------------------------------------------------------------------------


def test_the_newest_click_wins(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    for x in range(10, 60, 5):
        widget.controller.click(20, x)
    predictor.gate.set()
    assert widget.wait_idle()
    assert len(predictor.asked) <= 2
    assert len(widget.controller.session.prediction.clicks) == 10


def test_accept_while_pending_and_clicks_after_it(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    controller = widget.controller
    controller.click(20, 20)
    controller.accept()
    assert "as soon as" in widget.message.text()
    controller.click(40, 50)  # belongs to the next object
    assert controller.labels is None
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == [1]
    assert controller.labels.data[20, 20] == 1
    assert controller.labels.data[40, 50] == 0
    assert [c.pixel for c in controller.session.clicks] == [(40, 50)]
    assert controller.session.prediction is not None


def test_accept_while_pending_is_called_off_by_a_change(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    predictor.gate = threading.Event()
    controller = widget.controller
    controller.click(20, 20)
    controller.accept()
    controller.move(0, 30, 30)
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects
    assert controller.session.prediction is not None


def test_the_dock_closes_in_the_middle_of_a_prediction(
    open_dock: Any, predictor: FakePredictor, qtbot: Any
) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    own = len(viewer.mouse_drag_callbacks)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    viewer.window.remove_dock_widget(widget)
    qtbot.waitUntil(lambda: controller._closed)
    predictor.gate.set()
    qtbot.wait(50)
    assert len(viewer.mouse_drag_callbacks) == own - 1
    assert [layer.name for layer in viewer.layers] == ["image"]


def test_the_cross_of_the_dock_closes_it(open_dock: Any, qtbot: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    own = len(viewer.mouse_drag_callbacks)
    controller.click(20, 20)
    assert widget.wait_idle()
    path = controller.journaling.path
    dock = widget.parentWidget()
    while not hasattr(dock, "title"):
        dock = dock.parentWidget()
    dock.title.close_button.click()
    qtbot.waitUntil(lambda: controller._closed)
    assert len(viewer.mouse_drag_callbacks) == own - 1
    assert [layer.name for layer in viewer.layers] == ["image"]
    with closing(Journal.open(path)) as journal:
        assert not journal.read_only


def test_a_correction_does_not_go_into_a_new_layer(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    labels = np.zeros(GRAY.shape, np.int32)
    labels[20:40, 20:40] = 5
    layer = controller.viewer.add_labels(labels, name="mine")
    controller.choose_labels(layer)
    controller.objects.pick_up_at(30, 30)
    controller.click(30, 42)
    assert widget.wait_idle()
    controller.choose_labels(None)
    controller.accept()
    assert "choose the Labels layer that object 5 is in" in widget.message.text()
    assert len(controller.viewer.layers) == 4
    controller.choose_labels(layer)
    assert widget.wait_idle()
    controller.accept()
    assert labels[30, 45] == 5


def test_objects_of_a_layer_that_comes_back_are_known(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.accept()
    layer = controller.labels
    controller.viewer.layers.remove(layer)
    controller.viewer.layers.append(layer)
    controller.choose_labels(layer)
    assert widget.wait_idle()
    controller.objects.delete([1])
    assert not layer.data.any()


def test_an_error_is_told_and_the_clicks_are_kept(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    predictor.error = RuntimeError("out of memory")
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert widget.message.text() == "no prediction: out of memory"
    assert "color" in widget.message.styleSheet()
    assert len(widget.controller.session.clicks) == 1
    widget.controller.accept()
    assert "out of memory" in widget.message.text()
    predictor.error = None
    widget.controller.click(24, 20)
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None


def test_weights_that_cannot_be_loaded(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()

    def load(weights: str, device: str) -> Any:
        raise ValueError(f"no such device: {device}")

    widget.controller._predicting._load = load
    widget.controller.load_weights("default", "cuda")
    assert widget.wait_idle()
    assert widget.message.text() == "no such device: cuda"
    assert widget.controller.predictor is predictor
    widget.controller.click(24, 20)
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None


def test_clicks_without_weights_are_kept_and_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    predicting = widget.controller._predicting
    predicting.predictor, predicting._problem = None, "no weights named 'x'"
    widget.controller.click(20, 20)
    assert widget.message.text() == "no prediction: no weights named 'x'"
    assert len(widget.controller.session.clicks) == 1


def test_other_weights_predict_anew(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    widget.controller.load_weights("default", "cpu")
    assert widget.wait_idle()
    assert len(predictor.asked) == asked + 1
    assert "discs on cpu" in widget.sections["image"].text()


# --- settings ---------------------------------------------------------------------------


def test_the_threshold_needs_no_prediction(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    widget.threshold.setValue(0.95)
    assert "0 px" in status(widget)
    widget.controller.accept()
    assert "empty" in widget.message.text()
    widget.controller.undo()
    assert widget.threshold.value() == 0.5
    assert "81 px" in status(widget)
    assert len(predictor.asked) == asked


def test_the_status_tells_the_area_in_units(open_dock: Any) -> None:
    widget = open_dock(GRAY, scale=(0.5, 0.5), units=("um", "um"))
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    text = status(widget)
    for part in ("Object 1", "1 click", "12 ms", "81 px", "20.25 µm²"):
        assert part in text


def test_the_status_tells_where_other_weights_answered(
    open_dock: Any, predictor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tuned weights leave images that do not look like those tuned on to others."""
    widget = open_dock(GRAY)
    card = checkpoints.load("default")[1]
    tuned = {"specialists": ("cells", "nuclei"), "tuned": {"other images": "default"}}
    predictor.card = card.model_copy(update=tuned)
    for column, answered in ((20, 0), (50, -1), (70, None)):
        monkeypatch.setattr(FakePrediction, "specialist", answered, raising=False)
        widget.controller.click(20, column)
        assert widget.wait_idle()
        told = "default answered: not like the images of cells" in status(widget)
        assert told == (answered == -1)
        accept(widget)


def test_the_overlap_policy_is_obeyed_and_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    accept(widget)
    widget.policy.setCurrentIndex(1)
    widget.policy.activated.emit(1)
    widget.controller.click(20, 26)
    assert widget.wait_idle()
    labels = accept(widget)
    assert np.count_nonzero(labels.data == 2) == 81
    assert "overwrote" in widget.message.text()


# --- layers -----------------------------------------------------------------------------


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
    widget.controller.choose_labels(layer)
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
    controller._prepare()
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
    controller.choose_image(second)
    controller.click(70, 20)
    assert widget.wait_idle()
    controller.choose_image(first)
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


# --- slices -----------------------------------------------------------------------------


def test_undo_goes_back_to_its_slice(open_dock: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8), scale=(3, 1, 1))
    viewer, controller = widget.controller.viewer, widget.controller
    viewer.dims.set_current_step(0, 1)
    controller.click(20, 20)
    assert widget.wait_idle()
    labels = accept(widget)
    viewer.dims.set_current_step(0, 3)
    controller.click(40, 40)
    assert widget.wait_idle()
    accept(widget)
    controller.undo()
    controller.undo()
    assert viewer.dims.current_step[0] == 3
    controller.undo()
    assert viewer.dims.current_step[0] == 1
    assert not labels.data.any()
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    controller.redo()
    controller.redo()
    controller.redo()
    assert np.unique(np.nonzero(labels.data)[0]).tolist() == [1, 3]


def test_turning_the_view_with_an_accept_pending_loses_nothing(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    viewer, controller = widget.controller.viewer, widget.controller
    viewer.dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    viewer.dims.order = (1, 0, 2)
    assert "not accepted" in widget.message.text()
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects
    viewer.dims.order = (0, 1, 2)
    assert widget.wait_idle()
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    assert controller.session.prediction is not None


def test_an_image_chosen_again_is_on_the_slice_on_show(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    viewer.dims.set_current_step(0, 1)
    controller.click(20, 20)
    second = viewer.add_image(np.zeros((5, 60, 80), np.uint8), name="second")
    controller.choose_image(second)
    viewer.dims.set_current_step(0, 3)
    controller.choose_image(first)
    assert controller.session.place.index == (3,)
    mouse(viewer).click((3, 20, 20))
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    viewer.dims.set_current_step(0, 1)
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]


@pytest.mark.parametrize("options", [{"rotate": (0, 20, 0)}, {"shear": (0.2, 0, 0)}])
def test_layers_turned_out_of_the_plane_are_refused(options: Any, open_dock: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8), **options)
    assert "out of the plane" in widget.message.text()
    widget.controller.click(20, 20)
    assert widget.controller.session is None


# --- labels shared, counted, exchanged ------------------------------------------------------


def test_two_images_write_into_one_labels_layer(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    controller.click(10, 10)
    assert widget.wait_idle()
    labels = accept(widget)
    controller.choose_image(viewer.add_image(GRAY, name="second"))
    controller.choose_labels(labels)
    controller.click(40, 40)
    assert widget.wait_idle()
    accept(widget)
    controller.choose_image(first)
    controller.click(40, 10)
    assert widget.wait_idle()
    accept(widget)
    assert [labels.data[p] for p in ((10, 10), (40, 40), (40, 10))] == [1, 2, 3]


class Counting:
    """Stands in for the counting of labels: it waits to be let on, and may fail."""

    def __init__(self, monkeypatch: Any) -> None:
        self.gate, self.problem = threading.Event(), ""
        self.threads: list[Any] = []
        monkeypatch.setattr("napari_fclick.widgets.targets.highest_label", self)
        monkeypatch.setattr("napari_fclick.session.numbering.highest_label", self)

    def __call__(self, labels: Any) -> int:
        self.threads.append(threading.current_thread())
        assert self.gate.wait(10)
        if self.problem:
            raise OSError(self.problem)
        return int(np.max(labels[:, :]))


@pytest.mark.parametrize("problem", ["", "disk gone"])
def test_accepting_waits_for_the_labels_to_be_counted(
    problem: str, open_dock: Any, monkeypatch: Any
) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    counting = Counting(monkeypatch)
    data = np.zeros(GRAY.shape, int)
    data[50, 50] = 5
    labels = viewer.add_labels(data)
    controller.choose_labels(labels)
    controller.accept()
    assert "counted" in widget.message.text()
    assert not controller.session.objects
    labels.paint((40, 40), 8)  # while they are counted
    counting.problem = problem
    counting.gate.set()
    assert widget.wait_idle()
    assert threading.main_thread() not in counting.threads
    if problem:
        assert problem in widget.message.text()
        assert not controller.accepting
        assert len(controller.session.clicks) == 1
    else:
        assert list(controller.session.objects) == [9]


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


@pytest.mark.parametrize("error", [IndexError("gone"), TypeError("gone"), MemoryError("gone")])
def test_whatever_undo_raises_is_a_message(error: Any, open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    accept(widget)

    def fail(*args: Any) -> None:
        raise error

    target = type(controller.session.labels)
    with monkeypatch.context() as patched:
        patched.setattr(target, "__setitem__", fail)
        controller.undo()
    assert "gone" in widget.message.text()
    controller.undo()
    assert not controller.session.objects
    with monkeypatch.context() as patched:
        patched.setattr(type(controller._current), "draw", fail)
        controller.redo()
    assert "gone" in widget.message.text()
    assert "\n" not in widget.message.text()


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
    controller.choose_labels(chosen)
    other = viewer.add_image(GRAY, name="other")
    controller.choose_channels([other])
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
    controller.choose_labels(layer)
    controller.click(20, 20)
    assert widget.wait_idle()
    assert "keeps" not in status(widget)
    layer.brush_size = 1
    layer.mode = "paint"
    layer.paint((20, 20), 7)
    qtbot.waitUntil(lambda: "keeps 1 px of 7" in status(widget))


# --- while an object waits to be accepted ---------------------------------------------------


def test_undo_takes_the_clicks_that_wait_first(
    open_dock: Any, mouse: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    hand = mouse(controller.viewer)
    predictor.gate = threading.Event()
    hand.click((20, 20))
    controller.accept()
    hand.click((20, 20))  # on the marker: a click for the next object
    hand.click((40, 40))
    assert len(controller._accepting.clicks) == 2
    controller.undo()
    assert controller._accepting.clicks == [(20, 20, True)]
    controller.undo()
    assert controller.accepting
    controller.undo()
    assert not controller.accepting
    assert "not accepted" in widget.message.text()
    assert len(controller.session.clicks) == 1


def test_what_a_change_calls_off_is_told(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.click(40, 40)
    controller.move(0, 22, 22)
    assert "1 clicks made since were not added" in widget.message.text()


def test_objects_clicked_faster_than_they_are_predicted(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    for point in ((10, 10), (30, 30), (50, 60)):
        controller.click(*point)
        controller.accept()
        controller.accept()  # pressed twice: there is nothing more to accept
    controller.click(10, 60)
    predictor.gate.set()
    assert widget.wait_idle()
    clicks = [record.clicks for record in controller.session.objects.values()]
    assert [[c.pixel for c in each] for each in clicks] == [[(10, 10)], [(30, 30)], [(50, 60)]]
    assert [c.pixel for c in controller.session.clicks] == [(10, 60)]


def test_what_waits_is_accepted_in_its_slice_wherever_one_has_scrolled(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.click(40, 40)  # of the next object
    dims.set_current_step(0, 3)
    assert not controller.accepting
    assert widget.unaccepted.text() == "unaccepted clicks in slice 1"
    controller.click(20, 60)
    predictor.gate.set()
    assert widget.wait_idle()
    session = controller.session
    assert list(session.objects) == [1]
    assert session.objects[1].place.index == (1,)
    assert np.count_nonzero(controller.labels.data[1]) == 81
    assert not controller.labels.data[3].any()
    assert dims.current_step[0] == 3
    assert [c.pixel for c in session.clicks] == [(20, 60)]
    assert session.prediction is not None
    assert widget.unaccepted.text() == "unaccepted clicks in slice 1"
    dims.set_current_step(0, 1)
    assert widget.wait_idle()
    assert widget.unaccepted.text() == "unaccepted clicks in slice 3"
    assert [c.pixel for c in session.clicks] == [(40, 40)]
    controller.accept()
    dims.set_current_step(0, 3)
    controller.accept()
    assert widget.wait_idle()
    assert widget.unaccepted.isHidden()
    assert [record.place.index for record in session.objects.values()] == [(1,), (1,), (3,)]


def test_undo_takes_back_what_waits_one_by_one(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    predictor.gate = threading.Event()
    for point in ((10, 10), (30, 30)):
        controller.click(*point)
        controller.accept()
    assert "2 objects are accepted as soon as" in widget.message.text()
    controller.undo()
    assert "no longer accepted" in widget.message.text()
    assert controller._accepting.clicks == [(30, 30, True)]
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == [1]
    assert [c.pixel for c in controller.session.clicks] == [(30, 30)]


@pytest.mark.parametrize("what", ["error", "weights", "undo"])
def test_what_becomes_of_an_object_that_waits_in_another_slice(
    what: str, open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    dims.set_current_step(0, 3)
    if what == "error":
        predictor.error = RuntimeError("out of memory")
    elif what == "weights":
        controller.load_weights("others", "cpu")
    else:
        controller.undo()  # that it is accepted
        controller.undo()  # the click there
        assert dims.current_step[0] == 1
    predictor.gate.set()
    assert widget.wait_idle()
    assert list(controller.session.objects) == ([1] if what == "weights" else [])
    if what == "error":
        assert widget.message.text() == "not accepted, the clicks are kept: out of memory"
        assert widget.unaccepted.text() == "unaccepted clicks in slice 1"


def test_the_step_is_written_whatever_others_do(open_dock: Any) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 0)
    controller.click(20, 20)
    assert widget.wait_idle()
    accept(widget)
    controller.undo()
    dims.set_current_step(0, 3)

    def fail(event: Any) -> None:
        raise RuntimeError("of another plugin")

    dims.events.current_step.connect(fail)
    controller.redo()
    dims.events.current_step.disconnect(fail)
    assert "redo: of another plugin" in widget.message.text()
    assert list(controller.session.objects) == [1]
    with closing(Journal.open(controller.journaling.path, read_only=True)) as journal:
        assert journal.events == 4
        restored = journal.restore([NumberedLabels(None) for _ in journal.targets])
        assert list(restored.objects) == [1]


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


# --- messages and layers --------------------------------------------------------------------


def test_no_prediction_is_no_longer_said_after_one(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    predictor.error = RuntimeError("out of memory")
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert "out of memory" in widget.message.text()
    predictor.error = None
    widget.controller.load_weights("default", "cpu")
    assert widget.wait_idle()
    assert widget.controller.session.prediction is not None
    assert widget.message.text() == ""


def test_deleted_markers_come_back_with_the_next_click(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.viewer.layers.remove(controller._current.layers.clicks)
    controller.click(24, 20)
    assert widget.wait_idle()
    layers = controller._current.layers
    assert layers.clicks in controller.viewer.layers
    assert len(layers.clicks.data) == 3


def test_all_layers_are_deleted_at_once(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    first = controller.image
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.choose_image(viewer.add_image(GRAY, name="second"))
    controller.click(30, 30)
    assert widget.wait_idle()
    controller.choose_image(first)
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


def test_the_layers_contrast_limits_are_used_on_request(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY, contrast_limits=(10, 200))
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    assert predictor.limits is None
    widget.limits.setChecked(True)
    assert widget.wait_idle()
    assert predictor.limits == (10, 200)
    controller.image.contrast_limits = (20, 100)
    assert widget.wait_idle()
    assert predictor.limits == (20, 100)
    asked = len(predictor.asked)
    widget.limits.setChecked(False)
    controller.image.contrast_limits = (30, 100)
    assert widget.wait_idle()
    assert predictor.limits is None
    assert len(predictor.asked) == asked + 1


def test_the_area_heeds_the_affine(open_dock: Any) -> None:
    affine = [[0, 3, 0], [-2, 0, 0], [0, 0, 1]]
    widget = open_dock(GRAY, scale=(0.5, 0.25), units=("um", "um"), affine=affine)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    assert "81 px (60.75 µm²)" in status(widget)


@pytest.mark.parametrize(("weights", "device"), [("nosuch", "auto"), ("default", "abacus")])
def test_the_demo_refuses_before_it_opens_a_window(
    weights: str, device: str, monkeypatch: Any
) -> None:
    from napari_fclick.demo import run_window

    opened: list[Any] = []
    monkeypatch.setattr("napari.Viewer", lambda **_: opened.append(1))
    with pytest.raises(ValueError, match=r"nosuch|abacus"):
        run_window(weights, device, print)
    assert not opened


def test_the_robot_stops_where_somebody_interferes(open_dock: Any) -> None:
    from napari_fclick.demo import robot_actions

    truth = np.zeros(GRAY.shape, int)
    truth[10:20, 10:20] = 1
    truth[40:50, 40:50] = 2
    widget = open_dock(GRAY)
    controller = widget.controller
    actions = robot_actions(controller, truth, 2)
    next(actions)
    controller.clear()
    assert list(actions) == []
    actions = robot_actions(controller, truth, 2)
    next(actions)
    controller.viewer.layers.remove(controller.image)
    assert list(actions) == []


# --- the dock ---------------------------------------------------------------------------


def test_a_closed_dock_gives_mouse_and_keys_back(open_dock: Any) -> None:
    from qtpy.QtWidgets import QDockWidget

    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    callbacks = list(viewer.mouse_drag_callbacks)
    doubles = list(viewer.mouse_double_click_callbacks)
    dock = widget.parentWidget()
    while not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    widget.controller.deactivate()
    assert len(viewer.mouse_drag_callbacks) == len(callbacks) - 1
    assert len(viewer.mouse_double_click_callbacks) == len(doubles) + 1
    assert "N" not in {str(key) for key in viewer.keymap}
    widget.controller.activate()
    assert viewer.mouse_drag_callbacks == callbacks
    assert "N" in {str(key) for key in viewer.keymap}


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
    controller.choose_labels(viewer.add_labels(stored, name="stored"))
    assert widget.wait_idle()
    assert controller.session.objects.next_label == 301
    viewer.dims.set_current_step(0, 1)
    controller.click(30, 31)
    assert widget.wait_idle()
    accept(widget)
    assert np.count_nonzero(stored[1] == 301) == 81
    controller.undo()
    assert not np.any(stored[:2])


def test_labels_too_large_for_memory_are_refused(open_dock: Any) -> None:
    image = da.zeros((3, 60_000, 60_000), chunks=(1, 1000, 1000), dtype=np.uint8)
    thin = da.zeros((3, 60, 60), chunks=(1, 60, 60), dtype=np.uint8)
    widget = open_dock([image, thin], multiscale=True, contrast_limits=(0, 255))
    widget.controller.click(30500, 30500)
    assert widget.wait_idle()
    widget.controller.accept()
    assert "zarr" in widget.message.text()
    assert len(widget.controller.session.clicks) == 1


def test_a_click_at_the_edge_of_a_large_window_is_drawn_thinned_out() -> None:
    from napari_fclick.widgets.drawing import draw_preview, preview_detail

    assert preview_detail((1024, 10)).step == 1
    drawn = draw_preview(np.ones((3000, 100), np.float32), np.ones((3000, 100), bool))
    assert drawn.shape == (1000, 34, 4)
    assert drawn[0, 0, 3] == 255


def test_the_manifest_is_valid() -> None:
    from pathlib import Path

    from npe2 import PluginManifest

    import napari_fclick

    manifest = PluginManifest.from_file(Path(napari_fclick.__file__).parent / "napari.yaml")
    assert manifest.name == "napari-fclick"
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert names == ["First Click", "First Click: fine-tune"]


def test_what_waits_is_accepted_as_it_was_asked_for(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    session = controller.session
    session.classes.add("vessel", "#ff0000")
    session.classes.add("nucleus", "#00ff00")
    predictor.gate = threading.Event()
    session.set(class_name="vessel")
    controller.click(20, 20)
    controller.accept()
    session.set(class_name="nucleus")
    controller.click(40, 40)
    controller.accept()
    session.set(class_name="")
    predictor.gate.set()
    assert widget.wait_idle()
    names = [record.class_name for record in session.objects.values()]
    assert names == ["vessel", "nucleus"]
    assert session.settings.class_name == ""
    for _ in range(2):
        controller.undo()
    assert session.settings.class_name == ""


def test_undo_in_another_slice_takes_back_what_waits(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(np.zeros((5, 60, 80), np.uint8))
    controller, dims = widget.controller, widget.controller.viewer.dims
    dims.set_current_step(0, 1)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    dims.set_current_step(0, 3)
    controller.undo()
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects and dims.current_step[0] == 3
    dims.set_current_step(0, 1)
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]


def test_what_waits_is_not_written_into_other_labels(
    open_dock: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    other = controller.viewer.add_labels(np.zeros(GRAY.shape, int), name="other")
    first = controller.viewer.add_labels(np.zeros(GRAY.shape, int), name="first")
    controller.choose_labels(first)
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    controller.choose_labels(other)
    predictor.gate.set()
    assert widget.wait_idle()
    assert not other.data.any() and not first.data.any()
    assert controller.session.clicks and not controller.session.objects


def test_where_answers_are_slow_none_is_asked_for_ahead(
    open_dock: Any, mouse: Any, predictor: FakePredictor
) -> None:
    widget = open_dock(GRAY)
    widget.controller._predicting.seconds = 0.6
    hand = mouse(widget.controller.viewer)
    hand.press((20, 20))
    assert widget.wait_idle() and not predictor.asked
    hand.release((20, 20))
    assert widget.wait_idle() and len(predictor.asked) == 1


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
