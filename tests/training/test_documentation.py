"""What docs/training.md shows can be run, and it names every setting."""

from __future__ import annotations

import importlib
import re
import sys
import tomllib
from importlib.metadata import EntryPoint
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tests.training.folders import write_folder

from napari_fclick.core.folders import ImageSet
from napari_fclick.network.checkpoints import read_card
from napari_fclick.network.fcanet import FCANet
from napari_fclick.training import registry
from napari_fclick.training.config import (
    AugmentationConfig,
    PhaseConfig,
    SetConfig,
    TrainingConfig,
)
from napari_fclick.training.export import export
from napari_fclick.training.trainer import Trainer


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    return (root / "docs/training.md").read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", page, re.DOTALL | re.MULTILINE)
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


@pytest.fixture
def parts(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write the examples as files, importable."""
    for text in (*blocks(page, "python"), *blocks(page, "toml")):
        (tmp_path / text.split()[1]).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("my_parts", "my_network", "my_training"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path


def test_parts_of_ones_own(parts: Path) -> None:
    trainer = Trainer(TrainingConfig.from_toml(parts / "own.toml"))
    assert [len(each.objects) for each in trainer.sets] == [10]
    trainer.run()
    assert trainer.finished
    assert export(trainer.checkpoint, parts / "weights.safetensors").data == ("discs",)


def test_a_network_of_ones_own(parts: Path) -> None:
    trainer = Trainer(TrainingConfig.from_toml(parts / "dropping.toml"))
    assert [len(each.objects) for each in trainer.sets] == [10]
    assert type(trainer.network).__name__ == "Dropping"
    trainer.run()
    assert trainer.finished and type(trainer.averaged()).__name__ == "Dropping"
    with pytest.raises(ValueError, match="'my_network:Dropping' is another"):
        export(trainer.checkpoint, parts / "weights.safetensors")


def test_installed_parts_go_by_their_names(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("loss.near", "my_parts:near_first_click", registry.GROUP)
    gone = EntryPoint("loss.gone", "no_such_parts:loss", registry.GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point, gone])
    assert registry.find("loss", "near", {}).__name__ == "near_first_click"
    with pytest.raises(ValueError, match="no loss is called 'far'; there are: gone, near, mod"):
        registry.find("loss", "far", {})
    with pytest.raises(ValueError, match="loss 'gone' cannot be imported: No module named"):
        registry.find("loss", "gone", {})


def test_a_loss_that_returns_no_number_is_named(parts: Path) -> None:
    text = (parts / "my_parts.py").read_text()
    (parts / "my_parts.py").write_text(
        text + "\n\ndef pixelwise(logits, target, near):\n    return logits\n"
    )
    own = (parts / "own.toml").read_text().replace("near_first_click", "pixelwise")
    (parts / "own.toml").write_text(own)
    with pytest.raises(ValueError, match="'my_parts:pixelwise' did not return one number"):
        Trainer(TrainingConfig.from_toml(parts / "own.toml")).run()


def test_the_first_configuration(parts: Path) -> None:
    run = TrainingConfig.from_toml(parts / "my.toml")
    assert run.steps == 5000 and run.sets[0].path == parts / "cells"


def test_training_from_python(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train = importlib.import_module("my_training").train
    write_folder(parts / "set")
    phase = {"steps": 2, "size": 64, "batch": 2}
    run = TrainingConfig.model_validate(
        {"phases": [phase], "out": parts / "run", "imagenet": False, "workers": 0}
    )
    network = train(run, [ImageSet(parts / "set")])
    assert isinstance(network, FCANet) and not network.training
    assert capsys.readouterr().out.startswith("1 ")
    assert torch.isfinite(network.head[2].weight).all()
    assert read_card(parts / "run/weights.safetensors").data == ("set",)


@pytest.mark.parametrize("model", [AugmentationConfig, PhaseConfig, SetConfig, TrainingConfig])
def test_every_setting_is_named(page: str, model: type[TrainingConfig]) -> None:
    tables = {"sets", "phases", "augmentation"}
    missing = [name for name in model.model_fields if f"`{name}`" not in page]
    assert set(missing) <= tables


def test_configurations_that_come_along_are_valid(root: Path) -> None:
    files = sorted((root / "configs").glob("*.toml"))
    runs = {f.stem: TrainingConfig.from_toml(f) for f in files if f.name != "sets.toml"}
    assert {"default", "paper", "ablation_base"} <= set(runs)
    assert all(run.resolved(objects=100).steps > 0 for run in runs.values())
    for name, run in runs.items():
        own = tomllib.loads((root / f"configs/{name}.toml").read_text())
        while "sets" not in own:
            own = tomllib.loads((root / "configs" / own["include"]).read_text())
        assert len(run.sets) == len(own["sets"]), name


def test_each_row_of_the_ablation_adds_one_thing(root: Path) -> None:
    names = ("base", "branch", "click_loss", "iterative")
    rows = [TrainingConfig.from_toml(root / f"configs/ablation_{name}.toml") for name in names]
    settings = [row.model_dump(exclude={"name", "out"}) for row in rows]
    changed = [
        {key for key in before if before[key] != after[key]} for before, after in pairwise(settings)
    ]
    assert changed == [{"network"}, {"loss", "side_weight"}, {"corrections"}]
    networks = [row.network.model_dump() for row in rows]
    differ = {key for key in networks[0] if networks[0][key] != networks[1][key]}
    assert differ == {"first_click_branch"}
