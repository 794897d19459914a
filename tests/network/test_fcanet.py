"""The network's shape: what the paper says, and the switches."""

from __future__ import annotations

import pytest
import torch

from napari_fclick.network.fcanet import (
    COMPACT,
    PAPER_RES2NET,
    PAPER_RESNET,
    PARTS_THAT_ADD,
    FCANet,
    NetworkConfig,
)
from napari_fclick.network.inference import fold_batch_norms


def _inputs(config: NetworkConfig, size: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(2, config.input_channels, size, size, generator=generator)
    return x, torch.rand(2, 1, size, size, generator=generator)


@pytest.mark.parametrize(("config", "millions"), [(PAPER_RESNET, 73.0), (PAPER_RES2NET, 73.7)])
def test_paper_networks_have_their_size(config: NetworkConfig, millions: float) -> None:
    with torch.device("meta"):
        network = FCANet(config)
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_stages_have_the_paper_strides() -> None:
    backbone = FCANet(COMPACT).backbone.eval()
    with torch.no_grad():
        features = backbone(torch.zeros(1, 6, 64, 64))
    assert [f.shape[-1] for f in features] == [32, 16, 8, 4, 4]
    assert [f.shape[1] for f in features] == [backbone.stem_channels, *backbone.channels]


@pytest.mark.parametrize("part", PARTS_THAT_ADD)
@pytest.mark.parametrize("backbone", ["efficientnet-lite0", "resnet101"])
def test_a_part_that_adds_begins_with_nothing_and_learns(part: str, backbone: str) -> None:
    torch.manual_seed(0)
    config = COMPACT.model_copy(update={part: 8, "backbone": backbone})
    network = FCANet(config).eval()
    plain = FCANet(config.model_copy(update={part: 0})).eval()
    plain.load_state_dict(network.state_dict(), strict=False)
    x, first = _inputs(config, 65)  # odd sides, too
    assert torch.equal(network(x, first).main, plain(x, first).main)
    optimizer = torch.optim.SGD(network.parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        network(x, first).main.square().mean().backward()
        optimizer.step()
    name = part.removesuffix("_channels")
    assert all(p.grad is not None and p.grad.any() for p in getattr(network, name).parameters())
    assert not torch.equal(network(x, first).main, plain(x, first).main)


def test_multi_grid_dilations() -> None:
    with torch.device("meta"):
        last = FCANet(PAPER_RESNET).backbone.stages[3]
    assert [block.conv2.dilation for block in last] == [(2, 2), (4, 4), (8, 8)]


def test_logits_have_the_inputs_size_and_the_side_head_trains_only() -> None:
    network = FCANet(COMPACT)
    x, first = _inputs(COMPACT)
    main, side = network.train()(x, first)
    assert main.shape == (2, 1, 64, 64)
    assert side is not None and side.shape == (2, 1, 64, 64)
    assert network.eval()(x, first).side is None


def test_first_click_map_matters_only_with_the_branch() -> None:
    for branch in (True, False):
        torch.manual_seed(0)
        config = COMPACT.model_copy(update={"first_click_branch": branch})
        network = FCANet(config).eval()
        x, first = _inputs(config)
        with torch.no_grad():
            moved = not torch.equal(network(x, first).main, network(x, 0 * first).main)
        assert moved is branch


def test_without_mask_feedback_there_are_five_channels() -> None:
    config = COMPACT.model_copy(update={"mask_feedback": False})
    x, first = _inputs(config)
    assert x.shape[1] == 5
    assert FCANet(config).eval()(x, first).main.shape == (2, 1, 64, 64)


@pytest.mark.parametrize("backbone", ["efficientnet-lite0", "res2net101"])
def test_folding_batch_norms_changes_nothing(backbone: str) -> None:
    torch.manual_seed(0)
    config = COMPACT.model_copy(update={"backbone": backbone})
    network = FCANet(config)
    x, first = _inputs(config)
    network.train()(x, first)  # running statistics that are not the identity
    network.eval()
    with torch.no_grad():
        before = network(x, first).main
        after = fold_batch_norms(network)(x, first).main
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert len(norms) <= 1  # the deep stem's last one has no convolution beside it
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
