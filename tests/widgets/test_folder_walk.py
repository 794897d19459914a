"""Walking through a folder of images: there and back, and nothing is lost on the way."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog
from skimage import io
from tests.session.blobs import OTHERS, BlobPredictor, write_folder
from tests.session.fakes import FakePredictor
from tests.widgets.steps import accept_at

from napari_fclick.core import labels_file
from napari_fclick.core.files import read_image, write_mask
from napari_fclick.core.folders import find_images, find_pairs, load_pair
from napari_fclick.core.voxels import voxel_size
from napari_fclick.finding import Examples, Finder, unlabelled
from napari_fclick.finetuning.sources import from_folder
from napari_fclick.session import autosave
from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.finetuning.choice import first_pairs
from napari_fclick.widgets.finetuning.data_view import DataView
from napari_fclick.widgets.folder_walk import FolderWalk
from napari_fclick.widgets.moved import camera_of

SHAPE = (60, 70)


def pixels(seed: int, dtype: Any = np.uint8, colours: tuple[int, ...] = ()) -> Any:
    high = 255 if dtype is np.uint8 else 4000
    return np.random.default_rng(seed).integers(0, high, (*SHAPE, *colours)).astype(dtype)


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder of three images: 8-bit, 16-bit and RGB."""
    folder = tmp_path / "set" / "images"
    folder.mkdir(parents=True)
    write_mask(folder / "a.tif", pixels(0))
    write_mask(folder / "b.tif", pixels(1, np.uint16))
    io.imsave(folder / "c.png", pixels(2, colours=(3,)), check_contrast=False)
    return folder.parent


@pytest.fixture
def walking(open_dock: Any, images: Path) -> FirstClickWidget:
    """Return a dock that walks through the three images."""
    widget: FirstClickWidget = open_dock()
    go(widget, images)
    return widget


def go(widget: Any, where: Path | int) -> None:
    """Choose a folder, or go on by a number of images."""
    walk = widget.controller.walk
    if isinstance(where, Path):
        walk.choose(where)
        assert widget.wait_idle()
        return
    for _ in range(abs(where)):
        walk.next() if where > 0 else walk.previous()
        assert widget.wait_idle()


def names(widget: Any) -> list[str]:
    """Return the layers that are not markers or preview."""
    return [
        layer.name
        for layer in widget.controller.viewer.layers
        if not layer.name.startswith(("clicks", "preview"))
    ]


def shown(widget: Any) -> tuple[str, str]:
    return widget.folder_bar.name.text(), widget.folder_bar.place.text()


# --- there and back ----------------------------------------------------------------------


def test_what_is_accepted_is_written_and_the_next_image_opened(
    walking: FirstClickWidget, images: Path
) -> None:
    assert not walking.folder_bar.isHidden()
    assert shown(walking) == ("a.tif", "1 of 3 · 0 with labels")
    assert names(walking) == ["a"]
    assert not walking.folder_bar.previous.isEnabled()
    accept_at(walking, (20, 20), (40, 40))
    accepted = walking.controller.labels.data.copy()
    walking.folder_bar.next.click()
    assert walking.wait_idle()
    assert shown(walking) == ("b.tif", "2 of 3 · 1 with labels")
    assert names(walking) == ["b"]
    assert walking.message.text() == "wrote labels/a.tif"
    written = read_image(images / "labels/a.tif")
    assert written.dtype == np.uint16
    assert np.array_equal(written, accepted)
    assert np.array_equal(walking.controller.image.data, pixels(1, np.uint16))
    accept_at(walking, (30, 30))
    go(walking, 1)
    assert walking.controller.image.rgb
    assert walking.folder_bar.next.text() == "Save"
    accept_at(walking, (10, 50))
    go(walking, 1)
    assert walking.message.text() == "wrote labels/c.tif; c.png is the last of 3 images"
    assert shown(walking) == ("c.png", "3 of 3 · 3 with labels")
    assert [path.name for path in sorted((images / "labels").iterdir())] == [
        *("a.tif", "b.tif", "c.tif")
    ]


def test_coming_back_resumes_objects_clicks_and_undo(
    walking: FirstClickWidget, images: Path
) -> None:
    controller = walking.controller
    accept_at(walking, (20, 20), (40, 40))
    accepted = controller.labels.data.copy()
    controller.click(30, 55)  # not accepted
    assert walking.wait_idle()
    clicks = controller.session.clicks
    go(walking, 1)
    assert not controller.session.clicks
    go(walking, -1)
    assert names(walking) == ["a", "objects"]
    assert np.array_equal(controller.labels.data, accepted)
    assert controller.session.clicks == clicks
    assert len(controller.session.objects) == 2
    assert walking.resume_bar.isHidden()
    assert len(list(autosave.sessions_folder().glob("*.fclick"))) == 1
    controller.accept()
    assert walking.wait_idle()
    go(walking, 1)
    assert set(np.unique(read_image(images / "labels/a.tif"))) == {0, 1, 2, 3}
    go(walking, -1)
    while controller.session.can_undo:
        controller.undo()
    assert not controller.labels.data.any()
    go(walking, 1)
    assert not read_image(images / "labels/a.tif").any()  # all of it was taken back


def test_clicks_alone_come_back_too(walking: FirstClickWidget, images: Path) -> None:
    walking.controller.click(30, 55)
    go(walking, 1)
    assert not (images / "labels").exists()
    go(walking, -1)
    assert [(click.y, click.x) for click in walking.controller.session.clicks] == [(30, 55)]


def test_another_day_it_goes_on_where_it_ended(open_dock: Any, images: Path) -> None:
    first = open_dock()
    go(first, images)
    accept_at(first, (20, 20))
    go(first, 1)
    accept_at(first, (30, 30))
    first.controller.click(50, 50)
    assert first.wait_idle()
    first.controller.close()  # without a word: the labels are written all the same
    assert read_image(images / "labels/b.tif").any()

    second = open_dock()
    go(second, images)
    assert shown(second) == ("c.png", "3 of 3 · 2 with labels")
    go(second, -1)
    controller = second.controller
    assert names(second) == ["b", "objects"]
    assert len(controller.session.objects) == 1
    assert len(controller.session.clicks) == 1


def test_classes_and_settings_go_along(walking: FirstClickWidget) -> None:
    session = walking.controller.session
    session.classes.add("nucleus")
    session.set(class_name="nucleus", threshold=0.7)
    go(walking, 1)
    session = walking.controller.session
    assert session.classes.names == ["nucleus"]
    assert (session.settings.class_name, session.settings.threshold) == ("nucleus", 0.7)
    assert not session.can_undo
    assert walking.mask_form.threshold.value() == pytest.approx(0.7)


def test_keys_go_on_and_back(walking: FirstClickWidget) -> None:
    canvas = walking.controller.viewer.window._qt_viewer.canvas.native
    ctrl = Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(canvas, Qt.Key.Key_PageDown, ctrl)
    assert walking.wait_idle()
    assert walking.controller.walk.name == "b.tif"
    QTest.keyClick(canvas, Qt.Key.Key_PageUp, ctrl)
    assert walking.wait_idle()
    assert walking.controller.walk.name == "a.tif"
    assert "Ctrl+PageDown" in walking.folder_bar.next.toolTip()


def test_next_twice_at_once_skips_one(walking: FirstClickWidget) -> None:
    walking.controller.walk.next()
    walking.controller.walk.next()
    assert walking.wait_idle()
    assert names(walking) == ["c"]


def test_leaving_the_folder_writes_and_keeps_the_image(
    walking: FirstClickWidget, images: Path
) -> None:
    accept_at(walking, (20, 20))
    walking.folder_bar.leave.click()
    assert walking.folder_bar.isHidden()
    assert names(walking) == ["a", "objects"]
    assert read_image(images / "labels/a.tif").any()
    walking.controller.walk.next()
    assert "choose a folder of images first" in walking.message.text()


# --- which folders -----------------------------------------------------------------------


def test_a_flat_folder_is_learned_from(open_dock: Any, tmp_path: Path) -> None:
    folder = tmp_path / "flat"
    folder.mkdir()
    for number in range(2):
        np.save(folder / f"{number}.npy", pixels(number, np.float32))
    (folder / "notes.txt").write_text("")
    widget = open_dock()
    go(widget, folder)
    assert "of a kind that cannot be read (.txt)" in widget.folder_bar.notes.text()
    for _ in range(2):
        accept_at(widget, (20, 20), (40, 40))
        accepted = widget.controller.labels.data.copy()
        go(widget, 1)
    pairs = find_pairs(folder)
    assert [pair.labels for pair in pairs] == [folder / f"labels/{n}.tif" for n in range(2)]
    assert np.array_equal(load_pair(pairs[1]).labels, accepted)
    data = from_folder(folder)
    assert [image.name for image in data.images] == ["0", "1"]
    assert all(image.has_objects for image in data.images)


def test_images_and_labels_are_learned_from(walking: FirstClickWidget, images: Path) -> None:
    for _ in range(3):
        accept_at(walking, (20, 20))
        go(walking, 1)
    data = from_folder(images)
    assert len(data.images) == 3
    assert not data.notes


def test_the_button_asks_for_a_folder(
    open_dock: Any, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def ask(parent: Any, title: str, start: str) -> str:
        asked.append(start)
        return str(images)

    monkeypatch.setattr(FolderWalk, "latest", None)
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", ask)
    widget = open_dock()
    assert widget.folder_bar.isHidden()
    widget.folder.click()
    assert widget.wait_idle()
    assert widget.controller.walk.name == "a.tif"
    view = DataView(widget.controller.viewer)  # of the panel for fine-tuning
    view._ask_folder()
    assert asked == ["", str(images)]
    view.deleteLater()


def test_a_folder_without_images_is_told(walking: FirstClickWidget, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    go(walking, tmp_path / "empty")
    assert "no image in" in walking.message.text()
    assert shown(walking)[0] == "a.tif"


def test_another_folder_begins_after_the_labels_are_written(
    walking: FirstClickWidget, images: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_mask(other / "x.tif", pixels(7))
    accept_at(walking, (20, 20))
    go(walking, other)
    assert read_image(images / "labels/a.tif").any()
    assert names(walking) == ["x"]
    assert shown(walking) == ("x.tif", "1 of 1 · 0 with labels")


@pytest.mark.parametrize("others", [(5,), (2, 5)])
def test_a_stack_opens_as_a_stack(open_dock: Any, tmp_path: Path, others: tuple[int, ...]) -> None:
    folder = tmp_path / "stacks"
    folder.mkdir()
    stack = np.random.default_rng(0).integers(0, 255, (*others, *SHAPE), np.uint8)
    write_mask(folder / "s.tif", stack)
    write_mask(folder / "t.tif", pixels(1))
    widget = open_dock()
    widget.controller.viewer.dims.ndisplay = 3
    go(widget, folder)
    accept_at(widget, (20, 20))
    go(widget, 1)
    written = read_image(folder / "labels/s.tif")
    assert written.shape == stack.shape
    assert widget.controller.viewer.dims.ndim == 2
    go(widget, -1)
    assert np.array_equal(widget.controller.labels.data, written)
    assert len(widget.controller.session.objects) == 1


# --- labels from elsewhere ---------------------------------------------------------------


def write_labels_of(images: Path, name: str = "a.tif") -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[5:10, 5:10], labels[50:55, 60:65] = 3, 250
    (images / "labels").mkdir(exist_ok=True)
    io.imsave(images / "labels" / name, labels, check_contrast=False)
    return labels


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_labels_made_elsewhere_are_opened_and_added_to(
    open_dock: Any, images: Path, name: str
) -> None:
    theirs = write_labels_of(images, name)
    before = (images / "labels" / name).read_bytes()
    widget = open_dock()
    go(widget, images)
    assert shown(widget) == ("b.tif", "2 of 3 · 1 with labels")  # the first without labels
    go(widget, -1)
    assert np.array_equal(widget.controller.labels.data, theirs)
    go(widget, 1)
    assert (images / "labels" / name).read_bytes() == before  # nothing was done
    go(widget, -1)
    for row in (20, 30, 40):  # more objects than the file's 8 bits have room for
        accept_at(widget, (row, 30))
    go(widget, 1)
    written = read_image(images / "labels/a.tif")
    assert set(np.unique(written)) == {0, 3, 250, 251, 252, 253}
    assert np.array_equal(written[theirs > 0], theirs[theirs > 0])
    if name == "a.png":
        assert (images / "labels" / name).read_bytes() == before
    go(widget, -1)
    assert len(widget.controller.session.objects) == 3
    assert np.array_equal(widget.controller.labels.data, written)


def test_pixels_to_be_ignored_stay_as_they_are(walking: FirstClickWidget, images: Path) -> None:
    found = np.zeros(SHAPE, np.uint16)
    found[:5], found[50, 50] = 65535, 3
    (images / "labels").mkdir(exist_ok=True)
    write_mask(images / "labels" / "b.tif", found)
    go(walking, 1)
    assert walking.folder_bar.name.text() == "b.tif"
    accept_at(walking, (30, 30))
    go(walking, 1)
    written = read_image(images / "labels" / "b.tif")
    assert written.dtype == np.uint16
    assert np.unique(written).tolist() == [0, 3, 4, 65535]
    assert np.array_equal(written == 65535, found == 65535)


def test_labels_that_were_changed_meanwhile_are_kept(
    walking: FirstClickWidget, images: Path
) -> None:
    accept_at(walking, (20, 20))
    write_labels_of(images)
    before = (images / "labels/a.tif").read_bytes()
    go(walking, 1)
    assert names(walking) == ["a", "objects"]
    assert "a.tif stays open: labels/a.tif holds labels that are not in this layer" in (
        walking.message.text()
    )
    assert (images / "labels/a.tif").read_bytes() == before
    (images / "labels/a.tif").rename(images / "theirs.tif")
    go(walking, 1)
    assert names(walking) == ["b"]


def test_labels_that_were_edited_between_two_visits_stay_as_they_are(
    walking: FirstClickWidget, images: Path
) -> None:
    accept_at(walking, (20, 20), (40, 40))
    go(walking, 1)
    edited = read_image(images / "labels/a.tif").copy()
    gone = int(np.count_nonzero(edited == 1))
    edited[edited == 1] = 0
    edited[50:55, 2:8] = 9
    write_mask(images / "labels/a.tif", edited)
    go(walking, -1)
    assert np.array_equal(walking.controller.labels.data, edited)
    assert f"{gone} px had been changed since and stay as they are" in walking.message.text()
    go(walking, 1)
    assert np.array_equal(read_image(images / "labels/a.tif"), edited)


def test_objects_in_another_layer_do_not_replace_those_of_the_file(
    open_dock: Any, images: Path
) -> None:
    for name in ("a.tif", "b.tif", "c.tif"):
        theirs = write_labels_of(images, name)
    widget = open_dock()
    go(widget, images)
    controller = widget.controller
    controller.annotated.choose_labels(None)
    accept_at(widget, (20, 20))
    go(widget, 1)
    assert "are in the labels layers 'objects' and 'objects of a'" in widget.message.text()
    controller.viewer.layers.remove("objects")
    go(widget, 1)
    assert "labels/a.tif holds labels that are not in this layer" in widget.message.text()
    assert np.array_equal(read_image(images / "labels/a.tif"), theirs)
    controller.viewer.layers.remove("objects of a")
    go(widget, 1)
    assert names(widget) == ["b", "objects"]
    assert np.array_equal(read_image(images / "labels/a.tif"), theirs)


@pytest.mark.parametrize("content", [b"no image", None])
def test_labels_that_cannot_be_read_are_left_alone(
    open_dock: Any, images: Path, content: bytes | None
) -> None:
    (images / "labels").mkdir()
    path = images / "labels/a.tif"
    if content is None:
        write_mask(path, np.ones((9, 9), np.uint16))
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    widget = open_dock()
    go(widget, images)
    go(widget, -1)
    assert "without labels: " in widget.message.text()
    assert str(images) not in widget.message.text()
    assert "without labels: " in widget.folder_bar.notes.text()
    accept_at(widget, (20, 20))
    go(widget, 1)
    assert "stays open: labels/a.tif holds labels that are not in this layer" in (
        widget.message.text()
    )
    assert path.read_bytes() == before


def test_brush_strokes_are_written_too(walking: FirstClickWidget, images: Path) -> None:
    accept_at(walking, (20, 20))
    go(walking, 1)
    go(walking, -1)
    walking.controller.labels.data_setitem((np.array([2, 3]), np.array([2, 3])), 9)
    go(walking, 1)
    assert (read_image(images / "labels/a.tif")[[2, 3], [2, 3]] == 9).all()
    go(walking, -1)
    assert (walking.controller.labels.data[[2, 3], [2, 3]] == 9).all()
    assert len(walking.controller.session.objects) == 1


# --- trouble -----------------------------------------------------------------------------


def test_a_write_that_fails_keeps_the_image_open(
    walking: FirstClickWidget, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_at(walking, (20, 20))

    def full(*args: Any) -> None:
        raise OSError(28, "No space left on device", str(images / "labels/a.tif"))

    with monkeypatch.context() as patched:
        patched.setattr(labels_file, "write_labels", full)
        go(walking, 1)
        assert "a.tif stays open: [Errno 28] No space left on device" in walking.message.text()
        assert names(walking) == ["a", "objects"]
        go(walking, images)  # nor is it left for another folder
        assert names(walking) == ["a", "objects"]
        walking.folder_bar.leave.click()
        assert not walking.folder_bar.isHidden()
    go(walking, 1)
    assert names(walking) == ["b"]
    assert read_image(images / "labels/a.tif").any()


def test_images_that_cannot_be_read_are_passed_over(
    walking: FirstClickWidget, images: Path
) -> None:
    (images / "images/b.tif").write_bytes(b"no image")
    accept_at(walking, (20, 20))
    go(walking, 1)
    assert names(walking) == ["c"]
    said = walking.message.text()
    assert said.startswith("wrote labels/a.tif; images/b.tif cannot be read as an image")
    assert "images/b.tif cannot be read" in walking.folder_bar.notes.text()
    (images / "images/a.tif").unlink()
    accept_at(walking, (20, 20))
    go(walking, -1)
    assert names(walking) == ["c", "objects"]
    said = walking.message.text()
    assert said.startswith("wrote labels/c.tif; ") and "there is no other image to go to" in said
    assert shown(walking)[0] == "c.png"


def test_pixels_that_cannot_be_shown_are_passed_over(open_dock: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((9, 9), complex))
    np.save(tmp_path / "b.npy", np.zeros((9, 9, 2), np.uint8))
    np.save(tmp_path / "c.npy", np.float32(3))
    np.save(tmp_path / "d.npy", pixels(0) > 100)
    widget = open_dock()
    go(widget, tmp_path)
    assert widget.controller.walk.name == "d.npy"
    said = widget.message.text()
    assert "a.npy holds no image: 9 x 9, complex128" in said
    assert "b.npy has two channels" in said
    accept_at(widget, (20, 20))
    go(widget, 1)
    assert read_image(tmp_path / "labels/d.tif").any()


def test_a_folder_that_is_gone_is_told_and_nothing_closed(
    walking: FirstClickWidget, images: Path
) -> None:
    accept_at(walking, (20, 20))
    images.rename(images.with_name("moved"))
    go(walking, 1)
    assert "a.tif stays open: [Errno 2]" in walking.message.text()
    assert names(walking) == ["a", "objects"]


def test_it_waits_for_an_object_that_is_being_accepted(
    walking: FirstClickWidget, images: Path, predictor: FakePredictor
) -> None:
    predictor.gate = threading.Event()
    controller = walking.controller
    controller.click(20, 20)
    controller.accept()
    assert controller.accepting
    controller.walk.next()
    assert not walking.wait_idle(0.5)
    assert controller.walk.name == "a.tif"
    predictor.gate.set()
    assert walking.wait_idle()
    assert controller.walk.name == "b.tif"
    assert read_image(images / "labels/a.tif").any()


def test_it_stays_where_an_object_could_not_be_accepted(
    walking: FirstClickWidget, images: Path, predictor: FakePredictor
) -> None:
    predictor.gate, predictor.error = threading.Event(), RuntimeError("out of memory")
    controller = walking.controller
    controller.click(20, 20)
    controller.accept()
    controller.walk.next()
    assert not walking.wait_idle(0.3)
    predictor.gate.set()
    assert walking.wait_idle()
    assert controller.walk.name == "a.tif"
    assert len(controller.session.clicks) == 1
    assert walking.message.text() == "no prediction: out of memory"


def test_the_last_image_is_saved_when_its_object_is_accepted(
    walking: FirstClickWidget, images: Path, predictor: FakePredictor
) -> None:
    go(walking, 2)
    predictor.gate = threading.Event()
    controller = walking.controller
    controller.click(20, 20)
    controller.accept()
    controller.walk.next()
    assert not walking.wait_idle(0.3)
    walking.folder_bar.leave.click()
    assert "an object is being accepted" in walking.message.text()
    predictor.gate.set()
    assert walking.wait_idle()
    assert walking.message.text() == "wrote labels/c.tif; c.png is the last of 3 images"
    assert read_image(images / "labels/c.tif").any()


def test_clicks_on_the_next_object_are_kept(
    walking: FirstClickWidget, predictor: FakePredictor
) -> None:
    predictor.gate = threading.Event()
    controller = walking.controller
    controller.click(20, 20)
    controller.accept()
    controller.click(40, 40)
    controller.walk.next()
    predictor.gate.set()
    assert walking.wait_idle()
    assert controller.walk.name == "b.tif"
    go(walking, -1)
    assert len(controller.session.objects) == len(controller.session.clicks) == 1


def test_a_session_that_is_in_use_is_left_alone(walking: FirstClickWidget, images: Path) -> None:
    accept_at(walking, (20, 20))
    walking.controller.walk.leave()
    go(walking, images)
    go(walking, -1)
    assert names(walking) == ["a", "objects", "a [1]", "objects [1]"]
    assert walking.controller.labels.data.any()
    assert not walking.controller.session.can_undo
    accept_at(walking, (40, 40))
    go(walking, 1)
    assert set(np.unique(read_image(images / "labels/a.tif"))) == {0, 1, 2}


def test_steps_that_are_not_saved_keep_the_image_open(
    walking: FirstClickWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: Any, **kwargs: Any) -> Any:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr("napari_fclick.widgets.journaling.Journal.create", fails)
        walking.controller.click(20, 20)
        assert walking.wait_idle()
        go(walking, 1)
        assert "a.tif stays open: 1 step not saved" in walking.message.text()
    walking.controller.journaling._on_retry()
    go(walking, 1)
    assert names(walking) == ["b"]


def test_layers_that_the_user_has_removed(walking: FirstClickWidget, images: Path) -> None:
    controller = walking.controller
    layers = controller.viewer.layers
    accept_at(walking, (20, 20))
    layers.remove("a")
    go(walking, 1)  # the labels are there yet
    assert read_image(images / "labels/a.tif").any()
    assert names(walking) == ["b"]
    accept_at(walking, (20, 20))
    layers.remove("objects")
    go(walking, 1)  # without them nothing is written
    assert names(walking) == ["c"]
    assert not (images / "labels/b.tif").exists()
    go(walking, -1)  # but the session has them
    assert controller.labels.data.any()
    assert len(controller.session.objects) == 1
    layers.clear()
    go(walking, 1)
    assert names(walking) == ["c"]


def test_other_layers_stay(walking: FirstClickWidget) -> None:
    viewer = walking.controller.viewer
    viewer.add_labels(np.zeros(SHAPE, int), name="mine")
    viewer.add_shapes(name="regions")
    go(walking, 1)
    assert set(names(walking)) == {"b", "mine", "regions"}


def test_a_session_of_a_copy_is_offered_not_resumed(open_dock: Any, images: Path) -> None:
    first = open_dock(pixels(0))
    accept_at(first, (20, 20))
    first.controller.close()
    widget = open_dock()
    go(widget, images)
    assert not widget.resume_bar.isHidden()
    assert not widget.controller.session.objects.has_committed


def test_a_carried_object_keeps_the_image_open(
    walking: FirstClickWidget, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks = type(walking.controller.stacks)
    with monkeypatch.context() as patched:
        patched.setattr(stacks, "current", property(lambda self: object()))
        walking.controller.walk.next()
    assert walking.controller.walk.opening == ""
    assert "accept or clear the object that is carried" in walking.message.text()


def test_labels_are_those_of_the_fine_tuning_panel(walking: FirstClickWidget) -> None:
    accept_at(walking, (20, 20))
    go(walking, 1)
    go(walking, -1)
    (layer,) = [each for each in walking.controller.viewer.layers if isinstance(each, Labels)]
    (pair,) = first_pairs(walking.controller.viewer.layers)
    assert pair.labels is layer


# --- objects that were found on the command line ------------------------------------------


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Return a folder in whose second image objects were found."""
    folder = write_folder(tmp_path / "set")
    finder = Finder(BlobPredictor(), Examples.of(folder))
    for image in unlabelled(find_images(folder)):
        finder.look_at(image)
    return folder


def test_what_was_found_is_gone_on_in_and_looked_at(open_dock: Any, found: Path) -> None:
    widget = open_dock()
    go(widget, found)
    assert shown(widget)[0] == "b.png"
    controller = widget.controller
    assert len(controller.session.objects) == len(OTHERS)
    assert f"{len(OTHERS)} found · Shift+W" in widget.message.text()
    widget.objects.worst_button.click()
    text = widget.message.text()
    assert text.endswith(f"{len(OTHERS) - 1} more")
    label = int(text.split(":")[0].removeprefix("object "))
    assert widget.objects.selected == [label]
    box = controller.session.objects[label].box
    assert camera_of(controller.viewer).center[-2:] == pytest.approx(box.centre, abs=1)
    widget.objects.buttons["delete"].click()
    go(widget, 1)
    written = read_image(found / "labels/b.tif")
    assert set(np.unique(written)) == {*range(len(OTHERS) + 1)} - {label}


@pytest.mark.parametrize("what", ["nothing", "delete", "classify", "accept", "undo"])
def test_what_nobody_looked_at_is_not_written_by_closing(
    open_dock: Any, found: Path, what: str
) -> None:
    widget = open_dock()
    go(widget, found)
    controller = widget.controller
    if what == "delete":
        controller.objects.delete([3])
    elif what == "classify":
        controller.objects.classify([3], "cell")
    elif what == "accept":
        controller.objects.pick_up(3)
        controller.accept()
        assert widget.wait_idle()
    elif what == "undo":  # all of it, as if it had been found just now
        controller.undo()
        assert not controller.labels.data.any()
    controller.close()
    assert (found / "labels/b.tif").exists() is (what not in ("nothing", "undo"))


def test_going_on_writes_what_was_found(open_dock: Any, found: Path) -> None:
    widget = open_dock()
    go(widget, found)
    go(widget, 1)
    assert set(np.unique(read_image(found / "labels/b.tif"))) == {*range(len(OTHERS) + 1)}


# --- what files say of their axes ---------------------------------------------------------


def test_the_size_of_pixels_is_the_files_own(open_dock: Any, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    size = {"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}
    tifffile.imwrite(tmp_path / "images/a.ome.tif", pixels(0), metadata=size)
    widget = open_dock()
    go(widget, tmp_path)
    image = widget.controller.image
    assert tuple(image.scale) == (0.5, 0.25)
    assert [str(unit) for unit in image.units] == ["micrometer"] * 2
    accept_at(widget, (20, 20))
    go(widget, 1)
    with tifffile.TiffFile(tmp_path / "labels/a.ome.tif") as written:
        assert written.imagej_metadata or written.ome_metadata
    assert voxel_size(tmp_path / "labels/a.ome.tif")[1:] == (0.5, 0.25, "µm")  # type: ignore[index]


def test_channels_are_no_slices(open_dock: Any, images: Path) -> None:
    tifffile.imwrite(
        images / "images/aa.ome.tif", np.stack([pixels(3)] * 2), metadata={"axes": "CYX"}
    )
    widget = open_dock()
    go(widget, images)
    go(widget, 1)
    assert shown(widget)[0] == "b.tif"
    assert "aa.ome.tif has channels (axes CYX)" in widget.message.text()
