"""Feature extractors: image -> the outputs of the stem and of four stages, F1 to F4.

Every backbone yields four feature maps at strides 4, 8, 16 and 16: the last stage is dilated
instead of strided (paper, section 3.1), so that small objects keep their pixels.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

BackboneName = Literal["resnet101", "res2net101", "efficientnet-lite0"]


class Features(NamedTuple):
    """Outputs of the stem and of the four stages, each ``(N, C, H / stride, W / stride)``."""

    stem: Tensor
    f1: Tensor
    f2: Tensor
    f3: Tensor
    f4: Tensor


class Backbone(nn.Module):
    """Base of all backbones: four stages after a stem.

    Attributes
    ----------
    stem_channels : int
        Channels of what the stem yields.
    channels : tuple of int
        Channels of F1 to F4.
    """

    stem_channels: int
    channels: tuple[int, int, int, int]
    stem: nn.Module
    stages: nn.ModuleList

    def forward(self, x: Tensor) -> Features:
        """Compute the stem's output and F1 to F4 of ``x`` (N, C, H, W)."""
        x = self.stem(x)
        outputs = [x]
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return Features(*outputs)


def conv_bn(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    *,
    stride: int = 1,
    dilation: int = 1,
    groups: int = 1,
    eps: float = 1e-5,
) -> list[nn.Module]:
    """Return a convolution that keeps the size (up to stride) and its batch norm."""
    padding = dilation * (kernel // 2)
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs, eps=eps)]


class Bottleneck(nn.Module):
    """The residual block of ResNet-101: 1x1, 3x3, 1x1."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = conv_bn(inputs, width, 1)
        self.conv2, self.bn2 = conv_bn(width, width, 3, stride=stride, dilation=dilation)
        self.conv3, self.bn3 = conv_bn(width, outputs, 1)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(*conv_bn(inputs, outputs, 1, stride=stride))

    def forward(self, x: Tensor) -> Tensor:
        """Add the residual to ``x`` (or to its projection)."""
        residual = self.relu(self.bn1(self.conv1(x)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(residual + shortcut)
        return out


class Bottle2neck(nn.Module):
    """The block of Res2Net-101 26w 4s: the 3x3 is split into four scales in a cascade."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = 4 * width
        split = width * 26 // 64
        self.split = split
        self.conv1, self.bn1 = conv_bn(inputs, 4 * split, 1)
        branches = [conv_bn(split, split, 3, stride=stride, dilation=dilation) for _ in range(3)]
        self.convs = nn.ModuleList(conv for conv, _ in branches)
        self.bns = nn.ModuleList(bn for _, bn in branches)
        self.conv3, self.bn3 = conv_bn(4 * split, outputs, 1)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        # The first block of a stage has nothing to add its scales to.
        self.first = stride != 1 or inputs != outputs
        # The released blocks pool the last scale only where they stride.
        self.pool = nn.AvgPool2d(3, stride, padding=1) if stride != 1 else nn.Identity()
        if self.first:
            average = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False)
            self.downsample = nn.Sequential(average, *conv_bn(inputs, outputs, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Add the multi-scale residual to ``x`` (or to its projection)."""
        parts = torch.split(self.relu(self.bn1(self.conv1(x))), self.split, dim=1)
        scales: list[Tensor] = []
        for part, conv, bn in zip(parts, self.convs, self.bns, strict=False):
            part = part if self.first or not scales else part + scales[-1]
            scales.append(self.relu(bn(conv(part))))
        scales.append(self.pool(parts[-1]))
        residual = self.bn3(self.conv3(torch.cat(scales, 1)))
        shortcut = x if self.downsample is None else self.downsample(x)
        out: Tensor = self.relu(residual + shortcut)
        return out


class ResNet101(Backbone):
    """ResNet-101 or Res2Net-101 at output stride 16 with a multi-grid last stage."""

    stem_channels = 64
    channels = (256, 512, 1024, 2048)

    def __init__(self, inputs: int, block: type[Bottleneck] | type[Bottle2neck]) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            *(_plain_stem(inputs) if block is Bottleneck else _deep_stem(inputs)),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, padding=1),
        )
        plan: list[tuple[int, int, list[int]]] = [
            (64, 1, [1] * 3),
            (128, 2, [1] * 4),
            (256, 2, [1] * 23),
            (512, 1, [2, 4, 8]),
        ]
        channels = 64
        self.stages = nn.ModuleList()
        for width, stride, dilations in plan:
            blocks = []
            for index, dilation in enumerate(dilations):
                blocks.append(block(channels, width, stride if index == 0 else 1, dilation))
                channels = 4 * width
            self.stages.append(nn.Sequential(*blocks))


def _plain_stem(inputs: int) -> list[nn.Module]:
    return conv_bn(inputs, 64, 7, stride=2)


def _deep_stem(inputs: int) -> list[nn.Module]:
    """Three 3x3 convolutions in place of the 7x7 (Res2Net v1b)."""
    relu = nn.ReLU(inplace=True)
    first = [*conv_bn(inputs, 32, 3, stride=2), relu, *conv_bn(32, 32, 3), relu]
    last, norm = conv_bn(32, 64, 3)
    return [nn.Sequential(*first, last), norm]


class InvertedResidual(nn.Module):
    """Expand, depthwise, project: the block of EfficientNet-Lite (no squeeze-excite)."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int, dilation: int, expand: int
    ) -> None:
        super().__init__()
        hidden = inputs * expand
        layers: list[nn.Module] = []
        if expand != 1:
            layers += [*conv_bn(inputs, hidden, 1, eps=1e-3), nn.ReLU6(inplace=True)]
        depthwise = conv_bn(
            hidden, hidden, kernel, stride=stride, dilation=dilation, groups=hidden, eps=1e-3
        )
        layers += [*depthwise, nn.ReLU6(inplace=True), *conv_bn(hidden, outputs, 1, eps=1e-3)]
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """Project, and add ``x`` where the shapes agree."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class EfficientNetLite0(Backbone):
    """EfficientNet-Lite0 without its classifier, at output stride 16.

    Its parameters stand in the order of the published ImageNet weights, so that those load
    by position (see `napari_fclick.training.pretrained`).
    """

    stem_channels = 16
    channels = (24, 40, 112, 320)

    #: channels, kernel, blocks, stride, expansion, dilation of each of the seven groups
    GROUPS = (
        (16, 3, 1, 1, 1, 1),
        (24, 3, 2, 2, 6, 1),
        (40, 5, 2, 2, 6, 1),
        (80, 3, 3, 2, 6, 1),
        (112, 5, 3, 1, 6, 1),
        (192, 5, 4, 1, 6, 2),
        (320, 3, 1, 1, 6, 2),
    )
    #: groups that belong to the stem and to each stage
    CUTS = (0, 1, 2, 3, 5, 7)

    def __init__(self, inputs: int) -> None:
        super().__init__()
        channels = 32
        groups: list[list[nn.Module]] = []
        for outputs, kernel, count, stride, expand, dilation in self.GROUPS:
            group: list[nn.Module] = []
            for index in range(count):
                step = stride if index == 0 else 1
                group.append(InvertedResidual(channels, outputs, kernel, step, dilation, expand))
                channels = outputs
            groups.append(group)
        head = [*conv_bn(inputs, 32, 3, stride=2, eps=1e-3), nn.ReLU6(inplace=True)]
        parts = [
            nn.Sequential(*(block for group in groups[a:b] for block in group))
            for a, b in pairwise(self.CUTS)
        ]
        self.stem = nn.Sequential(*head, *parts[0])
        self.stages = nn.ModuleList(parts[1:])


def make_backbone(name: BackboneName, inputs: int) -> Backbone:
    """Build a backbone that takes ``inputs`` channels."""
    if name == "efficientnet-lite0":
        return EfficientNetLite0(inputs)
    return ResNet101(inputs, Bottleneck if name == "resnet101" else Bottle2neck)
