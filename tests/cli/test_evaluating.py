"""``evaluate`` as a script meets it: the same report twice, one line for a mistake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.propagation.fakes import Bright

from napari_fclick.cli import evaluating, main
from napari_fclick.evaluation import volumes
from napari_fclick.network import checkpoints

METHOD = ("--method", "flood-fill")


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_fclick", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


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


def test_the_same_command_twice(folder: Path, tmp_path: Path) -> None:
    common = (folder, *METHOD, "--max-clicks", "5", "--jitter-share", "0.5", "--max-objects", "3")
    files = [tmp_path / f"{k}.json" for k in range(2)]
    untimed = (*common, "--no-timing")
    table, curves, sheet = (tmp_path / name for name in ("t.md", "c.png", "s.png"))
    rows = tmp_path / "rows.jsonl"
    done = run(*untimed, "--json", files[0], "--markdown", table, "--results", rows)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    assert "flood-fill on squares: 3 objects, NoC@85" in done.stderr
    assert "ms per click" in done.stderr
    again = run(*untimed, "--json", files[1], "--plot", curves, "--sheet", sheet)
    assert again.returncode == 0, again.stderr
    assert json.loads(rows.read_text().splitlines()[0])["devices"] == {"flood-fill": "cpu"}
    assert files[0].read_bytes() == files[1].read_bytes()
    assert table.read_text().startswith("## squares\n\n| method | objects | NoC@85")
    assert min(curves.stat().st_size, sheet.stat().st_size) > 5000
    printed = run(*common, "--results", rows, "--resume", "--markdown", "-")
    assert printed.stdout.startswith("## squares\n\n| method | objects | NoC@85")
    (report,) = json.loads(files[0].read_text())
    assert (report["set"], report["method"], report["objects"]) == ("squares", "flood-fill", 3)
    assert len(report["mIoU"]) == 5
    assert {"NoC@85", "NoC@90", "failures@85", "failures@90"} <= report.keys()
    assert report["ms_per_click"] is None
    resumed = run(*common, "--results", rows, "--resume", "--json", "-", "--target", "0.5")
    assert resumed.returncode == 0, resumed.stderr
    assert "3 of 3 games are done already" in resumed.stderr
    (timed,) = json.loads(resumed.stdout)
    assert timed["ms_per_click"] > 0 and timed["timing"].keys() == {"ms", "first_ms", "later_ms"}
    assert timed["mIoU"] == report["mIoU"] and "NoC@50" in timed


def test_jitter_in_pixels_and_images_left_out(folder: Path, tmp_path: Path) -> None:
    left_out = tmp_path / "left_out.txt"
    left_out.write_text("# no good\nb  # blurred\nc\n")
    common = (folder, *METHOD, "--max-clicks", "5", "--exclude", left_out)
    common += ("--no-timing", "--no-integrity")
    first, again, middle = (
        run(*common, "--json", "-", *jitter) for jitter in (("--jitter", "5"),) * 2 + ((),)
    )
    assert first.returncode == 0, first.stderr
    assert "--exclude: no image is called c\n" in first.stderr
    assert first.stdout == again.stdout
    ((report,), (still,)) = (json.loads(each.stdout) for each in (first, middle))
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
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "EMPTY").mkdir()
    shutil.copytree(volume, tmp_path / "OTHER")
    labels = tifffile.imread(tmp_path / "OTHER/labels/a.tif")
    tifffile.imwrite(tmp_path / "OTHER/labels/a.tif", 2 * labels, photometric="minisblack")
    played: list[Any] = []
    monkeypatch.setattr(volumes, "play_volume", lambda *given: played.append(given))
    monkeypatch.chdir(tmp_path)
    command = ["napari-fclick", "evaluate", "--volumes", "--device", "cpu", str(volume), *mistake]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not played


def test_the_report_of_volumes(
    volume: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
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
    command = ["evaluate", volume, other, "--volumes", "--exclude", left_out, "--json", out]
    command += ["--method", "fclick", "--method", copy]
    monkeypatch.setattr(sys, "argv", ["napari-fclick", *map(str, command)])
    with pytest.raises(SystemExit) as ended:
        main()
    told = capsys.readouterr().err
    assert ended.value.code == 0 and "no image is called" not in told, told
    reports = json.loads(out.read_text())
    names = [f"{tmp_path.name}/volumes", "other/volumes"]
    played = [(method, name) for method in ("fclick", str(copy)) for name in names]
    assert [(report["method"], report["set"]) for report in reports] == played
    assert [line for line in told.splitlines() if line.startswith(f"{copy} on other/volumes: 1")]
    assert reports[0]["weights"] == checkpoints.read_card(checkpoints.find("default")).sha256


def test_mistakes_end_with_one_line(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
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
        monkeypatch.setattr(sys, "argv", ["napari-fclick", "evaluate", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        lines = told.err.strip().splitlines()
        if not (ended.value.code == 2 and len(lines) == 1 and message in lines[0]):
            wrong.append((arguments, ended.value.code, told.err))
        assert not told.out
    assert not wrong
    assert rows.read_text() == "not ours\n"
