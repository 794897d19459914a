"""The trainer: it learns, and a killed run goes on as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from napari_fclick.core.folders import ImageSet
from napari_fclick.network import checkpoints
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.export import export
from napari_fclick.training.trainer import Trainer

TOML = """
out = "run"
imagenet = false
workers = 0
{extra}
[[phases]]
steps = {steps}
size = 64
batch = 2
[[sets]]
path = "set"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (tmp_path / "set" / part).mkdir(parents=True)
    for stem in range(6):
        labels = np.zeros((64, 64), np.uint16)
        labels[16:48, 16:48] = 1
        image = labels * 100 + rng.integers(0, 20, labels.shape)
        tifffile.imwrite(tmp_path / f"set/images/{stem}.tif", image.astype(np.uint8))
        tifffile.imwrite(tmp_path / f"set/labels/{stem}.tif", labels)
    return tmp_path


def config(folder: Path, steps: int = 4, extra: str = "") -> TrainingConfig:
    path = folder / "run.toml"
    path.write_text(TOML.format(steps=steps, extra=extra))
    return TrainingConfig.from_toml(path)


def test_resumed_run_equals_an_unbroken_one(folder: Path) -> None:
    settings = config(folder)
    whole = Trainer(settings)
    whole.run()
    broken = Trainer(settings)
    sets = broken._batches  # the run is broken off after two steps
    data = [ImageSet(s.path, validation=False, axes=s.axes) for s in settings.sets]
    for _, batch in zip(range(2), sets(data), strict=False):
        broken.train_step(batch)
        broken.step += 1
    broken.save()
    resumed = Trainer(settings)
    resumed.resume()
    assert resumed.step == 2
    resumed.run()
    for name, value in whole.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    for name, value in whole.average.items():
        assert torch.equal(value, resumed.average[name]), name


def test_killed_while_writing_leaves_the_old_checkpoint(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config(folder))
    trainer.config.out.mkdir()
    trainer.save()
    before = trainer.checkpoint.read_bytes()

    def killed(state: object, file: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(torch, "save", killed)
    with pytest.raises(KeyboardInterrupt):
        trainer.save()
    assert trainer.checkpoint.read_bytes() == before


def test_it_learns_a_square(folder: Path) -> None:
    settings = config(folder, steps=30, extra="warmup = 5")
    trainer = Trainer(settings)
    data = [ImageSet(s.path, validation=False) for s in settings.sets]
    losses = []
    for batch in trainer._batches(data):
        losses.append(trainer.train_step(batch)[0])
        trainer.step += 1
    assert np.mean(losses[-5:]) < 0.8 * np.mean(losses[:5])


@pytest.mark.parametrize("loss", ["paper", "focal-dice"])
def test_both_losses_run_and_export(folder: Path, loss: str) -> None:
    trainer = Trainer(config(folder, steps=1, extra=f'loss = "{loss}"'))
    trainer.run()
    out = folder / "weights.safetensors"
    card = export(trainer.checkpoint, out, {"iou@1": 0.5})
    assert card.data == ("set",) and card.scores == {"iou@1": 0.5}
    network, _ = checkpoints.load(out)
    assert network.config == trainer.config.network


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("lr = -1", "lr: Input should be greater than 0"),
        ("lrr = 1", "lrr: Extra inputs are not permitted"),
        ("corrections = [0.5]", "must add up to 1"),
        ("lr = ", "is not TOML"),
    ],
)
def test_wrong_settings_are_named(folder: Path, extra: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(folder, extra=extra)
