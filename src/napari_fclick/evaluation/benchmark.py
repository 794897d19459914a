"""The robot user over data sets: all methods on the same objects, each object on its own."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from napari_fclick.evaluation.datasets import DataSet, Item, Scene, open_dataset
from napari_fclick.evaluation.games import Game
from napari_fclick.evaluation.methods import PEERS, weights_name
from napari_fclick.evaluation.naming import refuse_twice, unique_names
from napari_fclick.evaluation.protocol import Protocol, drawn
from napari_fclick.evaluation.results import Key
from napari_fclick.evaluation.summary import Report, summarise
from napari_fclick.evaluation.workers import Task

logger = logging.getLogger(__name__)

#: Objects of one image that a worker gets at once.
TASK_SIZE = 4


@dataclass(frozen=True)
class Plan:
    """What an evaluation plays: methods on the objects of folders.

    Attributes
    ----------
    folders : tuple of Path
        Of any layout in `napari_fclick.evaluation.datasets`.
    methods : tuple of str
        Names as `napari_fclick.evaluation.methods.find_method` takes them.
    protocol : Protocol

    Raises
    ------
    ValueError
        If a folder or a method is given twice, or a folder holds no object.
    """

    folders: tuple[Path, ...]
    methods: tuple[str, ...]
    protocol: Protocol

    def __post_init__(self) -> None:
        refuse_twice("method", self.methods)
        self.sets  # noqa: B018 - opened now, and once: what is wrong is told of

    @cached_property
    def sets(self) -> dict[str, DataSet]:
        """The data sets by the names they have in reports."""
        names = unique_names(self.folders)
        return {n: open_dataset(f) for n, f in zip(names, self.folders, strict=True)}

    @property
    def opened(self) -> dict[Path, DataSet]:
        """The data sets by their folders."""
        folders = [folder.resolve() for folder in self.folders]
        return dict(zip(folders, self.sets.values(), strict=True))

    @cached_property
    def items(self) -> dict[str, list[Item]]:
        """The objects to play, of each set; every image is read once to find them."""
        return {name: choose_items(dataset, self.protocol) for name, dataset in self.sets.items()}

    def keys(self) -> list[Key]:
        """Return the keys of all games, in the order of reports."""
        return [
            (name, method, item.key)
            for method in self.methods
            for name, items in self.items.items()
            for item in items
        ]

    def tasks(self, done: Iterable[Key] = ()) -> list[Task]:
        """Return the work that is not done: image by image, all methods on each object."""
        known = set(done)
        found = []
        for folder, (name, items) in zip(self.folders, self.items.items(), strict=True):
            for image in _by_image(items):
                for start in range(0, len(image), TASK_SIZE):
                    part = image[start : start + TASK_SIZE]
                    work = [(item, self._missing(name, item, known)) for item in part]
                    left = tuple((item, methods) for item, methods in work if methods)
                    if left:
                        found.append(Task(folder.resolve(), name, left))
        return found

    def header(self) -> dict[str, Any]:
        """Return what the rows of this plan depend on; targets are not among it."""
        protocol = self.protocol.as_json()
        protocol.pop("targets")
        protocol.pop("exclude")  # which objects are left stands in the sets
        return {
            **protocol,
            "methods": {name: weights_digest(name) for name in self.methods},
            "sets": {
                name: {"objects": len(items), "digest": _digest(self.sets[name], items)}
                for name, items in self.items.items()
            },
        }

    def reports(self, games: dict[Key, Game]) -> list[Report]:
        """Return a report for each method and set, of the games that were played."""
        found = []
        for method in self.methods:
            for name, items in self.items.items():
                keys = [(name, method, item.key) for item in items]
                played = [games[key] for key in keys if key in games]
                if played:
                    report = summarise(played, self.protocol)
                    found.append(report | {"weights": weights_digest(method)})
        return found

    def scene(self, game: Game) -> Scene:
        """Return the scene that a game was played on."""
        item = next(i for i in self.items[game.set_name] if i.key == game.item)
        return self.sets[game.set_name].scene(item)

    def _missing(self, name: str, item: Item, known: set[Key]) -> tuple[str, ...]:
        return tuple(m for m in self.methods if (name, m, item.key) not in known)


def choose_items(dataset: DataSet, protocol: Protocol) -> list[Item]:
    """Return the objects to segment: all of a set, or a draw that the seed fixes.

    What is known of an image that cannot be read is named in a warning, and left out.

    Raises
    ------
    ValueError
        If there is none.
    """
    images = (image for image in dataset.images() if image not in protocol.exclude)
    items = [item for image in images for item in _items_of(dataset, image)]
    if not items:
        beside = " beside the images that are left out" if protocol.exclude else ""
        raise ValueError(f"{dataset.root} holds no object{beside}")
    return drawn(items, protocol.objects, protocol.seed)


def _items_of(dataset: DataSet, image: str) -> Sequence[Item]:
    try:
        return dataset.items(image)
    except (OSError, ValueError) as error:
        logger.warning("%s: skipped", error)
        return []


def weights_digest(method: str) -> str | None:
    """Return the sha256 that tells a method's weights from others; None of a classical peer."""
    if method in PEERS:
        return None
    from napari_fclick.network import checkpoints

    try:
        file = checkpoints.find(weights_name(method))
        return checkpoints.read_card(file).sha256
    except checkpoints.WeightsError:
        return None


def _digest(dataset: DataSet, items: Sequence[Item]) -> str:
    """Return what tells objects, and the files that they are read from, from others."""
    text = "\n".join(f"{item.key} {item.area}" for item in items)
    digest = hashlib.sha256(text.encode())
    for file in sorted({file for item in items for file in dataset.files(item.image)}):
        digest.update(_file_digest(file))
    return digest.hexdigest()


def _file_digest(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").digest()
    except OSError:  # told of when it is played
        return b"none"


def _by_image(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Group objects, which come image by image, so that an image is read once for all."""
    groups: dict[tuple[str, int | None], list[Item]] = {}
    for item in items:
        groups.setdefault((item.image, item.index), []).append(item)
    yield from groups.values()
