"""Weights as a bioimage.io package: the network as TorchScript, with test tensors.

It is the network alone, on one window: choosing the window, drawing the maps of the clicks and
feeding the mask back are the caller's (`napari_fclick.predictor`).
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_fclick.core.guidance import guidance_maps
from napari_fclick.core.paths import replacing
from napari_fclick.core.peaks import peak
from napari_fclick.finetuning.gate import PROMOTED
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card
from napari_fclick.network.fcanet import FCANet
from napari_fclick.samples import coins, coins_truth

Json = dict[str, Any]

#: Of the description of a model: https://bioimage.io/docs.
DESCRIPTION, FORMAT = "bioimageio.yaml", "0.5.4"
PAPER = "Lin et al., Interactive Image Segmentation with First Click Attention, CVPR 2020"
#: What weights' cards may name that has an identifier (SPDX); other terms are in the README alone.
LICENCES = (
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC-BY-4.0",
    "CC-BY-NC-4.0",
    "CC-BY-NC-SA-4.0",
    "CC-BY-SA-4.0",
    "CC0-1.0",
    "MIT",
)
#: Rows and columns of the coins that the test shows, at most.
SHOWN = 300
#: Channels of the inputs.
CHANNELS = {
    "image": ("red", "green", "blue"),
    "clicks": ("positive", "negative"),
    "first": ("first",),
    "previous": ("probability",),
}
TEXTS = {
    "image": "The window's intensities in [0, 1]; gray images three times.",
    "clicks": "Gaussian maps of the positive and of the negative clicks.",
    "first": "Gaussian map of the first click, three times as wide.",
    "previous": "The probability after the clicks before; zeros at first.",
}


class _OneWindow(nn.Module):
    """The network with its normalisation: intensities in [0, 1] in, probability out."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: FCANet, card: Card) -> None:
        super().__init__()
        self.network, self.feedback = network, card.network.mask_feedback
        for name in ("mean", "std"):
            values = torch.tensor(getattr(card.preprocessing, name))[None, :, None, None]
            self.register_buffer(name, values)

    def forward(self, image: Tensor, clicks: Tensor, first: Tensor, previous: Tensor) -> Tensor:
        parts = [(image - self.mean) / self.std, clicks]
        if self.feedback:
            parts.append(previous)
        logits: Tensor = self.network(torch.cat(parts, 1), first).main
        return logits.sigmoid()


def export_bioimageio(weights: str | Path, out: Path) -> Path:
    """Write weights as a bioimage.io package.

    Parameters
    ----------
    weights : str or Path
        A name, or a file.
    out : Path
        A ``.zip`` file.

    Returns
    -------
    Path
        ``out``.

    Raises
    ------
    ValueError
        If the weights cannot be read, or ``out`` ends otherwise.
    """
    if out.suffix != ".zip":
        raise ValueError(f"{out}: a bioimage.io package is written as .zip")
    network, card = checkpoints.load(weights)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        description = _describe(folder, network, card)
        # JSON is YAML, too.
        (folder / DESCRIPTION).write_text(json.dumps(description, indent=1), "utf-8")
        with replacing(out) as partial, zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as file:
            for path in sorted(folder.iterdir()):
                file.write(path, path.name)
    return out


def _describe(folder: Path, network: FCANet, card: Card) -> Json:
    """Write the package's files but the description, which is returned."""
    tensors = _test_tensors(card)
    window = _OneWindow(network, card).eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sizes are fixed: what tracing warns of does not matter
        given = tuple(torch.from_numpy(value) for value in tensors.values())
        traced = torch.jit.trace(window, given)
        torch.jit.save(traced, str(folder / "weights.pt"))
        tensors["probability"] = window(*given).numpy()
    for name, value in tensors.items():
        np.save(folder / f"{name}.npy", value)
    (folder / "README.md").write_text(_readme(card), "utf-8")
    size = card.preprocessing.size
    return {
        "type": "model",
        "format_version": FORMAT,
        "name": re.sub(r"[^A-Za-z0-9_+\- ()]", "-", f"napari-fclick {card.name}")[:64],
        "description": (card.description or "One click on an object, its mask.")[:512],
        "authors": [{"name": "napari-fclick contributors"}],
        "cite": [{"text": PAPER, "doi": "10.1109/CVPR42600.2020.01335"}],
        **({"license": card.licence} if card.licence in LICENCES else {}),
        "tags": ["interactive-segmentation", "instance-segmentation", "pytorch", "napari"],
        "documentation": _file(folder, "README.md"),
        "inputs": [_tensor(folder, name, size) for name in tensors if name in TEXTS],
        "outputs": [_output(folder, size)],
        "weights": {
            "torchscript": {
                **_file(folder, "weights.pt"),
                "pytorch_version": torch.__version__.partition("+")[0],
            }
        },
    }


def _tensor(folder: Path, name: str, size: int) -> Json:
    return {
        "id": name,
        "description": TEXTS[name],
        "axes": _axes(CHANNELS[name], size),
        "test_tensor": _file(folder, f"{name}.npy"),
        "data": {"type": "float32", "range": [0.0, 1.0]},
    }


def _output(folder: Path, size: int) -> Json:
    return {
        "id": "probability",
        "description": "Where it is greater than 0.5, the object is.",
        "axes": _axes(("object",), size),
        "test_tensor": _file(folder, "probability.npy"),
        "data": {"type": "float32", "range": [0.0, 1.0]},
    }


def _axes(channels: tuple[str, ...], size: int) -> list[Json]:
    return [
        {"type": "batch"},
        {"type": "channel", "channel_names": list(channels)},
        {"type": "space", "id": "y", "size": size},
        {"type": "space", "id": "x", "size": size},
    ]


def _file(folder: Path, name: str) -> Json:
    digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    return {"source": name, "sha256": digest}


def _test_tensors(card: Card) -> dict[str, NDArray[np.float32]]:
    """Return what the network is shown of one coin: the middle of it clicked on."""
    settings, size = card.preprocessing, card.preprocessing.size
    inside = np.s_[: min(size, SHOWN), : min(size, SHOWN)]
    gray = np.zeros((size, size), np.float32)
    gray[inside] = coins()[0][0][inside] / np.float32(255)
    middle = peak(coins_truth()[inside] > 0)
    assert middle is not None  # a coin lies in it
    maps = guidance_maps(
        (size, size),
        [middle.pixel],
        [],
        middle.pixel,
        settings.click_width,
        settings.first_click_width,
    )
    return {
        "image": np.repeat(gray[None, None], 3, 1),
        "clicks": np.ascontiguousarray(maps[None, :2], np.float32),
        "first": np.ascontiguousarray(maps[None, 2:], np.float32),
        # Something of a mask: of zeros alone the library says that they test nothing.
        "previous": np.ascontiguousarray(maps[None, 2:], np.float32),
    }


def _readme(card: Card) -> str:
    refused = card.tuned.get("outcome", PROMOTED) != PROMOTED
    facts = {
        "Refused when they were made": card.tuned.get("reasons", "") if refused else "",
        "Recipe": card.recipe,
        "Data": ", ".join(card.data),
        "Use": card.licence,
    }
    lines = [f"# napari-fclick {card.name}", card.description]
    lines += [f"- {name}: {text}" for name, text in facts.items() if text]
    lines += [f"- {name}: {value}" for name, value in card.scores.items()]
    lines += ["", "## Validation", "On held-back images, before and after fine-tuning: see above."]
    return "\n".join(lines) + "\n"
