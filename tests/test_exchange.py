"""Session files and COCO by napari's own readers and writers."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import npe2
import numpy as np
import pandas as pd
import pytest
from tests.session.making import make, put
from tests.session.test_coco import decoded
from tests.session.test_exporting import describe
from tests.session.test_journal import IMAGE

from napari_fclick.exchange import (
    READ,
    SESSION,
    get_reader,
    read_session,
    write_coco,
    write_session,
)
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Signature


@pytest.fixture
def path(tmp_path: Path) -> Path:
    session = make()
    recorder = Recorder(session, describe)
    path = tmp_path / "a.fclick"
    recorder.begin_at(lambda: Journal.create(path, Signature.of(IMAGE)))
    put(session, 20, 20)
    put(session, 40, 40)
    recorder.close()
    return path


def test_the_manifest_names_the_reader(path: Path) -> None:
    manager = npe2.PluginManager()
    manifest = npe2.PluginManifest.from_distribution("napari-fclick")
    manager.register(manifest)
    (reader,) = manager.iter_compatible_readers([str(path)])
    command = next(c for c in manifest.contributions.commands or () if c.id == reader.command)
    module, _, name = str(command.python_name).partition(":")
    read = getattr(importlib.import_module(module), name)(str(path))
    assert read is not None
    ((labels, attributes, kind),) = read(str(path))
    assert kind == "labels"
    assert set(np.unique(labels)) == {0, 1, 2}
    assert attributes["scale"] == (0.5, 0.25)
    assert attributes["units"] == "µm"
    assert get_reader("image.tif") is None
    assert get_reader("A.FCLICK") is read_session


def test_a_layer_is_saved_as_its_session(path: Path, tmp_path: Path) -> None:
    ((labels, attributes, _),) = read_session(str(path))
    copy = str(tmp_path / "copy.fclick")
    assert write_session(copy, labels, attributes) == [copy]
    ((again, attributes, _),) = read_session(copy)
    assert np.array_equal(again, labels)
    assert attributes["metadata"] == {SESSION: copy, READ: True}
    painted = labels.copy()
    painted[:5, :5] = 9
    with pytest.raises(JournalError, match="25 pixels of the layer were changed since"):
        write_session(str(tmp_path / "painted.fclick"), painted, attributes)
    assert not (tmp_path / "painted.fclick").exists()
    with pytest.raises(JournalError, match="belongs to no session"):
        write_session(copy, labels, {"name": "other", "metadata": {}})


def test_any_labels_become_coco(tmp_path: Path) -> None:
    labels = np.zeros((2, 30, 40), np.int64)
    labels[0, 3:9, 5:8] = 2**40
    labels[1, 3:9, 5:8] = 7
    labels[1, 20, 39] = 9
    features = pd.DataFrame({"index": [0, 7, 9], "class": ["", "cell", ""]})
    out = str(tmp_path / "a.json")
    write_coco(out, labels, {"name": "stack", "features": features})
    coco = json.loads(Path(out).read_text())
    assert [image["slice"] for image in coco["images"]] == [[0], [1]]
    assert [each["attributes"]["label"] for each in coco["annotations"]] == [2**40, 7, 9]
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert [names[each["category_id"]] for each in coco["annotations"]] == [
        "object",
        "cell",
        "object",
    ]
    for each in coco["annotations"]:
        plane = labels[each["image_id"] - 1]
        assert np.array_equal(decoded(each["segmentation"]), plane == each["attributes"]["label"])


def test_rows_without_numbers_are_of_labels_from_0(tmp_path: Path) -> None:
    features = pd.DataFrame({"class": ["background", "cell"]})
    write_coco(str(tmp_path / "a.json"), np.ones((4, 4), np.uint8), {"features": features})
    coco = json.loads((tmp_path / "a.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert [names[each["category_id"]] for each in coco["annotations"]] == ["cell"]


@pytest.mark.parametrize("others", [[np.nan], ["total", None]])
def test_rows_of_no_label_name_no_class(tmp_path: Path, others: list[Any]) -> None:
    labels = np.ones((4, 4), np.uint8)
    features = pd.DataFrame({"index": [1, *others]}).assign(**{"class": "none"})
    features.loc[0, "class"] = "cell"
    write_coco(str(tmp_path / "a.json"), labels, {"features": features})
    coco = json.loads((tmp_path / "a.json").read_text())
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert [names[each["category_id"]] for each in coco["annotations"]] == ["cell"]


@pytest.mark.parametrize(
    "classes",
    [
        [np.nan],
        [None],
        [""],
        pd.array([pd.NA], dtype="string"),
        pd.Categorical([None], categories=["a"]),
    ],
)
def test_a_class_that_is_not_set_is_none(tmp_path: Path, classes: Any) -> None:
    features = pd.DataFrame({"index": [1], "class": classes})
    write_coco(str(tmp_path / "a.json"), np.ones((4, 4), np.uint8), {"features": features})
    coco = json.loads((tmp_path / "a.json").read_text())
    assert [category["name"] for category in coco["categories"]] == ["object"]


def test_nothing_accepted_is_nothing_to_read(tmp_path: Path) -> None:
    Journal.create(tmp_path / "a.fclick", Signature.of(IMAGE)).close()
    with pytest.raises(JournalError, match="no accepted object"):
        read_session(str(tmp_path / "a.fclick"))
