"""Images and labels of all kinds: where they lie, what is read of them, how they are written."""

from __future__ import annotations

import os
import threading
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.components import ViewerModel
from napari.layers import Image, Labels
from tests.session.fakes import FakePredictor, disc_prediction
from tests.session.making import answer
from zarr.storage import MemoryStore

from napari_fclick.core.channels import ChannelStack
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.session import Place, Session
from napari_fclick.session.journal import Journal
from napari_fclick.widgets.annotation import Annotation
from napari_fclick.widgets.drawing import PREVIEW_SIDE, SIZES
from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.own_layers import AnnotationLayers
from napari_fclick.widgets.planes import displayed_place, plane_at, to_plane, to_world
from napari_fclick.widgets.targets import LabelsTarget, Targets
from napari_fclick.widgets.zoom import screen_pixel

RNG = np.random.default_rng(0)
GRAY = RNG.integers(0, 255, (60, 80), np.uint8)
CLICK = ClickSequence([Click(20, 33)])


class ChunkStore(MemoryStore):
    """Remembers which chunks were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    async def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        if key.startswith("c/"):
            self.read.append(key)
        return await super().get(key, *args, **kwargs)


def lazy_zarr(shape: tuple[int, ...], chunk: int = 1024) -> tuple[Any, ChunkStore]:
    store = ChunkStore()
    chunks = (*(1,) * (len(shape) - 2), chunk, chunk)
    return zarr.create_array(store, shape=shape, chunks=chunks, dtype="uint8"), store


# --- where things lie -------------------------------------------------------------------

#: Shapes and placements; all planes are seen by their last two axes unless ``order`` is given.
PLACED: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "plain": ((60, 80), {}),
    "anisotropic": ((60, 80), {"scale": (0.5, 3), "translate": (7, -3)}),
    "rotated": ((60, 80), {"rotate": 30, "scale": (2, 0.7), "translate": (5, 5)}),
    "sheared": ((60, 80), {"shear": [0.3], "scale": (2, 0.7)}),
    "affine": ((60, 80), {"affine": [[1, 0.2, 4], [-0.2, 1.5, 9], [0, 0, 1]], "scale": (2, 3)}),
    "negative scale": ((60, 80), {"scale": (-2, 0.5), "translate": (3, 4)}),
    "both negative, rotated": ((60, 80), {"scale": (-2, -1), "rotate": 40}),
    "ZYX rotated": ((5, 60, 80), {"scale": (4, 1, 0.5), "rotate": (0, 0, 25)}),
    "ZYX negative Z": ((5, 60, 80), {"scale": (-4, 1, 0.5)}),
    "TCZYX": ((2, 3, 5, 60, 80), {"scale": (1, 1, 4, 1, 0.5), "translate": (0, 0, 8, 1, 2)}),
}


def shown(kind: str) -> tuple[Any, Any]:
    """A viewer, without a window, on the second slice of an image of zeros."""
    shape, options = PLACED[kind]
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros(shape, np.uint8), contrast_limits=(0, 1), **options)
    target = np.full(layer.ndim, 1.0)
    viewer.dims.point = layer.data_to_world(target)
    return viewer, layer


@pytest.mark.parametrize("kind", PLACED)
def test_a_point_of_the_world_is_a_pixel_of_the_slice_and_back(kind: str) -> None:
    viewer, layer = shown(kind)
    place = displayed_place(viewer, layer)
    assert place.index == (1,) * (layer.ndim - 2)
    world = to_world(viewer, layer, place, 20, 33)
    np.testing.assert_allclose(world, layer.data_to_world((*place.index, 20, 33)))
    assert to_plane(viewer, layer, world, place) == pytest.approx((20, 33))


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 1, 0)])
@pytest.mark.parametrize("scale", [(3, 1, 2), (-3, 1, -2)])
def test_permuted_axes(order: Any, scale: Any) -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((20, 30, 40), np.uint8), contrast_limits=(0, 1), scale=scale)
    viewer.dims.order = order
    viewer.dims.point = layer.data_to_world((7, 8, 9))
    place = displayed_place(viewer, layer)
    assert place == Place(tuple(sorted(order[1:])), ((7, 8, 9)[order[0]],))
    assert to_plane(viewer, layer, to_world(viewer, layer, place, 3, 4), place) == (3, 4)


def corners(layer: Any, box: Any) -> Any:
    """World coordinates of the outer corners of a region of a layer's last two axes."""
    (top, bottom), (left, right) = box
    start = (1,) * (layer.ndim - 2) if "preview" not in layer.name else (0,) * (layer.ndim - 2)
    points = [(top, left), (top, right), (bottom, left), (bottom, right)]
    return np.array([layer.data_to_world((*start, y - 0.5, x - 0.5)) for y, x in points])


@pytest.mark.parametrize("kind", PLACED)
def test_the_preview_lies_exactly_on_its_pixels(kind: str) -> None:
    viewer, image = shown(kind)
    place = displayed_place(viewer, image)
    layers = AnnotationLayers(viewer, image)
    found = disc_prediction(np.zeros((60, 80), np.uint8), CLICK)
    layers.show_preview(found, found.mask(), place, current=True)
    preview = layers.preview
    assert preview is not None
    rows, columns = found.window
    wanted = corners(image, ((rows.start, rows.stop), (columns.start, columns.stop)))
    height, width = preview.data.shape[-3:-1]
    np.testing.assert_allclose(corners(preview, ((0, height), (0, width))), wanted, atol=1e-9)


@pytest.mark.parametrize("kind", ["rotated", "negative scale"])
def test_a_thinned_preview_lies_on_its_pixels_too(kind: str) -> None:
    viewer, image = shown(kind)
    layers = AnnotationLayers(viewer, image)
    side = PREVIEW_SIDE + 300
    found = disc_prediction(np.broadcast_to(np.uint8(0), (side, side)), CLICK, radius=side)
    layers.show_preview(found, found.mask(), Place(), current=True)
    assert layers.preview is not None
    height, width = layers.preview.data.shape[:2]
    assert max(height, width) <= PREVIEW_SIDE
    step = 2
    rows, columns = found.window
    wanted = corners(
        image,
        (
            (rows.start, rows.start + height * step),
            (columns.start, columns.start + width * step),
        ),
    )
    np.testing.assert_allclose(
        corners(layers.preview, ((0, height), (0, width))), wanted, rtol=1e-9, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["plain", "anisotropic", "negative scale", "ZYX rotated"])
def test_markers_keep_their_size_on_the_screen(kind: str) -> None:
    viewer, image = shown(kind)
    layers = AnnotationLayers(viewer, image)
    layers.resize_markers(screen_pixel(viewer))
    layers.show_clicks(CLICK, displayed_place(viewer, image))
    markers = layers.clicks
    assert markers is not None
    for zoom in (0.5, 3.0, 40.0):
        camera_of(viewer).zoom = zoom
        layers.resize_markers(screen_pixel(viewer))
        # napari takes a size in units of the last axis.
        on_screen = markers.size * abs(markers.scale[-1]) * zoom
        np.testing.assert_allclose(on_screen, [SIZES["ring"], SIZES["first"]])


# --- from click to labels -----------------------------------------------------------------

KINDS: dict[str, Any] = {
    "zarr": lambda: (zarr.array(GRAY, chunks=(20, 20)), {}),
    "float16 with NaN": lambda: (np.where(GRAY > 200, np.nan, GRAY).astype(np.float16), {}),
    "negative scale": lambda: (GRAY, {"scale": (-2, 0.5)}),
    "TCZYX zarr": lambda: (zarr.array(np.broadcast_to(GRAY, (2, 2, 3, 60, 80))), {}),
    "zarr pyramid": lambda: (
        [zarr.array(GRAY), zarr.array(GRAY[::2, ::2])],
        {"multiscale": True},
    ),
}


@pytest.mark.filterwarnings("ignore:All-NaN")
@pytest.mark.parametrize("kind", KINDS)
def test_a_click_becomes_an_object(kind: str, open_dock: Any, mouse: Any) -> None:
    data, options = KINDS[kind]()
    widget = open_dock(data, contrast_limits=(0, 255), **options)
    controller, viewer = widget.controller, widget.controller.viewer
    for axis in range(viewer.dims.ndim - 2):
        viewer.dims.set_current_step(axis, 1)
    place = controller.session.place
    mouse(viewer).click(to_world(viewer, controller.image, place, 20, 33))
    assert widget.wait_idle()
    controller.accept()
    found = np.argwhere(controller.labels.data)
    assert found[:, :-2].tolist() == [[1] * (found.shape[1] - 2)] * 81
    assert found.mean(0)[-2:].tolist() == [20, 33]


def test_a_click_on_a_huge_zarr_reads_only_the_chunks_under_its_window() -> None:
    # Without a window: napari would draw all of it on a canvas that is not on the screen.
    base, store = lazy_zarr((30_000, 30_000))
    coarse, _ = lazy_zarr((469, 469))
    viewer = ViewerModel()
    image = viewer.add_image([base, coarse], multiscale=True, contrast_limits=(0, 255))
    place = displayed_place(viewer, image)
    session = Session(plane_at(image, place), place=place)
    annotation = Annotation(viewer, image, session, Targets(viewer, worker=None))
    for x in (15_500, 15_505):
        store.read.clear()
        session.add(15_500, x)
        answer(session)
        annotation.draw()
        assert store.read == ["c/15/15"]
    assert [layer.name for layer in annotation.layers.ours] == ["clicks", "preview"]
    assert annotation.layers.preview is not None and annotation.layers.preview.opacity == 1


# --- labels of all kinds ------------------------------------------------------------------


def pyramid(base: Any, make: Any = np.array) -> list[Any]:
    return [make(base[..., ::step, ::step]) for step in (1, 2, 4)]


LABELS: dict[str, Any] = {
    "zarr": lambda: zarr.zeros((60, 80), chunks=(16, 16), dtype="uint16"),
    "pyramid": lambda: pyramid(np.zeros((60, 80), np.int32)),
    "zarr pyramid": lambda: pyramid(np.zeros((60, 80), np.uint16), zarr.array),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_are_written_undone_and_redone(kind: str, open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    data = LABELS[kind]()
    levels = data if isinstance(data, list) else [data]
    levels[0][50, 70] = 6
    layer = controller.viewer.add_labels(data, multiscale=len(levels) > 1, name="mine")
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    assert controller.labels is layer
    controller.click(21, 33)
    assert widget.wait_idle()
    controller.accept()
    for count, act in ((81, controller.undo), (0, controller.redo), (81, controller.undo)):
        finest = np.asarray(levels[0][:, :])
        assert np.count_nonzero(finest == 7) == count
        assert finest[50, 70] == 6
        for level, step in zip(levels[1:], (2, 4), strict=False):
            np.testing.assert_array_equal(np.asarray(level[:, :]) == 7, finest[::step, ::step] == 7)
        act()


def test_labels_that_cannot_be_written_are_refused_with_a_reason(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller, viewer = widget.controller, widget.controller.viewer
    frozen = np.zeros(GRAY.shape, np.uint8)
    frozen.flags.writeable = False
    store = MemoryStore()
    zarr.create_array(store, shape=GRAY.shape, dtype="uint8")
    refused = {
        "dask": da.zeros(GRAY.shape, dtype=np.uint8),
        "dask pyramid": pyramid(da.zeros(GRAY.shape, dtype=np.uint8), da.asarray),
        "read-only": frozen,
        "read-only zarr": zarr.open_array(store, mode="r"),
    }
    for name, data in refused.items():
        layer = viewer.add_labels(data, name=name)
        widget.labels.show_layer(layer)
        widget.labels.chosen.emit(layer)  # as choosing it from the list does
        text = widget.message.text()
        assert repr(name) in text
        assert ("cannot be written" if "dask" in name else "for reading only") in text
        assert controller.labels is None
        assert widget.labels.currentText() == "new layer"
    controller.annotated.choose_labels(viewer.add_labels(np.zeros((3, 3), int), name="small"))
    assert "must be a Labels layer of the shape (60, 80)" in widget.message.text()


# --- large labels are drawn in parts --------------------------------------------------------


class Drawn:
    """A layer of large labels that remembers how it was drawn."""

    def __init__(self, data: Any, **options: Any) -> None:
        self.viewer = ViewerModel()
        self.layer = self.viewer.add_labels(data, **options)
        self.target = LabelsTarget(self.viewer, self.layer)
        self.parts: list[Any] = []
        self.whole = 0
        self.layer.events.labels_update.connect(lambda e: self.parts.append((e.data, e.offset)))
        self.layer.events.set_data.connect(self._on_whole)

    def _on_whole(self, event: Any) -> None:
        self.whole += 1


PATCH = RNG.integers(0, 5000, (30, 20))
REGION = (slice(100, 130), slice(1000, 1020))


def as_napari_sends_it(dtype: Any, patch: Any, colormap: Any) -> Any:
    """What napari sends to the screen when it writes a patch itself."""
    twin = ViewerModel().add_labels(np.zeros((200, 1100), dtype), colormap=colormap)
    sent: list[Any] = []
    twin.events.labels_update.connect(lambda event: sent.append(event.data))
    rows, columns = np.mgrid[REGION]
    twin.data[100, 1000] = twin.data[129, 1019] = 77  # so that all of the patch changes
    twin.data_setitem((rows.ravel(), columns.ravel()), patch.ravel())
    return sent[0]


@pytest.mark.parametrize("dtype", ["int32", "uint16", "uint8", "int64", "int16"])
@pytest.mark.parametrize("direct", [False, True])
def test_what_is_sent_is_what_napari_would_send(dtype: str, direct: bool) -> None:
    patch = (PATCH % 120 + 1).astype(dtype)
    colours = {0: "transparent", 1: "red", 2: "blue", None: "green"} if direct else None
    drawn = Drawn(np.zeros((1100, 1100), dtype), colormap=colours)
    drawn.target[REGION] = patch
    ((data, offset),) = drawn.parts
    assert list(offset) == [100, 1000]
    assert drawn.whole == 0
    np.testing.assert_array_equal(data, as_napari_sends_it(dtype, patch, drawn.layer.colormap))


def test_a_napari_that_sends_no_parts_draws_the_whole(monkeypatch: Any) -> None:
    monkeypatch.setattr("napari_fclick.widgets.painting._colour_numbers", lambda *_: None)
    drawn = Drawn(np.zeros((1100, 1100), np.int32))
    drawn.target[REGION] = PATCH
    assert (len(drawn.parts), drawn.whole) == (0, 1)


def test_a_transposed_view_is_sent_transposed() -> None:
    drawn = Drawn(np.zeros((1100, 1100), np.uint16))
    drawn.viewer.dims.order = (1, 0)
    drawn.whole = 0
    drawn.target[REGION] = PATCH
    ((data, offset),) = drawn.parts
    assert list(offset) == [1000, 100]
    np.testing.assert_array_equal(data, PATCH.T)


def test_slices_of_a_stack() -> None:
    drawn = Drawn(np.zeros((3, 1100, 1100), np.uint16))
    drawn.viewer.dims.set_current_step(0, 1)
    drawn.whole = 0
    drawn.target[(0, *REGION)] = PATCH
    assert not drawn.parts and not drawn.whole  # another slice is on show
    drawn.target[(1, *REGION)] = PATCH
    drawn.target[(slice(0, 3), *REGION)] = PATCH
    for data, offset in drawn.parts:
        assert list(offset) == [100, 1000]
        np.testing.assert_array_equal(data, PATCH)
    assert len(drawn.parts) == 2 and not drawn.whole
    drawn.target[(slice(0, 3), 5, slice(0, 9))] = 1  # a line of the plane on show
    drawn.target[...] = 0
    assert len(drawn.parts) == 2 and drawn.whole == 2


def test_small_contoured_3d_and_multiscale_layers_are_drawn_as_a_whole() -> None:
    drawn = Drawn(np.zeros((100, 100), np.int32))
    drawn.target[0:5, 0:5] = 3
    assert (len(drawn.parts), drawn.whole) == (0, 1)
    drawn = Drawn(pyramid(np.zeros((1200, 1200), np.int32)), multiscale=True)
    drawn.target[0:5, 0:5] = 3
    assert (len(drawn.parts), drawn.whole) == (0, 1)
    drawn = Drawn(np.zeros((1100, 1100), np.int32))
    drawn.layer.contour = 2
    drawn.whole = 0
    drawn.target[0:5, 0:5] = 3
    assert (len(drawn.parts), drawn.whole) == (0, 1)


@pytest.mark.parametrize(("dtype", "again"), [("int32", 1), ("uint16", 0)])
def test_a_brush_finds_what_was_written(dtype: str, again: int) -> None:
    drawn = Drawn(np.zeros((1100, 1100), dtype))
    layer = drawn.layer
    targets = Targets(drawn.viewer, worker=None)
    target: Any = targets.of(layer, highest=0).labels
    target[REGION] = PATCH % 40 + 1
    assert (drawn.whole, len(drawn.parts)) == (0, 1)
    layer.mode = "paint"
    assert drawn.whole == again
    layer.brush_size = 8
    layer.paint((101, 1004), 3)  # its square covers some of the patch, which stays visible
    sent, (top, left) = drawn.parts[-1]
    height, width = sent.shape
    np.testing.assert_array_equal(sent > 0, layer.data[top : top + height, left : left + width] > 0)
    assert len(np.unique(sent)) > 5
    layer.mode = "pan_zoom"
    layer.mode = "erase"
    assert drawn.whole == again  # it is up to date
    target[REGION] = 0
    assert drawn.whole == again + 1  # with a brush in hand all is drawn
    targets.close()


@pytest.mark.skipif(
    os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="needs a display: xvfb-run"
)
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_screen_shows_the_same_as_after_a_full_refresh(
    order: Any, make_napari_viewer: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    layer = viewer.add_labels(np.zeros((1200, 1100), np.int32), rotate=20)
    target = LabelsTarget(viewer, layer)
    viewer.dims.order = order
    before = viewer.screenshot(flash=False)
    target[300:700, 200:900] = np.repeat(np.arange(400)[:, None] // 100 + 1, 700, 1)
    partly = viewer.screenshot(flash=False)
    layer.refresh()
    wholly = viewer.screenshot(flash=False)
    assert np.mean(partly != before) > 0.05
    np.testing.assert_array_equal(partly, wholly)


# --- channels -------------------------------------------------------------------------------


class Seeing(FakePredictor):
    """Remembers the images that it was shown."""

    image: Any = None

    def predict(self, image: Any, *args: Any, **kwargs: Any) -> Any:
        self.image = image
        return super().predict(image, *args, **kwargs)


@pytest.fixture
def predictor() -> Seeing:
    return Seeing()


def with_channels(open_dock: Any, *names: str, data: Any = GRAY, **options: Any) -> Any:
    widget = open_dock(data, **options)
    for name in names:
        widget.controller.viewer.add_image(data, name=name, **options)
    return widget


def test_channels_are_chosen_and_predict_anew(open_dock: Any, predictor: Seeing) -> None:
    widget = with_channels(open_dock, "GFP", "RFP", "Cy5")
    controller, viewer = widget.controller, widget.controller.viewer
    viewer.add_image(GRAY[:30], name="smaller")
    viewer.add_image(GRAY, name="elsewhere", translate=(5, 0))
    viewer.add_image(np.stack([GRAY] * 3, -1), name="colours", rgb=True)
    assert list(widget.channels.boxes) == ["GFP", "RFP", "Cy5"]
    assert widget.channels.text() == "this image alone"
    controller.click(20, 20)
    assert widget.wait_idle()
    assert predictor.image.shape == GRAY.shape
    boxes = widget.channels.boxes
    boxes["RFP"].setChecked(True)
    assert widget.wait_idle()
    assert isinstance(predictor.image, ChannelStack)
    assert predictor.image.parts == (controller.image.data, viewer.layers["RFP"].data)
    assert len(predictor.asked) == 2
    assert controller.session.prediction is not None
    boxes["GFP"].setChecked(True)
    assert widget.wait_idle()
    assert predictor.image.shape == (60, 80, 3)
    assert not boxes["Cy5"].isEnabled()  # the network sees no more than three
    assert widget.channels.text() == "image + GFP + RFP"
    viewer.layers["GFP"].name = "membranes"
    assert widget.channels.text() == "image + membranes + RFP"
    for box in boxes.values():
        box.setChecked(False)
    assert widget.wait_idle()
    assert predictor.image.shape == GRAY.shape
    controller.accept()
    assert list(controller.session.objects) == [1]


def test_channels_that_do_not_fit_are_refused(open_dock: Any) -> None:
    widget = with_channels(open_dock, "a", "b", "c")
    controller, viewer = widget.controller, widget.controller.viewer
    viewer.add_image(GRAY[:30], name="smaller")
    controller.annotated.choose_channels([viewer.layers["smaller"]])
    assert "'smaller' cannot be a channel of 'image'" in widget.message.text()
    controller.annotated.choose_channels([viewer.layers[name] for name in "abc"])
    assert "4 channels chosen; the network sees 3 at most" in widget.message.text()
    assert controller.channels == ()


def test_a_channel_that_is_removed_or_resized_drops_out(open_dock: Any, predictor: Seeing) -> None:
    widget = with_channels(open_dock, "GFP", "RFP")
    controller, viewer = widget.controller, widget.controller.viewer
    gfp, rfp = viewer.layers["GFP"], viewer.layers["RFP"]
    controller.annotated.choose_channels([gfp, rfp])
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    viewer.layers.remove(gfp)  # in the middle of a prediction
    assert "channel 'GFP' was removed" in widget.message.text()
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.objects  # it was not what had been accepted
    assert [c.pixel for c in controller.session.clicks] == [(20, 20)]
    assert predictor.image.parts == (controller.image.data, rfp.data)
    asked = len(predictor.asked)
    rfp.data = GRAY[::-1]
    assert widget.wait_idle()
    assert len(predictor.asked) == asked + 1
    np.testing.assert_array_equal(predictor.image[:, :, 1], GRAY[::-1])
    rfp.data = GRAY[:10]
    assert widget.wait_idle()
    assert "channel 'RFP' has another shape now" in widget.message.text()
    assert controller.channels == ()
    assert predictor.image.shape == GRAY.shape
    assert widget.channels.text() == "this image alone: no other fits"
    assert not widget.channels.isEnabled()


def test_a_channel_that_does_not_fit_any_more_drops_out_with_one_removed(
    open_dock: Any, predictor: Seeing
) -> None:
    widget = with_channels(open_dock, "GFP", "RFP")
    controller, viewer = widget.controller, widget.controller.viewer
    controller.annotated.choose_channels([viewer.layers["GFP"], viewer.layers["RFP"]])
    controller.image.scale = (2, 2)
    viewer.layers.remove("RFP")
    assert controller.channels == ()
    told = widget.message.text()
    assert told == (
        "channel 'RFP' was removed and channel 'GFP' no longer fits: they are no longer used"
    )
    for y in (20, 40):
        controller.click(y, 20)
        controller.accept()
        assert widget.wait_idle()
    assert predictor.image.shape == GRAY.shape
    assert list(controller.session.objects) == [1, 2]
    journal = Journal.open(controller.journaling.path, read_only=True)
    assert journal.channels == []  # no click was made with them
    journal.close()
    assert [layer.name for layer in viewer.layers if isinstance(layer, Labels)] == ["objects"]


def test_labels_are_made_whatever_became_of_a_channel(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller, viewer = widget.controller, widget.controller.viewer
    controller.click(20, 20)
    assert widget.wait_idle()
    controller.current.channels = (Image(GRAY),)  # one that the viewer does not have
    controller.accept()
    assert list(controller.session.objects) == [1]
    assert [layer.name for layer in viewer.layers if isinstance(layer, Labels)] == ["objects"]


def test_each_channels_own_limits(open_dock: Any, predictor: Seeing) -> None:
    widget = with_channels(open_dock, "GFP", contrast_limits=(0, 100))
    controller, viewer = widget.controller, widget.controller.viewer
    gfp = viewer.layers["GFP"]
    gfp.contrast_limits = (50, 250)
    controller.annotated.choose_channels([gfp])
    controller.click(20, 20)
    assert widget.wait_idle()
    assert predictor.limits is None
    widget.limits.setChecked(True)
    assert widget.wait_idle()
    assert predictor.limits == (0, 1)
    controller.accept()
    names = [layer.name for layer in viewer.layers]
    assert names.index("objects") > names.index("GFP")
    controller.undo()
    np.testing.assert_allclose(predictor.image[:, :, 0], np.clip(GRAY / 100, 0, 1), atol=1e-6)
    asked = len(predictor.asked)
    gfp.contrast_limits = (0, 255)
    assert widget.wait_idle()
    assert len(predictor.asked) == asked + 1
    np.testing.assert_allclose(predictor.image[:, :, 1], GRAY / 255, atol=1e-6)
    controller.annotated.choose_channels([])
    assert widget.wait_idle()
    assert predictor.limits == (0, 100)


def test_channels_of_lazy_stacks_are_read_where_the_window_is(
    open_dock: Any, predictor: Seeing
) -> None:
    planes, stores = zip(*[lazy_zarr((3, 4000, 4000)) for _ in range(2)], strict=True)
    widget = open_dock(planes[0], contrast_limits=(0, 255))
    controller, viewer = widget.controller, widget.controller.viewer
    controller.annotated.choose_channels(
        [viewer.add_image(planes[1], name="b", contrast_limits=(0, 255))]
    )
    viewer.dims.set_current_step(0, 2)
    for store in stores:
        store.read.clear()
    controller.click(500, 600)
    assert widget.wait_idle()
    assert predictor.image.shape == (4000, 4000, 2)
    assert [store.read for store in stores] == [["c/2/0/0"], ["c/2/0/0"]]


# --- what the user does meanwhile -------------------------------------------------------------


def test_layers_change_in_the_middle_of_a_prediction(open_dock: Any, predictor: Seeing) -> None:
    widget = open_dock(GRAY)
    controller, viewer = widget.controller, widget.controller.viewer
    layer = viewer.add_labels(np.zeros(GRAY.shape, int), name="mine")
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    layer.name = "theirs"
    viewer.layers.reverse()
    predictor.gate.set()
    assert widget.wait_idle()
    assert layer.data[20, 20] == 1
    assert widget.labels.currentText() == "theirs"
    # Its data are exchanged for some of another shape while an object waits.
    predictor.gate = threading.Event()
    controller.click(40, 40)
    controller.accept()
    layer.data = np.zeros((5, 5), int)
    predictor.gate.set()
    assert widget.wait_idle()
    assert "labels' shape changed" in widget.message.text()
    assert len(controller.session.clicks) == 1
    # It is removed: nothing is accepted, the clicks go to a new layer.
    viewer.layers.remove(layer)
    controller.accept()
    assert controller.labels.data[40, 40]
    # The image gets other pixels than its objects were made on, then another shape.
    predictor.gate = threading.Event()
    controller.click(10, 10)
    controller.image.data = GRAY[::-1]
    predictor.gate.set()
    assert widget.wait_idle()
    assert "has other pixels now: a new session begins" in widget.message.text()
    assert not controller.session.clicks and controller.session.prediction is None
    controller.click(11, 10)
    assert widget.wait_idle()
    np.testing.assert_array_equal(predictor.image, GRAY[::-1])
    predictor.gate = threading.Event()
    controller.click(12, 10)
    controller.image.data = GRAY[:30]
    predictor.gate.set()
    assert widget.wait_idle()
    assert not controller.session.clicks and controller.session.prediction is None


def test_everything_is_removed_in_the_middle_of_a_prediction(
    open_dock: Any, predictor: Seeing, qtbot: Any
) -> None:
    widget = with_channels(open_dock, "GFP")
    controller, viewer = widget.controller, widget.controller.viewer
    controller.annotated.choose_channels([viewer.layers["GFP"]])
    predictor.gate = threading.Event()
    controller.click(20, 20)
    controller.accept()
    viewer.layers.clear()
    predictor.gate.set()
    assert widget.wait_idle()
    qtbot.wait(20)
    assert list(viewer.layers) == []
    assert controller.session is None
    assert isinstance(viewer.add_image(GRAY), Image)
    assert controller.session is not None
    controller.click(20, 20)
    assert widget.wait_idle()
    assert controller.session.prediction is not None
