"""Making a trained network quick: batch norms folded away, a device, a memory format."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_fclick.network.backbones import Bottle2neck
from napari_fclick.network.fcanet import FCANet

Module = TypeVar("Module", bound=nn.Module)


class DeviceError(ValueError):
    """A device that this machine does not have."""


def available_devices() -> list[str]:
    """Return the names that `choose_device` takes here, besides ``auto``."""
    names = ["cpu"]
    if torch.cuda.is_available():
        names += ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def choose_device(name: str) -> torch.device:
    """Return the device of that name; ``auto`` prefers cuda, then mps, then cpu.

    Raises
    ------
    DeviceError
        Naming the devices that there are.
    """
    names = available_devices()
    if name == "auto":
        return torch.device(next((n for n in ("cuda", "mps") if n in names), "cpu"))
    if name not in names:
        raise DeviceError(f"no device {name!r} here; there are: auto, {', '.join(names)}")
    return torch.device(name)


def channels_last(network: FCANet) -> FCANet:
    """Store the weights in the memory format in which convolutions are quickest, in place."""
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def fold_batch_norms(module: Module) -> Module:
    """Fold each batch norm into the convolution before it, in place; evaluation mode only."""
    if isinstance(module, Bottle2neck):
        for i, (conv, norm) in enumerate(zip(module.convs, module.bns, strict=True)):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                module.convs[i] = fuse_conv_bn_eval(conv, norm)
                module.bns[i] = nn.Identity()
    children = list(module.named_children())
    for (name, child), (following, norm) in pairwise(children):
        if isinstance(child, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, name, fuse_conv_bn_eval(child, norm))
            setattr(module, following, nn.Identity())
    for child in module.children():
        fold_batch_norms(child)
    return module
