"""Teach weights how far a correcting click reaches: see `napari_fclick.reach`.

    python scripts/fit_reach.py CONFIG WEIGHTS OUT.safetensors [--objects 400] [--rounds 3]

The robot plays objects that the configuration's training learns from, half of them with clicks off
the middle of the error; of each correcting click it is noted what is known of the pixels about it,
and which of them belong to the object. A small network learns to tell one from the other, and the
next round is played with it, so that it knows the masks that it makes itself. Images that the
training holds back are left alone: `validate_weights.py` tells there what it is worth.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator
from functools import partial
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from napari_fclick.core.arrays import FloatArray, Mask
from napari_fclick.core.clicks import ClickSequence
from napari_fclick.core.folders import ImageSet
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.object_sets import IGNORE_LABEL, ObjectRef, PlaneCache
from napari_fclick.core.window import Window
from napari_fclick.evaluation import robot
from napari_fclick.network import checkpoints
from napari_fclick.network.fcanet import ReachJudge, differing
from napari_fclick.prediction import Prediction, existing
from napari_fclick.predictor import Predictor
from napari_fclick.reach import Reach, in_reach
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.loading import excluded

#: Channels of the judge.
CHANNELS = 48
#: Clicks of an object at most, and the IoU that ends it.
MOST, DONE = 14, 0.93
#: How far off the middle every other object is clicked on, as a part of the error's depth.
JITTER = 0.6
#: Chance that an answer is taken for a mask that comes from elsewhere: picked up, or carried.
FROM_ELSEWHERE = 0.1
#: Pixels of each click that are learned from.
PIXELS = 500
#: Steps of learning, pixels in each, and the peak of its rate.
STEPS, BATCH, RATE = 6000, 4096, 3e-3


class Noted(NamedTuple):
    """What is known of some pixels about a click, whether they change, and how much each counts."""

    evidence: FloatArray
    changes: Mask
    weight: float


class Noting(Reach):
    """Decides as the weights do, and notes what it was asked."""

    def __init__(self, predictor: Predictor, rng: np.random.Generator) -> None:
        self._decides, self._rng = predictor.reaches[-1], rng
        self.truth: Mask = np.zeros((0, 0), bool)
        self.ignore: Mask | None = None
        self.notes: list[Noted] = []

    @property
    def is_learned(self) -> bool:
        """See `Reach`."""
        return self._decides.is_learned

    def __call__(
        self,
        found: FloatArray,
        view: Window,
        clicks: ClickSequence,
        previous: Prediction | None,
    ) -> FloatArray:
        """See `Reach`."""
        known = None if previous is None else in_reach(found, view, clicks, previous)
        if known is not None and previous is not None:
            pixels, shape = known.pixels, known.shape

            def there(mask: Mask) -> Mask:
                part = mask[view.slices].astype(np.float32)
                if part.shape != shape:
                    part = view.shrink(part[..., None])[..., 0]
                found: Mask = part[pixels.rows, pixels.columns] > 0.5
                return found

            counted = np.arange(len(pixels.rows))
            if self.ignore is not None:
                counted = counted[~there(self.ignore)]
            some = self._rng.permutation(counted)[:PIXELS]
            if len(some):
                area = (view.height / shape[0]) * (view.width / shape[1])  # of a pixel of the grid
                size = max(self.truth.sum(), previous.kept().mask.sum())
                self.notes.append(
                    Noted(
                        pixels.evidence[some],
                        there(self.truth)[some] == clicks[-1].positive,
                        float(area * len(counted) / len(some) / size),
                    )
                )
        return self._decides(found, view, clicks, previous)


class Elsewhere:
    """Answers as a predictor does, but now and then to a mask that is not the network's own."""

    def __init__(self, predictor: Predictor, rng: np.random.Generator) -> None:
        self._predictor, self._rng = predictor, rng

    def predict(self, image: Any, clicks: ClickSequence, previous: Any = None, **more: Any) -> Any:
        """See `Predictor.predict`."""
        if previous is not None and self._rng.random() < FROM_ELSEWHERE:
            mask = StoredMask.pack(previous.full_mask())
            if mask is not None:
                guess = bool(self._rng.random() < 0.5)
                previous = existing(mask, previous.clicks, previous.image_shape, guess=guess)
        return self._predictor.predict(image, clicks, previous, **more)


def drawn(config: TrainingConfig, objects: int, seed: int) -> Iterator[tuple[ImageSet, ObjectRef]]:
    """Yield objects that are learned from, of all sets in turn."""
    cache, rng = PlaneCache(config.cache_mb * 2**20), np.random.default_rng(seed)
    sets = [
        ImageSet(each.path, False, each.axes, each.min_area, cache, exclude=excluded(each))
        for each in config.sets
    ]
    turns = ([(each, each.draw(rng)) for _ in range(objects // len(sets) + 1)] for each in sets)
    return islice(chain.from_iterable(zip_longest(*turns)), objects)


def play(config: TrainingConfig, weights: Path | str, objects: int, seed: int) -> list[Noted]:
    """Play objects; return what is to be learned from."""
    torch.set_num_threads(1)
    loaded = checkpoints.load_all(weights)  # of several networks, the general one
    predictor = Predictor(loaded.network, loaded.card, torch.device("cpu"))
    rng = np.random.default_rng(seed)
    noting = Noting(predictor, rng)
    predictor.reaches[-1] = noting
    method = Elsewhere(predictor, rng)
    for number, (source, ref) in enumerate(drawn(config, objects, seed)):
        plane = source.plane(ref)
        noting.truth, noting.ignore = plane.labels == ref.label, plane.labels == IGNORE_LABEL
        rounds = robot.play(
            method,
            plane.image,
            noting.truth,
            ignore=noting.ignore,
            most=MOST,
            target=DONE,
            rng=rng,
            jitter_share=JITTER * (number % 2),
        )
        for _ in rounds:
            pass
    return noting.notes


def taught(notes: list[Noted], seed: int) -> ReachJudge:
    """Return a judge that has learned from what was noted."""
    torch.manual_seed(seed)
    judge = ReachJudge(CHANNELS)
    evidence = torch.from_numpy(np.concatenate([each.evidence for each in notes]))
    changes = torch.from_numpy(np.concatenate([each.changes for each in notes])).float()
    weights = np.repeat([each.weight for each in notes], [len(each.changes) for each in notes])
    # Where much is wrong about a small object, a pixel would outweigh all others.
    weight = torch.from_numpy(weights.clip(max=np.quantile(weights, 0.98))).float()
    judge.mean.copy_(evidence.mean(0))
    judge.std.copy_(evidence.std(0) + 1e-3)
    judge.requires_grad_(True)
    optimizer = torch.optim.AdamW(judge.parameters(), RATE, weight_decay=1e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    for _ in range(STEPS):
        some = torch.randint(len(evidence), (BATCH,))
        each = nn.functional.binary_cross_entropy_with_logits(
            judge(evidence[some]), changes[some], reduction="none"
        )
        loss = (each * weight[some]).sum() / weight[some].sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rates.step()
    print(f"{len(notes)} clicks, {len(evidence)} pixels, last loss {loss.item():.4f}")
    return judge.requires_grad_(False)


def _alike(one: ReachJudge | None, other: ReachJudge | None) -> bool:
    """Whether a specialist's judge is the general one, and none of its own."""
    if one is None or other is None:
        return one is other
    return not differing(one.state_dict(), other.state_dict())


def write(weights: str, judge: ReachJudge, out: Path, recipe: str) -> None:
    """Write the weights with the judge."""
    network, card, seen, specialists = checkpoints.load_all(weights)
    state = {k: v for k, v in network.state_dict().items() if not k.startswith("reach.")}
    state |= {f"reach.{name}": value for name, value in judge.state_dict().items()}
    for each in specialists:
        if _alike(each.network.reach, network.reach):
            each.network.reach = judge
    state |= checkpoints.extras(state, seen, specialists)
    shape = card.network.model_copy(update={"reach_channels": CHANNELS})
    card = card.model_copy(update={"network": shape, "recipe": f"{card.recipe}; {recipe}"})
    saved = checkpoints.save(out, state, card, half=True)
    print(f"{out}: {saved.sha256}")


def main() -> None:
    """Play, learn, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("weights")
    parser.add_argument("out", type=Path)
    parser.add_argument("--objects", type=int, default=400, help="of each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    config = TrainingConfig.from_toml(args.config)
    each = args.objects // args.processes
    notes: list[Noted] = []
    with multiprocessing.get_context("spawn").Pool(args.processes) as pool:
        for number in range(args.rounds):
            player = args.out if number else args.weights
            seeds = range(
                args.seed + number * args.processes, args.seed + (number + 1) * args.processes
            )
            for found in pool.imap(partial(play, config, player, each), seeds):
                notes += found
            judge = taught(notes, args.seed)
            recipe = f"reach of clicks learned from {len(notes)} clicks in {number + 1} rounds"
            write(args.weights, judge, args.out, recipe)


if __name__ == "__main__":
    main()
