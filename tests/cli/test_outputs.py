"""Where commands write: never over what they read, nor over each other's files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.commands import Command, Ended
from tests.evaluation.fakes import strips, write_folder
from tests.evaluation.test_datasets import coco_folder
from tests.session.fakes import FakePredictor, bare_target
from tests.session.making import SIZE, make, put

from napari_fclick.cli import evaluating, sessions
from napari_fclick.cli.common import check_out, write_text
from napari_fclick.core import places
from napari_fclick.evaluation import runs
from napari_fclick.session import Place, Session
from napari_fclick.session.journal import Journal
from napari_fclick.session.recorder import Recorder
from napari_fclick.session.signature import Channels, Signature

METHOD = ("--method", "flood-fill", "--max-clicks", "2")


def refused(found: Ended, message: str) -> None:
    (line,) = found.lines
    assert found.code == 2
    assert message in line


# --- segment ----------------------------------------------------------------------------


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.tif"
    tifffile.imwrite(path, np.random.default_rng(0).integers(0, 255, (SIZE, SIZE), np.uint8))
    return path


def test_segment_leaves_its_image_alone(command: Command, image: Path) -> None:
    content = image.read_bytes()
    (image.parent / "folder").mkdir()
    for out in (image, image.parent / "folder" / ".." / "image.tif"):
        found = command("segment", image, "--click", "9,9", "--out", out)
        refused(found, f"--out {out} is the image itself: choose another file")
    assert image.read_bytes() == content
    check_out(image.with_name("other.tif"), image)


def test_propagate_leaves_its_stack_alone(command: Command, image: Path) -> None:
    content = image.read_bytes()
    found = command("propagate", image, "--click", "0,9,9", "--out", image)
    refused(found, f"--out {image} is the image itself: choose another file")
    assert image.read_bytes() == content


def test_a_folder_is_called_a_folder(command: Command, image: Path, tmp_path: Path) -> None:
    for name in ("folder", "folder.tif"):
        (tmp_path / name).mkdir()
        found = command("segment", image, "--click", "9,9", "--out", tmp_path / name)
        refused(found, f"{name} is a folder: name a file in it")
    (tmp_path / "stack.zarr").mkdir()
    found = command(
        "segment", tmp_path / "stack.zarr", "--click", "9,9", "--out", tmp_path / "m.tif"
    )
    refused(found, "stack.zarr is a folder; an image is read from one file: .tif")


def test_slices_are_counted_from_0(command: Command, tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.zeros((5, 40, 50), np.uint8))
    options = ("--click", "9,9", "--out", tmp_path / "m.tif")
    refused(command("segment", stack, *options, "--slice", "-1"), "has slices 0 to 4")


def test_three_slices_are_no_colours(command: Command, tmp_path: Path) -> None:
    stack, out = tmp_path / "stack.tif", tmp_path / "m.tif"
    pixels = np.zeros((3, 40, 50), np.uint8)
    tifffile.imwrite(stack, pixels, photometric="rgb", planarconfig="separate")
    found = command("segment", stack, "--click", "9,9", "--slice", "9", "--out", out)
    refused(found, "has slices 0 to 2")
    refused(command("propagate", stack, "--click", "9,9,9", "--out", out), "has slices 0 to 2")


@pytest.mark.parametrize("chosen", [(), ("--slice", "0")])
def test_an_axis_too_many_is_told_at_once(command: Command, tmp_path: Path, chosen: Any) -> None:
    stack = tmp_path / "stack.ome.tif"
    tifffile.imwrite(stack, np.zeros((3, 2, 40, 50), np.uint8), metadata={"axes": "ZCYX"})
    found = command("segment", stack, "--click", "9,9", "--out", tmp_path / "m.tif", *chosen)
    refused(found, "has shape (3, 2, 40, 50) along ZCYX: 4 axes; allowed are (slices, rows, col")


def test_a_stack_in_colour_is_a_stack(command: Command, tmp_path: Path) -> None:
    stack = tmp_path / "stack.npy"
    np.save(stack, np.zeros((5, 40, 50, 3), np.uint8))
    found = command("segment", stack, "--click", "9,9", "--out", tmp_path / "m.tif")
    refused(found, "a stack: choose a slice with --slice")


# --- sessions ---------------------------------------------------------------------------


def annotate(image: Path, layers: int = 1, accept: bool = True) -> Path:
    """Return a session file with an object in each layer."""
    pixels, path = tifffile.imread(image), image.with_name("a.fclick")
    session = make()
    recorder = Recorder(session, bare_target())
    recorder.begin_at(lambda: Journal.create(path, Signature.of(pixels, str(image), "image")))
    recorder.set_weights("discs", "abc")
    recorder.set_channels(Channels(sources=(str(image.with_name("second-1.tif")),)))
    for layer in range(layers):
        if layer:
            session.set_labels(np.zeros((SIZE, SIZE), np.int32))
        if accept:
            put(session, 20, 20 + 20 * layer)
        else:
            session.add(20, 20)
    recorder.close()
    return path


@pytest.fixture
def second(image: Path) -> Path:
    """Write the channel that sessions look at beside the image."""
    path = image.with_name("second-1.tif")
    tifffile.imwrite(path, 255 - tifffile.imread(image))
    return path


@pytest.fixture(autouse=True)
def discs(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = FakePredictor()
    predictor.card = type("Card", (), {"sha256": "abc"})  # type: ignore[attr-defined]
    predictor.name = "discs"  # type: ignore[attr-defined]
    monkeypatch.setattr(sessions, "load_predictor", lambda *_: predictor)


def test_sessions_are_not_written_over_what_they_read(
    command: Command, image: Path, second: Path, tmp_path: Path
) -> None:
    session = annotate(image, layers=2)
    numbered = image.rename(tmp_path / "image-2.tif")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for name in ("second.tif", "image.tif"):  # of either, a file a layer would be written
        found = command("replay", session, "--out", tmp_path / name, "--image", numbered)
        refused(found, "is an image that the session looked at: choose another file")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    numbered.rename(image)
    for kind in ("coco", "csv"):
        for out in (image, second):
            found = command("export", session, "--format", kind, "--out", out)
            refused(found, f"{out} is an image that the session looked at: choose another file")
    assert image.read_bytes() == before[numbered]
    folder = tmp_path / "folder"
    folder.mkdir()
    refused(
        command("export", session, "--format", "coco", "--out", folder), "is a folder: name a file"
    )


def test_replay_names_what_it_wrote(
    image: Path,
    second: Path,
    tmp_path: Path,
    command: Command,
) -> None:
    session = annotate(image, layers=2)
    done = command("replay", session, "--out", tmp_path / "r.tif", "--json")
    written = [str(tmp_path / f"r-{number}.tif") for number in (1, 2)]
    assert done.lines == [f"wrote {path}" for path in written]
    assert json.loads(done.out)["labels"] == written


def test_replay_of_nothing_says_so(
    command: Command, image: Path, second: Path, tmp_path: Path
) -> None:
    session = annotate(image, accept=False)
    done = command("replay", session)
    assert done.code == 0 and done.lines[0] == f"{session} holds no accepted object"
    refused(command("replay", session, "--out", tmp_path / "r.tif"), "holds no accepted object")
    assert not (tmp_path / "r.tif").exists()


def test_labels_of_too_many_axes_are_refused_first(command: Command, tmp_path: Path) -> None:
    plane = np.zeros((SIZE, SIZE), np.uint8)
    labels = np.zeros((1, 1, 1, 1, SIZE, SIZE), np.int32)
    session = Session(plane, labels, Place((4, 5), (0, 0, 0, 0)))
    recorder = Recorder(session, bare_target())
    path = tmp_path / "a.fclick"
    signature = Signature.of(plane[None, None, None, None], "none.tif")
    recorder.begin_at(lambda: Journal.create(path, signature))
    put(session, 20, 20)
    recorder.close()
    refused(
        command("replay", path, "--out", tmp_path / "r.tif"), "labels of 6 axes cannot be written"
    )
    refused(command("replay", path), "none.tif is not there")


@pytest.mark.parametrize(("saved", "told"), [(-29, "29 more"), (4, "4 fewer"), (0, "as many")])
def test_clicks_are_counted_in_words(saved: int, told: str) -> None:
    assert sessions._more(saved) == told


def test_a_format_that_there_is_not(
    command: Command, image: Path, second: Path, tmp_path: Path
) -> None:
    found = command("export", annotate(image), "--format", "xml", "--out", tmp_path / "a.xml")
    refused(found, "'xml' is not one of 'coco', 'tiff', 'csv'")


# --- evaluate ---------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "cells", strips())


def test_outputs_of_an_evaluation_are_files_of_their_own(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*.tif")}
    one, again = tmp_path / "r.txt", folder / ".." / "r.txt"
    for first, other in (("--json", "--markdown"), ("--json", "--results")):
        found = command("evaluate", folder, *METHOD, first, one, other, again)
        refused(found, f"{first} and {other} both write")
    (tmp_path / "link").symlink_to(folder / "labels", target_is_directory=True)
    for option, out in (
        ("--json", folder / "labels/0.tif"),
        ("--plot", folder / "images/new.png"),
        ("--results", tmp_path / "link/r.jsonl"),
    ):
        found = command("evaluate", folder, *METHOD, option, out)
        refused(found, f"{option} {out} lies among the data in {folder}")
    found = command("evaluate", folder, "--volumes", "--json", folder / "labels/0.tif")
    refused(found, "lies among the data")
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_images_that_lie_beside_their_labels_are_left_alone(command: Command, folder: Path) -> None:
    for image in (folder / "images").iterdir():
        image.rename(folder / image.name)
    (folder / "images").rmdir()
    (folder / "reports").mkdir()
    before = {path: path.read_bytes() for path in folder.glob("*.tif")}
    assert before
    for out in ("0.tif", "new.json"):
        for options in (METHOD, ("--volumes",)):
            found = command("evaluate", folder, *options, "--json", folder / out)
            refused(found, f"--json {folder / out} lies among the data in {folder}")
    assert {path: path.read_bytes() for path in folder.glob("*.*")} == before
    out = folder / "reports/r.json"
    assert command("evaluate", folder, *METHOD, "--json", out).code == 0
    assert json.loads(out.read_text())


def test_the_images_of_coco_are_left_alone(command: Command, tmp_path: Path) -> None:
    folder = coco_folder(tmp_path / "coco")
    for name in ("val2017", "annotations"):
        found = command("evaluate", folder, *METHOD, "--json", folder / name / "r.json")
        refused(found, f"lies among the data in {folder / name}: choose another")


def test_nothing_played_is_no_report(
    command: Command, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    masks = tmp_path / "wrong"
    tifffile.imwrite(_made(masks / "masks") / "a.tif", 255 * (strips()[0] > 0).astype(np.uint8))
    tifffile.imwrite(_made(masks / "images") / "a.tif", np.zeros((9, 9), np.uint8))
    outs = {option: tmp_path / f"r{option}.png" for option in ("--sheet", "--plot")}
    outs |= {option: tmp_path / f"r{option}.txt" for option in ("--json", "--markdown")}
    options = [part for each in outs.items() for part in each]
    done = command("evaluate", masks, *METHOD, *options)
    assert done.code == 2 and done.lines[-1] == "error: none of the objects could be played"
    assert [record.name for record in caplog.records] == ["napari_fclick.evaluation.workers"]
    assert caplog.records[0].getMessage().startswith("left out: wrong, a: the image has shape")
    assert not any(path.exists() for path in outs.values())


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


def test_a_report_that_cannot_be_written_leaves_the_games(
    command: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(evaluating, "write_json", _full)
        done = command("evaluate", folder, *METHOD, "--json", tmp_path / "r.json")
    (kept,) = runs.cache_folder().iterdir()
    told = (
        f"error: no space left; 6 games are kept in {kept}; the same command with --resume goes on"
    )
    assert done.code == 2 and done.lines[-1] == told
    done = command("evaluate", folder, *METHOD, "--json", tmp_path / "r.json", "--resume")
    assert done.code == 0 and done.lines[0] == "6 of 6 games are done already"
    assert not kept.exists()


def test_a_report_that_breaks_off_leaves_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "r.md"
    write_text("before", file)
    with pytest.raises(UnicodeEncodeError):
        write_text("after \ud800", file)
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def _full(*_: Any) -> None:
    raise OSError("no space left")


def test_what_may_not_be_written_is_told_first(
    command: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as closed:
        closed.setattr("os.access", lambda _, mode: mode != os.W_OK)
        for option in ("--json", "--markdown"):
            found = command("evaluate", folder, *METHOD, option, tmp_path / "r.txt")
            refused(found, "r.txt may not be written: choose another folder")
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv(places.HOME, str(tmp_path / "file"))
    refused(command("evaluate", folder, *METHOD), "choose --results FILE")
