"""Import of the authors' released checkpoints.

Only their names and shapes are known here; the network is ours, after the paper. Files are
read with ``weights_only=True``: no code inside them is run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_fclick.core.paths import same_file
from napari_fclick.core.preprocessing import RELEASED
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card, WeightsError
from napari_fclick.network.fcanet import PAPER_RES2NET, PAPER_RESNET, FCANet, NetworkConfig

_HEAD = {"0": "0.0", "1": "0.1", "3": "1.0", "4": "1.1", "6": "2"}


def _renamed_head(prefix: str, match: re.Match[str]) -> str:
    return f"{prefix}.{_HEAD.get(match[1], match[1])}."


#: Their names and ours; the first rule that matches is applied.
_RULES: tuple[tuple[str, Any], ...] = (
    (r"^backbone_pre\.conv1\.", "backbone.stem.0."),
    (r"^backbone_pre\.bn1\.", "backbone.stem.1."),
    (r"^backbone_(?:pre|last)\.layer(\d)\.", lambda m: f"backbone.stages.{int(m[1]) - 1}."),
    (r"^my_aspp\.aspp(\d)\.atrous_conv\.", lambda m: f"aspp.branches.{int(m[1]) - 1}.0."),
    (r"^my_aspp\.aspp(\d)\.bn\.", lambda m: f"aspp.branches.{int(m[1]) - 1}.1."),
    (r"^my_aspp\.global_avg_pool\.(\d)\.", lambda m: f"aspp.pooled.{int(m[1]) - 1}."),
    (r"^my_aspp\.conv1\.", "aspp.project.0."),
    (r"^my_aspp\.bn1\.", "aspp.project.1."),
    (r"^my_decoder\.side_conv\.(\d)\.", r"decoder.low.\1."),
    (r"^my_decoder\.merge_conv\.(\d)\.", lambda m: _renamed_head("decoder.merge", m)),
    (r"^pred_decoder\.pred_conv\.(\d)\.", lambda m: _renamed_head("head", m)),
    (r"^first_conv\.convs\.", "first_click.blocks."),
    (r"^first_pred_decoder\.pred_conv\.(\d)\.", lambda m: _renamed_head("first_click.side", m)),
)


def import_checkpoint(checkpoint: Path, out: Path | None = None) -> tuple[Path, Card]:
    """Turn an authors' ``.pth`` file into a weights file of ours.

    Parameters
    ----------
    checkpoint : Path
        ResNet-101 or Res2Net-101; which one is read off its names.
    out : Path, optional
        By default a file in the user's weights folder. Either way the weights can be used
        by the name ``fcanet-resnet101`` or ``fcanet-res2net101`` from then on.

    Raises
    ------
    WeightsError
        In one line, if the file is missing, not readable without running code, or holds
        other names or shapes.
    """
    theirs = _read(checkpoint)
    deep_stem = "backbone_pre.conv1.0.weight" in theirs
    config = PAPER_RES2NET if deep_stem else PAPER_RESNET
    ours = {_translated(name): value for name, value in theirs.items()}
    _check(checkpoint, ours, config)
    card = Card(
        name=f"fcanet-{config.backbone}",
        network=config,
        preprocessing=RELEASED,
        licence="free for research and education (terms of the authors' release)",
        description="FCA-Net as released by its authors, imported",
        data=("PASCAL VOC 2012", "SBD", "ImageNet"),
    )
    own = checkpoints.user_folder() / f"{card.name}{checkpoints.SUFFIX}"
    target = out or own
    card = checkpoints.save(target, ours, card)
    if not same_file(target, own):
        own.unlink(missing_ok=True)  # an older import would go by the name
        checkpoints.register(card.name, target)
    return target, card


def _read(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise WeightsError(f"no checkpoint {path}")
    content = checkpoints.load_plain(path, "checkpoint of plain tensors")
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not checkpoints.are_tensors(content):
        raise WeightsError(f"{path} is no checkpoint: it holds no mapping of names to tensors")
    return {name.removeprefix("module."): value for name, value in content.items()}


def _translated(name: str) -> str:
    for pattern, replacement in _RULES:
        renamed, count = re.subn(pattern, replacement, name)
        if count:
            return renamed
    return name


def _check(path: Path, tensors: Mapping[str, Tensor], config: NetworkConfig) -> None:
    with torch.device("meta"):
        wanted = {k: tuple(v.shape) for k, v in FCANet(config).state_dict().items()}
    found = {name: tuple(value.shape) for name, value in tensors.items()}
    if wanted == found:
        return
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    wrong = sorted(k for k in wanted.keys() & found.keys() if wanted[k] != found[k])
    counts = f"{len(missing)} missing, {len(extra)} unknown, {len(wrong)} of another shape"
    example = (missing + extra + wrong)[0]
    raise WeightsError(f"{path} is no FCA-Net checkpoint: {counts}, such as {example!r}")
