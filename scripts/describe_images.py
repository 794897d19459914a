"""Note in weights what the images look like that they were trained on.

    python scripts/describe_images.py CONFIG WEIGHTS OUT.safetensors [--objects 850]

Fine-tuned weights answer only on images that look more like those tuned on, see
`napari_fclick.network.recognition`. Objects are drawn as a configuration's training does, each of
its sets equally often, and clicked on in the middle, in the whole image and in crops; of what is
seen about them only the mean and the covariance are kept. The network stays as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from fit_reach import drawn

from napari_fclick.finetuning.recognising import views_of
from napari_fclick.network import checkpoints
from napari_fclick.network.recognition import Seen
from napari_fclick.predictor import Predictor
from napari_fclick.training.config import TrainingConfig


def main() -> None:
    """Look, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("--objects", type=int, default=850)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    predictor = Predictor.from_weights(args.weights, "cpu")
    found = [
        predictor.describe(pixels, click)
        for source, ref in drawn(TrainingConfig.from_toml(args.config), args.objects, args.seed)
        for pixels, click in views_of(source.plane(ref), ref.label)
    ]
    seen = Seen.of(torch.from_numpy(np.stack(found)))
    loaded = checkpoints.load_all(args.weights)
    state = loaded.network.state_dict()
    state |= checkpoints.extras(state, seen, loaded.specialists)
    saved = checkpoints.save(args.out, state, loaded.card, half=True)
    print(f"{args.out}: {len(found)} views of {args.objects} objects, {saved.sha256}")


if __name__ == "__main__":
    main()
