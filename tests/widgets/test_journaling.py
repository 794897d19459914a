"""Session files in the dock: written, resumed, saved elsewhere, exported."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtWidgets import QFileDialog, QMessageBox
from tests.session.fakes import FakePredictor
from tests.widgets.steps import accept_at

from napari_fclick.core import places
from napari_fclick.session import autosave
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.inputs import lasting, source_of
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.session_bar import open_session

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 70), np.uint8)


def files() -> list[Path]:
    return sorted(autosave.sessions_folder().glob("*.fclick"))


def test_the_first_click_makes_a_file(open_dock: Any) -> None:
    widget = open_dock(IMAGE)
    assert files() == []
    assert widget.session_bar.name.text() == "saved as you go"
    widget.controller.click(20, 20)
    (path,) = files()
    assert path.name.startswith("image-")
    assert widget.controller.journaling.path == path
    assert widget.session_bar.name.text() == f"saved: {path.name}"
    accept_at(widget, (40, 40))
    journal = Journal.open(path, read_only=True)
    assert journal.events == 3
    assert journal.image.sampled
    assert journal.weights[0][0] == "discs"
    journal.close()


def test_an_earlier_session_is_offered_and_resumed(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    first.controller.session.classes.add("nucleus")
    first.controller.session.set(class_name="nucleus")
    accept_at(first, (20, 20), (40, 40))
    first.controller.click(30, 55)
    assert first.wait_idle()
    labels, clicks = first.controller.labels.data.copy(), first.controller.session.clicks
    first.controller.close()

    second = open_dock(IMAGE)
    assert not second.resume_bar.isHidden()
    assert "2 objects" in second.resume_bar.text.text()
    second.resume_bar.resume.click()
    assert second.wait_idle()
    controller = second.controller
    assert np.array_equal(controller.labels.data, labels)
    assert controller.labels.name == "objects"
    assert controller.session.clicks == clicks
    assert controller.session.classes.names == ["nucleus"]
    assert controller.session.objects[1].class_name == "nucleus"
    assert second.resume_bar.isHidden()
    assert len(files()) == 1
    accept_at(second, (50, 10))  # the draft was at hand: its click is one of this object's
    controller.undo()
    controller.undo()
    assert second.wait_idle()
    while controller.session.can_undo:
        controller.undo()
    assert not controller.labels.data.any()


def test_a_stray_click_takes_no_offer_away(open_dock: Any) -> None:
    for points in ([(20, 20), (40, 40)], [(30, 30)]):
        earlier = open_dock(IMAGE)
        accept_at(earlier, *points)
        earlier.controller.close()
    widget = open_dock(IMAGE)
    journaling = widget.controller.journaling
    widget.controller.click(10, 10)
    assert widget.wait_idle()
    assert [offer.objects for offer in journaling.offers] == [1, 2]  # the newest first
    assert "1 object," in widget.resume_bar.text.text()
    assert widget.resume_bar.others.text() == "1 more"
    widget.resume_bar._menu.aboutToShow.emit()
    (older,) = widget.resume_bar._menu.actions()
    assert older.text().startswith("2 objects, ")
    older.trigger()
    assert widget.wait_idle()
    assert len(widget.controller.session.objects) == 2
    assert widget.resume_bar.isHidden()
    assert len(files()) == 3  # the stray click's own among them
    # What was not resumed is in the menu all the same.
    widget.session_bar.earlier.aboutToShow.emit()
    assert widget.session_bar.earlier.actions()[0].text().startswith("1 object, ")


def test_accepting_ends_the_offer(open_dock: Any) -> None:
    earlier = open_dock(IMAGE)
    accept_at(earlier, (20, 20))
    earlier.controller.close()
    widget = open_dock(IMAGE)
    accept_at(widget, (40, 40))
    assert widget.resume_bar.isHidden()
    assert widget.session_bar.earlier.isEnabled()
    assert [offer.objects for offer in widget.controller.journaling.earlier] == [1]


def test_the_number_of_an_object_undone_after_resuming_is_free(open_dock: Any) -> None:
    earlier = open_dock(IMAGE)
    accept_at(earlier, (20, 20))
    earlier.controller.close()
    widget = open_dock(IMAGE)
    widget.resume_bar.resume.click()
    assert widget.wait_idle()
    widget.controller.undo()
    assert widget.wait_idle()
    widget.controller.accept()
    assert widget.wait_idle()
    assert list(widget.controller.session.objects) == [1]


def test_the_path_of_an_image_is_good_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    layer = Image(IMAGE)
    layer._source = layer.source.model_copy(update={"path": "cells.tif"})
    assert source_of(layer) == str(tmp_path / "cells.tif")
    assert lasting("https://a.org/b.zarr") == "https://a.org/b.zarr"
    assert lasting("") == ""


def test_an_image_of_other_pixels_is_offered_nothing(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    first.controller.close()
    second = open_dock(255 - IMAGE)
    assert second.resume_bar.isHidden()
    with pytest.raises(JournalError, match="another image"):
        second.controller.resuming.resume(path)


def test_another_image_is_opened_only_on_demand(open_dock: Any, monkeypatch: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    first.controller.close()
    second = open_dock(255 - IMAGE)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *a: (str(path), ""))
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *a: answers.pop(0))
    second.session_bar.open.trigger()
    assert "another image" in second.message.text()
    assert second.controller.labels is None
    second.session_bar.open.trigger()
    assert list(second.controller.session.objects) == [1]


def test_what_was_begun_stays_in_its_own_file(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    first.controller.close()
    second = open_dock(IMAGE)
    accept_at(second, (40, 40), (50, 50))
    assert second.resume_bar.isHidden()
    own = second.controller.journaling.path
    earlier = next(path for path in files() if path != own)
    assert second.controller.resuming.resume(earlier)
    assert second.wait_idle()
    assert list(second.controller.session.objects) == [1]
    assert second.controller.session.objects[1].clicks.first.pixel == (20, 20)
    journal = Journal.open(own)
    assert journal.events == 4
    journal.close()


def test_labels_that_are_there_still_are_used_again(open_dock: Any) -> None:
    widget = open_dock(IMAGE)
    accept_at(widget, (20, 20), (40, 40))
    viewer, path = widget.controller.viewer, widget.controller.journaling.path
    labels = widget.controller.labels
    widget.controller.close()
    again = FirstClickWidget(viewer, load=lambda weights, device: FakePredictor(), discover=Choices)
    try:
        again.controller.resuming.resume(path)
        assert again.controller.labels is labels
    finally:
        again.controller.close()


def test_save_as_and_export(open_dock: Any, tmp_path: Path, monkeypatch: Any) -> None:
    widget = open_dock(IMAGE)
    assert not widget.session_bar.save_as.isEnabled()
    accept_at(widget, (20, 20))
    asked = [str(tmp_path / "mine"), str(tmp_path / "out")]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (asked.pop(0), ""))
    widget.session_bar.save_as.trigger()
    assert widget.controller.journaling.path == tmp_path / "mine.fclick"
    accept_at(widget, (40, 40))
    widget.session_bar.exports["coco"].trigger()
    assert widget.wait_idle()
    assert "wrote" in widget.message.text()
    coco = json.loads((tmp_path / "out.json").read_text())
    assert len(coco["annotations"]) == 2


def test_what_is_there_is_replaced_only_when_agreed(
    open_dock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    widget = open_dock(IMAGE)
    accept_at(widget, (20, 20))
    own = widget.controller.journaling.path
    for name in ("cells.fclick", "cells.v2.fclick", "cells-clicks.csv"):
        (tmp_path / name).write_text("of yesterday")
    typed: list[str] = []
    shown: list[str] = []
    asked: list[str] = []
    answers: list[QMessageBox.StandardButton] = []

    def type_name(*args: Any) -> tuple[str, str]:
        shown.append(args[2])
        return typed.pop(0), ""

    def answer(*args: Any) -> QMessageBox.StandardButton:
        asked.append(args[2])
        return answers.pop(0)

    monkeypatch.setattr(QFileDialog, "getSaveFileName", type_name)
    monkeypatch.setattr(QMessageBox, "question", answer)
    yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No

    # Not agreed: it is asked for another name, and none is given.
    for name in ("cells", "cells.v2"):
        typed[:], answers[:] = [str(tmp_path / name), ""], [no]
        widget.session_bar.save_as.trigger()
        assert f"{name}.fclick is in {tmp_path} already" in asked[-1]
        assert shown[-1] == str(tmp_path / name)
        assert (tmp_path / f"{name}.fclick").read_text() == "of yesterday"
    assert widget.controller.journaling.path == own
    # The clicks beside the objects are asked about, too.
    typed[:], answers[:] = [str(tmp_path / "cells"), ""], [no]
    widget.session_bar.exports["csv"].trigger()
    assert "cells-clicks.csv is in" in asked[-1]
    assert not (tmp_path / "cells.csv").exists()
    typed[:], answers[:] = [str(tmp_path / "cells")], [yes]
    widget.session_bar.exports["csv"].trigger()
    assert widget.wait_idle()
    assert "of yesterday" not in (tmp_path / "cells-clicks.csv").read_text()
    typed[:], answers[:] = [str(tmp_path / "cells")], [yes]
    widget.session_bar.exports["csv"].trigger()
    assert widget.wait_idle()
    assert "cells.csv and cells-clicks.csv are in" in asked[-1]
    typed[:], answers[:] = [str(tmp_path / "cells")], [yes]
    widget.session_bar.save_as.trigger()
    assert widget.controller.journaling.path == tmp_path / "cells.fclick"
    # Where nothing is in the way nothing is asked.
    count = len(asked)
    for name in ("cells.tiff", "cells.tif"):
        typed[:] = [str(tmp_path / name)]
        widget.session_bar.exports["tiff"].trigger()
        assert widget.wait_idle() and (tmp_path / name).is_file()
    typed[:] = [str(tmp_path / "new")]
    widget.session_bar.save_as.trigger()
    assert widget.controller.journaling.path == tmp_path / "new.fclick"
    assert len(asked) == count


def test_an_export_that_would_lack_steps_is_refused(
    open_dock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    widget = open_dock(IMAGE)
    accept_at(widget, (20, 20))
    exporting, out = widget.controller.exporting, tmp_path / "a.json"

    def full(*args: Any, **more: Any) -> None:
        raise JournalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", full)
        accept_at(widget, (40, 40))
        exporting.export("coco", out)
        assert widget.wait_idle()
        assert "would lack what is not in the file yet, 2 steps: save" in widget.message.text()
        assert not out.exists()
    # There is room again.
    exporting.export("coco", out)
    assert widget.session_bar.name.text().startswith("saved: ")
    assert widget.wait_idle()
    assert len(json.loads(out.read_text())["annotations"]) == 2


@pytest.mark.parametrize("problem", ["3D", "outside"])
def test_a_session_is_kept_where_none_can_be_begun_anew(open_dock: Any, problem: str) -> None:
    stack = np.stack([IMAGE] * 3)
    first = open_dock(stack)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    first.controller.close()
    second = open_dock(stack)
    controller, viewer = second.controller, second.controller.viewer
    accept_at(second, (40, 40))
    own, session = controller.journaling.path, controller.session
    if problem == "3D":
        viewer.dims.ndisplay = 3
    else:
        viewer.add_image(np.zeros((9, *IMAGE.shape), np.uint8))
        viewer.dims.set_current_step(0, 8)
    with pytest.raises(JournalError, match=problem):
        controller.resuming.resume(path)
    open_session(controller, second, path)
    assert problem in second.message.text()
    assert controller.session is session
    assert controller.journaling.path == own
    viewer.dims.ndisplay = 2
    viewer.dims.set_current_step(0, 0)
    assert controller.resuming.resume(path)
    assert controller.session.objects[1].clicks.first.pixel == (20, 20)


def test_names_that_are_no_utf8_are_written_all_the_same(open_dock: Any) -> None:
    widget = open_dock(IMAGE)
    controller, name = widget.controller, "M\udcfcller"
    controller.viewer.layers.clear()
    controller.viewer.add_image(IMAGE, name=name)
    data = np.zeros(IMAGE.shape, int)
    labels = controller.viewer.add_labels(data, name=f"objects of {name}")
    controller.annotated.choose_labels(labels)
    assert widget.wait_idle()
    accept_at(widget, (20, 20))
    assert labels.data[20, 20] == 1
    assert controller.journaling.waiting == 0
    path = controller.journaling.path
    journal = Journal.open(path, read_only=True)
    assert journal.image.name == "M?ller"
    assert [target.name for target in journal.targets] == ["objects of M?ller"]
    journal.close()
    controller.close()
    again = FirstClickWidget(
        controller.viewer, load=lambda weights, device: FakePredictor(), discover=Choices
    )
    try:
        again.controller.resuming.resume(path)
        assert again.controller.labels is labels
    finally:
        again.controller.close()


def test_a_folder_that_may_not_be_entered_costs_no_click(open_dock: Any, monkeypatch: Any) -> None:
    def denied(*args: Any) -> Path:
        raise PermissionError(13, "Permission denied", "/sessions")

    widget = open_dock(IMAGE)
    with monkeypatch.context() as patch:
        patch.setattr(autosave, "new_path", denied)
        widget.controller.click(20, 20)
        assert widget.wait_idle()
        assert widget.controller.session.prediction is not None
        assert widget.session_bar.name.text() == "not saved: 1 step"
        assert "PermissionError" in widget.message.text()
    widget.controller.click(22, 22)
    assert widget.session_bar.name.text().startswith("saved: image-")


def test_a_folder_that_cannot_be_written_is_told_and_can_be_left(
    open_dock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    blocker = tmp_path / "blocker"
    blocker.write_text("")
    monkeypatch.setenv(places.HOME, str(blocker))
    widget = open_dock(IMAGE)
    accept_at(widget, (20, 20))
    assert widget.controller.labels.data.any()
    assert widget.session_bar.name.text().startswith("not saved: 2 steps")
    assert widget.controller.journaling.save_as(tmp_path / "mine.fclick")
    assert widget.session_bar.name.text() == "saved: mine.fclick"
    journal = Journal.open(tmp_path / "mine.fclick", read_only=True)
    assert journal.events == 2
    journal.close()


def test_what_was_saved_nowhere_may_replace_a_file(
    open_dock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    folder = tmp_path / "sessions"
    folder.mkdir()
    old = folder / "old.fclick"
    old.write_text("of yesterday")
    blocker = tmp_path / "blocker"
    blocker.write_text("")
    monkeypatch.setenv(places.HOME, str(blocker))
    widget = open_dock(IMAGE)
    accept_at(widget, (20, 20))
    assert widget.controller.journaling.save_as(old)
    assert widget.session_bar.name.text() == "saved: old.fclick"
    with closing(Journal.open(old, read_only=True)) as journal:
        assert journal.events == 2
    assert [path.name for path in folder.glob("*.fclick")] == ["old.fclick"]


def test_a_second_window_is_read_only(open_dock: Any, tmp_path: Path) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    second = open_dock(IMAGE)
    second.resume_bar.resume.click()
    assert second.wait_idle()
    assert "read-only" in second.message.text()
    accept_at(second, (40, 40))
    assert second.session_bar.name.text().startswith("not saved")
    assert second.controller.journaling.save_as(tmp_path / "mine.fclick")
    accept_at(first, (50, 50))
    journal = Journal.open(tmp_path / "mine.fclick", read_only=True)
    assert journal.events == 4
    journal.close()


def full(folder: Path) -> Any:
    """A way to store steps in which a folder has room for files, but not for what is in them."""
    record = Journal.record

    def recording(journal: Journal, *step: Any, **more: Any) -> None:
        if journal.path.parent == folder:
            raise JournalError(f"{journal.path} cannot be written: database or disk is full")
        record(journal, *step, **more)

    return recording


@pytest.mark.parametrize("home_is", ["writable", "missing", "full"])
def test_nothing_that_waits_is_thrown_away(
    home_is: str, open_dock: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    first.controller.close()
    blocker, temporary = tmp_path / "blocker", tmp_path / "temporary"
    blocker.write_text("")
    temporary.mkdir()
    monkeypatch.setenv(places.HOME, str(blocker))
    home = blocker / "home" if home_is == "missing" else tmp_path / "home"
    monkeypatch.setattr(places, "rescue_folder", lambda: home)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(temporary))
    second = open_dock(IMAGE)
    accept_at(second, (40, 40))
    with pytest.raises(JournalError, match="2 steps are not saved yet"):
        second.controller.resuming.resume(path)
    assert list(second.controller.session.objects) == [1]
    if home_is == "full":
        monkeypatch.setattr(Journal, "record", full(home))
    second.controller.close()
    folder = home if home_is == "writable" else temporary / "napari-fclick"
    (rescued,) = folder.glob("rescued-*.fclick")
    journal = Journal.open(rescued)
    assert journal.events == 2
    journal.close()
    if home_is == "writable":  # it is offered like any other
        third = open_dock(IMAGE)
        assert [offer.path for offer in third.controller.journaling.offers] == [rescued]


# --- going on -----------------------------------------------------------------------------


def test_a_session_saved_elsewhere_is_offered_there(open_dock: Any, tmp_path: Path) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    assert first.controller.journaling.save_as(tmp_path / "mine.fclick")
    accept_at(first, (40, 40))
    first.controller.close()
    second = open_dock(IMAGE)
    assert "2 objects" in second.resume_bar.text.text()
    second.resume_bar.resume.click()
    assert second.controller.journaling.path == tmp_path / "mine.fclick"
    assert second.session_bar.name.text() == "saved: mine.fclick"


def again(widget: FirstClickWidget, predictor: Any = None) -> FirstClickWidget:
    """Open another dock in the viewer of one that is closed."""
    widget.controller.close()
    opened = FirstClickWidget(
        widget.controller.viewer,
        load=lambda weights, device: predictor or FakePredictor(),
        discover=Choices,
    )
    assert opened.wait_idle()
    return opened


def test_a_layer_that_was_brushed_since_is_gone_on_with(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20), (40, 40))
    labels, path = first.controller.labels, first.controller.journaling.path
    labels.data[20:25, 20:25] = 7  # over an object
    labels.data[50:55, 60:65] = 8
    held = labels.data.copy()
    second = again(first)
    try:
        assert second.controller.resuming.resume(path)
        assert second.controller.labels is labels
        assert np.array_equal(labels.data, held)
        assert "24 px had been changed since" in second.message.text()
        accept_at(second, (10, 60))
        assert list(second.controller.session.objects) == [1, 2, 9]
    finally:
        second.controller.close()


def test_labels_that_can_only_be_read_are_not_gone_on_with(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    path, labels = first.controller.journaling.path, first.controller.labels
    wanted = labels.data.copy()
    first.controller.close()
    labels.data = np.broadcast_to(np.int32(0), IMAGE.shape)
    second = again(first)
    try:
        assert second.controller.resuming.resume(path)
        assert second.controller.labels is not labels
        assert np.array_equal(second.controller.labels.data, wanted)
    finally:
        second.controller.close()


def test_the_scale_of_then_is_exported(open_dock: Any, tmp_path: Path) -> None:
    widget = open_dock(IMAGE)
    controller = widget.controller
    accept_at(widget, (20, 20))
    controller.image.units = ("um", "um")
    controller.image.scale = (0.5, 0.25)
    # The labels that we made lie where the image does.
    assert list(controller.labels.scale) == [0.5, 0.25]
    assert controller.labels.units == controller.image.units
    controller.exporting.export("tiff", tmp_path / "a.tif")
    assert widget.wait_idle()
    with closing(Journal.open(controller.journaling.path, read_only=True)) as journal:
        (target,) = journal.targets
    assert (target.spacing, target.unit) == ((0.5, 0.25), "µm")


def test_labels_without_a_scale_have_that_of_the_image(open_dock: Any, tmp_path: Path) -> None:
    widget = open_dock(IMAGE, scale=(0.5, -0.25), units="um")
    controller = widget.controller
    labels = controller.viewer.add_labels(np.zeros(IMAGE.shape, int))
    controller.annotated.choose_labels(labels)
    accept_at(widget, (20, 20))
    assert widget.wait_idle()
    with closing(Journal.open(controller.journaling.path, read_only=True)) as journal:
        assert [(t.spacing, t.unit) for t in journal.targets] == [((0.5, 0.25), "µm")]


def test_channels_and_limits_are_those_of_the_session(open_dock: Any) -> None:
    first = open_dock(IMAGE, contrast_limits=(10, 200))
    controller = first.controller
    other = controller.viewer.add_image(255 - IMAGE, name="GFP", contrast_limits=(5, 90))
    controller.viewer.add_image(IMAGE // 2, name="RFP")
    controller.annotated.choose_channels([other])
    first.limits.setChecked(True)
    accept_at(first, (20, 20))
    path = controller.journaling.path
    controller.close()

    second = open_dock(IMAGE)
    controller = second.controller
    controller.viewer.add_image(IMAGE // 2, name="RFP")
    controller.viewer.add_image(255 - IMAGE, name="GFP")
    assert controller.resuming.resume(path)
    assert [layer.name for layer in controller.channels] == ["GFP"]
    assert controller.adjusting.uses_layer_limits
    assert controller.current.channel_limits() == [(10, 200), (5, 90)]
    controller.close()

    third = open_dock(IMAGE)
    assert third.controller.resuming.resume(path)
    assert third.controller.channels == ()
    assert "without its channels: GFP is not open" in third.message.text()


def test_limits_of_an_image_alone_come_back(open_dock: Any) -> None:
    first = open_dock(IMAGE, contrast_limits=(10, 200))
    first.limits.setChecked(True)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    first.controller.close()
    second = open_dock(IMAGE)
    assert second.controller.resuming.resume(path)
    assert second.controller.current.limits == (10, 200)
    assert second.limits.isChecked()


def test_other_weights_than_those_of_the_session_are_told_of(open_dock: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, (20, 20))
    path = first.controller.journaling.path
    second = again(first, FakePredictor(name="squares"))
    try:
        assert second.controller.resuming.resume(path)
        said = second.message.text()
        assert said.endswith("it was made with weights 'discs'; 'squares' are in use")
    finally:
        second.controller.close()


def test_resuming_draws_once(open_dock: Any, monkeypatch: Any) -> None:
    first = open_dock(IMAGE)
    accept_at(first, *((y, x) for y in (10, 30, 50) for x in (10, 30, 50)))
    path, expected = first.controller.journaling.path, first.controller.labels.data.copy()
    first.controller.close()
    second = open_dock(IMAGE)
    drawn: list[Any] = []
    monkeypatch.setattr(Labels, "refresh", lambda self, *a, **k: drawn.append(self))
    assert second.controller.resuming.resume(path)
    assert np.array_equal(second.controller.labels.data, expected)
    assert drawn.count(second.controller.labels) < 9


def test_what_waits_is_written_without_a_further_step(
    open_dock: Any, monkeypatch: Any, qtbot: Any
) -> None:
    widget = open_dock(IMAGE)
    widget.controller.journaling._retry.setInterval(10)

    def full(*args: Any, **more: Any) -> None:
        raise JournalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "record", full)
        accept_at(widget, (20, 20))
        assert widget.session_bar.name.text() == "not saved: 2 steps"
    qtbot.waitUntil(lambda: widget.session_bar.name.text().startswith("saved: "))
    assert not widget.controller.journaling._retry.isActive()


# --- other pixels -------------------------------------------------------------------------


def test_another_image_in_the_same_layer_has_a_session_of_its_own(open_dock: Any) -> None:
    widget = open_dock(IMAGE)
    controller = widget.controller
    accept_at(widget, (20, 20))
    labels, path = controller.labels, controller.journaling.path
    controller.image.data = 255 - IMAGE
    assert widget.wait_idle()
    assert f"a new session begins; the objects before are in {path.name}" in widget.message.text()
    assert not controller.session.objects
    accept_at(widget, (40, 40))
    assert controller.journaling.path != path
    assert controller.labels is not labels
    assert labels.data[20, 20] == 1
    with closing(Journal.open(path)) as journal:
        assert journal.events == 2


def test_pixels_changed_in_place_are_of_the_same_image(open_dock: Any) -> None:
    image = IMAGE.copy()
    widget = open_dock(image)
    controller = widget.controller
    accept_at(widget, (20, 20))
    path = controller.journaling.path
    image[:30] = 9
    controller.image.data = image
    assert widget.wait_idle()
    controller.image.data = image.copy()  # another array, that holds others than it did at first
    assert widget.wait_idle()
    assert not controller.session.objects
    assert "new session" in widget.message.text()
    assert controller.journaling.path is None
    assert path.is_file()


def test_clicks_alone_go_on_with_the_other_pixels(open_dock: Any) -> None:
    widget = open_dock(IMAGE)
    controller = widget.controller
    controller.click(20, 20)
    assert widget.wait_idle()
    path = controller.journaling.path
    controller.image.data = 255 - IMAGE
    assert widget.wait_idle()
    controller.accept()
    assert controller.journaling.path == path
    controller.close()
    assert "1 object" in open_dock(255 - IMAGE).resume_bar.text.text()
    assert open_dock(IMAGE).resume_bar.isHidden()
