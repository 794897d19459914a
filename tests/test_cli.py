"""The command line as a script meets it: output, exit codes, one line for a mistake."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.io
import tifffile
from tests.commands import Command
from tests.weights import general
from typer.testing import CliRunner

from napari_fclick.cli.common import app
from napari_fclick.evaluation.latency import discs, lazy_discs
from napari_fclick.network import checkpoints

COIN = "50,45"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_fclick", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def coins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("images") / "coins.png"
    skimage.io.imsave(path, skimage.data.coins())
    return path


def test_segment(coins: Path, tmp_path: Path) -> None:
    out = tmp_path / "mask.tif"
    done = run("segment", coins, "--click", COIN, "--not", "150,150", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert "nothing is to be seen" not in done.stderr
    report = json.loads(done.stdout)
    mask = tifffile.imread(out)
    assert mask.shape == (303, 384)
    assert set(np.unique(mask)) == {0, 255}
    assert report["area_px"] == np.count_nonzero(mask)
    assert 900 < report["area_px"] < 2000  # the coin has about 1,350 pixels
    assert mask[50, 45] == 255 and mask[150, 150] == 0
    assert [c["positive"] for c in report["clicks"]] == [True, False]


def test_segment_a_slice(command: Command, tmp_path: Path) -> None:
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.stack([np.zeros_like(skimage.data.coins()), skimage.data.coins()]))
    out = tmp_path / "mask.tif"
    done = command("segment", stack, "--slice", "1", "--click", COIN, "--out", out)
    assert done.code == 0, done.err
    assert tifffile.imread(out)[50, 45] == 255


@pytest.mark.parametrize("value", [100.0, np.nan])
def test_an_image_in_which_nothing_is_to_be_seen(
    value: float, command: Command, tmp_path: Path
) -> None:
    image, out = tmp_path / "blank.npy", tmp_path / "mask.tif"
    np.save(image, np.full((60, 80), value, np.float32))
    done = command("segment", image, "--click", "30,40", "--out", out)
    assert done.code == 0, done.err
    assert done.err.count("nothing is to be seen about the clicks") == 1


def mistakes(coins: Path, tmp_path: Path) -> dict[str, tuple[list[str | Path], str]]:
    out = tmp_path / "mask.tif"
    text = tmp_path / "text.png"
    text.write_text("no image")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}")
    stack = tmp_path / "stack.tif"
    tifffile.imwrite(stack, np.zeros((30, 40, 50), np.uint8))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(stack.read_bytes()[:3000])
    five = tmp_path / "five.npy"
    np.save(five, np.zeros((2, 2, 2, 2, 2)))
    empty = tmp_path / "empty.npy"
    np.save(empty, np.zeros((0, 5)))
    wave = tmp_path / "wave.npy"
    np.save(wave, np.zeros((60, 60), complex))
    colour = tmp_path / "colour.png"
    skimage.io.imsave(colour, np.zeros((60, 60, 3), np.uint8), check_contrast=False)
    narrow = tmp_path / "narrow.tif"
    tifffile.imwrite(narrow, np.zeros((30, 60, 4), np.uint8), metadata={"axes": "ZYX"})
    one = ["--click", COIN, "--out", out]
    return {
        "missing file": (["segment", tmp_path / "none.png", *one], "no file"),
        "unreadable file": (["segment", text, *one], "cannot be read as an image"),
        "truncated TIFF": (["segment", cut, *one], "cut.tif cannot be read as an image"),
        "unknown kind": (["segment", __file__, *one], "cannot read '.py' files; allowed"),
        "5-D array": (["segment", five, *one], "5 axes; allowed are"),
        "empty image": (["segment", empty, *one], "no pixels"),
        "complex pixels": (["segment", wave, *one], "dtype complex128; allowed are"),
        "no folder": (
            ["segment", coins, "--click", COIN, "--out", tmp_path / "none" / "m.tif"],
            "to write m.tif to",
        ),
        "slice of a colour image": (
            ["segment", colour, *one, "--slice", "1"],
            "one image in colour, no stack",
        ),
        "no slice of a narrow stack": (["segment", narrow, *one], "a stack: choose a slice"),
        "no slice": (["segment", stack, *one], "a stack: choose a slice with --slice"),
        "slice outside": (["segment", stack, *one, "--slice", "30"], "has slices 0 to 29"),
        "no stack": (["segment", coins, *one, "--slice", "1"], "it is no stack"),
        "click outside": (["segment", coins, "--click", "9,999", "--out", out], "lies outside"),
        "click unreadable": (["segment", coins, "--click", "9", "--out", out], "is not Y,X"),
        "click not finite": (["segment", coins, "--click", "nan,1", "--out", out], "not a finite"),
        "on the object and not": (
            ["segment", coins, *one, "--not", "50.2,45"],
            "y=50, x=45 is clicked as on the object and as not on it",
        ),
        "no positive click": (["segment", coins, "--out", out], "Missing option"),
        "threshold": (["segment", coins, *one, "--threshold", "2"], "not within 0 to 1"),
        "mask not a TIFF": (
            ["segment", coins, "--click", COIN, "--out", tmp_path / "m.png"],
            "written as .tif",
        ),
        "no such device": (["segment", coins, *one, "--device", "tpu"], "no device 'tpu' here"),
        "unknown weights": (["segment", coins, *one, "--weights", "x"], "no weights named 'x'"),
        "corrupt weights": (
            ["segment", coins, *one, "--weights", broken],
            "is no readable weights file",
        ),
        "unknown option": (["segment", coins, "--clik", COIN], "No such option"),
        "unknown command": (["sgment"], "No such command"),
    }


def test_mistakes_end_with_one_line(coins: Path, command: Command, tmp_path: Path) -> None:
    wrong = []
    for kind, (arguments, message) in mistakes(coins, tmp_path).items():
        done = command(*arguments)
        lines = done.err.strip().splitlines()
        fine = done.code == 2 and len(lines) == 1 and message in lines[0] and not done.out
        if not fine:
            wrong.append((kind, done.code, done.err, done.out))
    assert not wrong
    assert not (tmp_path / "mask.tif").exists()


def test_a_mistake_ends_the_process(tmp_path: Path) -> None:
    done = run("segment", tmp_path / "none.png", "--click", COIN, "--out", tmp_path / "mask.tif")
    (line,) = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "") and "no file" in line


def test_demo_headless(command: Command, tmp_path: Path) -> None:
    done = command("demo", "--headless", "--out", tmp_path)
    assert done.code == 0, done.err
    summary = json.loads((tmp_path / "summary.json").read_text())
    labels = tifffile.imread(tmp_path / "labels.tif")
    assert summary["objects"] == labels.max() == 24
    assert summary["mean_iou"] > 0.85
    assert summary["clicks"] == sum(each["clicks"] for each in summary["per_object"])
    assert skimage.io.imread(tmp_path / "overlay.png").shape == (606, 768, 3)


def test_latency_reports_its_parts(command: Command) -> None:
    done = command("latency", "--size", "256", "--repeats", "2", "--json")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert sum(report["share"].values()) == pytest.approx(1, abs=0.01)
    assert report["later"]["median_ms"] <= report["later"]["p95_ms"]


def test_weights_made_here_are_imported(tmp_path: Path) -> None:
    made = tmp_path / "weights.safetensors"
    network, card = general()
    checkpoints.save(made, network.state_dict(), card.model_copy(update={"name": "cells"}))
    runner = CliRunner()
    told = runner.invoke(app, ["weights", "import", str(made)])
    assert told.exit_code == 0
    assert "cells" in checkpoints.available_weights()
    assert checkpoints.find("cells").parent == checkpoints.user_folder()
    assert checkpoints.load("cells")[1].name == "cells"
    made.write_bytes(made.read_bytes()[:-9])
    assert isinstance(runner.invoke(app, ["weights", "import", str(made)]).exception, ValueError)


@pytest.mark.parametrize("size", [512, 1500])
def test_the_lazy_image_is_the_other_one(size: int) -> None:
    assert np.array_equal(lazy_discs(size), discs(np.arange(size)[:, None], np.arange(size)[None]))


def test_weights_commands(command: Command) -> None:
    names = json.loads(command("weights", "list", "--json").out)
    assert "default" in names
    card = json.loads(command("weights", "info", "default", "--json").out)
    assert card["network"]["backbone"] == "efficientnet-lite0"
    assert card["data"] and len(card["sha256"]) == 64
    verified = command("weights", "verify", "default")
    assert verified.code == 0 and "in order" in verified.err


def test_the_version_is_told() -> None:
    told = CliRunner().invoke(app, ["--version"])
    assert (told.exit_code, told.stdout) == (0, f"{version('napari-fclick')}\n")


def test_an_empty_mask_is_told(coins: Path, command: Command, tmp_path: Path) -> None:
    done = command("segment", coins, "--click", COIN, "--threshold", 1, "--out", tmp_path / "m.tif")
    assert done.code == 0 and "the mask is empty: no probability is above 1.0" in done.err
