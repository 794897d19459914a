"""The list of objects, their classes and features, and picking objects up."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from napari.utils.colormaps import DirectLabelColormap
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMenu
from tests.session.making import make, put
from tests.widgets.steps import accept_at, status, world

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.session import AcceptedObject, Place, Session, accepting, editing
from napari_fclick.session.state import Part
from napari_fclick.widgets import features
from napari_fclick.widgets.features import class_colormap, merged_features
from napari_fclick.widgets.moved import camera_of
from napari_fclick.widgets.object_table import AREA, CLASS, CLICKS, ID, ObjectTable
from napari_fclick.widgets.sections import Section

GRAY = np.zeros((100, 200), np.uint8)
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


def column(table: ObjectTable, which: int = ID) -> list[str]:
    return [str(table.data(table.index(row, which))) for row in range(table.rowCount())]


def record(label: int, made: int = 1, name: str = "") -> AcceptedObject:
    part = Part(Place(), ClickSequence([Click(5, 5)]), Box(0, 0, 10, 10), 100 - label)
    return AcceptedObject(label, (part,), 2.0, made, name)


@pytest.fixture
def table(qapp: Any) -> Any:
    table = ObjectTable()
    yield table
    table.close()


def filled(table: ObjectTable) -> Session:
    """A table that shows a session with the objects 1, 2 and 3."""
    session = make()
    table.show_session(session, None)
    for at in (10, 30, 50):
        put(session, at, at)
    return session


# --- the table --------------------------------------------------------------------------


def test_it_follows_every_step(table: ObjectTable) -> None:
    session = filled(table)
    assert column(table) == ["3", "2", "1"]  # the newest first
    session.undo()
    assert column(table) == ["2", "1"]
    session.redo()
    editing.merge(session, 1, 3)
    editing.renumber(session, 2, 9)
    assert column(table) == ["9", "3"]
    assert column(table, AREA) == ["81", "162"]
    assert column(table, CLICKS) == ["1", "2"]
    editing.classify(session, 9, "cell")
    assert column(table, CLASS) == ["cell", ""]
    while session.can_undo:
        session.undo()
    assert column(table) == []


def test_only_changed_rows_are_touched(table: ObjectTable, qtbot: Any) -> None:
    session = filled(table)
    resets, touched = [], []
    table.modelReset.connect(lambda: resets.append(1))
    table.dataChanged.connect(lambda a, b, _: touched.append((a.row(), b.row())))
    editing.classify(session, 2, "cell")
    # The one; and the classes' list has changed, which all rows show.
    assert touched == [(1, 1), (0, 2)]
    with qtbot.waitSignal(table.rowsRemoved) as removed:
        editing.delete(session, 3)
    assert removed.args[1:] == [0, 0]
    with qtbot.waitSignal(table.rowsInserted) as inserted:
        session.undo()
    assert inserted.args[1:] == [0, 0]
    assert not resets


def test_sorting_holds_while_objects_come_and_go(table: ObjectTable) -> None:
    session = filled(table)
    table.sort(AREA, ASCENDING)
    editing.merge(session, 1, 3)
    put(session, 10, 50, radius=2.0)
    areas = [int(text) for text in column(table, AREA)]
    assert areas == sorted(areas)
    table.sort(AREA, DESCENDING)
    put(session, 50, 10, radius=3.0)
    areas = [int(text) for text in column(table, AREA)]
    assert areas == sorted(areas, reverse=True)
    assert len(areas) == 4
    for label in session.objects:
        row = table.row_of(label)
        assert row is not None
        assert table.label_at(row) == label
    assert table.row_of(77) is None


def test_units_and_the_object_that_is_corrected(table: ObjectTable) -> None:
    session = filled(table)
    table.show_session(session, (0.25, "µm²"))
    assert table.headerData(AREA, Qt.Orientation.Horizontal) == "Area (µm²)"
    assert column(table, AREA) == ["20.25"] * 3
    editing.pick_up(session, 30, 30)
    table.show_session(session, (0.25, "µm²"))
    fonts = [table.data(table.index(r, ID), Qt.ItemDataRole.FontRole) for r in range(3)]
    assert [font is not None and font.bold() for font in fonts] == [False, True, False]


def test_ten_thousand_objects(table: ObjectTable) -> None:
    session = make()
    many = {n: record(n, name="ab"[n % 2]) for n in range(10, 10_010)}
    session.objects.records.update(many)  # as if they had been resumed
    table.show_session(session, None)
    assert table.rowCount() == 10_000
    resets = []
    table.modelReset.connect(lambda: resets.append(1))
    table.sort(CLASS, ASCENDING)
    began = time.perf_counter()
    for _ in range(10):
        table.show_session(session, None)  # as with each click
    put(session, 30, 30)
    editing.classify(session, next(reversed(session.objects.records)), "b")
    # Far from what making the table anew takes each time, on a busy machine too.
    assert time.perf_counter() - began < 0.5
    assert table.rowCount() == 10_001
    assert not resets


# --- features ---------------------------------------------------------------------------


def test_features_of_others_are_kept() -> None:
    before = pd.DataFrame({"index": [1, 5, 7], "class": ["x", "y", "z"], "score": [0.1, 0.5, 0.7]})
    records = {5: record(5, 3, "cell"), 7: None, 9: record(9), 1: record(1)}
    after = merged_features(before, records, {1: "x", 5: "y"})
    assert after["index"].tolist() == [1, 5, 9]
    assert after["class"].tolist() == ["x", "cell", ""]  # what 1 was is not lost
    assert after["clicks"].tolist() == [1, 3, 1]
    assert after["area"].tolist() == [99, 95, 91]
    assert after["score"].tolist()[:2] == [0.1, 0.5]


def test_features_without_an_index_are_of_labels_from_zero() -> None:
    before = pd.DataFrame({"score": [0.0, 0.1, 0.2]})
    after = merged_features(before, {2: record(2, name="cell")}, {})
    assert after["index"].tolist() == [0, 1, 2]
    assert after["class"].tolist()[2] == "cell"
    assert after["score"].tolist() == [0.0, 0.1, 0.2]
    empty = merged_features(pd.DataFrame(), {3: record(3)}, {})
    assert empty["index"].tolist() == [3]
    assert merged_features(empty, {3: None}, {})["index"].tolist() == []


def test_a_colormap_of_many_labels() -> None:
    began = time.perf_counter()
    colormap = class_colormap({n: "#FF0000" if n % 2 else "#0000FF" for n in range(1, 10_001)})
    assert time.perf_counter() - began < 0.5
    assert colormap.map(3).tolist() == [1, 0, 0, 1]
    assert colormap.map(4).tolist() == [0, 0, 1, 1]
    assert colormap.map(0)[3] == 0
    assert len(set(np.round(colormap.map(10_005)[:3], 2))) == 1  # gray


# --- in the dock ------------------------------------------------------------------------


def test_an_object_is_picked_up_with_the_mouse_and_corrected(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY, scale=(2, 2))
    controller, hand = widget.controller, mouse(widget.controller.viewer)
    accept_at(widget, (20, 20), (60, 60))
    before = controller.labels.data.copy()
    hand.click(world(widget, 1, 1), modifiers=("Control",))
    assert "no object to pick up" in widget.message.text()
    hand.click(world(widget, 58, 61), modifiers=("Control",))
    assert status(widget).startswith("Correcting object 2 · click what is wrong")
    assert "correcting object 2" in widget.message.text()
    assert not widget.objects.buttons["correct"].isEnabled()
    hand.click(world(widget, 20, 20), modifiers=("Control",))  # one is at hand already
    assert "accept or clear" in widget.message.text()
    assert controller.session.draft.label == 2
    # Let go: it is as it was.
    controller.clear()
    assert (controller.labels.data == before).all()
    assert controller.session.draft.label is None
    # Once more, with a correction.
    hand.click(world(widget, 60, 60), modifiers=("Control",))
    hand.click(world(widget, 60, 68))
    assert widget.wait_idle()
    controller.accept()
    assert widget.wait_idle()
    assert np.count_nonzero(controller.labels.data == 2) > 81
    assert set(controller.session.objects) == {1, 2}


def test_a_drag_with_ctrl_picks_nothing_up(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    accept_at(widget, (20, 20))
    path = [world(widget, 20, 20), world(widget, 30, 60)]
    mouse(widget.controller.viewer).drag(*path, modifiers=("Control",))
    assert not widget.controller.session.clicks


def test_labels_that_are_not_ours_are_corrected_too(open_dock: Any, mouse: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.objects.pick_up_at(20, 20)
    assert "choose the Labels layer" in widget.message.text()
    data = np.zeros(GRAY.shape, np.uint16)
    data[10:30, 10:40] = 70
    table = pd.DataFrame({"index": [70], "class": ["vessel"], "score": [0.5]})
    layer = controller.viewer.add_labels(data, features=table)
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    assert controller.session.classes.names == ["vessel"]
    controller.viewer.cursor.position = world(widget, 20, 20)
    controller.objects.pick_up_at_cursor()
    assert controller.session.draft.label == 70
    controller.accept()
    assert widget.wait_idle()
    assert widget.objects.table.rowCount() == 1
    assert np.count_nonzero(data == 70) == 600
    controller.features.flush()
    (row,) = layer.features.to_dict("records")
    assert (row["index"], row["class"], row["area"], row["score"]) == (70, "vessel", 600, 0.5)


@pytest.mark.parametrize("others", [[np.nan, np.nan], ["total", None]])
def test_rows_of_no_label_in_a_layer_stay_and_do_no_harm(open_dock: Any, others: list[Any]) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    data = np.zeros(GRAY.shape, np.uint16)
    data[10:30, 10:40] = 70
    table = pd.DataFrame({"index": [70, *others], "class": ["vessel", "a", "b"]})
    layer = controller.viewer.add_labels(data, features=table)
    controller.annotated.choose_labels(layer)
    assert widget.wait_idle()
    assert widget.labels.currentText() == layer.name
    assert controller.session.classes.names == ["vessel"]
    accept_at(widget, (60, 100))
    controller.features.flush()
    rows = layer.features
    assert list(rows["class"][rows["index"] == 70]) == ["vessel"]
    assert list(rows["area"][rows["index"] == 71]) == [controller.session.objects[71].area]
    assert len(rows) == 2 + len(set(others))


def test_each_layer_is_told_of_its_own_objects(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    first = controller.labels
    data = np.zeros(GRAY.shape, np.uint16)
    data[60:70, 60:70] = 1
    table = pd.DataFrame({"index": [1], "class": ["vessel"], "area": [100]})
    second = controller.viewer.add_labels(data, features=table)
    controller.annotated.choose_labels(second)
    assert widget.wait_idle()
    controller.features.flush()
    assert second.features.to_dict("list") == {"index": [1], "class": ["vessel"], "area": [100]}
    accept_at(widget, (60, 100))
    controller.objects.add_class("cell")
    controller.objects.classify([1, 2], "cell")
    controller.objects.rename_class("cell", "nucleus")
    controller.features.flush()
    assert first.features["index"].tolist() == [1]
    assert first.features["class"].tolist() == ["nucleus"]
    assert second.features["index"].tolist() == [1, 2]
    assert second.features["class"].tolist() == ["vessel", "nucleus"]
    path = controller.journaling.path
    controller.close()
    again = open_dock(GRAY)
    assert again.controller.resuming.resume(path)
    again.controller.features.flush()
    told = [layer.features["index"].tolist() for layer in again.controller.viewer.layers[-2:]]
    assert sorted(told) == [[1], [2]]


def test_selecting_a_row_shows_the_object(open_dock: Any) -> None:
    widget = open_dock(np.zeros((4, *GRAY.shape), np.uint8), scale=(5, 0.5, 0.5))
    controller, viewer = widget.controller, widget.controller.viewer
    viewer.dims.set_current_step(0, 0)
    accept_at(widget, (20, 20))
    viewer.dims.set_current_step(0, 3)
    accept_at(widget, (60, 150))
    camera = camera_of(viewer)
    camera.zoom = 3.0
    camera.center = (0.0, 900.0, 900.0)  # where none is to be seen
    widget.objects.select(1)
    assert viewer.dims.current_step[0] == 0
    assert controller.session.place.index == (0,)
    assert camera.center[-2:] == pytest.approx((10, 10))
    assert camera.zoom == 3.0
    assert controller.labels.selected_label == 1
    # One that is in view is left where it is.
    camera.center = (0.0, 20.0, 60.0)
    widget.objects.select(2)
    assert viewer.dims.current_step[0] == 3
    assert camera.center[-2:] == pytest.approx((20, 60))
    widget.objects.select(1)
    camera.zoom = 10_000.0  # it would not fit
    widget.objects.select(2)
    assert viewer.dims.current_step[0] == 3
    assert camera.center[-2:] == pytest.approx((30, 75))
    assert camera.zoom < 1000
    # What goes with undo takes the view nowhere.
    centre = camera.center
    controller.undo()
    assert camera.center == centre


def test_large_numbers_can_be_given(open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(GRAY)
    session, objects = widget.controller.session, widget.objects
    labels = widget.controller.viewer.add_labels(np.zeros(GRAY.shape, np.int64))
    widget.controller.annotated.choose_labels(labels)
    assert widget.wait_idle()
    accept_at(widget, (20, 20))
    for before, typed, after in ((1, str(2**40), 2**40), (2**40, "seven", 2**40), (2**40, "7 ", 7)):

        def ask(*_: Any, text: str, before: int = before, typed: str = typed) -> Any:
            assert text == str(before)
            return typed, True

        monkeypatch.setattr("qtpy.QtWidgets.QInputDialog.getText", ask)
        objects.select(before)
        objects.buttons["renumber"].click()
        assert set(session.objects) == {after}
        assert ("'seven' is no number" in widget.message.text()) == (typed == "seven")


def test_buttons_and_keys_of_the_list(open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(GRAY)
    controller, objects = widget.controller, widget.objects
    accept_at(widget, (20, 20), (20, 60), (60, 100), (60, 140))
    assert not objects.buttons["delete"].isEnabled()
    objects.select(1, 2)
    assert [name for name, b in objects.buttons.items() if b.isEnabled()] == ["delete", "merge"]
    objects.buttons["merge"].click()
    # The first row is the newest.
    assert set(controller.session.objects) == {2, 3, 4}
    assert objects.selected == [2]
    monkeypatch.setattr(objects, "ask_number", lambda label: 30)
    objects.buttons["renumber"].click()
    assert objects.selected == [30]
    monkeypatch.setattr(objects, "ask_number", lambda label: 3)
    objects.buttons["renumber"].click()
    assert "taken" in widget.message.text()
    controller.objects.add_class("cell", "#112233")
    objects.select(3, 4)
    objects._fill_classes()
    menu: QMenu = objects.class_menu
    assert [action.text() for action in menu.actions()] == ["cell", "no class"]
    menu.actions()[0].trigger()
    assert {n: r.class_name for n, r in controller.session.objects.items()}[4] == "cell"
    assert objects.selected == [4, 3]
    widget.show()
    objects.view.setFocus()
    objects.select(3)
    QTest.keyClick(objects.view, Qt.Key.Key_Delete)
    if 3 in controller.session.objects:  # where the window has no focus, shortcuts are deaf
        objects.actions_by_name["delete"].trigger()
    assert set(controller.session.objects) == {4, 30}
    objects.select(4)
    objects.actions_by_name["correct"].trigger()
    assert controller.session.draft.label == 4


def test_the_class_at_hand_and_the_colours(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller, bar = widget.controller, widget.mask_form.classes
    controller.objects.add_class("cell", "#FF0000")
    controller.objects.add_class("vessel", "#0000FF")
    assert [bar.combo.itemText(i) for i in range(3)] == ["no class", "cell", "vessel"]
    accept_at(widget, (20, 20))
    bar.combo.setCurrentIndex(2)
    bar.combo.activated.emit(2)
    accept_at(widget, (60, 60))
    controller.features.flush()
    labels = controller.labels
    assert labels.features["class"].tolist() == ["", "vessel"]
    before = labels.colormap
    widget.objects.by_class.setChecked(True)
    assert isinstance(labels.colormap, DirectLabelColormap)
    assert labels.get_color(2)[:3].tolist() == [0, 0, 1]
    controller.objects.recolour_class("vessel", "#00FF00")
    controller.objects.classify([1], "cell")
    controller.features.flush()
    assert labels.get_color(2)[:3].tolist() == [0, 1, 0]
    assert labels.get_color(1)[:3].tolist() == [1, 0, 0]
    widget.objects.by_class.setChecked(False)
    assert labels.colormap is before
    for _ in range(2):  # what was classified, then the object itself
        controller.undo()
    controller.features.flush()
    assert labels.features["index"].tolist() == [1]
    controller.undo()
    assert bar.combo.currentText() in ("vessel", "no class")


def test_large_labels_are_not_coloured_anew_at_each_commit(
    open_dock: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(features, "MANY_PIXELS", 10)
    widget = open_dock(GRAY)
    controller = widget.controller
    controller.objects.use_class("cell")
    accept_at(widget, (20, 20))
    widget.objects.by_class.setChecked(True)
    colormap = controller.labels.colormap
    accept_at(widget, (60, 60))
    controller.features.flush()
    assert controller.labels.colormap is colormap
    cell = controller.labels.get_color(1).tolist()
    assert controller.labels.get_color(2).tolist() == cell
    controller.objects.use_class("")
    accept_at(widget, (60, 120))
    controller.features.flush()
    assert controller.labels.get_color(3).tolist() != cell


def test_the_list_of_classes(open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    editor = widget.mask_form.classes.open_editor()
    editor.buttons["add"].click()
    assert controller.session.classes.names == ["class 1"]
    editor.list.item(0).setText("cell")
    assert controller.session.classes.names == ["cell"]
    monkeypatch.setattr(editor, "ask_colour", lambda colour: "#abcdef")
    editor.buttons["colour"].click()
    assert controller.session.classes.colours == {"cell": "#ABCDEF"}
    controller.objects.use_class("cell")
    accept_at(widget, (20, 20))
    editor.buttons["remove"].click()
    assert "in use by 1 object (" in editor.problem.text()
    editor.list.item(0).setText("  ")
    assert "no name" in editor.problem.text()
    assert editor.list.item(0).text() == "cell"
    editor.list.item(0).setText("fibre")
    assert controller.session.objects[1].class_name == "fibre"
    assert widget.mask_form.classes.combo.currentText() == "fibre"
    editor.close()


def test_what_is_at_stake_is_told_before(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    controller.click(20, 26)
    assert widget.wait_idle()
    shared = sum(accepting.plan(controller.session).withheld.values())
    assert f"keeps {shared} px of 1" in status(widget)
    controller.adjusting.set(policy="replace")
    assert widget.wait_idle()
    assert f"overwrites {shared} px of 1" in status(widget)
    controller.remove(0)
    controller.click(20, 20)  # the very same object
    controller.adjusting.set(policy="keep")
    assert widget.wait_idle()
    assert "nothing is left to write" in status(widget)
    controller.clear()
    assert "px of" not in status(widget)


def test_the_labels_are_compared_once_for_a_mask(open_dock: Any, monkeypatch: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    accept_at(widget, (20, 20))
    controller.click(20, 26)
    assert widget.wait_idle()
    read = []
    kind = type(controller.session.labels)
    reading = kind.__getitem__
    monkeypatch.setattr(kind, "__getitem__", lambda s, i: read.append(i) or reading(s, i))
    for _ in range(5):
        controller.refresh()
    assert widget.wait_idle()
    assert not read
    controller.adjusting.set(policy="replace")
    assert widget.wait_idle()
    assert len(read) == 1
    assert all(part.stop - part.start < 40 for part in read[0])


def test_effort(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    assert widget.effort.text() == ""
    accept_at(widget, (20, 20))
    assert widget.effort.text().startswith("1 object · 1.0 clicks · ")
    widget.controller.click(60, 60)
    widget.controller.click(60, 70)
    assert widget.effort.text().startswith("now 2 clicks, 0 s · mean 1.0 clicks")


def test_it_fits_a_window_of_900_pixels(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    assert widget.wait_idle()
    inside = widget.sections["mask"].parentWidget()
    assert inside.minimumSizeHint().height() < 800
    assert widget.minimumSizeHint().height() < 300  # it scrolls in lower ones
    section: Section = widget.sections["image"]
    section.collapse(animate=False)
    assert not section.content().isVisibleTo(section)
    section.expand(animate=False)
    assert widget.images.isVisibleTo(section)


def test_labels_that_are_not_ours_are_deleted_and_merged_under_the_cursor(open_dock: Any) -> None:
    widget = open_dock(GRAY)
    controller = widget.controller
    data = np.zeros(GRAY.shape, np.uint16)
    for number, column in ((3, 5), (4, 25), (9, 45)):
        data[10:20, column : column + 10] = number
    before = data.copy()

    def over(column: int, do: Any) -> str:
        controller.viewer.cursor.position = world(widget, 15, column)
        do()
        assert widget.wait_idle()
        return str(widget.message.text())

    delete, merge = controller.objects.delete_at_cursor, controller.objects.merge_at_cursor
    assert "choose the Labels layer" in over(30, delete)
    controller.annotated.choose_labels(controller.viewer.add_labels(data))
    assert "no object under the cursor" in over(0, delete)
    assert "deleted 3" in over(8, delete)
    assert np.unique(data).tolist() == [0, 4, 9]
    assert "Shift+M over another object makes it a part of object 9" in over(50, merge)
    assert "stays as it is" in over(50, merge)  # it was let go of
    over(50, merge)
    assert "merged 4" in over(30, merge)
    assert np.unique(data).tolist() == [0, 9]
    assert np.count_nonzero(data == 9) == 200
    controller.undo()
    controller.undo()
    np.testing.assert_array_equal(data, before)
