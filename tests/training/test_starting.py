"""What a run begins with."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card, Specialist
from napari_fclick.network.fcanet import COMPACT, FCANet, NetworkConfig
from napari_fclick.network.recognition import Recogniser
from napari_fclick.training import starting
from napari_fclick.training.config import TrainingConfig

LARGER = COMPACT.model_copy(update={"middle_channels": 16, "fine_channels": 8})


def weights_of(network: NetworkConfig, folder: Path) -> tuple[Path, FCANet]:
    """Keep a network's weights in a file."""
    torch.manual_seed(0)
    made = FCANet(network).eval()
    card = Card(name="tiny", network=network, preprocessing=Preprocessing(), licence="none")
    path = folder / "tiny.safetensors"
    checkpoints.save(path, made.state_dict(), card)
    return path, made


def config_of(network: NetworkConfig, start: Path) -> TrainingConfig:
    """Describe a run of a network that starts from weights."""
    return TrainingConfig.model_validate(
        {"network": network.model_dump(), "start": str(start), "phases": [{"steps": 1}]}
    )


def test_a_network_with_more_parts_goes_on_where_the_smaller_one_was(tmp_path: Path) -> None:
    path, before = weights_of(COMPACT, tmp_path)
    config = config_of(LARGER, path)
    after = starting.make_network(config)
    starting.fill(after, config)
    x, first = torch.rand(1, 6, 64, 64), torch.rand(1, 1, 64, 64)
    with torch.no_grad():
        assert torch.equal(after.eval()(x, first).main, before(x, first).main)


def test_it_goes_on_with_the_same_parts(tmp_path: Path) -> None:
    path, before = weights_of(LARGER, tmp_path)
    config = config_of(LARGER, path)
    after = starting.make_network(config)
    starting.fill(after, config)
    assert all(torch.equal(v, after.state_dict()[k]) for k, v in before.state_dict().items())


def test_a_judge_of_reach_goes_along_or_is_left_out(tmp_path: Path) -> None:
    judging = COMPACT.model_copy(update={"reach_channels": 4})
    path, before = weights_of(judging, tmp_path)
    for network in (judging, COMPACT):
        config = config_of(network, path)
        after = starting.make_network(config)
        starting.fill(after, config)
        state = after.state_dict()
        wanted = {k: v for k, v in before.state_dict().items() if k in state}
        assert any(k.startswith("reach.") for k in state) == (network is judging)
        assert all(torch.equal(v, state[k]) for k, v in wanted.items())
        assert len(wanted) == len(state)


def test_a_judge_of_reach_does_not_learn_with_the_network(tmp_path: Path) -> None:
    judging = COMPACT.model_copy(update={"reach_channels": 4})
    path, _ = weights_of(COMPACT, tmp_path)
    config = config_of(judging, path).model_copy(update={"start": "", "imagenet": False})
    with pytest.raises(ValueError, match="reach_channels is 4"):
        starting.fill(starting.make_network(config), config)
    with pytest.raises(ValueError, match="another shape"):
        starting.fill(starting.make_network(config), config_of(judging, path))


@pytest.mark.parametrize(
    ("there", "wanted"),
    [(LARGER, COMPACT), (COMPACT, COMPACT.model_copy(update={"decoder_channels": 32}))],
)
def test_weights_of_another_shape_are_refused(
    tmp_path: Path, there: NetworkConfig, wanted: NetworkConfig
) -> None:
    path, _ = weights_of(there, tmp_path)
    config = config_of(wanted, path)
    with pytest.raises(ValueError, match="another shape"):
        starting.fill(starting.make_network(config), config)


def test_one_of_several_networks_is_gone_on_from(tmp_path: Path) -> None:
    path, general = weights_of(COMPACT, tmp_path)
    torch.manual_seed(1)
    own = FCANet(COMPACT)
    known = [Specialist("cells", own, Recogniser(torch.rand(4), torch.rand(())))]
    state = general.state_dict()
    card = checkpoints.read_card(path).model_copy(update={"specialists": ("cells",)})
    checkpoints.save(path, state | checkpoints.extras(state, None, known), card)
    for number, wanted in ((None, general), (-1, general), (0, own)):
        config = config_of(COMPACT, path).model_copy(update={"specialist": number})
        after = starting.make_network(config)
        starting.fill(after, config)
        expected = wanted.state_dict()
        assert all(torch.equal(v, expected[k]) for k, v in after.state_dict().items())
    with pytest.raises(ValueError, match="no specialist 1; there are 1"):
        starting.fill(after, config.model_copy(update={"specialist": 1}))
