from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage import io
from tests.commands import Command

from napari_fclick import demo
from napari_fclick.cli import using
from napari_fclick.core.channels import MOST_CHANNELS
from napari_fclick.core.file_parts import Part, read_part

SUMMARY = {"objects": 2, "clicks": 3, "mean_iou": 0.9, "ms_per_click": 5.0}


@pytest.mark.parametrize(
    ("arguments", "display", "done"),
    [
        ([], True, "window"),
        ([], False, "fclick-demo"),
        (["--headless"], True, "fclick-demo"),
        (["--out", "here"], True, "here"),
        (["--out", "here"], False, "here"),
        (["--headless", "--out", "here"], True, "here"),
    ],
)
def test_demo_writes_where_it_is_told_to(
    arguments: list[str],
    display: bool,
    done: str,
    monkeypatch: pytest.MonkeyPatch,
    command: Command,
) -> None:
    did: list[str] = []

    def headless(_: Any, out: Path) -> dict[str, Any]:
        did.append(str(out))
        return SUMMARY

    monkeypatch.setattr(demo, "run_window", lambda *_: did.append("window"))
    monkeypatch.setattr(demo, "run_headless", headless)
    monkeypatch.setattr(using, "load_predictor", lambda *_: None)
    monkeypatch.setattr(using, "_has_display", lambda: display)
    assert command("demo", *arguments).code == 0
    assert did == [done]


@pytest.mark.parametrize("name", ["overlay.png", "summary.json"])
def test_what_a_full_disk_cuts_short_takes_no_place(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any, **_: Any) -> None:
        next(each for each in arguments if isinstance(each, Path)).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / name).write_text("of before")
    monkeypatch.setattr(demo, "coins_truth", lambda: np.zeros((303, 384), np.int32))
    monkeypatch.setattr(demo, "_summary", lambda *_: SUMMARY)
    writes: Any = (Image.Image, "save") if name == "overlay.png" else (Path, "write_text")
    monkeypatch.setattr(*writes, full)
    predictor: Any = None
    with pytest.raises(OSError, match=name):
        demo.run_headless(predictor, tmp_path)
    assert (tmp_path / name).read_bytes() == b"of before"
    assert not list(tmp_path.glob("*.partial"))


WHOLE = Part()


def plane(path: Path, index: int | None, part: Part = WHOLE) -> Any:
    picture = read_part(path, part, MOST_CHANNELS, stack=index is not None)
    return using._plane(picture, path, index)


def test_slices_of_a_narrow_stack(tmp_path: Path) -> None:
    pixels = np.arange(30 * 40 * 4, dtype=np.uint16).reshape(30, 40, 4)
    array, plain, named = (tmp_path / name for name in ("a.npy", "a.tif", "b.tif"))
    np.save(array, pixels)
    tifffile.imwrite(plain, pixels, photometric="minisblack")
    tifffile.imwrite(named, pixels, metadata={"axes": "ZYX"})
    for path in (array, plain, named):
        assert np.array_equal(plane(path, 7), pixels[7])
    for path in (array, plain):  # nothing tells that they are no colours
        assert plane(path, None).shape == pixels.shape
    with pytest.raises(ValueError, match="a stack: choose a slice with --slice"):
        plane(named, None)


def test_one_time_of_some_channels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (3, 5, 2, 30, 40)).astype(np.uint8)
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, pixels, metadata={"axes": "TZCYX"})
    with pytest.raises(ValueError, match=r"along TZCYX.*choose a time point with --time, and"):
        plane(path, None)
    assert np.array_equal(plane(path, 4, Part(2, (1,))), pixels[2, 4, 1])
    both = plane(path, 4, Part(2, (1, 0)))
    assert both.separate_channels and np.array_equal(both, pixels[2, 4, ::-1].transpose(1, 2, 0))
    with pytest.raises(ValueError, match="a stack: choose a slice with --slice"):
        plane(path, None, Part(2, (1,)))
    tifffile.imwrite(path, pixels[0, 0], metadata={"axes": "CYX"})
    with pytest.raises(ValueError, match="choose up to three of them with --channel"):
        plane(path, None)
    assert np.array_equal(plane(path, None, Part(None, (1,))), pixels[0, 0, 1])


def test_colours_are_no_slices(tmp_path: Path) -> None:
    pixels = np.zeros((30, 40, 4), np.uint8)
    for name in ("a.tif", "a.png"):
        io.imsave(tmp_path / name, pixels, check_contrast=False)
        with pytest.raises(ValueError, match="one image in colour, no stack"):
            plane(tmp_path / name, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no display")
@pytest.mark.parametrize("name", ["", ":4711"])
def test_a_display_that_is_not_there_is_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setenv("DISPLAY", name)
    assert not using._has_display()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no display")
def test_a_display_that_answers_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":4711")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert using._has_display()
