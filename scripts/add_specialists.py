"""Put networks that know one kind of images better into the weights that they were made from.

    python scripts/add_specialists.py CONFIG WEIGHTS OUT.safetensors NAME=TRAINED:ITS_CONFIG ...

TRAINED is what `napari-fclick train ITS_CONFIG` made of WEIGHTS, which keeps their judge of how far
clicks reach, or has its own (`fit_reach.py`); or WEIGHTS with such a judge alone. It answers on
images that look more like those of its configuration's sets than like those of all other sets of
CONFIG, see `napari_fclick.network.recognition`; the network of WEIGHTS answers on the rest, and of
what differs from it alone the file gets larger. Specialists that WEIGHTS hold already stay, behind
these; one of the same name takes its place. Prints which part of each set is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from fit_reach import drawn

from napari_fclick.core.arrays import FloatArray
from napari_fclick.finetuning.recognising import views_of
from napari_fclick.network import checkpoints, recognition
from napari_fclick.network.checkpoints import Specialist
from napari_fclick.network.recognition import Seen
from napari_fclick.predictor import Predictor
from napari_fclick.training.config import SetConfig, TrainingConfig

#: The boundary lies nearer to the own images: what is unlike both is left to the general network.
LEANING = -0.25
#: What is farther from the own images, in standard deviations of theirs, is left to it, too.
FARTHEST = 1.5


class Added(NamedTuple):
    """A network to be added."""

    name: str
    weights: str
    sets: frozenset[Path]

    @classmethod
    def of(cls, text: str) -> Added:
        """Read NAME=TRAINED:ITS_CONFIG."""
        name, _, rest = text.partition("=")
        weights, _, config = rest.rpartition(":")
        own = TrainingConfig.from_toml(Path(config)).sets
        return cls(name, weights, frozenset(each.path.resolve() for each in own))


def looks(
    predictor: Predictor, config: TrainingConfig, of: SetConfig, objects: int
) -> list[torch.Tensor]:
    """Return what objects of one set that are learned from look like: of each image (n, D)."""
    one = config.model_copy(update={"sets": (of,)})
    found: dict[int, list[FloatArray]] = {}
    for source, ref in drawn(one, objects, config.seed):
        views = views_of(source.plane(ref), ref.label)
        found.setdefault(ref.pair, []).extend(predictor.describe(*view) for view in views)
    return [torch.from_numpy(np.stack(each)) for each in found.values()]


def main() -> None:
    """Look, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("added", type=Added.of, nargs="+")
    parser.add_argument("--objects", type=int, default=50, help="of each set")
    args = parser.parse_args()
    config = TrainingConfig.from_toml(args.config)
    loaded = checkpoints.load_all(args.weights)
    predictor = Predictor.from_weights(args.weights, "cpu")
    seen = {
        each.path.resolve(): looks(predictor, config, each, args.objects) for each in config.sets
    }
    specialists = []
    for each in args.added:
        own = [views for path in each.sets for views in seen[path]]
        others = [views for path in seen.keys() - each.sets for views in seen[path]]
        numbers = [number for number, views in enumerate(own) for _ in views]
        recogniser = recognition.fit(
            Seen.of(torch.cat(others)), torch.cat(own), numbers, LEANING, FARTHEST
        )
        for path, found in seen.items():
            known = np.mean([recogniser.knows(view) for view in torch.cat(found)])
            print(f"{each.name}: {known:.1%} of {path.name}{' (own)' * (path in each.sets)}")
        specialists.append(Specialist(each.name, checkpoints.load(each.weights)[0], recogniser))
    named = {each.name: each for each in specialists}
    kept = [named.pop(each.name, each) for each in loaded.specialists]
    specialists = [*named.values(), *kept]
    state = loaded.network.state_dict()
    state |= checkpoints.extras(state, loaded.seen, specialists)
    card = loaded.card.model_copy(update={"specialists": tuple(s.name for s in specialists)})
    print(f"{args.out}: {checkpoints.save(args.out, state, card, half=True).sha256}")


if __name__ == "__main__":
    main()
