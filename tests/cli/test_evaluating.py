"""``evaluate`` as a script meets it: the same report twice, one line for a mistake."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.commands import Command
from tests.propagation.fakes import Bright

from napari_fclick.cli import evaluating
from napari_fclick.evaluation import volumes
from napari_fclick.network import checkpoints

METHOD = ("--method", "flood-fill")


@pytest.fixture
def evaluate(command: Command) -> Command:
    return partial(command, "evaluate")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return two images with two bright squares each, on noise."""
    folder = tmp_path_factory.mktemp("data") / "squares"
    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for name in "ab":
        labels = np.zeros((60, 80), np.uint16)
        labels[10:30, 10:30], labels[35:50, 40:70] = 1, 2
        image = np.clip(60 + 110 * (labels > 0) + rng.normal(0, 25, labels.shape), 0, 255)
        tifffile.imwrite(folder / f"images/{name}.tif", image.astype(np.uint8))
        tifffile.imwrite(folder / f"labels/{name}.tif", labels)
    return folder


def test_the_same_command_twice(evaluate: Command, folder: Path, tmp_path: Path) -> None:
    common = (folder, *METHOD, "--max-clicks", "5", "--jitter-share", "0.5", "--max-objects", "3")
    files = [tmp_path / f"{k}.json" for k in range(2)]
    untimed = (*common, "--no-timing")
    table, curves, sheet = (tmp_path / name for name in ("t.md", "c.png", "s.png"))
    rows = tmp_path / "rows.jsonl"
    done = evaluate(*untimed, "--json", files[0], "--markdown", table, "--results", rows)
    assert done.code == 0, done.err
    assert not done.out
    assert "flood-fill on squares: 3 objects, NoC@85" in done.err
    assert "ms per click" in done.err
    again = evaluate(*untimed, "--json", files[1], "--plot", curves, "--sheet", sheet)
    assert again.code == 0, again.err
    assert json.loads(rows.read_text().splitlines()[0])["devices"] == {"flood-fill": "cpu"}
    assert files[0].read_bytes() == files[1].read_bytes()
    assert table.read_text().startswith("## squares\n\n| method | objects | NoC@85")
    assert min(curves.stat().st_size, sheet.stat().st_size) > 5000
    printed = evaluate(*common, "--results", rows, "--resume", "--markdown", "-")
    assert printed.out.startswith("## squares\n\n| method | objects | NoC@85")
    (report,) = json.loads(files[0].read_text())
    assert (report["set"], report["method"], report["objects"]) == ("squares", "flood-fill", 3)
    assert len(report["mIoU"]) == 5
    assert {"NoC@85", "NoC@90", "failures@85", "failures@90"} <= report.keys()
    assert report["ms_per_click"] is None
    resumed = evaluate(*common, "--results", rows, "--resume", "--json", "-", "--target", 0.5)
    assert resumed.code == 0, resumed.err
    assert "3 of 3 games are done already" in resumed.err
    (timed,) = json.loads(resumed.out)
    assert timed["ms_per_click"] > 0 and timed["timing"].keys() == {"ms", "first_ms", "later_ms"}
    assert timed["mIoU"] == report["mIoU"] and "NoC@50" in timed


def test_jitter_in_pixels_and_images_left_out(
    evaluate: Command, folder: Path, tmp_path: Path
) -> None:
    left_out = tmp_path / "left_out.txt"
    left_out.write_text("# no good\nb  # blurred\nc\n")
    common = (folder, *METHOD, "--max-clicks", "5", "--exclude", left_out)
    common += ("--no-timing", "--no-integrity")
    first, again, middle = (
        evaluate(*common, "--json", "-", *jitter) for jitter in (("--jitter", "5"),) * 2 + ((),)
    )
    assert first.code == 0, first.err
    assert "--exclude: no image is called c\n" in first.err
    assert first.out == again.out
    ((report,), (still,)) = (json.loads(each.out) for each in (first, middle))
    assert report["objects"] == 2
    assert report["protocol"]["integrity"] is False
    assert report["protocol"]["jitter"] == 5 and report["protocol"]["exclude"] == ["b", "c"]
    assert report["centrality"] != still["centrality"]


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Return a folder with one volume."""
    folder = tmp_path / "volumes"
    labels = np.zeros((4, 40, 40), np.uint16)
    labels[:, 10:20, 10:20] = 1
    for part, pixels in (("images", labels * 200), ("labels", labels)):
        (folder / part).mkdir(parents=True)
        file = folder / part / "a.tif"
        tifffile.imwrite(file, pixels.astype(np.uint16), photometric="minisblack")
    return folder


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (["--json", "none/r.json"], "to write r.json to"),
        (["--method", "fclick", "--method", "magic"], "magic"),
        (["EMPTY"], "holds no folder images/"),
        (["volumes/../volumes"], "volumes is given twice"),
        (["--method", "fclick", "--method", "fclick"], "method fclick is given twice"),
        (["OTHER", "--label", "1"], "no object has label 1; there are 2"),
    ],
)
def test_mistakes_are_told_before_volumes_are_played(
    mistake: list[str],
    message: str,
    volume: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    evaluate: Command,
) -> None:
    (tmp_path / "EMPTY").mkdir()
    shutil.copytree(volume, tmp_path / "OTHER")
    labels = tifffile.imread(tmp_path / "OTHER/labels/a.tif")
    tifffile.imwrite(tmp_path / "OTHER/labels/a.tif", 2 * labels, photometric="minisblack")
    played: list[Any] = []
    monkeypatch.setattr(volumes, "play_volume", lambda *given: played.append(given))
    monkeypatch.chdir(tmp_path)
    done = evaluate("--volumes", "--device", "cpu", volume, *mistake)
    assert done.code == 2 and message in done.err
    assert not played


def test_the_report_of_volumes(
    volume: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    evaluate: Command,
) -> None:
    other, left_out = tmp_path / "other/volumes", tmp_path / "left_out.txt"
    shutil.copytree(volume, other)
    for part in ("images", "labels"):  # no object in it, but a volume
        flat = np.zeros((40, 40), np.uint16)
        tifffile.imwrite(volume / part / "flat.tif", flat, photometric="minisblack")
    left_out.write_text("flat\n")
    monkeypatch.setattr(evaluating, "load_predictor", lambda *_: Bright())
    out = tmp_path / "r.json"
    copy = tmp_path / "copy.safetensors"  # the same name stands in its card
    shutil.copy(checkpoints.find("default"), copy)
    options = ("--volumes", "--exclude", left_out, "--json", out)
    methods = ("--method", "fclick", "--method", copy)
    code, _, told = evaluate(volume, other, *options, *methods)
    assert code == 0 and "no image is called" not in told, told
    reports = json.loads(out.read_text())
    names = [f"{tmp_path.name}/volumes", "other/volumes"]
    played = [(method, name) for method in ("fclick", str(copy)) for name in names]
    assert [(report["method"], report["set"]) for report in reports] == played
    assert [line for line in told.splitlines() if line.startswith(f"{copy} on other/volumes: 1")]
    assert reports[0]["weights"] == checkpoints.read_card(checkpoints.find("default")).sha256


def test_mistakes_end_with_one_line(evaluate: Command, folder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("not ours\n")
    names = tmp_path / "names.txt"
    names.write_text("none\n")
    mistakes: list[tuple[list[str | Path], str]] = [
        ([tmp_path / "none"], "no folder"),
        ([tmp_path], "Known are folders: images/ and labels/"),
        ([folder, folder], "is given twice"),
        ([folder, "--method", "magic"], "no method named 'magic'; there are: fclick"),
        ([folder, "--target", "85"], "target 85.0 is not within 0 to 1"),
        ([folder, "--jitter", "-5"], "jitter -5.0 is no number of pixels, 0 or more"),
        ([folder, "--exclude", tmp_path / "none.txt"], "no file"),
        ([folder, "--max-objects", "0"], "0 objects"),
        ([folder, *METHOD, "--plot", tmp_path / "c.gif"], "written as .png, .svg"),
        ([folder, *METHOD, "--json", tmp_path / "none/r.json"], "to write r.json to"),
        ([folder, *METHOD, "--json", tmp_path], "is a folder"),
        ([folder, *METHOD, "--json", "-", "--markdown", "-"], "--json and --markdown both write -"),
        ([folder, *METHOD, "--results", rows], "holds results already"),
        ([folder, *METHOD, "--results", rows, "--resume"], "no results file"),
        ([folder, *METHOD, "--results", tmp_path], "is a folder: name a file in it"),
        ([folder, *METHOD, "--results", "-"], "--results -: a line an object is kept in a file"),
        ([folder, *METHOD, "--exclude", names, "--json", names], "is a file that is read"),
        ([folder, "--volumes", "--exclude", names, "--json", names], "is a file that is read"),
        ([folder, "--method", "none.SAFETENSORS"], "no weights file none.SAFETENSORS"),
        ([folder, "--label", "1"], "--label: only with --volumes"),
        ([folder, "--volumes", "--jitter", "0.5"], "--jitter: not with --volumes"),
        ([folder, "--volumes", "--no-timing"], "error: --no-timing: not with --volumes"),
        ([folder, "--volumes", "--stop", "1", "--workers", "1"], "--stop, --workers: not with"),
        ([folder, "--volumes", "--label", "1"], "holds no volume"),
        ([folder, "--volumes", "--seed", "-1"], "seed -1 is negative; allowed are 0, 1"),
        ([folder, "--volumes", *METHOD], "takes weights, no classical methods: flood-fill"),
        ([folder, "--workers", "0"], "greater than or equal to 1"),
        ([folder, "--workers", "2", "--scheduler", "tcp://a:1"], "choose one of them"),
        ([tmp_path / "none", "--volumes"], f"error: no folder {tmp_path / 'none'}"),
    ]
    wrong = []
    for arguments, message in mistakes:
        done = evaluate(*arguments)
        if not (done.code == 2 and len(done.lines) == 1 and message in done.err):
            wrong.append((arguments, done.code, done.err))
        assert not done.out
    assert not wrong
    assert rows.read_text() == "not ours\n"
