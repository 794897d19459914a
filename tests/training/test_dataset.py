"""Windows cut from folders of images and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image
from tests.training.folders import write_folder

from napari_fclick.core.folders import ImageSet
from napari_fclick.core.object_sets import Plane, objects_2d
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.config import AugmentationConfig
from napari_fclick.training.cutting import WindowCutter
from napari_fclick.training.dataset import SampleMaker, WindowDataset
from napari_fclick.training.losses import IGNORE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images of two squares each, a volume, and an ignored corner."""
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    labels = np.zeros((64, 80), np.uint16)
    labels[10:30, 10:30] = 1
    labels[40:60, 50:70] = 2
    labels[:4, :4] = 65535
    for stem in ("a", "b"):
        image = (labels % 65535 * 100).astype(np.uint8)
        tifffile.imwrite(tmp_path / f"images/{stem}.tif", image)
        tifffile.imwrite(tmp_path / f"labels/{stem}.tif", labels)
    volume = np.zeros((5, 40, 40), np.uint16)
    volume[2, 5:25, 5:25] = 7
    tifffile.imwrite(tmp_path / "images/v.tif", volume)
    tifffile.imwrite(tmp_path / "labels/v.tif", volume)
    return tmp_path


def maker(size: int = 96) -> SampleMaker:
    return SampleMaker(WindowCutter(size), Augmentation(AugmentationConfig()), size)


def test_objects_are_found(folder: Path) -> None:
    found = ImageSet(folder, validation=None)
    assert [(o.label, o.area) for o in found.objects] == [(1, 400), (2, 400)] * 2 + [(7, 400)]
    assert found.objects[-1].index == 2
    assert tuple(found.objects[1].box) == (40, 50, 60, 70)
    assert 65535 not in {o.label for o in found.objects}


def files(found: ImageSet) -> set[str]:
    source = found._source
    return {source.files(refs[0].pair)[0].stem for refs in found.by_image}


def test_validation_images_are_never_trained_on(tmp_path: Path) -> None:
    write_folder(tmp_path, images=40)
    trained, tested = (files(ImageSet(tmp_path, validation=held)) for held in (False, True))
    assert tested and not trained & tested
    assert len(trained | tested) == 40
    # By content: another name changes nothing.
    stem = min(tested)
    for part in ("images", "labels"):
        (tmp_path / f"{part}/{stem}.tif").rename(tmp_path / f"{part}/renamed.tif")
    assert files(ImageSet(tmp_path, validation=True)) == tested - {stem} | {"renamed"}


def test_excluded_images_are_neither_trained_on_nor_held_back(tmp_path: Path) -> None:
    write_folder(tmp_path, images=40)
    left_out = {min(files(ImageSet(tmp_path, validation=held))) for held in (False, True)}
    found = [files(ImageSet(tmp_path, held, exclude=left_out)) for held in (False, True, None)]
    assert not any(names & left_out for names in found)
    assert [len(names) for names in found[2:]] == [38]


def test_what_cannot_be_used_is_skipped(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "images/b.tif").write_bytes(b"broken")
    tifffile.imwrite(folder / "labels/v.tif", np.zeros((5, 40, 41), np.uint16))
    tifffile.imwrite(folder / "images/lonely.tif", np.zeros((5, 5), np.uint8))
    found = ImageSet(folder, validation=None)
    assert len(found.by_image) == 1
    for name in ("b.tif", "v.tif", "lonely.tif"):
        assert name in caplog.text


def test_labels_with_a_palette_are_their_numbers(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / part).mkdir()
    indices = np.zeros((40, 50), np.uint8)
    indices[5:25, 5:25] = 3
    picture = Image.fromarray(indices, "P")
    picture.putpalette([255 - n // 3 for n in range(768)])
    picture.save(tmp_path / "labels/a.png")
    Image.fromarray(indices * 50).save(tmp_path / "images/a.png")
    assert [(o.label, o.area) for o in ImageSet(tmp_path, None).objects] == [(3, 400)]


def test_files_of_one_name_are_told_of(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    Image.fromarray(np.zeros((64, 80), np.uint8)).save(folder / "images/a.png")
    found = ImageSet(folder, validation=None)
    assert len(found.by_image) == 3
    assert "a.png: left out, as" in caplog.text


def test_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no folder images"):
        ImageSet(tmp_path)


def test_samples_are_true_and_repeatable(folder: Path) -> None:
    found = ImageSet(folder, validation=None)
    data = WindowDataset([found], [1.0], maker(), seed=3, length=40)
    for index in range(40):
        sample, again = data[index], data[index]
        assert all(torch.equal(a, b) for a, b in zip(sample, again, strict=True))
        assert sample.image.shape == (3, 96, 96)
        assert sample.image.min() >= 0 and sample.image.max() <= 1
        assert set(sample.target.unique().tolist()) <= {0, 1, IGNORE}
        row, column = (round(v) for v in sample.clicks[0, :2].tolist())
        assert sample.target[row, column] == 1, index
        height, width = sample.inner.tolist()
        assert (sample.target[height:] == IGNORE).all()
        assert (sample.target[:, width:] == IGNORE).all()


def test_bright_object_stays_bright(folder: Path) -> None:
    found = ImageSet(folder, validation=None)
    ref = found.objects[1]
    means = []
    for seed in range(20):
        sample = maker()(found.plane(ref), ref, np.random.default_rng(seed))
        inside = sample.image.mean(0)[sample.target == 1].mean()
        outside = sample.image.mean(0)[sample.target == 0].mean()
        means.append(float(inside - outside))
    # Inverted now and then; else the labels would not belong to the pixels.
    assert np.median(means) > 0.2


def test_a_thin_object_is_seen_in_every_window() -> None:
    labels = np.zeros((600, 600), np.uint16)
    labels[20:580, 300:303] = 1
    plane = Plane(np.where(labels, 200, 20).astype(np.uint8), labels)
    (ref,) = objects_2d(labels, 0, 0, 0, 24)
    cut = WindowCutter(96)
    for seed in range(30):
        piece = cut(plane, ref, np.random.default_rng(seed))
        assert (piece.patch.labels == 1).any()
