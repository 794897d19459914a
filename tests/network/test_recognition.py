"""Whether an image looks like those that weights were tuned on."""

from __future__ import annotations

import pytest
import torch

from napari_fclick.network import recognition
from napari_fclick.network.backbones import make_backbone
from napari_fclick.network.fcanet import COMPACT, FCANet
from napari_fclick.network.recognition import Seen, describe

SIZE = 12


def drawn(number: int, middle: float, seed: int, spread: float = 1.0) -> torch.Tensor:
    """Return descriptions about a mean."""
    made = torch.Generator().manual_seed(seed)
    return middle + spread * torch.randn(number, SIZE, generator=made)


def test_seen() -> None:
    found = Seen.of(torch.tensor([[1.0, 2.0], [3.0, 6.0]]))
    torch.testing.assert_close(found.mean, torch.tensor([2.0, 4.0]))
    torch.testing.assert_close(found.covariance, torch.tensor([[2.0, 4.0], [4.0, 8.0]]))


@pytest.mark.parametrize(("images", "mistaken"), [(1, 12), (4, 4)])
def test_two_kinds_are_told_apart(images: int, mistaken: int) -> None:
    seen = Seen.of(drawn(400, 0, 0))
    own = drawn(40, 2, 1, 0.7)
    found = recognition.fit(seen, own, [i % images for i in range(40)])
    assert all(found.knows(each) for each in drawn(50, 2, 2, 0.7))
    assert sum(found.knows(each) for each in drawn(200, 0, 3)) <= mistaken
    assert not found.knows(drawn(1, -2, 4)[0])


def test_of_few_images_more_is_known() -> None:
    """One or two tell little of the others."""
    seen, own = Seen.of(drawn(400, 0, 0)), drawn(40, 2, 1, 0.7)
    one, two, three = (recognition.fit(seen, own, [i % n for i in range(40)]) for n in (1, 2, 3))
    others = drawn(500, 0.75, 2, 0.7)  # between both kinds
    known = [sum(each.knows(other) for other in others) for each in (one, two, three)]
    assert min(known[:2]) > known[2] + 50


def test_features_that_never_vary_tell_nothing() -> None:
    general, own = drawn(100, 0, 0), drawn(20, 2, 1)
    general[:, 3] = own[:, 3] = 0
    found = recognition.fit(Seen.of(general), own, [0, 1] * 10)
    assert torch.isfinite(found.weight).all() and torch.isfinite(found.bias).all()
    assert found.knows(torch.where(torch.arange(SIZE) == 3, 0.0, 2.0))
    near = recognition.fit(Seen.of(general), own, [0, 1] * 10, farthest=2.0)
    assert near.knows(own[0])


def test_images_left_out_are_recognised_all_the_same() -> None:
    """One image of three looks otherwise: the boundary is laid so that it is known, too."""
    seen = Seen.of(drawn(400, 0, 0))
    own = drawn(30, 2, 1, 0.3)
    own[20:, : SIZE // 2] -= 2.5
    found = recognition.fit(seen, own, [0] * 10 + [1] * 10 + [2] * 10)
    strict = recognition.fit(seen, own[:20], [0] * 20, recognition.LEANING)
    assert not all(strict.knows(each) for each in own[20:])
    assert all(found.knows(each) for each in own)


def test_what_is_unlike_both_kinds_is_not_known() -> None:
    seen, own = Seen.of(drawn(400, 0, 0)), drawn(40, 2, 1, 0.3)
    anywhere = recognition.fit(seen, own, [0] * 40)
    near = recognition.fit(seen, own, [0] * 40, farthest=3.0)
    assert all(each.knows(one) for one in drawn(50, 2, 2, 0.3) for each in (anywhere, near))
    beyond = torch.full((SIZE,), 6.0)  # on the own side of the boundary
    assert anywhere.knows(beyond) and not near.knows(beyond)


def test_a_description_is_of_what_lies_in_the_image() -> None:
    torch.manual_seed(0)
    backbone = make_backbone("efficientnet-lite0", 5).eval()
    x = torch.randn(1, 5, 64, 64)
    found = describe(backbone, x, (64, 32))
    assert found.shape == (2 * (24 + 40),) and found.dtype == torch.float32
    beside = x.clone()
    beside[..., 48:] = 9  # farther off than the first stages see
    other = describe(backbone, beside, (64, 32))
    torch.testing.assert_close(other, found, rtol=0.2, atol=0.02)
    assert not torch.allclose(describe(backbone, beside, (64, 64)), found, rtol=0.2, atol=0.02)
    features = backbone(x)
    mean = features.f1[0, :, :, :8].mean((1, 2))
    torch.testing.assert_close(found[:24], mean.detach())


def test_networks_whose_first_stages_differ_do_not_see_alike() -> None:
    state = {"backbone.stem.0.weight": torch.ones(2), "head.weight": torch.ones(2)}
    assert recognition.sees_alike(state, state | {"head.weight": torch.zeros(2)})
    assert not recognition.sees_alike(state, state | {"backbone.stem.0.weight": torch.zeros(2)})
    network = FCANet(COMPACT).state_dict()
    assert all(any(name.startswith(each) for name in network) for each in recognition._DESCRIBING)
