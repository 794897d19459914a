"""The dock: from a click on the canvas to labels, on images of all kinds."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from tests.session.fakes import FakePrediction, FakePredictor
from tests.widgets.steps import GRAY, accept, status, world

from napari_fclick import core
from napari_fclick.network import checkpoints
from napari_fclick.session import NumberedLabels
from napari_fclick.session.exporting import export
from napari_fclick.session.journal import Journal

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


def test_where_nothing_is_to_be_seen_it_says_so(
    open_dock: Any, predictor: FakePredictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = open_dock(GRAY)
    answer = predictor.predict
    for blank, place in ((True, (20, 33)), (False, (30, 12))):
        monkeypatch.setattr(
            predictor, "predict", lambda *a, b=blank, **k: replace(answer(*a, **k), blank=b)
        )
        widget.controller.clear()
        widget.controller.click(*place)
        assert widget.wait_idle()
        assert ("one colour throughout: nothing is to be seen here" in status(widget)) is blank


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
    preview = controller.current.layers.preview
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


def test_the_threshold_needs_no_prediction(open_dock: Any, predictor: FakePredictor) -> None:
    widget = open_dock(GRAY)
    widget.controller.click(20, 20)
    assert widget.wait_idle()
    asked = len(predictor.asked)
    widget.mask_form.threshold.setValue(0.95)
    assert "0 px" in status(widget)
    widget.controller.accept()
    assert "empty" in widget.message.text()
    widget.controller.undo()
    assert widget.mask_form.threshold.value() == 0.5
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
    widget.mask_form.policy.setCurrentIndex(1)
    widget.mask_form.policy.activated.emit(1)
    widget.controller.click(20, 26)
    assert widget.wait_idle()
    labels = accept(widget)
    assert np.count_nonzero(labels.data == 2) == 81
    assert "overwrote" in widget.message.text()


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
        patched.setattr(type(controller.current), "draw", fail)
        controller.redo()
    assert "gone" in widget.message.text()
    assert "\n" not in widget.message.text()


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


def test_the_manifest_is_valid() -> None:
    from pathlib import Path

    from npe2 import PluginManifest

    import napari_fclick

    manifest = PluginManifest.from_file(Path(napari_fclick.__file__).parent / "napari.yaml")
    assert manifest.name == "napari-fclick"
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert names == ["First Click", "First Click: fine-tune"]


# --- what is said -------------------------------------------------------------------------


def test_what_is_hidden_is_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_one(widget)
    controller.adjusting.toggle_preview()
    assert "preview hidden (H)" in status(widget)
    controller.adjusting.toggle_preview()
    controller.labels.visible = controller.image.visible = False
    controller.click(30, 12)
    assert widget.wait_idle()
    assert "'image' is hidden · 'objects' is hidden" in status(widget)
    controller.labels.visible = controller.image.visible = True
    controller.refresh()
    assert "hidden" not in status(widget)


def accept_one(widget: Any, y: float = 20, x: float = 33) -> None:
    widget.controller.click(y, x)
    assert widget.wait_idle()
    accept(widget)


def test_labels_that_lie_elsewhere_are_told(open_dock: Any) -> None:
    widget = open_dock(GRAY, scale=(0.5, 0.5))
    viewer, controller = widget.controller.viewer, widget.controller
    same = viewer.add_labels(np.zeros(GRAY.shape, np.uint16), name="same", scale=(0.5, 0.5))
    controller.annotated.choose_labels(same)
    assert "is not shown where the image is" not in widget.message.text()
    for options in ({}, {"scale": (0.5, 0.5), "translate": (4, 0)}):
        other = viewer.add_labels(np.zeros(GRAY.shape, np.uint16), name="other", **options)
        controller.annotated.choose_labels(other)
        assert f"{other.name!r} is not shown where the image is" in widget.message.text()
        controller.annotated.choose_labels(same)


def test_another_tool_that_has_the_mouse_is_told(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    viewer = widget.controller.viewer
    layer = viewer.add_labels(np.zeros(GRAY.shape, np.uint16), name="brush")
    viewer.layers.selection.active = layer
    layer.mode = "pick"
    mouse(viewer).click(world(widget, 20, 33))
    assert "'brush' has the mouse (pick)" in widget.message.text()
    assert not widget.controller.session.clicks
    layer.mode = "pan_zoom"
    mouse(viewer).click(world(widget, 20, 33))
    assert widget.wait_idle() and len(widget.controller.session.clicks) == 1
    assert not widget.message.text()  # it has the mouse no more


def test_nothing_to_undo_is_told(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    widget.controller.undo()
    assert widget.message.text() == "nothing to undo in 'image'"
    widget.controller.redo()
    assert widget.message.text() == "nothing to do again in 'image'"


def test_an_object_under_the_cursor_chooses_its_labels(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    viewer, controller = widget.controller.viewer, widget.controller
    labels = np.zeros(GRAY.shape, np.uint16)
    labels[10:20, 10:20] = 7
    hidden = viewer.add_labels(labels.copy(), name="hidden", visible=False)
    layer = viewer.add_labels(labels, name="cellpose")
    viewer.add_labels(np.zeros_like(labels), name="empty")
    controller.objects.pick_up_at(40, 40)
    assert controller.labels is None
    controller.objects.pick_up_at(15, 15)
    assert controller.labels is layer and controller.labels is not hidden
    assert controller.session.draft.label == 7


def test_labels_that_are_larger_than_the_memory(
    open_dock: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(core.labels, "MOST_PLAIN_BYTES", 100)
    widget = open_dock(GRAY)
    accept_one(widget)
    layer = widget.controller.labels
    assert isinstance(layer.data, zarr.Array)
    written = int((layer.data[:] == 1).sum())
    assert written > 0
    accept_one(widget, 45, 60)
    assert set(np.unique(layer.data[:])) == {0, 1, 2}
    session = widget.controller.journaling.path
    (out,) = export(session, "tiff", tmp_path / "out.tif")
    assert np.array_equal(tifffile.imread(out), layer.data[:])
    widget.controller.undo()
    assert set(np.unique(layer.data[:])) == {0, 1}
    layer.paint((45, 60), 9)
    assert layer.data[45, 60] == 9


def test_a_small_rest_of_a_mask_is_told_with_what_to_do(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    accept_one(widget)
    widget.controller.click(20, 34)
    assert widget.wait_idle()
    assert "keeps" in status(widget)
    assert "Overlap: replace them writes all of it" in status(widget)


@pytest.mark.parametrize(("axes", "told"), [("CYX", True), ("ZYX", False)])
def test_channels_that_napari_shows_as_slices_are_told(
    axes: str, told: bool, open_dock: Any, tmp_path: Path
) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.stack([GRAY] * 2), metadata={"axes": axes})
    widget = open_dock()
    (layer,) = widget.controller.viewer.open(str(path))
    widget.controller.annotated.choose_image(layer)
    assert widget.wait_idle()
    assert ("axis 0 of 'a.ome' holds channels" in widget.message.text()) is told
