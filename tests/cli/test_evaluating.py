"""``evaluate`` as a script meets it: the same report twice, one line for a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_fclick.cli import main

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
    common = (folder, *METHOD, "--max-clicks", "5", "--jitter", "0.5", "--max-objects", "3")
    files = [tmp_path / f"{k}.json" for k in range(2)]
    table, curves, sheet = (tmp_path / name for name in ("t.md", "c.png", "s.png"))
    rows = tmp_path / "rows.jsonl"
    done = run(*common, "--json", files[0], "--markdown", table, "--results", rows)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    assert "flood-fill on squares: 3 objects, NoC@85" in done.stderr
    assert "ms per click" in done.stderr
    again = run(*common, "--json", files[1], "--plot", curves, "--sheet", sheet)
    assert again.returncode == 0, again.stderr
    assert files[0].read_bytes() == files[1].read_bytes()
    assert table.read_text().startswith("## squares\n\n| method | objects | NoC@85")
    assert min(curves.stat().st_size, sheet.stat().st_size) > 5000
    (report,) = json.loads(files[0].read_text())
    assert (report["set"], report["method"], report["objects"]) == ("squares", "flood-fill", 3)
    assert len(report["mIoU"]) == 5
    assert {"NoC@85", "NoC@90", "failures@85", "failures@90"} <= report.keys()
    assert report["ms_per_click"] is None
    resumed = run(
        *common, "--results", rows, "--resume", "--json", "-", "--timing", "--target", "0.5"
    )
    assert resumed.returncode == 0, resumed.stderr
    assert "3 of 3 games are done already" in resumed.stderr
    (timed,) = json.loads(resumed.stdout)
    assert timed["ms_per_click"] > 0 and timed["timing"].keys() == {"ms", "first_ms", "later_ms"}
    assert timed["mIoU"] == report["mIoU"] and "NoC@50" in timed


def test_mistakes_end_with_one_line(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("not ours\n")
    mistakes: list[tuple[list[str | Path], str]] = [
        ([tmp_path / "none"], "no folder"),
        ([tmp_path], "Known are folders: images/ and labels/"),
        ([folder, folder], "is given twice"),
        ([folder, "--method", "magic"], "no method named 'magic'; there are: fclick"),
        ([folder, "--target", "85"], "target 85.0 is not within 0 to 1"),
        ([folder, "--jitter", "5"], "no number of pixels but the part J"),
        ([folder, "--max-objects", "0"], "0 objects"),
        ([folder, *METHOD, "--plot", tmp_path / "c.gif"], "written as .png, .svg"),
        ([folder, *METHOD, "--json", tmp_path / "none/r.json"], "to write r.json to"),
        ([folder, *METHOD, "--results", rows], "holds results already"),
        ([folder, *METHOD, "--results", rows, "--resume"], "no results file"),
        ([folder, "--label", "1"], "--label: only with --volumes"),
        ([folder, "--volumes", "--jitter", "0.5"], "--jitter: not with --volumes"),
        ([folder, "--volumes", "--timing"], "--timing: not with --volumes"),
        ([folder, "--volumes", "--label", "1"], "holds no volume"),
        ([folder, "--workers", "0"], "greater than or equal to 1"),
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
