"""The panel in a viewer."""

from __future__ import annotations

import gc
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QFileDialog, QLabel
from tests.finetuning.scenes import folder, learned
from tests.session.fakes import FakePredictor
from tests.widgets.finetuning.conftest import OpenPanel
from tests.widgets.finetuning.fakes import (
    FakeProcess,
    changed,
    comparison,
    finished,
    progress,
    step,
    summary,
    watch,
)

from napari_fclick.finetuning import promotion
from napari_fclick.finetuning.sources import from_folder
from napari_fclick.finetuning.split import split_of
from napari_fclick.network import checkpoints
from napari_fclick.widgets import FirstClickWidget
from napari_fclick.widgets.finetuning import FineTunePanel
from napari_fclick.widgets.finetuning.choice import Choice, LayerPair
from napari_fclick.widgets.finetuning.outcome import ComparisonTable
from napari_fclick.widgets.finetuning.result_view import FiguresTable
from napari_fclick.widgets.loading import Choices
from napari_fclick.widgets.workers import Job


def begun(panel: FineTunePanel, processes: list[FakeProcess], qtbot: QtBot) -> FakeProcess:
    panel.start.click()
    qtbot.waitUntil(lambda: panel.model.phase == "running", timeout=20_000)
    return processes[-1]


def idle(panel: FineTunePanel, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: panel.idle, timeout=20_000)


# --- before the start -------------------------------------------------------------------


def test_it_begins_with_the_layers_that_fit(open_panel: OpenPanel) -> None:
    panel = open_panel()
    (pair,) = panel.data.choice.layers
    assert pair.name == "cells + objects"
    assert panel.data.summary.text().startswith("1 image, 2 objects: ")
    assert "nothing can be proved" in panel.data.messages.text()
    assert panel.start.isEnabled()
    assert not panel.cancel.isEnabled()
    assert panel.in_use.text() == "In use: default"
    assert not panel.roll_back.isEnabled()


def test_without_layers_it_says_what_to_add(open_panel: OpenPanel) -> None:
    panel = open_panel(empty=True)
    assert not panel.start.isEnabled()
    assert "nothing to learn from" in panel.start.toolTip()
    assert "folders" in panel.data.summary.text()
    panel.data.fill_menu()
    (line,) = panel.data.menu.actions()
    assert line.text() == "no image layer is open"
    assert not line.isEnabled()
    panel.begin()
    assert "nothing to learn from" in panel.message.text()


def test_it_follows_the_viewer_until_it_is_told_otherwise(
    open_panel: OpenPanel, cells: Any, qtbot: QtBot
) -> None:
    panel = open_panel(empty=True)
    viewer = panel._viewer
    viewer.add_image(cells[0], name="cells")
    assert not panel.data.choice
    labels = viewer.add_labels(cells[1], name="objects")
    assert [pair.name for pair in panel.data.choice.layers] == ["cells + objects"]
    idle(panel, qtbot)
    other = viewer.add_image(cells[0][::-1], name="other")
    viewer.add_labels(cells[1][::-1], name="others")
    panel.data.fill_menu()
    names = [action.text() for action in panel.data.menu.actions()]
    assert "other + objects" in names
    panel.data.choose(Choice((LayerPair(other, labels),)))
    viewer.add_labels(cells[1], name="more")
    assert [pair.name for pair in panel.data.choice.layers] == ["other + objects"]
    viewer.layers.remove(other)
    assert not panel.data.choice
    assert not panel.start.isEnabled()
    idle(panel, qtbot)


def test_a_folder_without_labels_is_refused(
    open_panel: OpenPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel = open_panel()
    (tmp_path / "images").mkdir()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: str(tmp_path))
    panel.data.folder.click()
    assert "holds no labels/" in panel.data.messages.text()
    assert panel.data.choice.folders == ()
    (tmp_path / "labels").mkdir()
    panel.data.folder.click()
    assert panel.data.choice.folders == (tmp_path,)
    assert panel.data.name == tmp_path.name


def test_images_that_cannot_be_read_stop_the_start(
    open_panel: OpenPanel, tmp_path: Path, qtbot: QtBot
) -> None:
    panel = open_panel()
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    panel.data.choose(Choice(folders=(tmp_path,)))
    idle(panel, qtbot)
    assert "no image in" in panel.data.messages.text()
    assert not panel.start.isEnabled()


def test_rows_are_removed_by_key(open_panel: OpenPanel, qtbot: QtBot) -> None:
    panel = open_panel()
    panel.data.list.setCurrentRow(0)
    assert panel.data.remove.isEnabled()
    qtbot.keyClick(panel.data.list, Qt.Key.Key_Delete)
    assert not panel.data.choice
    idle(panel, qtbot)


def test_options_out_of_range_are_told(open_panel: OpenPanel) -> None:
    panel = open_panel()
    panel.form.fields["size"].value = 250
    panel.begin()
    assert panel.message.text().startswith("Input size: 250")
    assert not panel.model.busy


# --- a run ------------------------------------------------------------------------------


def test_a_run_to_its_end(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel()
    panel.form.fields["minutes"].value = 3
    process = begun(panel, processes, qtbot)
    assert process.request.options.minutes == 3
    assert process.request.name == "my-images"
    assert not panel.start.isEnabled()
    assert not panel.form.isEnabled()
    process.events = [step(1, 2.0)]
    qtbot.waitUntil(lambda: bool(panel.model.steps))
    assert not panel.curves._loss_plot.isHidden()
    assert panel.curves._noc_plot.isHidden()  # nothing is watched yet, or at all
    process.events = [watch(0, 6.0), step(2, 1.0), progress(0.5, 90)]
    qtbot.waitUntil(lambda: panel.bar.value() == 500)
    assert not panel.curves._noc_plot.isHidden()
    assert panel.left.text() == "1 min 30 s left"
    steps, losses = panel.curves.loss.getData()
    assert (steps.tolist(), losses.tolist()) == ([1, 2], [2.0, 1.0])
    assert panel.curves.noc85.getData()[1].tolist() == [6.0]
    (asked,) = process.request.arrays
    process.events = [
        finished(Path("new.safetensors"), changed=[changed(digest=asked.digest[:16])])
    ]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    idle(panel, qtbot)
    assert panel.result.headline.text() == "✓ The new weights are better."
    assert panel.result.promote.isEnabled()
    labels = [label.text() for label in panel.result.own.findChildren(QLabel)]
    assert labels.count("Mean of both") == 1
    (row,) = panel.result.gallery.rows
    assert row.title.text().startswith("cells, object 1")
    assert panel.start.isEnabled()


def test_a_verdict_against_it_greys_promotion_but_not_export(
    open_panel: OpenPanel,
    processes: list[FakeProcess],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    rejected = tmp_path / "my-images.safetensors"
    rejected.write_bytes(b"weights")
    note = "on images that look otherwise, default goes on answering"
    process.events = [finished(rejected, promoted=False, note=note)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    assert panel.result.reasons.text().endswith(f"\n• {note}")
    assert panel.result.headline.text() == "✕ Not better: the old weights stay."
    assert "not better beyond chance" in panel.result.reasons.text()
    assert not panel.result.promote.isEnabled()
    assert "not better beyond chance" in panel.result.promote.toolTip()
    out = tmp_path / "kept"
    suggested = []

    def ask(*args: object) -> tuple[str, str]:
        suggested.append(args[2])
        return str(out), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", ask)
    panel.result.exports[".safetensors"].trigger()
    idle(panel, qtbot)
    assert suggested == ["my-images.rejected.safetensors"]
    assert out.with_name("kept.safetensors").read_bytes() == b"weights"
    assert "kept.safetensors" in panel.message.text()


def test_cancel_and_failure(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    panel.cancel.click()
    assert process.calls == ["cancel"]
    assert panel.cancel.text() == "Stop at once"
    process.events = [{"event": "failed", "error": "out of memory"}]
    qtbot.waitUntil(lambda: panel.model.phase == "failed")
    assert panel.status.text() == "failed: out of memory"
    assert panel.start.isEnabled()
    assert panel.cancel.text() == "Stop"


def test_what_the_process_finds_in_the_images_is_shown(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    process.events = [summary(9, ("warning", "one <giant> object"))]
    qtbot.waitUntil(lambda: "9 objects" in panel.data.summary.text())
    assert "one &lt;giant&gt; object" in panel.data.messages.text()


def test_what_a_run_found_is_shown_once(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot, cells: Any
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    process.events = [summary(0, ("error", "there is no object")), {"event": "failed", "error": ""}]
    qtbot.waitUntil(lambda: panel.model.phase == "failed")
    assert "there is no object" in panel.data.messages.text()
    assert not panel.start.isEnabled()
    panel.data.again.click()
    idle(panel, qtbot)
    assert panel.data.summary.text().startswith("1 image, 2 objects")
    assert panel.start.isEnabled()
    # Nor does the next one's stay when other images are chosen.
    process = begun(panel, processes, qtbot)
    process.events = [summary(9), {"event": "failed", "error": ""}]
    qtbot.waitUntil(lambda: panel.model.phase == "failed")
    assert "9 objects" in panel.data.summary.text()
    before = panel.data.choice.layers
    other = panel._viewer.add_image(255 - cells[0], name="other")
    labels = panel._viewer.add_labels(cells[1], name="others")
    panel.data.choose(Choice((*before, LayerPair(other, labels))))
    idle(panel, qtbot)
    assert panel.data.summary.text().startswith("2 images, 4 objects")


def test_what_a_run_found_in_other_images_is_not_shown(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    panel.data.choose(Choice())
    process.events = [summary(9), {"event": "failed", "error": ""}]
    qtbot.waitUntil(lambda: panel.model.phase == "failed")
    assert "9 objects" not in panel.data.summary.text()


@pytest.mark.parametrize("how", ["dock", "viewer"])
def test_closing_ends_the_process_and_removes_its_files(
    how: str, open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel(window=True)
    process = begun(panel, processes, qtbot)
    folder = process.request.out.parent
    assert folder.is_dir()
    viewer = panel._viewer
    if how == "dock":
        viewer.window.remove_dock_widget(panel)
    else:
        viewer.close()
    qtbot.waitUntil(lambda: "close" in process.calls)
    assert not folder.exists()


def test_other_weights_to_start_from_may_hold_back_less(
    open_panel: OpenPanel, qtbot: QtBot, tmp_path: Path
) -> None:
    """Before the start it says what the run will."""
    panel = open_panel()
    images = folder(tmp_path / "set", 4)
    panel.data.choose(Choice(folders=(images,)))
    idle(panel, qtbot)
    assert panel.data.summary.text().startswith("4 images, 16 objects: 2 are learned from, 2 are")
    held = split_of(from_folder(images), store=False).validation
    weights = str(learned(tmp_path / "mine.safetensors", held[:1]))
    panel.form.offer("weights", ("default", weights))
    panel.form.fields["weights"].value = weights
    idle(panel, qtbot)
    assert "1 is held back" in panel.data.summary.text()
    assert "1 held-back image cannot judge" in panel.data.messages.text()


# --- the weights ------------------------------------------------------------------------


def test_promote_and_roll_back_in_the_dock_too(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_panel(window=True)
    loaded: list[str] = []

    def load(weights: str, device: str) -> FakePredictor:
        loaded.append(weights)
        return FakePredictor()

    def discover() -> Choices:
        return Choices(tuple(checkpoints.available_weights()), in_use=promotion.active())

    dock = FirstClickWidget(panel._viewer, load=load, discover=discover)
    assert dock.wait_idle()
    process = begun(panel, processes, qtbot)
    new = tmp_path / "mine.safetensors"
    new.write_bytes(checkpoints.find("default").read_bytes())
    process.events = [finished(new)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    panel.result.promote.click()
    idle(panel, qtbot)
    assert dock.wait_idle()
    assert panel.in_use.text() == "In use: mine"
    assert panel.result.promote.text() == "In use"
    assert not panel.result.promote.isEnabled()
    assert dock.weights.currentText() == "mine"
    panel.roll_back.click()
    idle(panel, qtbot)
    assert dock.wait_idle()
    assert panel.in_use.text() == "In use: default"
    assert panel.result.promote.isEnabled()
    assert panel.result.headline.text() == "✓ The new weights are better."
    assert dock.weights.currentText() == "default"
    assert loaded == ["default", "mine", "default"]
    dock.controller.close()
    # A dock that is opened later begins with what is in use.
    promotion.activate("mine")
    later = FirstClickWidget(panel._viewer, load=load, discover=discover)
    assert later.wait_idle()
    assert loaded == ["default", "mine", "default", "default", "mine"]
    assert later.weights.currentText() == "mine"
    later.controller.close()


def test_one_can_start_from_weights_that_were_promoted_here(
    open_panel: OpenPanel,
    processes: list[FakeProcess],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = open_panel()
    monkeypatch.setattr(panel, "_discover", lambda: Choices(tuple(checkpoints.available_weights())))
    process = begun(panel, processes, qtbot)
    new = tmp_path / "mine.safetensors"
    new.write_bytes(checkpoints.find("default").read_bytes())
    process.events = [finished(new)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    idle(panel, qtbot)
    field = panel.form.fields["weights"]
    assert "mine" not in field.choices
    panel.result.promote.click()
    idle(panel, qtbot)
    assert "mine" in field.choices
    assert field.value == "default"


def test_pictures_of_an_earlier_run_tell_the_next_one_nothing(
    open_panel: OpenPanel,
    processes: list[FakeProcess],
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    panel = open_panel()
    cut, gate = threading.Event(), threading.Event()

    def gone(data: object, rows: object) -> None:
        cut.set()
        assert gate.wait(20)
        raise OSError("its files are gone")

    monkeypatch.setattr("napari_fclick.widgets.finetuning.panel.crops_of", gone)
    process = begun(panel, processes, qtbot)
    process.events = [finished(Path("new.safetensors"))]
    qtbot.waitUntil(cut.is_set)
    panel.start.click()
    gate.set()
    qtbot.waitUntil(lambda: panel.model.phase == "running", timeout=20_000)
    assert panel.message.text() == ""


def test_other_weights_in_use_were_not_compared(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot, tmp_path: Path
) -> None:
    earlier = tmp_path / "cells.safetensors"
    earlier.write_bytes(checkpoints.find("default").read_bytes())
    promotion.promote(earlier)
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    new = tmp_path / "mine.safetensors"
    new.write_bytes(earlier.read_bytes())
    process.events = [finished(new)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    assert panel.result.headline.text() == (
        "✓ Better than default; not compared with cells, which is in use."
    )
    panel.result.promote.click()
    idle(panel, qtbot)
    assert panel.result.headline.text() == "✓ The new weights are better."
    panel.roll_back.click()
    idle(panel, qtbot)
    assert "not compared with cells" in panel.result.headline.text()


def test_weights_that_are_being_kept_are_not_removed(
    open_panel: OpenPanel,
    processes: list[FakeProcess],
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither by the next start, nor where the panel is closed before they are written."""
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    # What else goes on, such as the cutting of pictures, does not keep them waiting.
    held, late = threading.Event(), []
    panel._worker.submit("long", Job(lambda: late.append(held.wait(20)), str, str))
    new = process.request.out
    new.write_bytes(b"weights")
    process.events = [finished(new)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    gate = threading.Event()
    copy = shutil.copyfile

    def slow(source: Path, target: Path) -> None:
        assert gate.wait(20)
        copy(source, target)

    monkeypatch.setattr(shutil, "copyfile", slow)
    outs = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for out in outs:
        panel.result.exported.emit(out)
    assert not panel.start.isEnabled()
    assert "being put into use or written" in panel.start.toolTip()
    panel.begin()
    assert panel.model.phase == "finished"
    threading.Timer(0.3, gate.set).start()
    panel.close_all()
    assert not late
    held.set()
    assert [out.read_bytes() for out in outs] == [b"weights"] * 2


def test_start_waits_until_weights_are_kept(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot, tmp_path: Path
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    process.request.out.write_bytes(b"weights")
    process.events = [finished(process.request.out)]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    panel.result.exported.emit(tmp_path / "a.safetensors")
    assert not panel.start.isEnabled()
    qtbot.waitUntil(panel.start.isEnabled)
    assert (tmp_path / "a.safetensors").read_bytes() == b"weights"


# --- looks ------------------------------------------------------------------------------


def test_it_fits_into_a_narrow_dock(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    process.events = [step(1, 1.0), watch(0, 6.0), finished(Path("x.safetensors"))]
    qtbot.waitUntil(lambda: panel.model.phase == "finished")
    idle(panel, qtbot)
    panel.form.more.expand()
    assert panel.minimumSizeHint().width() <= 320


def test_words_are_cut_off_rather_than_figures(qtbot: QtBot) -> None:
    table = FiguresTable()
    qtbot.addWidget(table)
    table.show_table("Your images", ComparisonTable.model_validate(comparison()))
    table.resize(table.minimumSizeHint().width(), 200)
    table.show()
    words, *figures = (table._grid.itemAtPosition(6, column).widget() for column in range(3))
    assert words.width() < words.fontMetrics().horizontalAdvance("Mean of both")
    assert words.toolTip() == "Mean of both"
    assert all(each.width() >= each.sizeHint().width() for each in figures)


def test_axes_follow_the_theme(open_panel: OpenPanel) -> None:
    panel = open_panel()
    axis = panel.curves._loss_plot.getAxis("left")
    shades = []
    for theme in ("dark", "light"):
        panel._viewer.theme = theme
        shades.append(axis.textPen().color().lightness())
    assert shades[0] > 200
    assert shades[1] < 80


def test_all_of_it_is_reached_by_tab(open_panel: OpenPanel) -> None:
    panel = open_panel()
    inner = panel.data, panel.form, panel.result
    buttons = [b for part in inner for b in part.findChildren(QAbstractButton)]
    own = [panel.start, panel.cancel, panel.roll_back, panel.data.list, panel.data.name_edit]
    chain, widget = [], panel.data.layers
    while widget is not None and widget not in chain:
        chain.append(widget)
        widget = widget.nextInFocusChain()
    for each in [*buttons, *own]:
        assert each in chain
        assert each.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert each.toolTip() or each.text()


def test_nothing_of_it_is_left_to_be_told(
    open_panel: OpenPanel, processes: list[FakeProcess], qtbot: QtBot
) -> None:
    panel = open_panel()
    process = begun(panel, processes, qtbot)
    panel.close_all()
    gc.collect()
    process.events = [finished(Path("x"), changed=[changed()])]
    panel._viewer.theme = "light"
    panel._viewer.add_image(np.zeros((64, 64)), name="late")
    qtbot.wait(300)
    assert panel.model.outcome is None
    assert [pair.name for pair in panel.data.choice.layers] == ["cells + objects"]
