"""Samples that begin with a rough mask."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.test_slices import Volumes, ball, seen

from napari_fclick.core.object_sets import IndexedSet
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.config import AugmentationConfig, TrainingConfig
from napari_fclick.training.cutting import WindowCutter
from napari_fclick.training.dataset import Sample, SampleMaker, WindowDataset
from napari_fclick.training.losses import IGNORE
from napari_fclick.training.rough_starts import RoughStarts, at_end, first_click, roughened
from napari_fclick.training.simulation import RandomClicks
from napari_fclick.training.slices import Slices
from napari_fclick.training.trainer import Trainer


def config(out: Path, **settings: Any) -> TrainingConfig:
    phase = {"steps": 2, "size": 64, "batch": 2}
    fixed = {"phases": [phase], "out": out, "imagenet": False, "workers": 0}
    return TrainingConfig.model_validate({**fixed, **settings})


def volume() -> IndexedSet:
    return IndexedSet(Volumes(ball()))


def dataset(starts: RoughStarts) -> WindowDataset:
    make = SampleMaker(WindowCutter(64), Augmentation(AugmentationConfig()), 64)
    return WindowDataset([volume()], [1.0], make, 0, 12, starts=starts)


def samples(starts: RoughStarts) -> list[Sample]:
    data = dataset(starts)
    return [data[index] for index in range(len(data))]


def equal(one: Any, other: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_without_chances_nothing_is_taken_from_the_stream() -> None:
    found, rng = volume(), np.random.default_rng(0)
    ref = found.objects[0]
    subject = RoughStarts().draw(found.plane(ref), ref, Slices(found), rng)
    assert subject.rough is None and subject.ref is ref
    assert rng.random() == np.random.default_rng(0).random()
    assert not any(sample.rough.any() for sample in samples(RoughStarts()))


def test_what_a_person_clicked_on_stays_as_it_is() -> None:
    found = volume()
    ref = replace(found.objects[0], clicks=((12.0, 12.0, True),))
    for seed in range(5):
        rng = np.random.default_rng(seed)
        subject = RoughStarts(1.0, 1.0).draw(found.plane(ref), ref, Slices(found), rng)
        assert subject.rough is None and subject.ref is ref


def test_rough_masks_are_mostly_the_neighbours() -> None:
    slices, ref = seen(3)
    plane = volume().plane(ref)
    neighbours = []
    for seed in range(60):
        subject = roughened(plane, ref, slices, np.random.default_rng(seed))
        assert subject is not None and subject.rough is not None
        ((row, column, positive),) = subject.ref.clicks
        assert positive and plane.labels[int(row), int(column)] == 7
        neighbours.append(np.array_equal(subject.rough, ball()[2] == 7))  # and [4]: the same
    assert np.mean(neighbours) == pytest.approx(0.7, abs=0.15)


def test_a_mask_that_shares_too_little_is_left_out() -> None:
    labels = np.zeros((3, 40, 40), np.uint16)
    labels[:, 30:38, 30:38] = 3  # links the slices
    labels[1, 2:7, 2:7] = 7
    labels[[0, 2], 20:25, 2:7] = 7
    found = IndexedSet(Volumes(labels))
    (ref,) = (r for r in found.objects if r.label == 7 and r.index == 1)
    subjects = [
        roughened(found.plane(ref), ref, Slices(found), np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert sum(s is None for s in subjects) == pytest.approx(21, abs=7)


def test_an_end_has_the_mask_of_the_slice_before() -> None:
    slices, ref = seen(3)
    empty = []
    for seed in range(20):
        subject = at_end(ref, slices, np.random.default_rng(seed))
        assert subject is not None and subject.rough is not None
        assert np.array_equal(subject.rough, ball()[3] == 7)
        assert tuple(subject.ref.box) == (10, 10, 20, 20) and subject.ref.label == 7
        assert len(subject.ref.clicks) == 1
        empty.append(not (subject.plane.labels == 7).any())
    assert 4 <= sum(empty) <= 16


def test_the_click_is_in_the_middle_of_the_rough_mask_or_on_the_object() -> None:
    rough, truth = np.zeros((2, 20, 20), bool)
    rough[2:9, 2:9] = True
    assert first_click(rough, truth) == (5, 5)  # the object is gone
    truth[4:7, 4:7] = True
    assert first_click(rough, truth) == (5, 5)
    truth[:] = False
    truth[2:9, 6:15] = True
    assert first_click(rough, truth) == (3, 7)  # the first of the middles of columns 6 to 8
    truth[:, :9] = False
    assert first_click(rough, truth) == (4, 11)


def test_samples_hold_the_mask_and_repeat() -> None:
    ends, starts = dataset(RoughStarts(slice_end=1.0)), dataset(RoughStarts(rough_start=1.0))
    for data in (ends, starts):
        for index in range(len(data)):
            sample = data[index]
            assert equal(sample, data[index])
            assert sample.rough.shape == (1, 64, 64) and sample.rough.any()
            assert sample.rough.min() >= 0 and sample.rough.max() <= 1.0001
            assert sample.clicks[0, 2] == 1 and not sample.clicks[1:].any()
            height, width = sample.inner.tolist()
            assert not sample.rough[:, height:].any() and not sample.rough[..., width:].any()
    assert {bool((sample.target == 1).any()) for sample in samples(RoughStarts(slice_end=1.0))} == {
        False,
        True,
    }


def test_rough_mask_and_object_go_the_same_way() -> None:
    shared = []
    for sample in samples(RoughStarts(rough_start=1.0)):
        truth, rough = sample.target == 1, (sample.rough[0] > 0.5) & (sample.target != IGNORE)
        shared.append(float((truth & rough).sum() / (truth | rough).sum()))
    assert np.median(shared) > 0.6


def test_no_clicks_are_added_where_there_is_no_object() -> None:
    further, nowhere = RandomClicks(1.0, 4, 4), np.zeros((64, 64), bool)
    truth = nowhere.copy()
    truth[20:44, 20:44] = True
    drawn = [
        [further.draw(m, (30, 30), nowhere, np.random.default_rng(n)) for n in range(5)]
        for m in (truth, nowhere)
    ]
    assert any(drawn[0]) and not any(drawn[1])


@pytest.mark.parametrize("loss", ["paper", "focal-dice"])
def test_a_step_with_nothing_to_find(tmp_path: Path, loss: str) -> None:
    run = config(tmp_path, loss=loss, slice_end=1.0, corrections=[0, 1], extra_chance=1.0)
    trainer = Trainer(run, [volume()])
    sample = next(s for s in samples(RoughStarts(slice_end=1.0)) if not (s.target == 1).any())
    batch = type(sample)(*(torch.stack([part, part]) for part in sample))
    value, iou = trainer.train_step(batch)
    assert np.isfinite(value) and 0 <= iou <= 1
    assert all(torch.isfinite(p).all() for p in trainer.network.parameters())


def test_the_network_is_shown_the_rough_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config(tmp_path, corrections=[1]), [volume()])
    sample = dataset(RoughStarts(rough_start=1.0))[0]
    batch = type(sample)(*(torch.stack([part, part]) for part in sample))
    shown = []
    whole = trainer._forward._model.forward
    monkeypatch.setattr(
        trainer._forward._model, "forward", lambda x, first: (shown.append(x), whole(x, first))[1]
    )
    trainer.train_step(batch)
    assert torch.equal(shown[0][:, 5:], batch.rough)


def test_where_nothing_is_to_be_found_the_mask_that_tells_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config(tmp_path, corrections=[0, 1], mask_drop=1.0), [volume()])
    drawn = samples(RoughStarts(slice_end=1.0))
    gone = next(s for s in drawn if not (s.target == 1).any())
    there = next(s for s in drawn if (s.target == 1).any())
    batch = type(gone)(*(torch.stack(parts) for parts in zip(gone, there, strict=True)))
    shown = []
    whole = trainer._forward._model.forward
    monkeypatch.setattr(
        trainer._forward._model, "forward", lambda x, first: (shown.append(x), whole(x, first))[1]
    )
    trainer.train_step(batch)
    assert torch.equal(shown[-1][0, 5:], batch.rough[0]) and batch.rough[0].any()
    assert not shown[-1][1, 5:].any()  # withheld


@pytest.mark.parametrize("chance", ["rough_start", "slice_end"])
def test_a_network_that_sees_no_mask_is_refused(tmp_path: Path, chance: str) -> None:
    for other in ({"view": "whole"}, {"network": {"mask_feedback": False}}):
        with pytest.raises(ValueError, match=r"need view = .* mask_feedback"):
            config(tmp_path, **{chance: 0.1}, **other)
