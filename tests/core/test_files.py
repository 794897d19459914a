from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageOps

from napari_fclick.core.file_parts import Part, read_part
from napari_fclick.core.files import (
    axes_of,
    check_mask_path,
    map_tiff,
    read_image,
    read_indices,
    turned,
    write_labels,
    write_mask,
)
from napari_fclick.core.folders import ImagePair, load_pair


def written(path: Path, labels: Any, *scale: Any) -> Any:
    write_labels(path, labels, *scale)
    return tifffile.imread(path)


@pytest.mark.parametrize("shape", [(5, 6, 3), (4, 5, 3), (5, 6, 4), (2, 3, 5, 4), (5, 3)])
@pytest.mark.parametrize("highest", [7, 2**16])
def test_few_columns_are_no_colours(tmp_path: Path, shape: tuple[int, ...], highest: int) -> None:
    labels = np.zeros(shape, np.int32)
    labels[..., -1] = highest
    found = written(tmp_path / "a.tif", labels)
    assert found.dtype == (np.uint16 if highest < 2**16 else np.uint32)
    assert np.array_equal(found, labels)
    mask = (labels > 0).astype(np.uint8)
    write_mask(tmp_path / "b.tif", mask)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert file.pages.first.photometric == tifffile.PHOTOMETRIC.MINISBLACK
        assert np.array_equal(file.asarray(), mask)


@pytest.mark.parametrize(
    ("unit", "symbol"),
    [
        ("nanometer", "nm"),
        ("millimeter", "mm"),
        ("centimeter", "cm"),
        ("meter", "m"),
        ("micrometer", "µm"),
        ("micron", "µm"),
        ("um", "µm"),
        ("µm", "µm"),
        ("\u03bcm", "µm"),
        ("nm", "nm"),
        ("angstrom", "Å"),
        ("Å", "Å"),
        ("inch", "in"),
    ],
)
def test_units_are_written_as_ome_calls_them(tmp_path: Path, unit: str, symbol: str) -> None:
    write_labels(tmp_path / "a.tif", np.ones((4, 5, 6), np.int32), (2.0, 0.5, 0.25), unit)
    ome = tifffile.TiffFile(tmp_path / "a.tif").ome_metadata
    assert ome is not None
    assert re.findall('PhysicalSize.Unit="(.*?)"', ome) == 3 * [symbol]
    assert set(re.findall('PhysicalSize(.)="(.*?)"', ome)) == {
        ("Z", "2.0"),
        ("Y", "0.5"),
        ("X", "0.25"),
    }


@pytest.mark.parametrize("unit", ["second", "", "pixel", ("", "µm")])
def test_without_a_unit_that_ome_knows_there_is_no_size(tmp_path: Path, unit: Any) -> None:
    write_labels(tmp_path / "a.tif", np.ones((5, 6), np.int32), (0.5, 0.25), unit)
    ome = tifffile.TiffFile(tmp_path / "a.tif").ome_metadata
    assert ome is not None and "PhysicalSize" not in ome


@pytest.mark.parametrize(
    ("units", "axes", "seconds"),
    [
        (("second", "µm", "µm"), "TYX", True),
        (("frame", "µm", "µm"), "TYX", False),
        (("pixel", "second", "µm", "µm"), "ZTYX", True),
        (("second", "pixel", "µm", "µm", "µm"), "TCZYX", True),
        (("µm", "µm", "µm"), "ZYX", False),
    ],
)
def test_time_is_no_slice(tmp_path: Path, units: tuple[str, ...], axes: str, seconds: bool) -> None:
    spacing = tuple({"second": 30.0, "frame": 30.0, "pixel": 1.0}.get(u, -0.5) for u in units)
    write_labels(tmp_path / "a.tif", np.ones(range(2, 2 + len(axes)), np.int32), spacing, units)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.series[0].axes == axes
        ome = file.ome_metadata or ""
    sizes = dict(re.findall('PhysicalSize([ZYX])="(.*?)"', ome))
    assert sizes["Y"] == sizes["X"] == "0.5"
    assert sizes.get("Z") in (None, "0.5", "1.0")
    assert ('TimeIncrement="30.0" TimeIncrementUnit="s"' in ome) == seconds


def test_numbers_that_a_tiff_cannot_hold_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    for numbers, wrong in (([0, -1, -7], -7), ([0, 2**32], 2**32)):
        with pytest.raises(ValueError, match=f"label {wrong} cannot be .* 0 to 4294967295"):
            write_labels(path, np.array([numbers]))
    assert not list(tmp_path.iterdir())
    highest = np.array([[0, 2**32 - 1]], np.uint64)
    assert np.array_equal(written(path, highest), highest)


def test_labels_of_five_axes_and_no_more(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 4, 5, 6), np.uint8)
    path = tmp_path / "a.tif"
    assert np.array_equal(written(path, labels, (9, 9, 2, 1, 1), "µm"), labels)
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "TCZYX"
        assert 'PhysicalSizeZ="2.0"' in (file.ome_metadata or "")
    with pytest.raises(ValueError, match=r"6 axes cannot be .* allowed are 2 to 5 \(TCZYX\)"):
        write_labels(path, labels[None])


@pytest.mark.parametrize(("mode", "suffix"), [("CMYK", "jpg"), ("LA", "png")])
def test_pixels_are_read_as_they_look(tmp_path: Path, mode: str, suffix: str) -> None:
    grey = np.tile(np.arange(0, 256, 16, np.uint8), (16, 1))
    path = tmp_path / f"a.{suffix}"
    image = Image.fromarray(grey).convert(mode)
    if mode == "LA":
        image.putalpha(7)
    image.save(path)
    found = read_image(path)
    assert found.shape == ((16, 16, 3) if mode == "CMYK" else (16, 16))
    assert np.allclose(found.reshape(16, 16, -1), grey[..., None], atol=6)
    channels = {"CMYK": (4,), "LA": (2,)}.get(mode, found.shape[2:])
    assert read_image(path, as_stored=True).shape == (16, 16, *channels)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_as_their_file_says(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (16, 24, 3), np.uint8)
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[274] = orientation
    Image.fromarray(colours).save(path, exif=exif)
    stored = read_image(path)
    assert stored.shape == (16, 24, 3)  # as napari shows it
    with Image.open(path) as opened:
        shown = np.asarray(ImageOps.exif_transpose(opened))
    assert np.array_equal(turned(path, stored), shown)
    assert turned(path.with_suffix(".tif"), stored) is stored


def test_a_photograph_fits_labels_of_what_is_shown(tmp_path: Path) -> None:
    """What lies on its side is upright in most programs, and not in napari."""
    grey = np.random.default_rng(0).integers(0, 255, (16, 24), np.uint8)
    pair, exif = ImagePair(tmp_path / "a.png", tmp_path / "a.tif"), Image.Exif()
    exif[274] = 6
    Image.fromarray(grey).save(pair.image, exif=exif)
    for labels, image in (
        (np.eye(16, 24, dtype=np.uint8), grey),
        (np.eye(24, 16, dtype=np.uint8), np.rot90(grey, -1)),
    ):
        write_mask(pair.labels, labels)
        found = load_pair(pair)
        assert np.array_equal(found.image, image) and np.array_equal(found.labels, labels)
    exif[274] = 1
    Image.fromarray(grey).save(pair.image, exif=exif)
    with pytest.raises(ValueError, match="is 16 x 24 but its labels are 24 x 16"):
        load_pair(pair)
    square = grey[:, :16]
    exif[274] = 6
    Image.fromarray(square).save(pair.image, exif=exif)
    write_mask(pair.labels, np.eye(16, dtype=np.uint8))
    assert np.array_equal(load_pair(pair).image, square)


def test_colours_in_planes_come_last(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 255, (16, 20, 3), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.moveaxis(colours, -1, 0), photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_image(path), colours)
    assert axes_of(path) == "YXS"
    assert read_image(path, as_stored=True).shape == (3, 16, 20)
    tifffile.imwrite(path, np.zeros((3, 16, 20), np.uint8), metadata={"axes": "CYX"}, ome=True)
    assert read_image(path).shape == (3, 16, 20)
    assert axes_of(path) == "CYX"
    assert axes_of(tmp_path / "a.png") == ""


@pytest.mark.parametrize("slices", [3, 4])
def test_few_slices_are_no_colours_where_a_stack_or_labels_are_wanted(
    tmp_path: Path, slices: int
) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (slices, 16, 20), np.uint8)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, photometric="rgb", planarconfig="separate")
    with tifffile.TiffFile(path) as file:
        assert file.series[0].axes == "SYX"
    assert read_image(path).shape == (16, 20, slices)
    assert np.array_equal(read_image(path, stack=True), pixels)
    assert np.array_equal(read_indices(path), pixels)
    colours = np.moveaxis(pixels, 0, -1)[..., :3]
    tifffile.imwrite(path, colours, photometric="rgb")
    assert np.array_equal(read_image(path, stack=True), colours)


def test_a_pair_of_few_slices(tmp_path: Path) -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 40, 50), np.uint8)
    for name, pixels in (("image", image), ("labels", image // 100)):
        tifffile.imwrite(
            tmp_path / f"{name}.tif", pixels, photometric="rgb", planarconfig="separate"
        )
    pair = ImagePair(tmp_path / "image.tif", tmp_path / "labels.tif")
    read, labels = load_pair(pair)
    assert np.array_equal(read, image) and np.array_equal(labels, image // 100)
    tifffile.imwrite(tmp_path / "labels.tif", image[0])
    read, _ = load_pair(pair)
    assert np.array_equal(read, np.moveaxis(image, 0, -1))


def test_paths_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match="folder is a folder: name a file in it"):
        check_mask_path(tmp_path / "folder")
    with pytest.raises(IsADirectoryError, match="folder is a folder; an image is read from"):
        read_image(tmp_path / "folder")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match=r"a\.tif may not be written"):
        check_mask_path(tmp_path / "a.tif")


def test_labels_of_a_damaged_size(tmp_path: Path) -> None:
    path = tmp_path / "a.bmp"
    Image.fromarray(np.zeros((9, 9), np.uint8)).convert("P").save(path)
    content = bytearray(path.read_bytes())
    content[18:26] = 2 * (10**6).to_bytes(4, "little")  # columns and rows
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.bmp cannot be read as labels: Image size"):
        read_indices(path)


@pytest.mark.parametrize(
    "read", [read_image, read_indices, map_tiff, lambda path: read_part(path, Part(time=0), 4)]
)
def test_a_tiff_without_an_image(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    """As it is left where a disk was full, or a program ended, before anything was written."""
    path = tmp_path / "cut.tif"
    path.write_bytes(b"II*\0" + bytes(4))
    with pytest.raises(ValueError, match=r"cut\.tif cannot be read as an image: it holds none"):
        read(path)
