"""The paper's recipe, dry: its own code path on a tiny VOC and SBD."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.training.folders import write_sbd, write_voc

from napari_fclick.core.preprocessing import RELEASED
from napari_fclick.network import checkpoints
from napari_fclick.network.backbones import make_backbone
from napari_fclick.network.fcanet import PAPER_RESNET
from napari_fclick.training import losses, simulation
from napari_fclick.training.config import PhaseConfig, TrainingConfig
from napari_fclick.training.export import export
from napari_fclick.training.logs import Progress
from napari_fclick.training.pretrained import _fill, _of_torchvision
from napari_fclick.training.trainer import Trainer


@pytest.fixture
def paper(root: Path) -> TrainingConfig:
    return TrainingConfig.from_toml(root / "configs/paper.toml")


def test_constants_are_the_papers(paper: TrainingConfig) -> None:
    assert paper.network == PAPER_RESNET and paper.preprocessing == RELEASED
    assert (paper.optimizer, paper.momentum, paper.lr, paper.backbone_lr) == (
        "sgd",
        0.9,
        0.07,
        0.007,
    )
    assert [(p.epochs, p.size, p.batch) for p in paper.phases] == [(30, 512, 8), (3, 512, 8)]
    assert paper.schedule == "poly" and paper.phases[0].rate is None and paper.phases[1].rate
    assert (paper.extra_clicks + 1, paper.extra_negatives) == (10, 10)
    assert paper.first_jitter == paper.wrong_click == 0
    assert (losses.TAU, losses.LOW, losses.HIGH) == (100, 0.8, 2.0)
    assert simulation.BORDER_MARGINS == (5, 10, 15, 20)
    assert simulation.POSITIVE_SPACINGS == (7, 10, 20)
    assert simulation.NEGATIVE_MARGINS == (15, 40, 60) and simulation.NEGATIVE_REACH == 80
    assert simulation.NEGATIVE_SPACINGS == (10, 15, 25)


@pytest.mark.slow
def test_dry_run(paper: TrainingConfig, tmp_path: Path) -> None:
    voc = write_voc(tmp_path / "VOC2012", ["2007_1"], ["2007_2"])
    sbd = write_sbd(tmp_path / "SBD/dataset", ["2007_1", "2008_1"], ["2007_2"])
    lists = tuple(voc / f"ImageSets/Segmentation/{part}.txt" for part in ("train", "val"))
    paths = ({"path": voc}, {"path": sbd, "exclude": lists})
    small = {"epochs": 1.0, "size": 64, "batch": 2}
    run = paper.model_copy(
        update={
            "out": tmp_path / "run",
            "imagenet": False,
            "workers": 0,
            "log_every": 1,
            "sets": tuple(s.model_copy(update=p) for s, p in zip(paper.sets, paths, strict=True)),
            "phases": tuple(
                PhaseConfig.model_validate({**p.model_dump(), **small}) for p in paper.phases
            ),
        }
    )
    trainer = Trainer(run)
    assert [len(each.objects) for each in trainer.sets] == [2, 2]
    told: list[Progress] = []
    trainer.run(report=told.append)
    assert [p.step for p in told] == [1, 2, 3, 4]
    # 0.07 at first, half-way down by (1 - 1/2)^0.9, then a hundredth
    assert [p.lr for p in told] == pytest.approx([0.07, 0.07 * 0.5**0.9, 7e-4, 7e-4])
    card = export(trainer.checkpoint, tmp_path / "weights.safetensors")
    assert card.preprocessing == RELEASED and card.data[:2] == ("VOC2012", "dataset")
    network, _ = checkpoints.load(tmp_path / "weights.safetensors")
    assert network.config == PAPER_RESNET


def torchvision_names() -> dict[str, tuple[int, ...]]:
    """Return the names of torchvision's ResNet-101; of the stem also the shape."""
    found = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1, 1), "fc.bias": (1,)}
    norms = ["bn1"]
    for layer, blocks in enumerate((3, 4, 23, 3), start=1):
        for index in range(blocks):
            block = f"layer{layer}.{index}"
            found |= {f"{block}.conv{k}.weight": (1,) for k in (1, 2, 3)}
            norms += [f"{block}.bn{k}" for k in (1, 2, 3)]
        found[f"layer{layer}.0.downsample.0.weight"] = (1,)
        norms.append(f"layer{layer}.0.downsample.1")
    for norm in norms:
        parts = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        found |= {f"{norm}.{part}": (1,) for part in parts}
    return found


def test_torchvisions_names_are_ours(tmp_path: Path) -> None:
    file = tmp_path / "resnet101.pth"
    torch.save({name: torch.ones(shape) for name, shape in torchvision_names().items()}, file)
    with torch.device("meta"):
        backbone = make_backbone("resnet101", 5)
    wanted = {n for n in backbone.state_dict() if not n.endswith("num_batches_tracked")}
    found = _of_torchvision(file)
    assert found.keys() == wanted
    assert found["stem.0.weight"].shape == (64, 3, 7, 7)
    with pytest.raises(ValueError, match="of another network"):
        _fill(backbone, {"conv": torch.ones(1)})
    # Those of a wider network have the same names.
    wider = found | {"stem.0.weight": torch.ones(96, 3, 7, 7)}
    with pytest.raises(ValueError, match=r"stem.0.weight is of shape \(96, 3, 7, 7\), not \(64, 3"):
        _fill(backbone, wider)
    for other in ([1, 2], {1: torch.ones(1)}, {"conv1.weight": 1}):
        torch.save(other, file)
        with pytest.raises(ValueError, match=r"resnet101\.pth is no file of weights as torch"):
            _of_torchvision(file)
    file.write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"resnet101\.pth is no file of weights as torchvision"):
        _of_torchvision(file)
