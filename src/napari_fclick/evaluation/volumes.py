"""Whole objects in volumes: clicks until a 3-D IoU, and what other ways would have cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.arrays import Mask
from napari_fclick.core.folders import find_pairs, is_linked, read_pair
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.evaluation.linking import goes_on, link_slices
from napari_fclick.evaluation.metrics import dice_of_iou, interval, number_of_clicks
from napari_fclick.evaluation.protocol import check_seed, drawn
from napari_fclick.evaluation.stacks import (
    MOST_CLICKS,
    Baseline,
    SliceBySlice,
    StackRobot,
    interpolated,
    unchanged,
)
from napari_fclick.propagation import Carry, Rules

#: Objects in fewer slices, or of fewer voxels, are left out.
LEAST_SLICES, LEAST_VOXELS = 3, 200
TARGETS = (0.7, 0.8, 0.85)
#: Clicks after which the Dice coefficient is told; so many are made whatever the targets.
TOLD = (1, 3)

Report = dict[str, Any]
Track = Callable[[Sequence["VolumeItem"]], Iterable["VolumeItem"]]


class VolumeItem(NamedTuple):
    """One object of a volume.

    Attributes
    ----------
    volume : str
        The stem of its file.
    label : int
        Its number, after linking.
    """

    volume: str
    label: int


@dataclass(frozen=True)
class VolumeProtocol:
    """How whole objects are drawn and clicked.

    Attributes
    ----------
    targets : tuple of float
        3-D IoUs whose number of clicks is reported.
    most : int
        Clicks an object gets at most, all slices together.
    objects : int or None
        Objects drawn from a set; all by default.
    seed : int
        Of the draw.
    compared : float
        The IoU at which clicking slice by slice is compared.
    labels : tuple of int
        Numbers of the objects that are played, as where a number is a class; none for all.
    exclude : tuple of str
        Stems of volumes that are left out.
    """

    targets: tuple[float, ...] = TARGETS
    most: int = MOST_CLICKS
    objects: int | None = None
    seed: int = 0
    compared: float = 0.8
    labels: tuple[int, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for target in (*self.targets, self.compared):
            if not 0 < target <= 1:
                raise ValueError(f"target {target} is not within 0 to 1, and above 0")
        for name, value in (("clicks", self.most), ("objects", self.objects)):
            if value is not None and value < 1:
                raise ValueError(f"{value} {name}: at least 1 is needed")
        check_seed(self.seed)


class Volume(NamedTuple):
    """A volume with its objects.

    Attributes
    ----------
    image : ndarray (Z, Y, X) or (Z, Y, X, C)
    labels : ndarray of int, shape (Z, Y, X)
        Of whole objects.
    outlines : ndarray of int, shape (Z, Y, X), or None
        The labels as they are, where they number each slice on its own.
    """

    image: NDArray[Any]
    labels: NDArray[Any]
    outlines: NDArray[Any] | None

    def ignore(self, truth: Mask) -> Mask:
        """Return which voxels count nowhere for an object."""
        ignored: Mask = self.labels == IGNORE_LABEL
        return ignored if self.outlines is None else ignored | goes_on(self.outlines, truth)


@dataclass(frozen=True)
class VolumeGame:
    """One object, played by propagation and by what it has to beat.

    Attributes
    ----------
    slices : int
        That it is in.
    ious : tuple of float in [0, 1]
        3-D IoU after each click.
    carried : int
        Slices that were carried, all clicks together.
    seconds : float
        That took.
    one_by_one, worst_first, unchanged, interpolated : Baseline
        Each slice clicked until it is good; each clicked once and then the worst, until the
        object is good; its first mask in all slices; between two of its slices.
    """

    slices: int
    ious: tuple[float, ...]
    carried: int
    seconds: float
    one_by_one: Baseline
    worst_first: Baseline
    unchanged: Baseline
    interpolated: Baseline


class VolumeSet:
    """A folder of ``images/`` and ``labels/`` whose files are volumes (Z, Y, X).

    Labels that number each slice on its own are linked by overlap.

    Parameters
    ----------
    folder : Path
    name : str, optional
        Of the set in reports; by default the folder's.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are no such folders, or there is no volume in them.
    """

    def __init__(self, folder: Path, name: str = "") -> None:
        self.name = name or folder.resolve().name
        self._pairs = {pair.image.stem: pair for pair in find_pairs(folder)}
        self._last: tuple[str, Volume] | None = None
        self.items = [VolumeItem(v, n) for v in self._pairs for n in self._objects(v)]
        if not self.items:
            raise ValueError(
                f"{folder} holds no volume (Z, Y, X) with an object in {LEAST_SLICES} slices "
                f"and of {LEAST_VOXELS} voxels"
            )

    @property
    def volumes(self) -> list[str]:
        """The volumes' stems, also of those without an object to play."""
        return list(self._pairs)

    def read(self, volume: str) -> Volume:
        """Return a volume and its labels; labels of no slices where it is no volume."""
        if self._last is None or self._last[0] != volume:
            self._last = (volume, self._read(volume))
        return self._last[1]

    def draw(self, protocol: VolumeProtocol) -> list[VolumeItem]:
        """Return the objects to play: all, or a draw that the seed fixes.

        Raises
        ------
        ValueError
            If none has one of the labels, or all are left out.
        """
        kept = [item for item in self.items if item.volume not in protocol.exclude]
        if not kept:
            raise ValueError(f"{self.name}: all volumes are left out")
        items = [i for i in kept if not protocol.labels or i.label in protocol.labels]
        if not items:
            there = sorted({item.label for item in kept})
            known = ", ".join(map(str, there[:10])) + (" .." if len(there) > 10 else "")
            wanted = ", ".join(map(str, protocol.labels))
            raise ValueError(f"{self.name}: no object has label {wanted}; there are {known}")
        return drawn(items, protocol.objects, protocol.seed)

    def _read(self, volume: str) -> Volume:
        plane = read_pair(self._pairs[volume])
        if plane is None or plane.labels.ndim != 3:
            return Volume(np.zeros((0, 0, 0)), np.zeros((0, 0, 0), int), None)
        if is_linked(plane.labels):
            return Volume(plane.image, plane.labels, None)
        return Volume(plane.image, link_slices(plane.labels), plane.labels)

    def _objects(self, volume: str) -> Iterator[int]:
        labels = self.read(volume).labels
        for number in np.unique(labels):
            if number in (0, IGNORE_LABEL):
                continue
            areas = np.count_nonzero(labels == number, axis=(1, 2))
            if np.count_nonzero(areas) >= LEAST_SLICES and areas.sum() >= LEAST_VOXELS:
                yield int(number)


def play_volume(
    predictor: Any,
    data: VolumeSet,
    item: VolumeItem,
    protocol: VolumeProtocol,
    rules: Rules | None = None,
    carry: Carry | None = None,
) -> VolumeGame:
    """Let the robot segment one object, by propagation and the other ways."""
    volume = data.read(item.volume)
    image, truth = volume.image, volume.labels == item.label
    ignore = volume.ignore(truth)
    robot = StackRobot(
        predictor, image, truth, rules=rules or Rules(), carry=carry or Carry(), ignore=ignore
    )
    target = max(*protocol.targets, protocol.compared)
    rounds = list(robot.play(protocol.most, target, least=max(TOLD)))
    slices = SliceBySlice(predictor, image, truth, ignore)
    return VolumeGame(
        int(np.count_nonzero(truth.any((1, 2)))),
        tuple(each.iou for each in rounds),
        sum(each.slices for each in rounds),
        sum(each.seconds for each in rounds),
        slices.each(protocol.compared),
        slices.worst_first(protocol.compared),
        unchanged(predictor, image, truth, ignore),
        interpolated(predictor, image, truth, protocol.compared, ignore),
    )


def evaluate_volumes(
    predictor: Any, data: VolumeSet, protocol: VolumeProtocol, track: Track = iter
) -> Report:
    """Let the robot segment whole objects of a set; see `summarise_volumes`."""
    games = [play_volume(predictor, data, item, protocol) for item in track(data.draw(protocol))]
    return {"set": data.name, "method": predictor.name} | summarise_volumes(games, protocol)


def summarise_volumes(games: Sequence[VolumeGame], protocol: VolumeProtocol) -> Report:
    """Return the figures of the objects of one set.

    Returns
    -------
    dict
        Plain JSON. ``dice_after`` and ``NoC3D@t`` with bootstrap intervals; ``compared`` and
        ``compared_worst_first`` hold the clicks of both ways on the objects where both reach
        the IoU.
    """
    most = protocol.most
    report: Report = {"protocol": asdict(protocol), "objects": len(games)}
    report["slices"] = _mean([game.slices for game in games])
    report["dice_after"] = {
        str(clicks): _told([dice_of_iou(_after(game, clicks)) for game in games]) for clicks in TOLD
    }
    for target in protocol.targets:
        counts = [number_of_clicks(game.ious, target, most) for game in games]
        reached = [max(game.ious, default=0) >= target for game in games]
        report[f"NoC3D@{target * 100:g}"] = _told(counts) | {"failures": reached.count(False)}
    report["compared"] = _compared(games, [game.one_by_one for game in games], protocol)
    others = [game.worst_first for game in games]
    report["compared_worst_first"] = _compared(games, others, protocol)
    report["dice_unchanged"] = _told([dice_of_iou(game.unchanged.iou) for game in games])
    report["dice_interpolated"] = _told([dice_of_iou(game.interpolated.iou) for game in games])
    report["clicks_interpolated"] = _mean([game.interpolated.clicks for game in games])
    carried = sum(game.carried for game in games)
    report["seconds_per_slice"] = sum(game.seconds for game in games) / max(carried, 1)
    return report


def _compared(
    games: Sequence[VolumeGame], others: Sequence[Baseline], protocol: VolumeProtocol
) -> Report:
    target = protocol.compared
    both = [
        (game, other)
        for game, other in zip(games, others, strict=True)
        if max(game.ious, default=0) >= target and other.iou >= target
    ]
    clicks = [number_of_clicks(game.ious, target, protocol.most) for game, _ in both]
    one_by_one = [other.clicks for _, other in both]
    return {
        "iou": target,
        "objects": len(both),
        "clicks": _mean(clicks),
        "clicks_slice_by_slice": _mean(one_by_one),
        "share": sum(clicks) / sum(one_by_one) if both else None,
    }


def _after(game: VolumeGame, clicks: int) -> float:
    """Return the IoU after so many clicks, or after the last one."""
    return game.ious[min(clicks, len(game.ious)) - 1] if game.ious else 0.0


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _told(values: Sequence[float]) -> Report:
    found = interval(values)
    return {"mean": _mean(values), "interval": None if found is None else list(found[0])}
