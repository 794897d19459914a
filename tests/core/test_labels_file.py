"""The labels of one image: read, and written where nothing is lost by that."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import io

from napari_fclick.core.files import read_image, write_mask
from napari_fclick.core.labels_file import LabelsFile

LABELS = np.zeros((6, 7), np.uint16)
LABELS[1:3, 1:4] = 1


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "cell.1.tif"
    write_mask(path, np.arange(42, dtype=np.uint8).reshape(6, 7))
    return path


def test_the_folder_is_made_when_something_is_written(tmp_path: Path, image: Path) -> None:
    file = LabelsFile(tmp_path / "labels", image)
    assert file.found is None
    with pytest.raises(FileNotFoundError, match=r"no labels of cell\.1\.tif"):
        file.read()
    file.check(whole=False)
    file.write(LABELS.astype(np.int32))
    assert file.path == tmp_path / "labels/cell.1.tif"
    written = read_image(file.path)
    assert written.dtype == np.uint16
    assert np.array_equal(written, LABELS)
    file.check(whole=True)
    assert LabelsFile(tmp_path / "labels", image).found == file.path


def test_many_objects_take_32_bits(tmp_path: Path, image: Path) -> None:
    file = LabelsFile(tmp_path, image)
    file.path = tmp_path / "many.tif"
    file.write(LABELS.astype(np.int64) * 70_000)
    assert read_image(file.path).dtype == np.uint32


@pytest.mark.parametrize("others", [(2, 3), (1,), (1, 3), (2, 1)])
def test_stacks_come_back_as_they_were(tmp_path: Path, others: tuple[int, ...]) -> None:
    path = tmp_path / "series.tif"
    labels = np.zeros((*others, 6, 7), np.uint16)
    labels[0] = LABELS
    write_mask(path, np.arange(labels.size, dtype=np.uint8).reshape(labels.shape))
    LabelsFile(tmp_path / "labels", path).write(labels)
    found = LabelsFile(tmp_path / "labels", path).read()
    assert np.array_equal(found.labels, labels)
    assert found.image.shape == labels.shape


def test_what_others_wrote_is_not_replaced(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    write_mask(folder / "cell.1.tif", LABELS)
    file = LabelsFile(folder, image)
    with pytest.raises(ValueError, match=r"labels/cell\.1\.tif was changed by another program"):
        file.check(whole=True)  # it was never read
    assert np.array_equal(file.read().labels, LABELS)
    file.check(whole=True)
    with pytest.raises(ValueError, match=r"labels/cell\.1\.tif holds labels that are not in this"):
        file.check(whole=False)
    os.utime(file.path, (1, 1))
    with pytest.raises(ValueError, match="was changed by another program since it was opened"):
        file.check(whole=True)
    file.path.unlink()
    file.check(whole=True)  # moved elsewhere, as the message says


def test_labels_of_another_kind_stay_beside_the_new_ones(tmp_path: Path, image: Path) -> None:
    folder = tmp_path / "labels"
    folder.mkdir()
    io.imsave(folder / "cell.1.png", LABELS, check_contrast=False)
    file = LabelsFile(folder, image)
    assert np.array_equal(file.read().labels, LABELS)
    with pytest.raises(ValueError, match=r"labels/cell\.1\.png holds labels that are not"):
        file.check(whole=False)
    file.check(whole=True)
    file.write(LABELS * 2)
    assert np.array_equal(read_image(folder / "cell.1.png"), LABELS)
    again = LabelsFile(folder, image)
    assert again.found == folder / "cell.1.tif"
    assert np.array_equal(again.read().labels, LABELS * 2)


def test_a_folder_that_is_gone_is_told(tmp_path: Path, image: Path) -> None:
    file = LabelsFile(tmp_path / "gone/labels", image)
    with pytest.raises(FileNotFoundError):
        file.write(LABELS)
