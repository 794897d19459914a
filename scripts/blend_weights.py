"""Weights between two of the same network, on the straight line from one to the other.

    python scripts/blend_weights.py BASE TUNED ALPHA OUT.safetensors

ALPHA is from 0 (BASE) to 1 (TUNED). The card is that of TUNED, with the blend in its recipe.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_fclick.finetuning.blending import blend
from napari_fclick.network import checkpoints


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
    states = (network.state_dict() for network in (base, tuned))
    recipe = f"{card.recipe}; of this last change {args.alpha:.0%} taken"
    card = card.model_copy(update={"recipe": recipe})
    saved = checkpoints.save(args.out, blend(*states, args.alpha), card, half=True)
    print(f"{args.out}: {saved.sha256}")


if __name__ == "__main__":
    main()
