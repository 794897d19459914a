"""The robot user over folders of images and labels: the figures of the field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.folders import IGNORE_LABEL, ImageSet, ObjectRef, is_linked
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.metrics import mean_curve, number_of_clicks
from napari_fclick.predictor import Predictor


@dataclass(frozen=True)
class Protocol:
    """How objects are chosen and clicked.

    Attributes
    ----------
    targets : tuple of float
        IoUs whose NoC is reported.
    most : int
        Clicks an object gets at most.
    jitter : float in [0, 1]
        How far from the centre of an error the robot may click.
    objects : int or None
        Objects drawn from a set; all by default.
    seed : int
    """

    targets: tuple[float, ...] = (0.85, 0.9)
    most: int = 20
    jitter: float = 0.0
    objects: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for target in self.targets:
            if not 0 < target <= 1:
                raise ValueError(f"target {target} is not within 0 to 1")
        if self.most < 1:
            raise ValueError(f"at most {self.most} clicks: at least 1 is needed")
        if self.objects is not None and self.objects < 1:
            raise ValueError(f"{self.objects} objects: at least 1 is needed")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"jitter {self.jitter} is not within 0 to 1")


class Played(NamedTuple):
    """One object: its IoU after each click, and the milliseconds of each."""

    ious: list[float]
    milliseconds: list[float]


#: Wraps the objects as they are iterated over, to show progress.
Track = Callable[[Sequence[ObjectRef]], Iterable[ObjectRef]]


def evaluate_folder(
    predictor: Predictor, folder: Path, protocol: Protocol, track: Track = iter
) -> dict[str, Any]:
    """Let the robot segment the objects of a folder.

    Parameters
    ----------
    predictor : Predictor
    folder : Path
        Holds ``images/`` and ``labels/``. Of a volume whose labels are linked through its
        slices, each object is segmented on the slice where it is largest; else each slice's.
    protocol : Protocol
    track : callable, optional
        Wraps the sequence of objects, to show progress.

    Returns
    -------
    dict
        NoC and failures for each target, mean IoU after each click, median ms per click.
    """
    played = list(play_folder(predictor, folder, protocol, track))
    curves = [p.ious for p in played]
    report: dict[str, Any] = {"set": folder.name, "method": predictor.name, "objects": len(played)}
    for target in protocol.targets:
        clicks = [number_of_clicks(c, target, protocol.most) for c in curves]
        report[f"NoC@{round(100 * target)}"] = round(float(np.mean(clicks)), 3)
        report[f"failures@{round(100 * target)}"] = sum(max(c) < target for c in curves)
    report["mIoU"] = [round(float(v), 4) for v in mean_curve(curves, protocol.most)]
    times = [t for p in played for t in p.milliseconds]
    report["ms_per_click"] = round(float(np.median(times)), 1)
    return report


def play_folder(
    predictor: Predictor, folder: Path, protocol: Protocol, track: Track = iter
) -> Iterator[Played]:
    """Yield each object's game; the objects are the same whatever the method."""
    images = ImageSet(folder, validation=None, min_area=1)
    refs = choose_objects(images, protocol)
    if not refs:
        raise ValueError(f"{folder} holds no object")
    for number, ref in enumerate(track(refs)):
        plane = images.plane(ref)
        rng = np.random.default_rng((protocol.seed, number))
        yield _play(predictor, plane.image, plane.labels, ref.label, protocol, rng)


def choose_objects(images: ImageSet, protocol: Protocol) -> Sequence[ObjectRef]:
    """Return the objects to segment: all of them, or a draw that the seed fixes."""
    refs: list[ObjectRef] = []
    for objects, plane in zip(images.by_image, images.arrays, strict=True):
        linked = plane.labels.ndim == 3 and is_linked(plane.labels)
        refs += _largest(objects) if linked else objects
    if protocol.objects is None or protocol.objects >= len(refs):
        return refs
    rng = np.random.default_rng(protocol.seed)
    chosen = rng.choice(len(refs), protocol.objects, replace=False)
    return [refs[i] for i in sorted(chosen)]


def _largest(objects: Iterable[ObjectRef]) -> list[ObjectRef]:
    """Return each label's slice of the largest area."""
    best: dict[int, ObjectRef] = {}
    for ref in objects:
        if ref.label not in best or ref.area > best[ref.label].area:
            best[ref.label] = ref
    return list(best.values())


def _play(
    predictor: Predictor,
    image: NDArray[Any],
    labels: NDArray[Any],
    label: int,
    protocol: Protocol,
    rng: np.random.Generator,
) -> Played:
    ignore = labels == IGNORE_LABEL
    rounds = robot.play(
        predictor,
        image,
        labels == label,
        ignore=ignore if ignore.any() else None,
        most=protocol.most,
        rng=rng,
        jitter=protocol.jitter,
    )
    ious, milliseconds = [], []
    for each in rounds:
        ious.append(each.iou)
        milliseconds.append(1000 * each.prediction.seconds)
    return Played(ious, milliseconds)
