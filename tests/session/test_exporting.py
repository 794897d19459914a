"""COCO, TIFF and CSV from a session file."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.session.making import SIZE, answer, make, put
from tests.session.test_coco import decoded
from tests.session.test_journal import IMAGE
from tests.session.test_stacks import RUN, at, carried, click, known, make_stack

from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.session import AcceptedObject, Place, Session, accepting, editing, stacks
from napari_fclick.session.exporting import (
    export,
    possible_files,
    volume_of,
)
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Signature
from napari_fclick.session.starting import start_of
from napari_fclick.session.state import Part
from napari_fclick.session.target import Target


def describe(labels: Any) -> Target:
    shape = tuple(labels.labels.shape)
    return Target(
        "objects", "", shape, str(labels.labels.dtype), (1.0, 0.5, 0.25)[-len(shape) :], "µm"
    )


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = make()
    recorder = Recorder(session, describe)
    image = Signature.of(IMAGE, source="/data/cells.tif", name="cells")
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", image))
    session.set(class_name="nucleus")
    put(session, 20, 20)
    session.set(class_name="")
    session.add(40, 40)
    session.add(40, 44, positive=False)
    answer(session)
    accepting.accept(session)
    yield session
    recorder.close()


def test_coco(session: Session, tmp_path: Path) -> None:
    # While the session is still open: it is only read.
    export(tmp_path / "a.fclick", "coco", tmp_path / "a.json")
    coco = json.loads((tmp_path / "a.json").read_text())
    assert [image["file_name"] for image in coco["images"]] == ["cells.tif"]
    assert [c["name"] for c in coco["categories"]] == ["object", "nucleus"]
    for found, label in zip(coco["annotations"], (1, 2), strict=True):
        mask = session.labels == label
        assert np.array_equal(decoded(found["segmentation"]), mask)
        assert found["area"] == np.count_nonzero(mask)
        rows, columns = np.nonzero(mask)
        assert found["bbox"][:2] == [columns.min(), rows.min()]
        assert found["bbox"][2:] == [np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert found["attributes"]["clicks"] == label
    assert [found["category_id"] for found in coco["annotations"]] == [2, 1]


def test_categories_keep_their_ids(tmp_path: Path) -> None:
    session = make()
    recorder = Recorder(session, describe)
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", Signature.of(IMAGE)))
    listed = {"spindle": "#E69F00", "nucleus": "#56B4E9"}
    recorder.set_about("classes", json.dumps(listed))  # as the dock does
    put(session, 20, 20)
    found = []
    for name in ("nucleus", "spindle", "cell"):
        editing.classify(session, 1, name)
        export(tmp_path / "a.fclick", "coco", tmp_path / "a.json")
        found.append(json.loads((tmp_path / "a.json").read_text()))
    known = [{each["name"]: each["id"] for each in coco["categories"]} for coco in found]
    assert known[0] == known[1] == {"object": 1, "spindle": 2, "nucleus": 3}
    assert known[2] == known[0] | {"cell": 4}
    recorder.close()
    assert [coco["annotations"][0]["category_id"] for coco in found] == [3, 2, 4]


def test_tiff_has_labels_and_scale(session: Session, tmp_path: Path) -> None:
    export(tmp_path / "a.fclick", "tiff", tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        found = file.asarray()
        ome = file.ome_metadata
    assert found.dtype == np.uint16
    assert np.array_equal(found, session.labels)
    assert ome is not None
    assert 'PhysicalSizeY="0.5"' in ome
    assert 'PhysicalSizeX="0.25"' in ome
    assert 'PhysicalSizeXUnit="µm"' in ome


def test_each_layer_becomes_a_file(session: Session, tmp_path: Path) -> None:
    session.set_labels(np.zeros((SIZE, SIZE), np.int32))
    put(session, 10, 10)
    out = tmp_path / "a.tif"
    written = export(tmp_path / "a.fclick", "tiff", out)
    assert [path.name for path in written] == ["a-1.tif", "a-2.tif"]
    assert possible_files("tiff", out, layers=2) == [out, *written]
    assert possible_files("tiff", out) == [out]


def test_csv_of_objects_and_clicks(session: Session, tmp_path: Path) -> None:
    written = export(tmp_path / "a.fclick", "csv", tmp_path / "a.csv")
    assert [path.name for path in written] == ["a.csv", "a-clicks.csv"]
    assert written == possible_files("csv", tmp_path / "a.csv")
    objects, clicks = (list(csv.DictReader(path.open())) for path in written)
    assert [row["class"] for row in objects] == ["nucleus", ""]
    assert [row["clicks"] for row in objects] == ["1", "2"]
    assert float(objects[0]["area"]) == int(objects[0]["area_px"]) * 0.125
    assert (objects[0]["y"], objects[0]["x"]) == ("20.0", "20.0")
    assert [(row["label"], row["positive"], row["first"]) for row in clicks] == [
        ("1", "1", "1"),
        ("2", "1", "1"),
        ("2", "0", "0"),
    ]


def test_stacks_have_an_image_a_plane(tmp_path: Path) -> None:
    labels = np.zeros((3, SIZE, SIZE), np.int32)
    session = Session(IMAGE, labels, Place((1, 2), (0,)))
    recorder = Recorder(session, describe)
    image = Signature.of(np.zeros((3, SIZE, SIZE)), name="stack")
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", image))
    put(session, 20, 20)
    session.show(Place((1, 2), (2,)), IMAGE)
    put(session, 30, 30)
    recorder.close()
    export(tmp_path / "a.fclick", "coco", tmp_path / "a.json")
    coco = json.loads((tmp_path / "a.json").read_text())
    assert [image["slice"] for image in coco["images"]] == [[0], [2]]
    export(tmp_path / "a.fclick", "tiff", tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), labels)


def test_what_cannot_be_exported(session: Session, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none of coco, tiff, csv"):
        export(tmp_path / "a.fclick", "xml", tmp_path / "a.xml")
    with pytest.raises(ValueError, match=r"\.tif or \.tiff"):
        export(tmp_path / "a.fclick", "tiff", tmp_path / "a.png")
    with pytest.raises(FileNotFoundError, match="no folder"):
        export(tmp_path / "a.fclick", "csv", tmp_path / "none" / "a.csv")
    while session.can_undo:
        session.undo()
    with pytest.raises(JournalError, match="no accepted object"):
        export(tmp_path / "a.fclick", "tiff", tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["cells.csv", "cells-clicks.csv"])
def test_an_image_is_not_written_over(tmp_path: Path, name: str) -> None:
    session, image = make(), tmp_path / name
    image.write_text("pixels")
    recorder = Recorder(session, describe)
    signature = Signature.of(IMAGE, source=str(image))
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", signature))
    put(session, 20, 20)
    recorder.close()
    with pytest.raises(JournalError, match=f"{name} is an image that the session looked at"):
        export(tmp_path / "a.fclick", "csv", tmp_path / "cells.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.fclick", name]
    assert image.read_text() == "pixels"
    with pytest.raises(JournalError, match="is the session file itself"):
        export(tmp_path / "a.fclick", "coco", tmp_path / "a.fclick")


def test_a_file_that_is_only_read_is_left_as_it_is(session: Session, tmp_path: Path) -> None:
    path, out = tmp_path / "a.fclick", tmp_path / "out.json"
    (tmp_path / "killed").mkdir()
    killed = tmp_path / "killed" / "a.fclick"
    for ending in ("", "-wal"):  # as a process that was killed leaves them
        shutil.copyfile(f"{path}{ending}", f"{killed}{ending}")
    (tmp_path / "clean").mkdir()
    clean = Journal.open(path, read_only=True).copy_to(tmp_path / "clean" / "a.fclick")
    clean.close()
    wanted = {}
    for each in (killed, clean.path):
        content = {p.name: p.read_bytes() for p in each.parent.iterdir()}
        export(each, "coco", out)
        Journal.glance(each)
        wanted[each] = json.loads(out.read_text())
        left = {p.name: p.read_bytes() for p in each.parent.iterdir() if p.suffix != ".fclick-shm"}
        assert left == content
    assert wanted[killed] == wanted[clean.path]
    assert not Path(f"{clean.path}-shm").exists()


def test_a_file_without_its_image_is_damaged(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.fclick"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM about WHERE key = 'image'")
    with pytest.raises(JournalError, match=r"a\.fclick is damaged: it does not tell what image"):
        export(path, "coco", tmp_path / "a.json")


def volume(labels: Any) -> Target:
    return Target("objects", "", tuple(labels.labels.shape), "int32", (2.0, 0.5, 0.25), "µm")


def test_csv_of_an_object_in_a_stack(tmp_path: Path) -> None:
    session = make_stack()
    recorder = Recorder(session, volume)
    image = Signature.of(np.zeros(session.labels.shape), name="stack")
    recorder.begin_at(lambda: Journal.create(tmp_path / "a.fclick", image))
    click(session, 2)
    session.show(at(4), IMAGE)
    stacks.correct_carried(session, start_of(carried(4)), 24, 24)
    answer(session)
    stacks.accept(session, known(session, [carried(3)]), RUN)
    recorder.close()
    written = export(tmp_path / "a.fclick", "csv", tmp_path / "a.csv")
    objects, clicks = (list(csv.DictReader(path.open(encoding="utf-8"))) for path in written)
    assert [(row["slice"], row["kind"]) for row in objects] == [
        ("2", "keyframe"),
        ("3", "carried"),
        ("4", "keyframe"),
    ]
    pixels = int(np.count_nonzero(session.labels))
    for row in objects:
        assert (row["slices"], row["keyframes"]) == ("3", "2")
        assert float(row["volume"]) == pixels * 0.25
        assert row["volume_unit"] == "µm^3"
        assert bool(row["certainty"]) is (row["kind"] == "carried")
    kinds = {(row["slice"], row["order"]): row["kind"] for row in clicks}
    assert kinds == {
        ("2", "1"): "person",
        ("3", "1"): "derived",
        ("4", "1"): "derived",
        ("4", "2"): "person",
    }
    export(tmp_path / "a.fclick", "coco", tmp_path / "a.json")
    coco = json.loads((tmp_path / "a.json").read_text())
    assert sum(each["area"] for each in coco["annotations"]) == pixels


def test_a_volume_needs_a_third_axis_that_is_known() -> None:
    def record(*places: Place) -> AcceptedObject:
        box = Box(0, 0, 2, 2)
        return AcceptedObject(1, tuple(Part(each, ClickSequence(), box, 4) for each in places))

    four = Target("t", "", (2, 3, 4, 4), "int32", (9.0, 3.0, 0.5, 0.5), "")
    here, above, later = (Place((2, 3), index) for index in ((0, 0), (0, 1), (1, 0)))
    assert volume_of(record(here, above), 8, four) == (6.0, "")
    for unclear in (record(here), record(here, above, later)):
        assert volume_of(unclear, 8, four) == ("", "")
    plane = Target("t", "", (4, 4), "int32", (0.5, 0.5), "µm")
    assert volume_of(record(Place()), 8, plane) == ("", "")
    assert volume_of(record(here, above), 8, replace(four, spacing=())) == ("", "")
    mixed = replace(four, unit="second µm µm µm", spacing=(9.0, -3.0, 0.5, 0.5))
    assert volume_of(record(here, above), 8, mixed) == (6.0, "µm^3")
    assert volume_of(record(here, later), 8, mixed) == ("", "")


def test_files_of_windows_have_their_names(tmp_path: Path) -> None:
    session = make()
    recorder = Recorder(session, describe)
    image = Signature.of(IMAGE, source=r"C:\data\cells.tif", name="cells")
    recorder.begin_at(lambda: Journal.create(tmp_path / "w.fclick", image))
    put(session, 20, 20)
    recorder.close()
    export(tmp_path / "w.fclick", "coco", tmp_path / "w.json")
    (found,) = json.loads((tmp_path / "w.json").read_text())["images"]
    assert found["file_name"] == "cells.tif"
