from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path

import pytest
from tests.commands import Command
from tests.session.blobs import OTHERS, BlobPredictor, write_folder

from napari_fclick.cli import finding


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "set")


@pytest.fixture
def find(command: Command, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run ``find`` with a network that finds blobs."""
    monkeypatch.setattr(finding, "load_predictor", lambda *_: BlobPredictor())
    return partial(command, "find")


def test_what_was_found_is_told(find: Command, folder: Path) -> None:
    code, out, err = find(folder, "--json")
    assert code == 0
    lines = err.splitlines()
    assert lines[0] == "learned from 4 objects in 1 image; 2 images without labels"
    assert re.fullmatch(r"b.png: 15 objects, the least certain [01]\.\d\d", lines[1])
    assert lines[2] == "c.png: nothing found"
    assert lines[3].startswith("15 objects that nobody has looked at")
    report = json.loads(out)
    b, c = report["images"]
    assert b["labels"] == str(folder / "found/b.tif") and Path(b["session"]).is_file()
    assert [each["label"] for each in b["objects"]] == list(range(1, len(OTHERS) + 1))
    assert all(0.7 <= each["certainty"] <= 1 for each in b["objects"])
    assert (c["session"], c["labels"], c["objects"]) == (None, None, [])
    code, _, err = find(folder)
    assert code == 0 and "b.png: left out: 15 objects in b-" in err


def test_objects_may_be_labelled_in_another_folder(
    find: Command, folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (folder / "images/b.png").rename(elsewhere / "b.png")
    code, _, err = find(elsewhere, "--like", folder, "--out", tmp_path / "out")
    assert code == 0 and "b.png: 15 objects" in err
    assert (tmp_path / "out/b.tif").is_file()


@pytest.mark.parametrize("where", ["labels", "images"])
def test_nothing_is_written_among_what_people_made(find: Command, folder: Path, where: str) -> None:
    code, _, err = find(folder, "--out", folder / where)
    assert code == 2 and "choose another folder" in err


def test_a_certainty_is_a_probability(find: Command, folder: Path) -> None:
    code, _, err = find(folder, "--least", 70)
    assert code == 2 and err == "error: --least 70.0 is not within 0 to 1\n"


def test_labels_of_the_folder_that_is_learned_from_are_not_written_over(
    find: Command, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "new").mkdir()
    (folder / "images/b.png").rename(tmp_path / "new/a.png")
    before = (folder / "labels/a.tif").read_bytes()
    code, _, err = find(tmp_path / "new", "--like", folder, "--out", folder / "labels")
    assert code == 2 and "choose another folder" in err
    assert (folder / "labels/a.tif").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_told_before_anything_is_done(
    find: Command, folder: Path
) -> None:
    (folder / "found").write_text("a file")
    code, _, err = find(folder)
    assert code == 2 and "b.png" not in err
    assert err.splitlines()[-1] == f"error: {folder / 'found'} is a file: name a folder"


def test_a_mistake_leaves_no_folder(find: Command, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "bare/labels").mkdir(parents=True)
    (folder / "images/b.png").rename(tmp_path / "bare/b.png")
    code, _, err = find(folder, "--like", tmp_path / "bare", "--out", tmp_path / "out")
    assert code == 2 and "holds no objects of an image" in err
    assert not (tmp_path / "out").exists()


def test_what_lies_in_the_folder_besides_is_told(find: Command, folder: Path) -> None:
    (folder / "images/notes.txt").write_text("of the day")
    _, _, err = find(folder)
    assert "1 file in images/ of a kind that cannot be read (.txt): left out" in err
