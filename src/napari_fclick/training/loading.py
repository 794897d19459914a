"""The sets and the batches of a run, from any step on."""

from __future__ import annotations

import signal
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from napari_fclick.core.arrays import Mask
from napari_fclick.core.folders import ImageSet
from napari_fclick.core.object_sets import (
    IGNORE_LABEL,
    IndexedSet,
    ObjectRef,
    Plane,
    PlaneCache,
)
from napari_fclick.core.published import NamedPlanes, SbdLayout, VocLayout, read_names
from napari_fclick.training.augmentation import Augmentation
from napari_fclick.training.close_ups import CloseUpCutter
from napari_fclick.training.config import PhaseConfig, SetConfig, TrainingConfig
from napari_fclick.training.cutting import Cutter, WholeCutter, WindowCutter
from napari_fclick.training.dataset import ObjectSet, Sample, SampleMaker, WindowDataset
from napari_fclick.training.distributed import ALONE, Processes
from napari_fclick.training.registry import find
from napari_fclick.training.rough_starts import RoughStarts
from napari_fclick.training.simulation import RandomClicks


class HeldBack(NamedTuple):
    """An object to play: image (H, W[, C]), its mask (H, W), what counts nowhere, and its set."""

    image: NDArray[Any]
    truth: Mask
    ignore: Mask | None
    name: str


#: Opens a set. The cache is shared by all sets of a run; the path is for an index.
SetReader = Callable[[SetConfig, PlaneCache, Path], ObjectSet]


def open_folder(config: SetConfig, cache: PlaneCache, index: Path) -> ObjectSet:
    """Open a folder of ``images/`` and ``labels/``, without the images that are held back."""
    left_out = excluded(config)
    return ImageSet(config.path, False, config.axes, config.min_area, cache, index, left_out)


def excluded(config: SetConfig) -> set[str]:
    """Return the names that a set leaves out, of training and of validation."""
    return {name for file in config.exclude for name in read_names(file)}


#: Published sets: their layouts, and the lists that are trained on unless others are named.
PUBLISHED: Mapping[str, tuple[type[VocLayout | SbdLayout], tuple[str, ...]]] = {
    "voc": (VocLayout, ("train",)),
    "sbd": (SbdLayout, ("train", "val")),
}


def open_published(
    config: SetConfig,
    cache: PlaneCache,
    index: Path | None = None,
    without: Collection[str] = (),
) -> ObjectSet:
    """Open PASCAL VOC 2012's segmentation task, or SBD, without some of its photographs."""
    layout, names = _published(config)
    source = NamedPlanes(layout, config.path.name, sorted(names.difference(without)))
    return IndexedSet(source, config.axes, config.min_area, cache, index)


def _published(config: SetConfig) -> tuple[VocLayout | SbdLayout, set[str]]:
    """Return where a published set lies, and the names of its photographs."""
    layout, usual = PUBLISHED[config.format]
    root = layout.find(config.path)
    if root is None:
        raise FileNotFoundError(f"{config.path} does not hold {config.format}: {layout.missing}")
    found = layout(root)
    lists = config.lists or usual
    return found, {name for part in lists for name in found.names(part)} - excluded(config)


READERS: Mapping[str, SetReader] = {
    "folder": open_folder,
    "voc": open_published,
    "sbd": open_published,
}


def open_sets(config: TrainingConfig) -> list[ObjectSet]:
    """Open the sets that a configuration names.

    Raises
    ------
    FileNotFoundError
        If a folder is missing or holds nothing of use.
    ValueError
        If a format is not known.
    """
    cache = PlaneCache(config.cache_mb * 2**20)
    folder = config.out / "index"
    return [
        find("set", s.format, READERS)(s, cache, folder / f"{number}-{s.path.name}.json")
        for number, s in enumerate(config.sets)
    ]


def held_back(config: TrainingConfig) -> Callable[[], Iterator[HeldBack]]:
    """Return what yields the objects to validate on, always the same ones.

    They are drawn evenly, each once, from what the sets hold back: of folders the images that
    training leaves out, of VOC the val list, without what of VOC or of SBD, which names the same
    photographs alike, is trained on. A set that has no more leaves its turn to the others; where
    none has more, they are fewer than ``validate_objects``.

    Raises
    ------
    ValueError
        If the sets hold nothing back.
    """
    cache = PlaneCache(config.cache_mb * 2**20)
    sets: list[ObjectSet] = []
    published = [_published(each)[1] for each in config.sets if each.format in PUBLISHED]
    trained = set().union(*published)
    for each in config.sets:
        if each.format == "folder":
            left_out = excluded(each)
            sets.append(
                ImageSet(each.path, True, each.axes, each.min_area, cache, exclude=left_out)
            )
        elif each.format == "voc":
            val = each.model_copy(update={"lists": ("val",), "exclude": ()})
            sets.append(open_published(val, cache, without=trained))
    sets = [each for each in sets if each.objects]
    if not sets:
        raise ValueError("no set holds an object back to validate on: set validate_every = 0")
    rng = np.random.default_rng(0)
    turns = chain.from_iterable(zip_longest(*(_shuffled(each, rng) for each in sets)))
    chosen = list(islice(filter(None, turns), config.validate_objects))
    return lambda: _scenes(chosen)


def _shuffled(each: ObjectSet, rng: np.random.Generator) -> list[tuple[ObjectSet, ObjectRef]]:
    """Return all objects as if they were drawn one after the other, none twice."""
    together = Counter(ref.pair for ref in each.objects)
    # An image of four times as many objects is drawn twice as often.
    chances = np.array([together[ref.pair] ** -0.5 for ref in each.objects])
    order = rng.choice(len(chances), len(chances), replace=False, p=chances / chances.sum())
    return [(each, each.objects[number]) for number in order]


def _scenes(chosen: Iterable[tuple[ObjectSet, ObjectRef]]) -> Iterator[HeldBack]:
    """Read scenes one by one; one that cannot be read any more is left out, and told of."""
    for each, ref in chosen:
        try:
            plane = each.plane(ref)
        except (OSError, ValueError) as error:
            warnings.warn(f"{each.name}: {error}", RuntimeWarning, stacklevel=2)
            continue
        yield _scene(plane, ref, each.name)


def _scene(plane: Plane, ref: ObjectRef, name: str) -> HeldBack:
    ignore = plane.labels == IGNORE_LABEL
    return HeldBack(plane.image, plane.labels == ref.label, ignore if ignore.any() else None, name)


def sample_maker(config: TrainingConfig, phase: PhaseConfig) -> SampleMaker:
    """Return what makes the samples of a phase."""
    kind = WholeCutter if config.view == "whole" else WindowCutter
    cut: Cutter = kind(phase.size, config.first_jitter)
    if config.close_up:
        cut = CloseUpCutter(cut, config.close_up, phase.size)
    most = config.extra_clicks
    negatives = most if config.extra_negatives is None else config.extra_negatives
    further = RandomClicks(config.extra_chance, most, negatives)
    return SampleMaker(cut, Augmentation(config.augmentation), phase.size, further)


def batches(
    config: TrainingConfig,
    sets: Sequence[ObjectSet],
    step: int,
    processes: Processes = ALONE,
    pin: bool = False,
) -> Iterator[Sample]:
    """Yield this process's batches of the steps from ``step`` on.

    A step's samples are a function of the step and of how many there are in all: two
    processes share what one with a batch of twice the size would have.
    """
    weights = [s.weight for s in config.sets]
    if len(weights) != len(sets):  # they were handed over, and are others
        weights = [1.0] * len(sets)
    begin = 0
    for number, phase in enumerate(config.phases):
        done = min(max(step - begin, 0), phase.steps)
        begin += phase.steps
        if done == phase.steps:
            continue
        data = WindowDataset(
            sets,
            weights,
            sample_maker(config, phase),
            seed=config.seed * 1000 + number,
            length=phase.steps * phase.batch * processes.size,
            by_epochs=config.sampling == "epochs",
            starts=RoughStarts(config.rough_start, config.slice_end),
        )
        yield from _loader(data, phase, done, processes, config.workers, pin)


def _loader(
    data: WindowDataset,
    phase: PhaseConfig,
    done: int,
    processes: Processes,
    workers: int,
    pin: bool,
) -> DataLoader[Sample]:
    together = phase.batch * processes.size
    starts = range(done * together + processes.rank * phase.batch, len(data), together)
    return DataLoader(
        data,
        batch_sampler=[list(range(start, start + phase.batch)) for start in starts],
        num_workers=workers,
        pin_memory=pin,
        prefetch_factor=4 if workers else None,
        worker_init_fn=_begin_worker,
    )


def _begin_worker(_: int) -> None:
    torch.set_num_threads(1)
    # Ctrl+C reaches all processes: it is for the one that trains, which still needs a batch.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
