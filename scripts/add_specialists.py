"""Put networks that were trained further on a few sets into the weights they were made from.

    python scripts/add_specialists.py CONFIG WEIGHTS OUT.safetensors NAME=TRAINED:ITS_CONFIG ...

Each answers on the images that look more like those of its own configuration's sets than like those
of all other sets of CONFIG, see `napari_fclick.network.recognition`; the network of WEIGHTS answers
on the rest. How far clicks reach is taken from WEIGHTS. Prints which part of each set is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from describe_images import looks

from napari_fclick.finetuning.recognising import Looks
from napari_fclick.network import checkpoints, recognition
from napari_fclick.network.checkpoints import Loaded, Specialist
from napari_fclick.network.recognition import Seen
from napari_fclick.predictor import Predictor
from napari_fclick.training.config import SetConfig, TrainingConfig


class Added(NamedTuple):
    """A network to be added."""

    name: str
    weights: str
    config: TrainingConfig

    @classmethod
    def of(cls, text: str) -> Added:
        """Read NAME=TRAINED:ITS_CONFIG."""
        name, _, rest = text.partition("=")
        weights, _, config = rest.rpartition(":")
        return cls(name, weights, TrainingConfig.from_toml(Path(config)))


def made(base: Loaded, added: Added, own: Looks, others: Looks) -> Specialist:
    """Return the specialist that knows its own images from others."""
    network, _ = checkpoints.load(added.weights)
    state = base.network.state_dict()
    trained = {k: v for k, v in network.state_dict().items() if not k.startswith("reach.")}
    base.network.load_state_dict(state | trained)
    recogniser = recognition.fit(Seen.of(others.descriptions), *own)
    for name, found in (("own", own), ("others", others)):
        print(f"{added.name}: {found.known(recogniser):.1%} of {name} known")
    return Specialist(added.name, base.network, recogniser)


def main() -> None:
    """Look, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("added", type=Added.of, nargs="+")
    parser.add_argument("--objects", type=int, default=50, help="of each set")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = TrainingConfig.from_toml(args.config)
    predictor = Predictor.from_weights(args.weights, "cpu")

    def seen_of(sets: tuple[SetConfig, ...]) -> Looks:
        chosen = config.model_copy(update={"sets": sets})
        return looks(predictor, chosen, args.objects * len(sets), args.seed)

    loaded = checkpoints.load_all(args.weights)
    specialists = []
    for each in args.added:
        mine = {known.path.resolve() for known in each.config.sets}
        own = tuple(s for s in config.sets if s.path.resolve() in mine)
        others = tuple(s for s in config.sets if s.path.resolve() not in mine)
        base = checkpoints.load_all(args.weights)
        specialists.append(made(base, each, seen_of(own), seen_of(others)))
    state = loaded.network.state_dict()
    state |= checkpoints.extras(state, loaded.seen, specialists)
    names = tuple(each.name for each in specialists)
    recipe = "; ".join(f"{each.name}: {each.config.steps} steps more" for each in args.added)
    card = loaded.card.model_copy(
        update={"specialists": names, "recipe": f"{loaded.card.recipe}; {recipe}"}
    )
    print(f"{args.out}: {checkpoints.save(args.out, state, card, half=True).sha256}")


if __name__ == "__main__":
    main()
