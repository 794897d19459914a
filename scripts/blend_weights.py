"""Weights between two of a network, on the straight line from one to the other.

    python scripts/blend_weights.py BASE TUNED ALPHA OUT.safetensors

ALPHA is from 0 (BASE) to 1 (TUNED). The card is that of TUNED, with the blend in its recipe. A part
that BASE lacks (`PARTS_THAT_ADD`) adds nothing there.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from napari_fclick.finetuning.blending import blend
from napari_fclick.network import checkpoints
from napari_fclick.network.fcanet import PARTS_THAT_ADD


def _without_additions(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state whose parts add nothing: all goes through the last layer of each."""
    last = tuple(f"{part.removesuffix('_channels')}.out." for part in PARTS_THAT_ADD)
    return {k: torch.zeros_like(v) if k.startswith(last) else v for k, v in state.items()}


def main() -> None:
    """Blend and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base")
    parser.add_argument("tuned")
    parser.add_argument("alpha", type=float)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    if not 0 < args.alpha <= 1:
        parser.error(f"alpha {args.alpha} is not above 0 and at most 1")
    base, _ = checkpoints.load(args.base)
    tuned, card = checkpoints.load(args.tuned)
    wanted = tuned.state_dict()
    known = _without_additions(wanted) | base.state_dict()
    recipe = f"{card.recipe}; of this last change {args.alpha:.0%} taken"
    card = card.model_copy(update={"recipe": recipe, "specialists": ()})  # one network comes out
    saved = checkpoints.save(args.out, blend(known, wanted, args.alpha), card, half=True)
    print(f"{args.out}: {saved.sha256}")


if __name__ == "__main__":
    main()
