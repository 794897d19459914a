"""Who plays: this process, or the workers of a dask cluster; the rows are the same.

An object's row depends on the object and the method alone, so it does not matter who plays which
object, nor in what order.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from napari_fclick.core.errors import installs
from napari_fclick.evaluation.datasets import DataSet, Item, open_dataset
from napari_fclick.evaluation.games import Game, play_item
from napari_fclick.evaluation.methods import Method, find_method
from napari_fclick.evaluation.protocol import Protocol

logger = logging.getLogger(__name__)

#: Loads a method by name and device; must be importable by the workers.
Find = Callable[[str, str], Method]


@dataclass(frozen=True)
class Task:
    """Some objects of one image, and who has yet to play each."""

    folder: Path
    set_name: str
    work: tuple[tuple[Item, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Player:
    """Plays the tasks of a run: by which protocol, on which device, with which methods.

    Attributes
    ----------
    protocol : Protocol
    device : str
    find : callable
        Loads a method; each process does so once.
    token : str
        Tells it from others: what a process has opened for another one is opened anew, since
        files may have changed.
    """

    protocol: Protocol
    device: str = "auto"
    find: Find = find_method
    token: str = field(default_factory=lambda: uuid4().hex)

    def play(self, task: Task) -> Iterator[Game]:
        """Play a task's objects, one by one; those that cannot be read are told of."""
        dataset = _held_by(self.token).dataset(task.folder)
        for item, names in task.work:
            try:
                scene = dataset.scene(item)
            except (OSError, ValueError) as error:
                logger.warning("left out: %s", error)
                continue
            for name in names:
                method = self.method(name)
                with _one_thread():
                    game = play_item(method, name, task.set_name, item, scene, self.protocol)
                yield game

    def play_all(self, task: Task) -> list[Game]:
        """Play a task's objects."""
        return list(self.play(task))

    def devices(self, names: Sequence[str]) -> dict[str, str]:
        """Return the kind of device that each method computes on: their last digits differ."""
        return {name: str(self.method(name).device).partition(":")[0] for name in names}

    def take(self, opened: Mapping[Path, DataSet]) -> None:
        """Play on sets, by their folders, that this process has opened already."""
        _held_by(self.token).datasets.update(opened)

    def method(self, name: str) -> Method:
        """Return a method, loaded once in this process."""
        return _held_by(self.token).method(self.find, name, self.device)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have torch, where it is used, work in one thread: sums depend on how they are shared out."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Held:
    """What a process has opened and loaded for a player."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.datasets: dict[Path, DataSet] = {}
        self.method = cache(_load)

    def dataset(self, folder: Path) -> DataSet:
        if folder not in self.datasets:
            self.datasets[folder] = open_dataset(folder)
        return self.datasets[folder]


def _load(find: Find, name: str, device: str) -> Method:
    return find(name, device)


_held = _Held("")


def _held_by(token: str) -> _Held:
    global _held
    if _held.token != token:
        _held = _Held(token)
    return _held


class Here:
    """Plays in this process."""

    def check(self) -> None:
        """Find out whether it can play: it always can."""

    def run(self, player: Player, tasks: Sequence[Task]) -> Iterator[Game]:
        """Yield the row of one object after the other."""
        for task in tasks:
            yield from player.play(task)


@dataclass(frozen=True)
class Cluster:
    """Plays on the workers of dask.distributed.

    Attributes
    ----------
    workers : int
        Of a cluster of processes on this machine.
    scheduler : str or None
        Address of another cluster's scheduler, whose workers are taken instead; they need the
        package, the data and the weights at the same paths.
    """

    workers: int = 2
    scheduler: str | None = None

    def check(self) -> None:
        """Find out whether it can play.

        Raises
        ------
        ImportError
            If dask.distributed is not installed.
        """
        load_distributed()

    def run(self, player: Player, tasks: Sequence[Task]) -> Iterator[Game]:
        """Yield the rows of tasks as they are done."""
        distributed = load_distributed()
        with self._client(distributed) as client:
            futures = client.map(player.play_all, tasks, pure=False)
            try:
                for future in distributed.as_completed(futures):
                    yield from future.result()
                    future.release()
            except distributed.KilledWorker as error:
                raise RuntimeError(f"a worker died again and again: {error}") from None
            except CancelledError as error:
                raise RuntimeError(f"the scheduler or its workers are gone: {error}") from None
            finally:
                client.cancel(futures)

    @contextmanager
    def _client(self, distributed: Any) -> Iterator[Any]:
        if self.scheduler is not None:
            with _connect(distributed, self.scheduler) as client:
                yield client
            return
        settings: dict[str, Any] = {
            "n_workers": self.workers,
            "threads_per_worker": 1,
            "dashboard_address": None,
            "silence_logs": logging.CRITICAL,
        }
        with _interrupts_ignored():
            cluster = distributed.LocalCluster(**settings)
        with cluster, distributed.Client(cluster) as client:
            yield client


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Start processes that leave Ctrl-C, which a terminal sends to all, to this one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def load_distributed() -> Any:
    """Import dask.distributed.

    Raises
    ------
    ImportError
        In one line, with the command that installs it.
    """
    try:
        import distributed
    except ImportError:
        raise ImportError(
            f"several workers need dask.distributed: {installs('distributed')}"
        ) from None
    return distributed


def _connect(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=10)
    except (OSError, ValueError) as error:
        raise ValueError(f"no scheduler answers at {address}: {error}") from None
