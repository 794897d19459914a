"""``propagate`` as a script meets it: labels, a report, one line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import io
from tests.commands import Command

from napari_fclick.cli.stacks import MOST_COLOURS, _checked_stack, read_clicks, read_rules
from napari_fclick.core.clicks import Click, ClickError, ClickSequence
from napari_fclick.core.file_parts import Part, read_part
from napari_fclick.core.voxels import voxel_size
from napari_fclick.propagation import Rules

SLICES, MIDDLE = 9, 4


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """Return a bright ball on noise, in slices 1 to 7, and where it is."""
    z, y, x = np.indices((SLICES, 96, 96))
    truth = ((z - MIDDLE) / 3.5) ** 2 + ((y - 48) / 20) ** 2 + ((x - 44) / 20) ** 2 <= 1
    image = 50 + 120 * truth + np.random.default_rng(0).normal(0, 6, truth.shape)
    path = tmp_path_factory.mktemp("stacks") / "ball.tif"
    tifffile.imwrite(path, image.clip(0, 255).astype(np.uint8), photometric="minisblack")
    return path, truth


def test_one_click_in_a_stack(
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    path, truth = stack
    out = tmp_path / "labels.tif"
    given = (path, "--click", "4,48,44", "--out", out, "--spacing", "3,0.5,0.5", "--device", "cpu")
    code, printed, _ = command("propagate", *given, "--json")
    assert code == 0
    labels, report = tifffile.imread(out), json.loads(printed)
    assert labels.shape == truth.shape and set(np.unique(labels)) == {0, 1}
    found = labels == 1
    assert (found & truth).sum() / (found | truth).sum() > 0.8
    voxels = int(found.sum())
    assert (report["volume_px"], report["volume"]) == (voxels, voxels * 0.75)
    assert report["shape"] == [9, 96, 96] and report["labels"] == str(out)
    rows = {row["slice"]: row for row in report["slices"]}
    assert rows.keys() >= {2, 3, 4, 5, 6}
    assert rows.keys() == set(np.flatnonzero(found.any((1, 2))).tolist())
    for index, row in rows.items():
        area = int(found[index].sum())
        assert (row["area_px"], row["area"]) == (area, area * 0.25)
    assert (rows[4]["kind"], rows[4]["anchor"]) == ("keyframe", [48, 44])
    assert rows[3]["kind"] == "carried" and rows[3]["agreement"] is None
    assert len(report["stopped"]) == 2
    assert all(end.keys() == {"slice", "reason", "value"} for end in report["stopped"])


def test_the_size_of_a_voxel_is_the_files_own(
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    path, out = tmp_path / "calibrated.tif", tmp_path / "labels.tif"
    metadata = {"axes": "ZYX", "spacing": 3.0, "unit": "um"}
    pixels = tifffile.imread(stack[0])
    tifffile.imwrite(path, pixels, imagej=True, resolution=(2.0, 2.0), metadata=metadata)
    given = (path, "--click", "4,48,44", "--range", "3:5", "--out", out, "--device", "cpu")
    code, printed, _ = command("propagate", *given, "--json")
    report = json.loads(printed)
    assert (code, report["voxel"], report["unit"]) == (0, [3.0, 0.5, 0.5], "µm")
    assert report["volume"] == report["volume_px"] * 0.75
    assert voxel_size(out) == (3.0, 0.5, 0.5, "µm")


def test_a_range_and_a_slice_where_it_is_not(
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    out = tmp_path / "labels.tif"
    given = (stack[0], "--click", "4,48,44", "--not", "6,48,44", "--range", "3:", "--out", out)
    code, printed, err = command("propagate", *given, "--device", "cpu")
    labels = tifffile.imread(out)
    told = err.splitlines()
    assert (code, printed) == (0, "")
    assert np.flatnonzero(labels.any((1, 2))).tolist() == [3, 4, 5]
    assert f"{np.count_nonzero(labels)} voxels; see {out}" in told[-3]
    assert told[-2:] == [
        "Down to slice 3: end of the range",
        "Up to slice 5: marked as not here in 6",
    ]


def test_an_end_is_a_slice_of_the_stack(
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    short, out = tmp_path / "short.tif", tmp_path / "labels.tif"
    tifffile.imwrite(short, tifffile.imread(stack[0])[3:6], photometric="minisblack")
    given = (short, "--click", "1,48,44", "--out", out, "--device", "cpu")
    done = command("propagate", *given)
    assert done.code == 0
    ends = ["Down to slice 0: end of the stack", "Up to slice 2: end of the stack"]
    assert done.lines[-2:] == ends
    report = json.loads(command("propagate", *given, "--json").out)
    assert [end["slice"] for end in report["stopped"]] == [0, 2]
    told = command("propagate", *given, "--range", "1:1").lines
    assert told[-3].startswith("1 slice, ")
    assert told[-2:] == ["Down to slice 1: end of the range", "Up to slice 1: end of the range"]


def checked(path: Path, clicked: list[int]) -> Any:
    picture = read_part(path, Part(), MOST_COLOURS, stack=True)
    return _checked_stack(picture, path, clicked)


@pytest.mark.parametrize("channels", [(), (1,), (1, 0)])
def test_one_time_of_a_series(
    channels: tuple[int, ...],
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    path, truth = stack
    ball = tifffile.imread(path)
    series = np.zeros((3, 2, *ball.shape), np.uint8)
    series[2, 1] = ball
    series[2, 0] = np.random.default_rng(1).integers(0, 9, ball.shape)
    given = tmp_path / "series.ome.tif"
    if channels:
        tifffile.imwrite(given, series, metadata={"axes": "TCZYX", "PhysicalSizeX": 0.5})
    else:
        tifffile.imwrite(given, series[:, 1], metadata={"axes": "TZYX"})
    chosen = [each for number in channels for each in ("--channel", number)]
    out = tmp_path / "labels.tif"
    click = ("--click", "4,48,44", "--out", out, "--device", "cpu")
    code, _, err = command("propagate", given, "--time", 2, *chosen, *click)
    assert code == 0, err
    found = tifffile.imread(out) == 1
    assert found.shape == truth.shape
    assert (found & truth).sum() / (found | truth).sum() > 0.8


def test_a_narrow_stack_is_a_stack(tmp_path: Path) -> None:
    pixels = np.zeros((9, 40, 4), np.uint8)
    array, plain, named = (tmp_path / name for name in ("a.npy", "a.tif", "b.tif"))
    np.save(array, pixels)
    tifffile.imwrite(plain, pixels, photometric="minisblack")
    tifffile.imwrite(named, pixels, metadata={"axes": "ZYX"})
    for path in (array, plain, named):
        assert checked(path, [8]).shape == (9, 40, 4)
    tifffile.imwrite(
        named, np.zeros((9, 2, 40, 4), np.uint8), imagej=True, metadata={"axes": "ZCYX"}
    )
    with pytest.raises(ValueError, match="choose a time point with --time, and channels"):
        checked(named, [])


def test_mistakes_end_with_one_line(
    stack: tuple[Path, Any],
    tmp_path: Path,
    command: Command,
) -> None:
    out = tmp_path / "labels.tif"
    cut = tmp_path / "cut.tif"
    cut.write_bytes(stack[0].read_bytes()[:3000])
    junk = tmp_path / "junk.tif"
    junk.write_text("no image")
    flat, colour = tmp_path / "flat.npy", tmp_path / "colour.png"
    times, empty = tmp_path / "times.npy", tmp_path / "empty.npy"
    np.save(times, np.zeros((2, 9, 40, 50), np.uint8))
    np.save(empty, np.zeros((0, 40, 50), np.uint8))
    np.save(flat, np.zeros((40, 50)))
    io.imsave(colour, np.zeros((40, 50, 3), np.uint8), check_contrast=False)
    one = (stack[0], "--click", "4,48,44", "--out", out)
    mistakes: list[tuple[tuple[Any, ...], str]] = [
        ((tmp_path / "none.tif", *one[1:]), "no file"),
        ((flat, *one[1:]), "a stack has (slices, rows, columns), and colours"),
        ((colour, *one[1:]), "has shape (40, 50, 3): a stack has"),
        ((times, *one[1:]), "say what they are with --axes, as in --axes TZYX, and choose"),
        ((empty, *one[1:]), "has shape (0, 40, 50): no pixels"),
        ((*one, "--not", "4,48,44"), "clicked as on the object and as not on it: leave one out"),
        ((*one[:3], "--out", tmp_path / "labels.png"), "written as .tif"),
        ((*one[:3], "--out", tmp_path / "none/labels.tif"), "to write labels.tif to"),
        ((*one, "--click", "9,1,1"), "click in slice 9"),
        ((*one, "--not", "9,1,1"), "has slices 0 to 8"),
        ((*one, "--click", "4,96,1"), "lies outside the image"),
        ((*one, "--not", "6,96,1"), "click '6,96,1' lies outside the image"),
        ((*one, "--not", "4,1,-2"), "click '4,1,-2' lies outside the image"),
        ((*one, "--click", "4,5"), "click '4,5' is not Z,Y,X"),
        ((*one, "--click", "4.5,5,5"), "click '4.5,5,5' is not Z,Y,X"),
        ((*one, "--click", "inf,5,5"), "click 'inf,5,5' is not Z,Y,X"),
        ((*one, "--click", "nan,5,5"), "click 'nan,5,5' is not Z,Y,X"),
        ((*one, "--range", "3"), "--range '3' is not A:B"),
        ((*one, "--range", "5:7"), "slice 4 is clicked, but lies outside of --range 5:7"),
        ((*one, "--not", "7,1,1", "--range", "3:6"), "slice 7 is clicked, but lies outside"),
        ((*one, "--range", "6:3"), "error: --range 6:3: the first slice 6 lies after the last 3"),
        ((*one, "--range", "a:3"), "--range 'a:3' is not A:B: two slices"),
        ((*one, "--range", "\N{ARABIC-INDIC DIGIT THREE}:5"), "is not A:B: two slices"),
        ((*one, "--range", f"3:{'9' * 5000}"), "error: --range 3:999"),
        (
            (*one, "--rule", "colour=3"),
            "--rule 'colour=3' is not NAME=VALUE or NAME=off; names are contrast, trust",
        ),
        ((*one, "--rule", "overlap=2"), "--rule overlap: '2' should be less than or equal to 1"),
        ((*one, "--rule", "overlap"), "--rule 'overlap' is not NAME=VALUE or NAME=off; names are"),
        ((*one, "--range", "0:1", "--rule", "first="), "--rule 'first=' is not NAME=VALUE or"),
        ((*one, "--spacing", "1,2"), "--spacing '1,2' is not Z,Y,X"),
        ((*one, "--spacing", "1,0,2"), "--spacing '1,0,2': three positive numbers, Z,Y,X"),
        ((*one, "--spacing", "1,inf,2"), "--spacing '1,inf,2': three positive numbers"),
        ((*one, "--spacing", "1,nan,2"), "--spacing '1,nan,2': three positive numbers"),
        ((junk, *one[1:]), "junk.tif cannot be read as an image: not a TIFF file"),
        ((junk, *one[1:], "--time", "0"), "junk.tif cannot be read as an image: not a TIFF"),
        ((cut, *one[1:], "--axes", "ZYX"), "cut.tif cannot be read as an image: "),
        ((*one, "--time", "0"), "does not say what its axes are: say it with --axes"),
        ((*one, "--axes", "TYX", "--time", "9"), "--time 9: "),
        ((*one, "--axes", "TYX", "--channel", "0"), "has no channels, its axes are TYX"),
        ((*one, "--axes", "YXZ"), "--axes 'YXZ' are not letters of TCZYX"),
        ((*one, "--axes", "YX"), "--axes YX: "),
        ((*one, *("--channel", "1") * 4), "--channel is given 4 times; allowed are up to 3"),
        ((*one, "--threshold", "2"), "threshold 2.0 is not within 0 to 1"),
        ((*one, "--direction", "left"), "for '--direction': 'left' is not one of"),
        ((*one, "--weights", "x"), "no weights named 'x'"),
        ((stack[0], "--out", out), "Missing option"),
    ]
    wrong = []
    for arguments, message in mistakes:
        try:
            done = command("propagate", *arguments)
        except Exception as error:
            wrong.append((arguments[3:], "raised", repr(error)))
            continue
        if not (done.code == 2 and not done.out and len(done.lines) == 1 and message in done.err):
            wrong.append((arguments[3:], done.code, done.err))
    assert not wrong
    assert not out.exists()


def test_reading_clicks() -> None:
    on, absent = read_clicks(["3,5,6.5", "1,2,3", "3,7,8"], ["3,1,1", "9,4,4", "9,5,5", "0,1,1"])
    assert on == {
        3: ClickSequence([Click(5, 6.5), Click(7, 8), Click(1, 1, False)]),
        1: ClickSequence([Click(2, 3)]),
    }
    assert absent == [9, 0]
    for bad in ("", "1,2", "1,2,3,4", "a,2,3", "1.5,2,3"):
        with pytest.raises(ClickError, match="is not Z,Y,X"):
            read_clicks([bad], [])
    with pytest.raises(ClickError, match="not a finite number"):
        read_clicks(["1,nan,3"], [])


def test_reading_rules() -> None:
    assert read_rules([], None) == Rules()
    given = read_rules(["confidence=off", "shift=2.5", "empty=3"], "3:20")
    assert given == Rules(confidence=None, shift=2.5, empty=3, first=3, last=20)
    assert read_rules([], ":20") == Rules(last=20)
    assert read_rules([], "3:") == Rules(first=3)


def test_channels_are_no_slices(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, np.zeros((2, 30, 40), np.uint8), metadata={"axes": "CYX"})
    with pytest.raises(ValueError, match="has axes CYX: the first is of channels, no slices"):
        checked(path, [0])


def test_a_pixel_is_on_the_object_or_not() -> None:
    with pytest.raises(ClickError, match="y=5, x=6 is clicked as on the object and as not on it"):
        read_clicks(["2,5,6"], ["2,5,6"])
    assert read_clicks(["2,5,6"], ["3,5,6"])[1] == [3]
