"""Which images a folder holds, with and without ``images/``."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_fclick.core import folders
from napari_fclick.core.files import write_mask
from napari_fclick.core.folders import (
    SPLIT_FILE,
    ImagePair,
    find_images,
    find_pairs,
    find_pairs_and_rest,
    is_labelled,
    label_files,
    load_pair,
)
from napari_fclick.core.labels_file import LabelsFile

PIXELS = np.arange(20, dtype=np.uint16).reshape(4, 5)


def put(path: Path, pixels: np.ndarray = PIXELS) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, pixels) if path.suffix == ".npy" else write_mask(path, pixels)
    return path


def test_images_lie_in_images_or_in_the_folder_itself(tmp_path: Path) -> None:
    deep, flat = tmp_path / "deep", tmp_path / "flat"
    expected = [put(deep / "images/a.tif"), put(deep / "images/b.npy")]
    put(deep / "c.tif")
    found = find_images(deep)
    assert list(found.images) == expected
    assert (found.folder, found.labels, found.notes) == (deep, deep / "labels", ())
    assert find_images(deep / "images") == found  # the folder around it is meant
    expected = [put(flat / "a.tif"), put(flat / "b.npy")]
    put(flat / "labels/a.tif")
    assert find_images(flat).images == tuple(expected)
    assert find_images(flat).labels == flat / "labels"


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    for name in ("a.npy", "a.tif"):
        put(tmp_path / name)
    for name in ("notes.txt", ".hidden", SPLIT_FILE):
        (tmp_path / name).write_text("{}")
    (tmp_path / "older").mkdir()
    found = find_images(tmp_path)
    assert [image.name for image in found.images] == ["a.tif"]
    name = tmp_path.name
    assert found.notes == (
        f"{name}/a.npy: left out, as a.tif has its name",
        f"1 file in {name}/ of a kind that cannot be read (.txt): left out",
    )


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        find_images(tmp_path / "nowhere")
    (tmp_path / "x.doc").write_text("")
    with pytest.raises(FileNotFoundError, match=r"no image in .*: allowed are \.tif.*; 1 file in"):
        find_images(tmp_path)


def test_images_beside_their_labels_are_pairs(tmp_path: Path) -> None:
    image = put(tmp_path / "a.tif")
    assert not is_labelled(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no folder labels/"):
        find_pairs(tmp_path)
    put(tmp_path / "b.tif")
    labels = put(tmp_path / "labels/a.tif", np.eye(4, 5, dtype=np.uint16))
    assert is_labelled(tmp_path)
    (pair,), notes = find_pairs_and_rest(tmp_path)
    assert (pair.image, pair.labels) == (image, labels)
    assert notes == ["1 image (b.tif) without labels that can be read: left out"]
    assert np.array_equal(load_pair(pair).image, PIXELS)
    assert label_files(tmp_path / "labels") == {"a": labels}
    assert label_files(tmp_path / "nowhere") == {}


def test_names_pair_however_their_accents_are_written(tmp_path: Path) -> None:
    image = put(tmp_path / "images" / unicodedata.normalize("NFC", "Bébé.tif"))
    labels = put(tmp_path / "labels" / unicodedata.normalize("NFD", "Bébé.tif"))
    assert image.name != labels.name
    assert find_pairs_and_rest(tmp_path) == ([ImagePair(image, labels)], [])
    assert LabelsFile(tmp_path / "labels", image).path == labels


def test_axes_of_length_1_make_no_difference(tmp_path: Path) -> None:
    labels = put(tmp_path / "labels/a.tif", np.eye(4, 5, dtype=np.uint16)[None])
    for shape in ((4, 5), (1, 4, 5), (4, 5, 3), (1, 4, 5, 3)):
        image = put(tmp_path / "images/a.tif", np.zeros(shape, np.uint8))
        plane = load_pair(ImagePair(image, labels))
        assert plane.image.shape == shape
        assert plane.labels.shape == shape[: -1 if shape[-1] == 3 else None]
        assert plane.labels.sum() == 4
    with pytest.raises(ValueError, match="is 5 x 4 but its labels are 1 x 4 x 5"):
        load_pair(ImagePair(put(tmp_path / "images/a.tif", np.zeros((5, 4))), labels))


def test_large_files_are_read_as_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planes = np.random.default_rng(0).integers(0, 255, (3, 16, 20), np.uint8)
    image = tmp_path / "image.tif"
    tifffile.imwrite(image, planes, photometric="rgb", planarconfig="separate")
    for labels in (planes[0], planes):  # of an image in colour, of three slices
        pair = ImagePair(image, put(tmp_path / "labels.tif", labels))
        small = load_pair(pair)
        with monkeypatch.context() as patched:
            patched.setattr(folders, "MAPPED_BYTES", 0)
            large = load_pair(pair)
        assert isinstance(large.image, np.memmap)
        assert np.array_equal(large.image, small.image)


@pytest.mark.parametrize("suffix", ["jpg", "JPEG"])
def test_a_jpeg_holds_no_labels(tmp_path: Path, suffix: str) -> None:
    """What was one number is several at its border."""
    image, labels = put(tmp_path / "images/a.tif"), tmp_path / f"a.{suffix}"
    Image.fromarray(np.eye(4, 5, dtype=np.uint8)).save(labels)
    with pytest.raises(ValueError, match="holds no labels: JPEG changes numbers; save them as"):
        load_pair(ImagePair(image, labels))
    with pytest.raises(FileNotFoundError, match=r"no file .*none\.jpg"):
        load_pair(ImagePair(image, tmp_path / "none.jpg"))


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan, 0.5])
def test_labels_in_floats_are_whole_numbers(tmp_path: Path, wrong: float) -> None:
    labels = np.eye(4, 5, dtype=np.float32)
    pair = ImagePair(put(tmp_path / "images/a.tif"), put(tmp_path / "labels/a.npy", labels))
    assert np.array_equal(load_pair(pair).labels, labels)
    labels[0, 1] = wrong
    put(pair.labels, labels)
    with pytest.raises(ValueError, match=r"a\.npy holds no labels: they are whole .* not float32"):
        load_pair(pair)


def test_labels_alone_are_no_pairs(tmp_path: Path) -> None:
    put(tmp_path / "labels/a.tif")
    assert not is_labelled(tmp_path)
    with pytest.raises(FileNotFoundError, match="holds no folder images/"):
        find_pairs(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        find_pairs(tmp_path / "nowhere")


def test_images_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["B_2.tif", "a_10.tif", "a_2.tif", "a_2b.tif", "a.tif"]
    for name in names:
        put(tmp_path / name)
    found = [path.name for path in find_images(tmp_path).images]
    assert found == ["a.tif", "a_2.tif", "a_2b.tif", "a_10.tif", "B_2.tif"]
