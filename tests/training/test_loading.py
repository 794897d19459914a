"""Sets in their own formats, and the batches made of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tests.training.folders import numbers, write_folder, write_sbd, write_voc

from napari_fclick.core.object_sets import ObjectRef, Plane
from napari_fclick.core.window import Box
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.clicking import BatchClicks
from napari_fclick.training.config import (
    AugmentationConfig,
    PhaseConfig,
    SetConfig,
    TrainingConfig,
)
from napari_fclick.training.cutting import WholeCutter, WindowCutter
from napari_fclick.training.dataset import SampleMaker, WindowDataset
from napari_fclick.training.distributed import ALONE, Processes
from napari_fclick.training.loading import _loader, batches, held_back, open_sets, sample_maker
from napari_fclick.training.losses import IGNORE
from napari_fclick.training.simulation import RandomClicks


class Interrupted:
    """A data set in whose processes Ctrl+C arrives before a sample is made."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> torch.Tensor:
        os.kill(os.getpid(), signal.SIGINT)
        return torch.tensor(index)


def config(folder: Path, *sets: SetConfig, **settings: object) -> TrainingConfig:
    settings.setdefault("phases", [{"steps": 3, "size": 64, "batch": 2}])
    return TrainingConfig.model_validate(
        {"sets": sets, "out": folder / "run", "workers": 0, **settings}
    )


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    return write_voc(tmp_path / "VOCdevkit/VOC2012", ["2007_1", "2007_2"], ["2007_3"])


@pytest.fixture
def sbd(tmp_path: Path) -> Path:
    return write_sbd(tmp_path / "benchmark_RELEASE/dataset", ["2007_1", "2008_1"], ["2007_3"])


def names(found: object) -> list[str]:
    source = found._source  # type: ignore[attr-defined]
    return [source.files(number)[0].stem for number in range(len(source))]


def test_voc(tmp_path: Path, voc: Path) -> None:
    (found,) = open_sets(config(tmp_path, SetConfig(path=tmp_path, format="voc")))
    assert names(found) == ["2007_1", "2007_2"]
    assert [(o.label, o.area) for o in found.objects] == [(1, 400), (2, 750)] * 2
    labels = found.plane(found.objects[0]).labels
    assert labels[8, 8] == 65535 and labels[0, 0] == 0


def test_a_folder_without_what_a_list_names(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    (tmp_path / "known.txt").write_text("# seen elsewhere\n\n2  # as another's 17\n4\n")
    given = SetConfig(path=tmp_path / "set", exclude=(tmp_path / "known.txt",))
    (found,) = open_sets(config(tmp_path, given))
    assert {"2", "4"}.isdisjoint(names(found)) and len(names(found)) >= 3


def test_sets_handed_over_count_alike_where_they_are_not_those_named(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    given = SetConfig(path=tmp_path / "set", weight=3)
    one = config(tmp_path, given)
    (opened,) = open_sets(one)
    two = config(tmp_path, given, given)
    first, other = (next(batches(each, [opened], 0)) for each in (one, two))
    assert torch.equal(first.image, other.image)


def test_sbd_without_what_voc_has(tmp_path: Path, voc: Path, sbd: Path) -> None:
    lists = [voc / f"ImageSets/Segmentation/{part}.txt" for part in ("train", "val")]
    whole = SetConfig(path=tmp_path, format="sbd")
    rest = whole.model_copy(update={"exclude": tuple(lists)})
    both, left = open_sets(config(tmp_path, whole, rest))
    assert names(both) == ["2007_1", "2007_3", "2008_1"]
    assert names(left) == ["2008_1"]
    assert [(o.label, o.area) for o in left.objects] == [(1, 400), (2, 750)]


def test_broken_files_of_published_sets_are_named(
    tmp_path: Path, sbd: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (sbd / "inst/2007_1.mat").write_bytes(b"broken")
    (sbd / "img/2007_3.jpg").unlink()
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(sbd / "img/2008_1.jpg")
    (found,) = open_sets(config(tmp_path, SetConfig(path=tmp_path, format="sbd")))
    assert not found.objects
    assert "2007_1.mat holds no GTinst" in caplog.text
    assert "no file" in caplog.text and "2007_3.jpg" in caplog.text
    assert "2008_1.jpg has shape (5, 5, 3)" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "voc"}, "does not hold voc"),
        ({"format": "zarr"}, "no set is called 'zarr'; there are: folder, voc, sbd"),
        ({"format": "folder"}, "holds no folder images/"),
    ],
)
def test_sets_that_cannot_be_opened(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        open_sets(config(tmp_path, SetConfig(path=tmp_path, **settings)))


def test_each_object_once_an_epoch(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", images=12)
    run = config(
        tmp_path, SetConfig(path=tmp_path / "set"), sampling="epochs", phases=[{"epochs": 2}]
    )
    sets = open_sets(run)
    count = len(sets[0].objects)
    data = WindowDataset(sets, [1.0], sample_maker(run, run.phases[0]), 0, 2 * count, True)
    rng = np.random.default_rng(0)
    met = [data._choose(index, rng)[1].pair for index in range(2 * count)]
    assert sorted(met[:count]) == sorted(met[count:]) == sorted({o.pair for o in sets[0].objects})
    assert met[:count] != met[count:]


def test_processes_share_a_step(tmp_path: Path) -> None:
    write_folder(tmp_path / "set")
    alone = config(
        tmp_path,
        SetConfig(path=tmp_path / "set"),
        phases=[{"steps": 3, "size": 64, "batch": 4}],
        rough_start=0.5,
    )
    shared = config(tmp_path, SetConfig(path=tmp_path / "set"), rough_start=0.5)
    sets = open_sets(alone)
    whole = batches(alone, sets, step=1)
    parts = [batches(shared, sets, 1, Processes(rank, 2)) for rank in (0, 1)]
    steps = list(zip(whole, *parts, strict=True))
    assert len(steps) == 2
    assert any(together.rough.any() for together, _, _ in steps)
    for together, first, second in steps:
        for name in ("image", "target", "clicks", "rough"):
            joined = torch.cat([getattr(first, name), getattr(second, name)])
            assert torch.equal(getattr(together, name), joined)


def test_an_interrupt_leaves_the_loading_processes_alone() -> None:
    phase = PhaseConfig(steps=1, batch=2)
    (batch,) = _loader(Interrupted(), phase, 0, ALONE, workers=1, pin=False)  # type: ignore[arg-type]
    assert batch.tolist() == [0, 1]


def test_held_back_objects_are_always_the_same(tmp_path: Path, voc: Path, sbd: Path) -> None:
    write_folder(tmp_path / "set", images=30)
    run = config(
        tmp_path,
        SetConfig(path=tmp_path / "set"),
        SetConfig(path=tmp_path, format="voc"),
        validate_objects=4,
    )
    scenes = held_back(run)
    first, second = list(scenes()), list(scenes())
    assert [s.truth.shape for s in first] == [(64, 64), (60, 80)] * 2
    assert all(np.array_equal(a.truth, b.truth) for a, b in zip(first, second, strict=True))
    assert first[1].ignore is not None and first[1].ignore[8, 8]
    with pytest.raises(ValueError, match="no set holds an object back"):
        held_back(config(tmp_path, SetConfig(path=tmp_path, format="sbd")))


def test_no_photograph_is_trained_on_and_validated_on(tmp_path: Path, voc: Path, sbd: Path) -> None:
    lists = voc / "ImageSets/Segmentation"
    (lists / "val.txt").write_text("2007_2\n2007_3\n")
    train, whole = (SetConfig(path=tmp_path, format=name) for name in ("voc", "sbd"))
    rest = whole.model_copy(update={"exclude": (lists / "val.txt",)})
    for sets, held in (
        ((train, rest), 2),  # of the two objects of 2007_3
        ((train, whole), 0),
        ((train.model_copy(update={"lists": ("train", "val")}),), 0),
    ):
        run = config(tmp_path, *sets)
        if held:
            assert len(list(held_back(run)())) == held
        else:
            with pytest.raises(ValueError, match="no set holds an object back"):
                held_back(run)


# --- cutting ----------------------------------------------------------------------------


def object_of(label: int) -> tuple[Plane, ObjectRef]:
    labels = numbers().astype(np.int64)
    labels[labels == 255] = 65535
    on = np.argwhere(labels == label)
    (top, left), (bottom, right) = on.min(0), on.max(0) + 1
    box = Box(int(top), int(left), int(bottom), int(right))
    image = np.repeat((labels % 65535 * 50).astype(np.uint8)[..., None], 3, -1)
    return Plane(image, labels), ObjectRef(0, 0, 0, label, box, len(on))


def test_the_papers_crop_holds_a_part_of_the_object() -> None:
    plane, ref = object_of(2)  # 60 x 80: at 120 pixels, 120 x 160
    columns = set()
    for seed in range(30):
        piece = WholeCutter(120)(plane, ref, np.random.default_rng(seed))
        image, labels, points, _ = piece.patch
        assert image.shape == (120, 120, 3) and labels.shape == (120, 120)
        row, column = points[0].astype(int)
        assert labels[row, column] == 1
        assert image[row, column, 0] == pytest.approx(100 / 255)
        columns.add(int(column))
    assert len(columns) > 5  # the crop is somewhere else each time


def test_the_first_click_of_the_paper_is_the_middle() -> None:
    plane, ref = object_of(1)
    plane = Plane(plane.image[:, :60], plane.labels[:, :60])  # square: the crop is all of it
    piece = WholeCutter(60)(plane, ref, np.random.default_rng(0))
    assert piece.patch.points.tolist() == [[19, 19]]  # the first of the four middle pixels
    assert (piece.patch.labels == IGNORE).any()


def test_an_object_too_small_for_the_size_is_told() -> None:
    labels = np.zeros((400, 400), np.int64)
    labels[7, 7] = 1
    ref = ObjectRef(0, 0, 0, 1, Box(7, 7, 8, 8), 1)
    with pytest.raises(ValueError, match="object 1 is gone at 64 pixels"):
        WholeCutter(64)(Plane(labels.astype(np.uint8), labels), ref, np.random.default_rng(0))


def test_a_persons_clicks_come_along() -> None:
    plane, ref = object_of(1)
    clicks = ((15.0, 15.0, True), (12.0, 28.0, True), (5.0, 20.0, False))
    known = ObjectRef(**{**vars(ref), "clicks": clicks})
    piece = WindowCutter(64)(plane, known, np.random.default_rng(1))
    assert piece.patch.labels[tuple(np.rint(piece.patch.points[0]).astype(int))] == 1
    assert piece.positive.tolist()[:2] == [True, True]
    still = AugmentationConfig(**dict.fromkeys(("flip", "transpose", "rotation"), 0.0))
    make = SampleMaker(WindowCutter(64), Augmentation(still), 64, RandomClicks(1.0, 5, 5))
    sample = make(plane, known, np.random.default_rng(1))
    run = TrainingConfig.model_validate({"phases": [{"steps": 1}]})
    batch = BatchClicks(run, sample.target[None], sample.clicks[None], step=0)
    assert [c.positive for c in batch.clicks[0]][:2] == [True, True]
    assert len(batch.clicks[0]) == len(piece.positive)


def test_further_clicks_come_with_the_sample() -> None:
    plane, ref = object_of(1)
    make = SampleMaker(
        WindowCutter(64), Augmentation(AugmentationConfig()), 64, RandomClicks(1.0, 3, 3)
    )
    found = [make(plane, ref, np.random.default_rng(seed)) for seed in range(20)]
    for sample in found:
        for row, column, sign in sample.clicks.tolist():
            if sign:
                assert sample.target[int(row), int(column)] == (sign > 0)
    assert max(int((sample.clicks[:, 2] != 0).sum()) for sample in found) > 3
    again = make(plane, ref, np.random.default_rng(3))
    assert torch.equal(again.clicks, found[3].clicks)
