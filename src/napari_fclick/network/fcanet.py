"""FCA-Net: a segmentation network with a branch of its own for the first click.

One configurable class serves the paper's network and the compact one that ships with the
plugin (Lin et al., CVPR 2020, section 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn
from torch.nn import functional as F

from napari_fclick.core.evidence import EVIDENCE
from napari_fclick.network.backbones import BackboneName, Features, conv_bn, make_backbone


class NetworkConfig(BaseModel):
    """Everything that fixes the shape of an `FCANet`; stored in the card of its weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    backbone: BackboneName = "efficientnet-lite0"
    first_click_branch: bool = Field(True, description="off only for the ablation study")
    mask_feedback: bool = Field(False, description="a sixth input channel: the previous mask")
    branch_channels: tuple[int, int, int, int, int, int] = (256, 256, 256, 512, 512, 512)
    side_channels: int = Field(256, ge=1)
    aspp_channels: int = Field(256, ge=1)
    aspp_dilations: tuple[int, ...] = (6, 12, 18)
    low_channels: int = Field(48, ge=1, description="channels of F1 in the decoder")
    decoder_channels: int = Field(256, ge=1)
    head_channels: int = Field(128, ge=1)
    middle_channels: int = Field(0, ge=0, description="of F2's part in the decoder; 0: none")
    fine_channels: int = Field(0, ge=0, description="of the finer logits at stride 2; 0: none")
    reach_channels: int = Field(0, ge=0, description="of the judge of a click's reach; 0: none")
    separable: bool = Field(False, description="depthwise-separable ASPP and decoder")
    align_corners: bool = True

    @property
    def input_channels(self) -> int:
        """Channels into the stem: RGB, positive map, negative map, and the mask if fed back."""
        return 6 if self.mask_feedback else 5


#: Settings of parts that add nothing before they learn: 0 where a network is without them.
PARTS_THAT_ADD = ("middle_channels", "fine_channels")

PAPER_RESNET = NetworkConfig(backbone="resnet101")
PAPER_RES2NET = NetworkConfig(backbone="res2net101")
COMPACT = NetworkConfig(
    backbone="efficientnet-lite0",
    mask_feedback=True,
    branch_channels=(48, 48, 48, 96, 96, 96),
    side_channels=48,
    aspp_channels=96,
    aspp_dilations=(2, 4, 8),
    low_channels=24,
    decoder_channels=64,
    head_channels=48,
    separable=True,
    align_corners=False,
)


class Logits(NamedTuple):
    """What a forward pass yields.

    Attributes
    ----------
    main : Tensor
        (N, 1, H, W), at the size of the input.
    side : Tensor or None
        The side head of the first-click branch, used only by its loss (Eq. 6); None in
        evaluation mode or without the branch.
    """

    main: Tensor
    side: Tensor | None


def block(
    inputs: int,
    outputs: int,
    *,
    stride: int = 1,
    dilation: int = 1,
    kernel: int = 3,
    separable: bool = False,
) -> nn.Sequential:
    """Return conv + batch norm + ReLU, or its depthwise-separable form."""
    layers: list[nn.Module] = []
    if separable and kernel > 1:
        layers += conv_bn(inputs, inputs, kernel, stride=stride, dilation=dilation, groups=inputs)
        kernel = stride = dilation = 1
    layers += conv_bn(inputs, outputs, kernel, stride=stride, dilation=dilation)
    return nn.Sequential(*layers, nn.ReLU(inplace=True))


def head(inputs: int, hidden: int) -> nn.Sequential:
    """Two 3x3 blocks and a 1x1 convolution to one logit."""
    return nn.Sequential(block(inputs, hidden), block(hidden, hidden), nn.Conv2d(hidden, 1, 1))


class FirstClickBranch(nn.Module):
    """First click attention: F1 and the first click's own, wider map -> F_FCA.

    Six 3x3 blocks with stride 2 at the first and at the fourth (section 3.1), and the side
    head whose loss ties them to the first click.
    """

    def __init__(self, config: NetworkConfig, inputs: int) -> None:
        super().__init__()
        widths = config.branch_channels
        self.align_corners = config.align_corners
        self.blocks = nn.Sequential()
        for index, width in enumerate(widths):
            before = inputs + 1 if index == 0 else widths[index - 1]
            self.blocks.append(block(before, width, stride=2 if index in (0, 3) else 1))
        self.side = head(widths[-1], config.side_channels)

    def forward(self, f1: Tensor, first_map: Tensor) -> Tensor:
        """Return F_FCA (N, C, H/16, W/16)."""
        first_map = resize(first_map, f1.shape[-2:], self.align_corners)
        features: Tensor = self.blocks(torch.cat([f1, first_map], 1))
        return features


class ASPP(nn.Module):
    """Atrous spatial pyramid pooling: 1x1, dilated 3x3s and the global average."""

    def __init__(self, config: NetworkConfig, inputs: int) -> None:
        super().__init__()
        width = config.aspp_channels
        self.branches = nn.ModuleList([block(inputs, width, kernel=1)])
        for dilation in config.aspp_dilations:
            self.branches.append(
                block(inputs, width, dilation=dilation, separable=config.separable)
            )
        self.pooled = block(inputs, width, kernel=1)
        self.project = block(width * (len(self.branches) + 1), width, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, aspp_channels, H/16, W/16)."""
        parts = [branch(x) for branch in self.branches]
        pooled = self.pooled(x.mean((-2, -1), keepdim=True))
        out: Tensor = self.project(torch.cat([*parts, pooled.expand_as(parts[0])], 1))
        return out


class Decoder(nn.Module):
    """ASPP output, upsampled, joined with a thinned F1."""

    def __init__(self, config: NetworkConfig, inputs: int) -> None:
        super().__init__()
        width = config.decoder_channels
        self.align_corners = config.align_corners
        self.low = block(inputs, config.low_channels, kernel=1)
        self.merge = nn.Sequential(
            block(config.aspp_channels + config.low_channels, width, separable=config.separable),
            block(width, width, separable=config.separable),
        )

    def forward(self, f1: Tensor, context: Tensor, added: Tensor | None = None) -> Tensor:
        """Return (N, decoder_channels, H/4, W/4)."""
        context = resize(context, f1.shape[-2:], self.align_corners)
        if added is not None:
            context = context + resize(added, f1.shape[-2:], self.align_corners)
        out: Tensor = self.merge(torch.cat([context, self.low(f1)], 1))
        return out


class Middle(nn.Module):
    """What F2 adds to the ASPP output: detail between that and F1. Nothing before it learns."""

    def __init__(self, config: NetworkConfig, inputs: int) -> None:
        super().__init__()
        width, separable = config.middle_channels, config.separable
        self.align_corners = config.align_corners
        self.low = block(inputs, config.low_channels, kernel=1)
        self.merge = nn.Sequential(
            block(config.aspp_channels + config.low_channels, width, separable=separable),
            block(width, width, separable=separable),
            block(width, width, separable=separable),
        )
        self.out = nn.Conv2d(width, config.aspp_channels, 1)
        _silence(self.out)

    def forward(self, f2: Tensor, context: Tensor) -> Tensor:
        """Return (N, aspp_channels, H/8, W/8)."""
        context = resize(context, f2.shape[-2:], self.align_corners)
        out: Tensor = self.out(self.merge(torch.cat([context, self.low(f2)], 1)))
        return out


class Fine(nn.Module):
    """Finer logits: what is added at stride 2, of the input itself and of the decoder's output.

    Nothing is added before it learns.
    """

    def __init__(self, config: NetworkConfig, stem: int) -> None:
        super().__init__()
        width, separable = config.fine_channels, config.separable
        self.align_corners = config.align_corners
        self.detail = block(config.input_channels, width, stride=2)
        self.coarse = nn.Sequential(*conv_bn(config.decoder_channels, width, 1))
        self.merge = nn.Sequential(
            block(2 * width + stem, width, kernel=1),
            block(width, width, separable=separable),
            block(width, width, separable=separable),
        )
        self.out = nn.Conv2d(width, 1, 1)
        _silence(self.out)

    def forward(self, x: Tensor, stem: Tensor, decoded: Tensor) -> Tensor:
        """Return (N, 1, H/2, W/2)."""
        detail = self.detail(x)
        size = detail.shape[-2:]
        coarse = resize(self.coarse(decoded), size, self.align_corners)
        stem = resize(stem, size, self.align_corners)
        out: Tensor = self.out(self.merge(torch.cat([detail, stem, coarse], 1)))
        return out


def _silence(layer: nn.Conv2d) -> None:
    """Let a part that is added begin with adding nothing."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class ReachJudge(nn.Module):
    """How probable it is that a pixel changes with a correcting click, by what is known of it.

    It is no part of the forward pass and does not learn with the network, but after it, from
    clicks on what the network then answers: see `napari_fclick.reach`.

    Parameters
    ----------
    width : int
        Channels of its two hidden layers.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        known = len(EVIDENCE)
        self.register_buffer("mean", torch.zeros(known))
        self.register_buffer("std", torch.ones(known))
        self.layers = nn.Sequential(
            nn.Linear(known, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, width),
            nn.ReLU(inplace=True),
            nn.Linear(width, 1),
        )
        self.requires_grad_(False)

    def forward(self, evidence: Tensor) -> Tensor:
        """Return the logits (n,) of evidence (n, `EVIDENCE`)."""
        # Nothing is much farther off than what was learned from.
        scaled = ((evidence - self.mean) / self.std).clamp(-5, 5)
        out: Tensor = self.layers(scaled)[:, 0]
        return out


class FCANet(nn.Module):
    """First Click Attention network.

    Parameters
    ----------
    config : NetworkConfig
        Backbone, widths and switches.

    Notes
    -----
    Inputs: ``x`` (N, 5 or 6, H, W) - RGB already normalised, positive map, negative map and,
    with mask feedback, the previous probability - and ``first_map`` (N, 1, H, W).
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = make_backbone(config.backbone, config.input_channels)
        low, middle, _, deep = self.backbone.channels
        self.first_click = FirstClickBranch(config, low) if config.first_click_branch else None
        if self.first_click is not None:
            deep += config.branch_channels[-1]
        self.aspp = ASPP(config, deep)
        self.middle = Middle(config, middle) if config.middle_channels else None
        self.decoder = Decoder(config, low)
        self.head = head(config.decoder_channels, config.head_channels)
        self.fine = Fine(config, self.backbone.stem_channels) if config.fine_channels else None
        self.reach = ReachJudge(config.reach_channels) if config.reach_channels else None

    def forward(self, x: Tensor, first_map: Tensor) -> Logits:
        """Return the logits at the size of ``x``."""
        size = x.shape[-2:]
        features: Features = self.backbone(x)
        deep, side = features.f4, None
        if self.first_click is not None:
            anchored = self.first_click(features.f1, first_map)
            deep = torch.cat([anchored, deep], 1)
            if self.training:
                side = self.first_click.side(anchored)
                side = resize(side, size, self.config.align_corners)
        context = self.aspp(deep)
        added = None if self.middle is None else self.middle(features.f2, context)
        decoded = self.decoder(features.f1, context, added)
        main = resize(self.head(decoded), size, self.config.align_corners)
        if self.fine is not None:
            finer = self.fine(x, features.stem, decoded)
            main = main + resize(finer, size, self.config.align_corners)
        return Logits(main, side)


def resize(x: Tensor, size: torch.Size | tuple[int, int], align_corners: bool) -> Tensor:
    """Resize (N, C, h, w) bilinearly to ``size``."""
    if x.shape[-2:] == torch.Size(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", align_corners=align_corners)


def differing(state: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a state that are not the same, to the bit, in another one."""
    return {name: value for name, value in state.items() if not torch.equal(value, other[name])}
