"""The trainer: it learns, and a killed run goes on as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.training.folders import write_folder

from napari_fclick.core.folders import ImageSet
from napari_fclick.network import checkpoints
from napari_fclick.network.fcanet import FCANet, NetworkConfig
from napari_fclick.training.checkpointing import read_state, write_state
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.export import export
from napari_fclick.training.forward import half_precision
from napari_fclick.training.loading import batches
from napari_fclick.training.logs import Progress, read_rows
from napari_fclick.training.trainer import Trainer

RUNNING = Path(__file__).with_name("running.py")
TOML = """
out = "{out}"
imagenet = false
workers = 0
{extra}
[[phases]]
steps = {steps}
size = 64
batch = {batch}
[[sets]]
path = "set"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_folder(tmp_path / "set")
    return tmp_path


def config_file(
    folder: Path, steps: int = 4, extra: str = "", out: str = "run", batch: int = 2
) -> Path:
    path = folder / f"{out}.toml"
    path.write_text(TOML.format(steps=steps, extra=extra, out=out, batch=batch))
    return path


def config(folder: Path, *args: Any, **kwargs: Any) -> TrainingConfig:
    return TrainingConfig.from_toml(config_file(folder, *args, **kwargs))


def start(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(RUNNING.parents[2])}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def check_equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    different = [name for name, value in one.items() if not torch.equal(value, other[name])]
    assert not different


@pytest.fixture
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# --- resuming ---------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_20_steps_equal_10_and_a_kill_and_10(folder: Path) -> None:
    extra = "log_every = 5"
    whole = Trainer(config(folder, 20, extra, "whole"))
    whole.run()
    file = config_file(folder, 20, extra, "broken")
    died = start(RUNNING, "killed-after", file, "10")
    assert died.returncode == -signal.SIGKILL, died.stderr
    broken = Trainer(TrainingConfig.from_toml(file))
    broken.resume()
    assert broken.step == 10
    broken.run()
    check_equal(whole.network.state_dict(), broken.network.state_dict())
    check_equal(whole.average.state, broken.average.state)
    lines = [read_rows(t.config.out / "log.csv") for t in (whole, broken)]
    whole_losses, broken_losses = ([(r["step"], r["loss"]) for r in rows] for rows in lines)
    assert [step for step, _ in whole_losses] == ["5", "10", "15", "20"]
    assert whole_losses == broken_losses


@pytest.mark.slow
def test_killed_in_the_middle_of_a_write(folder: Path) -> None:
    file = config_file(folder)
    died = start(RUNNING, "killed-while-saving", file, "1000")
    assert died.returncode == -signal.SIGKILL, died.stderr
    trainer = Trainer(TrainingConfig.from_toml(file))
    assert trainer.checkpoint.with_name("checkpoint.pt.partial").exists()
    trainer.resume()
    assert trainer.step == 1
    trainer.save()
    assert read_state(trainer.checkpoint)["step"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_state(path, {"network": torch.zeros(100_000)})


def test_stopped_run_goes_on_to_the_same_weights(folder: Path) -> None:
    settings = config(folder)
    whole = Trainer(settings)
    whole.run()
    broken = Trainer(settings)
    broken.run(stop=lambda: broken.step == 2)
    assert broken.step == 2 and not broken.finished
    resumed = Trainer(settings)
    resumed.resume()
    resumed.run()
    assert resumed.finished
    check_equal(whole.network.state_dict(), resumed.network.state_dict())
    check_equal(whole.average.state, resumed.average.state)


def test_a_resumed_run_takes_the_rates_of_its_configuration(folder: Path) -> None:
    Trainer(config(folder, steps=1)).run()
    changed = config(folder, steps=2, extra="lr = 0.25\nbackbone_lr = 0.125\nweight_decay = 0.5")
    trainer = Trainer(changed)
    trainer.resume()
    groups = trainer.optimizer.param_groups
    assert [group["peak"] for group in groups] == [0.125, 0.25]
    assert {group["weight_decay"] for group in groups} == {0.5}
    assert trainer.step == 1 and trainer.optimizer.state_dict()["state"]


class Dropping(FCANet):
    """A network that draws numbers of its own."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__(config)
        self.head = torch.nn.Sequential(torch.nn.Dropout2d(0.5), self.head)


def test_a_network_that_draws_goes_on_as_if_never_stopped(folder: Path) -> None:
    own = f'architecture = "{__name__}:Dropping"'
    straight = Trainer(config(folder, steps=3, extra=own, out="straight"))
    straight.run()
    for steps in (1, 3):
        torch.rand(7)  # what else the process draws
        resumed = Trainer(config(folder, steps=steps, extra=own, out="resumed"))
        resumed.resume()
        resumed.run()
    check_equal(straight.network.state_dict(), resumed.network.state_dict())


def test_a_loss_that_is_no_number_spoils_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(config(folder, steps=3))
    forward = trainer._forward

    def failing(batch: Any, step: int) -> Any:
        found = forward(batch, step)
        return found._replace(loss=found.loss * float("nan")) if step == 1 else found

    monkeypatch.setattr(trainer, "_forward", failing)
    trainer.save()
    with pytest.raises(
        FloatingPointError, match=r"the loss of step 2 is nan.*\.pt is the last state"
    ):
        trainer.run()
    state = [*trainer.network.state_dict().values(), *trainer.average.state.values()]
    assert all(value.isfinite().all() for value in state)


def steep(logits: torch.Tensor, target: torch.Tensor, near: Any) -> torch.Tensor:
    """A loss of 1 whose gradient is no number."""
    return 1 + (0 * logits).square().sqrt().mean()


def test_a_gradient_that_is_no_number_spoils_nothing(folder: Path) -> None:
    trainer = Trainer(config(folder, steps=1, extra=f'loss = "{__name__}:steep"\nclip = 0'))
    with pytest.raises(FloatingPointError, match=r"gradient nan: the weights stay as they were$"):
        trainer.run()
    assert all(value.isfinite().all() for value in trainer.network.state_dict().values())
    assert not trainer.checkpoint.exists()


def test_a_batch_of_one_is_refused_where_it_cannot_be_learned_from(folder: Path) -> None:
    with pytest.raises(ValueError, match="batch = 1 leaves batch norms nothing"):
        Trainer(config(folder, batch=1))
    Trainer(config(folder, batch=1, extra="freeze_batch_norm = true", steps=1)).run()


def test_checkpoints_that_cannot_be_used_are_named(folder: Path) -> None:
    trainer = Trainer(config(folder))
    trainer.checkpoint.write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"checkpoint\.pt is no checkpoint of a training, or"):
        trainer.resume()
    torch.save({"other": 1}, trainer.checkpoint)
    with pytest.raises(ValueError, match="is no checkpoint of a training"):
        trainer.resume()
    trainer.save()
    state = read_state(trainer.checkpoint)
    del state["parent"]["learned"]
    write_state(trainer.checkpoint, state)
    with pytest.raises(ValueError, match="is a checkpoint of another version of napari-fclick"):
        trainer.resume()
    trainer.save()
    other = Trainer(config(folder, extra="[network]\nmask_feedback = true\nlow_channels = 8"))
    with pytest.raises(ValueError, match="belongs to another network"):
        other.resume()
    other = Trainer(config(folder, extra='optimizer = "sgd"'))
    with pytest.raises(ValueError, match="belongs to another network or optimizer"):
        other.resume()


def test_a_run_goes_on_with_as_many_processes(folder: Path) -> None:
    trainer = Trainer(config(folder))
    trainer.save()
    state = torch.load(trainer.checkpoint, weights_only=True)
    torch.save(state | {"processes": 4}, trainer.checkpoint)
    with pytest.raises(ValueError, match="was made by 4 processes"):
        trainer.resume()


@pytest.mark.parametrize(("capability", "expected"), [((7, 5), "float16"), ((8, 0), "bfloat16")])
def test_half_precision_is_what_the_gpu_computes_in(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.version, "hip", None)
    found = half_precision(config(folder), torch.device("cuda"))
    assert found is getattr(torch, expected)
    assert half_precision(config(folder), torch.device("cpu")) is None


def test_the_mask_is_not_shown_in_the_padding(folder: Path) -> None:
    settings = config(folder, extra="corrections = [0.0, 1.0]\nmask_drop = 0.0")
    trainer = Trainer(settings)
    batch = next(iter(batches(trainer.config, trainer.sets, 0)))
    batch = batch._replace(inner=torch.tensor([[20, 11]] * len(batch.image)))
    seen: list[torch.Tensor] = []
    trainer.network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    trainer.train_step(batch)
    mask = seen[-1][:, 5]
    assert mask[:, :20, :11].any()
    assert not mask[:, 20:].any()
    assert not mask[:, :, 11:].any()


# --- sharing a run ----------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_two_processes_equal_one_with_the_double_batch(folder: Path) -> None:
    extra = "freeze_batch_norm = true\nclip = 1.0\ncorrections = [0.0, 0.5, 0.5]"
    alone = Trainer(config(folder, 3, extra, "alone", batch=4))
    losses: list[float] = []
    alone.run(report=lambda progress: losses.append(progress.loss))
    file = config_file(folder, 3, extra, "shared", batch=2)
    command = ("-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", RUNNING)
    done = start(*command, "shared", file, folder)
    assert done.returncode == 0, done.stderr
    first, second = (torch.load(folder / f"rank{rank}.pt") for rank in (0, 1))
    assert first["losses"] == pytest.approx(losses, rel=1e-4)
    check_equal(first["network"], second["network"])
    for name, value in alone.network.state_dict().items():
        assert torch.allclose(value, first["network"][name], rtol=1e-3, atol=1e-5), name
    assert not second["losses"]  # only one reports
    assert (folder / "shared/checkpoint.pt").exists()


# --- training ---------------------------------------------------------------------------


@pytest.mark.slow
def test_it_learns_a_square(folder: Path) -> None:
    extra = "warmup = 5\n[augmentation]\nshading = 0\nnoise = 0\ninversion = 0"
    trainer = Trainer(config(folder, 40, extra, batch=4))
    losses: list[float] = []
    trainer.run(report=lambda progress: losses.append(progress.loss))
    assert np.mean(losses[-10:]) < 0.8 * np.mean(losses[:5])


def test_progress_is_told_after_each_step(folder: Path) -> None:
    told: list[Progress] = []
    trainer = Trainer(config(folder))
    trainer.run(report=told.append)
    assert [(p.step, p.steps) for p in told] == [(n, 4) for n in (1, 2, 3, 4)]
    assert all(p.samples_per_second > 0 and 0 <= p.iou <= 1 for p in told)
    assert told[-1].seconds_left == 0 and told[0].seconds_left > 0
    # the fourth of 200 steps of warmup, a quarter of the schedule left
    assert told[-1].lr == pytest.approx(1e-3 * 4 / 200 * 0.25**0.9)


def test_validation_goes_into_the_logs(folder: Path) -> None:
    trainer = Trainer(config(folder, extra="validate_every = 2"))
    networks: list[FCANet] = []

    def validate(step: int) -> dict[str, float]:
        networks.append(trainer.averaged())
        return {"NoC@85": 10.0 - step}

    trainer.run(validate=validate)
    rows = read_rows(trainer.config.out / "validation.csv")
    assert [(r["step"], r["score"], float(r["value"])) for r in rows] == [
        ("2", "NoC@85", 8),
        ("4", "NoC@85", 6),
    ]
    assert not networks[0].training
    before, after = (n.head[2].weight for n in networks)
    assert not torch.equal(before, after)


def test_sets_of_ones_own(folder: Path) -> None:
    own = ImageSet(folder / "set", validation=None)
    bare = config(folder).model_copy(update={"sets": ()})
    trainer = Trainer(bare, [own])
    trainer.run()
    assert read_state(trainer.checkpoint)["data"] == ["set"]
    with pytest.raises(ValueError, match="no set holds an object"):
        Trainer(bare).run()


def test_frozen_parts_do_not_move(folder: Path) -> None:
    settings = config(folder, extra='train_parts = "heads"\nfreeze_batch_norm = true\nwarmup = 0')
    trainer = Trainer(settings)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.run()
    moved = {k for k, v in trainer.network.state_dict().items() if not torch.equal(v, before[k])}
    assert moved and not any(k.startswith("backbone.") or "running" in k for k in moved)


@pytest.mark.parametrize("loss", ["paper", "focal-dice", "cross-entropy"])
@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_losses_and_optimizers_run_and_export(folder: Path, loss: str, optimizer: str) -> None:
    trainer = Trainer(config(folder, 1, f'loss = "{loss}"\noptimizer = "{optimizer}"'))
    trainer.run()
    out = folder / "weights.safetensors"
    card = export(trainer.checkpoint, out, {"iou@1": 0.5})
    assert card.data == ("set",) and card.scores == {"iou@1": 0.5}
    assert f"of {optimizer}" in card.recipe
    network, _ = checkpoints.load(out)
    assert network.config == trainer.config.network
    assert card.licence == "the terms of the data that it was trained on"


def test_the_card_tells_what_it_went_on_from(folder: Path) -> None:
    base = Trainer(config(folder, 1))
    base.run()
    parent = export(base.checkpoint, folder / "base.safetensors")
    network, _ = checkpoints.load(folder / "base.safetensors")
    told = {"data": ("cells", "set"), "tuned": {"training": "a" * 16}, "licence": "MIT"}
    card = checkpoints.save(
        folder / "base.safetensors", network.state_dict(), parent.model_copy(update=told)
    )
    again = config(folder, 1, 'start = "base.safetensors"', "again")
    trainer = Trainer(again.model_copy(update={"imagenet": True}))
    trainer.run()
    found = export(trainer.checkpoint, folder / "again.safetensors")
    assert found.parent == card.sha256 and found.recipe.startswith(f"{card.recipe}; then ")
    assert found.data == ("set", "cells")  # and no ImageNet, which neither was made from
    assert found.tuned == {"training": "a" * 16}
    assert found.licence == "MIT"
    own = Trainer(config(folder, 1, 'start = "base.safetensors"\nlicence = "CC0-1.0"', "own"))
    own.run()
    assert export(own.checkpoint, folder / "own.safetensors").licence == "CC0-1.0"


def test_a_file_that_turns_bad_is_named_and_replaced(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Nothing fits into the cache: each image is read when it is drawn.
    trainer = Trainer(config(folder, 6))
    found = trainer.sets[0]
    assert isinstance(found, ImageSet)
    found._cache.most_bytes = 0
    found._cache.put(("", 0), found.plane(found.objects[0]))  # drops all
    for stem in range(3):
        (folder / f"set/images/{stem}.tif").write_bytes(b"broken")
    trainer.run()
    assert trainer.finished
    assert "another object is drawn instead" in caplog.text and ".tif" in caplog.text


# --- configuration ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("lr = -1", "lr: -1 should be greater than 0"),
        ("lrr = 1", "lrr: there is no such setting"),
        ("corrections = [0.5]", "must add up to 1"),
        ("lr = ", "is not TOML"),
        ('optimizer = "lamb"', "optimizer: 'lamb' should be 'adamw' or 'sgd'"),
        ("[augmentation]\nflip = 2", "augmentation.flip: 2 should be less than or equal to 1"),
    ],
)
def test_wrong_settings_are_named(folder: Path, extra: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        config(folder, extra=extra)


def test_a_picture_is_no_configuration(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG")
    with pytest.raises(ValueError, match=r"a\.png is not TOML: it is no text"):
        TrainingConfig.from_toml(path)


@pytest.mark.parametrize("length", [{}, {"steps": 3, "epochs": 1}])
def test_a_phase_has_one_length(length: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="either steps or epochs"):
        TrainingConfig.model_validate({"phases": [length]})


def test_epochs_are_counted_in_steps() -> None:
    run = TrainingConfig.model_validate({"phases": [{"epochs": 30, "batch": 8}, {"steps": 7}]})
    assert [p.steps for p in run.resolved(25_832).phases] == [96_870, 7]
    assert [p.steps for p in run.resolved(25_832, processes=4).phases] == [24_218, 7]


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ('loss = "none"', "no loss is called 'none'; there are: focal-dice, paper, cross-entropy"),
        ('architecture = "math:sqrt"', "must be real number|builds no subclass"),
        ('architecture = "unet"', "no network is called 'unet'"),
    ],
)
def test_unknown_parts_are_named(folder: Path, extra: str, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        Trainer(config(folder, extra=extra))


def test_the_state_holds_its_configuration(folder: Path) -> None:
    trainer = Trainer(config(folder, 1))
    trainer.run()
    stored = json.loads(read_state(trainer.checkpoint)["config"])
    assert NetworkConfig.model_validate(stored["network"]) == trainer.config.network
