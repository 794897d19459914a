"""Rebuilding a session's objects from its clicks, with its own weights or with others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.channels import stack_channels
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.files import read_image
from napari_fclick.core.labels import make_patch
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box, image_shape
from napari_fclick.evaluation.metrics import iou
from napari_fclick.propagation import Carry, Propagation, Rules, Spacing, Stack
from napari_fclick.session.history import Commit
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.place import Place
from napari_fclick.session.resuming import check_image
from napari_fclick.session.signature import Channels, Signature
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.stacks import others_in
from napari_fclick.session.starting import start_prediction
from napari_fclick.session.state import Part, PredictionLike, PredictorLike
from napari_fclick.training.simulation import correction

Mask = NDArray[np.bool_]

#: A mask that agrees this well with the accepted one (IoU) would have been accepted.
CONTENT = 0.9
#: Clicks after which nobody would go on.
MOST_CLICKS = 20


@dataclass(frozen=True)
class Replayed:
    """One accepted mask, made again.

    Attributes
    ----------
    label : int
    part : Part
        Its plane; of an object in a stack, that of one of the slices that a person clicked.
    iou : float
        Of the pixels written now with those written then, in all slices.
    slices : int
        How many slices were accepted at once.
    """

    label: int
    part: Part
    iou: float
    slices: int = 1


@dataclass(frozen=True)
class Replay:
    """A session made again.

    Attributes
    ----------
    masks : list of Replayed
        One an acceptance that stands, in order; of an object in a stack, one a clicked slice.
    labels : list of ndarray
        One for each of the file's targets.
    differing : int
        Pixels of the labels that are not as they were.
    """

    masks: list[Replayed]
    labels: list[NDArray[Any]]
    differing: int


def open_image(journal: Journal, path: Path | None = None, insist: bool = False) -> Any:
    """Read the image that a session was about.

    Parameters
    ----------
    journal : Journal
    path : Path, optional
        By default the file that the image was read from then.
    insist : bool
        Take the image even if its pixels are not the same.

    Raises
    ------
    JournalError
        If there is no such file, or it is another image.
    """
    source = path or (Path(journal.image.source) if journal.image.source else None)
    if source is None:
        raise JournalError(f"{journal.path}: its image came from no file; say --image FILE")
    if not source.exists():
        raise JournalError(f"{journal.path}: its image {source} is not there; say --image FILE")
    image = _read(source)
    check_image(journal, Signature.of(image), insist)
    return _with_channels(journal, image)


class ImageChannels:
    """Images of one shape that are looked at together; a plane of them is one of channels.

    Parameters
    ----------
    images : list of array
    limits : list of (float, float), optional
        Of each, the intensities that are black and white.
    """

    def __init__(self, images: list[Any], limits: list[tuple[float, float]] | None) -> None:
        self._images, self._limits = images, limits

    def __getitem__(self, where: Any) -> Any:
        return stack_channels([image[where] for image in self._images], self._limits)


def _with_channels(journal: Journal, image: Any) -> Any:
    text = journal.about("channels")
    channels = Channels.model_validate_json(text) if text else Channels()
    if not channels.sources:
        return image
    missing = [source or "(no file)" for source in channels.sources if not Path(source).is_file()]
    if missing:
        raise JournalError(
            f"{journal.path}: channels that the session looked at are not there: "
            f"{', '.join(missing)}"
        )
    others = [_read(Path(source)) for source in channels.sources]
    shapes = {tuple(np.shape(each)) for each in (image, *others)}
    if len(shapes) > 1:
        raise JournalError(f"{journal.path}: its channels have the shapes {sorted(shapes)}")
    return ImageChannels([image, *others], channels.limits)


def replay(journal: Journal, image: Any, predictor: PredictorLike) -> Replay:
    """Make a session's objects again from its clicks, in the order they were accepted.

    Parameters
    ----------
    journal : Journal
    image : array
        The whole image, of as many dimensions as the labels, and channels.
    predictor : PredictorLike

    Raises
    ------
    JournalError
        If the file is damaged.
    """
    known = journal.targets
    then = [NumberedLabels(target.empty()) for target in known]
    now = [target.empty() for target in known]
    commits = journal.restore(then).commits
    _write_first(commits, then, now)
    masks = []
    for commit in commits:
        for patch in commit.patches:
            patch.impose(commit.target.labels, after=True)
        masks += list(_again(commit, now[then.index(commit.target)], image, predictor))
    differing = sum(int(np.count_nonzero(a.labels != b)) for a, b in zip(then, now, strict=True))
    return Replay(masks, now, differing)


def clicks_needed(predictor: PredictorLike, image: Any, part: Part, wanted: Mask) -> int:
    """Return how many clicks a predictor needs until its mask agrees with an accepted one.

    The person's own clicks are tried first, in their order; where they are used up, clicks
    in the middle of the largest error follow.

    Parameters
    ----------
    predictor : PredictorLike
    image : array
        The whole image.
    part : Part
        What was accepted.
    wanted : ndarray of bool
        The plane's mask.
    """
    plane = plane_of(image, part)
    clicks, prediction = ClickSequence(), _start(part, plane)
    own = iter(part.clicks)
    for number in range(1, MOST_CLICKS + 1):
        click = next(own, None) or _next_click(wanted, prediction, part, clicks)
        if click is None:
            return number - 1
        clicks = clicks.add(click)
        prediction = predictor.predict(plane, clicks, prediction)
        if iou(wanted, _mask(prediction, part, Box(0, 0, *wanted.shape))) >= CONTENT:
            return number
    return MOST_CLICKS


def acceptances(journal: Journal) -> Iterator[tuple[Part, Mask]]:
    """Yield each acceptance that stands, and the pixels of its plane that it wrote.

    Of an object that was accepted in a stack, each slice that a person clicked is yielded: the
    others took no clicks.

    Raises
    ------
    JournalError
        If the file is damaged.
    """
    targets = [NumberedLabels(target.empty()) for target in journal.targets]
    for commit in journal.restore(targets).commits:
        for patch in commit.patches:
            patch.impose(commit.target.labels, after=True)
        record = commit.accepted
        if record is not None:
            for part in _clicked(commit):
                yield part, np.asarray(plane_of(commit.target.labels, part) == record.label)


def plane_of(image: Any, part: Part) -> Any:
    """Return the plane of an image that a part lies in."""
    return plane_at(image, part.place)


def plane_at(image: Any, place: Place) -> Any:
    """Return the plane of an image at a place."""
    return image[place.where(slice(None), slice(None))]


# --- helpers ----------------------------------------------------------------------------


def _write_first(
    commits: list[Commit], then: list[NumberedLabels], now: list[NDArray[Any]]
) -> None:
    """Put into both labels what was in them before the first commit."""
    for commit in reversed(commits):
        for patch in reversed(commit.patches):
            patch.impose(commit.target.labels, after=False)
    for target, labels in zip(then, now, strict=True):
        labels[...] = target.labels


def _again(
    commit: Commit, labels: NDArray[Any], image: Any, predictor: PredictorLike
) -> Iterator[Replayed]:
    record = commit.accepted
    if record is None:
        for old, new in commit.renumbered.items():
            _renumber(commit, labels, old, new)
        return
    if commit.stack is None:
        part = record.parts[-1]
        masks = {part.place: _stored(_predict(predictor, plane_of(image, part), part), part)}
    else:
        masks = _carried(commit, commit.stack, labels, image, predictor)
        for index in commit.stack.absent:
            plane = plane_at(labels, record.place.moved(commit.stack.axis, index))
            plane[plane == record.label] = 0
    agreement = _write(commit, record.label, labels, masks)
    for part in _clicked(commit):
        yield Replayed(record.label, part, agreement, len(commit.parts))


def _clicked(commit: Commit) -> list[Part]:
    return [part for part in commit.parts if part.by_person]


def _carried(
    commit: Commit, run: StackRun, labels: NDArray[Any], image: Any, predictor: PredictorLike
) -> dict[Place, StoredMask | None]:
    """Make the masks of the clicked slices again, and carry them as they were carried."""
    record = commit.accepted
    assert record is not None  # it was carried
    place, axis = record.place, run.axis
    stack = Stack(
        lambda index: plane_at(image, place.moved(axis, index)),
        int(labels.shape[axis]),
        Spacing(*run.spacing),
    )
    others = others_in(labels, place, axis, record.label) if run.others else None
    again = Propagation(
        stack,
        predictor,
        _rules(run),
        Carry(**run.carry),
        run.direction,
        limits=run.limits,
        others=others,
    )
    for part in _clicked(commit):
        prediction = _predict(predictor, plane_of(image, part), part)
        mask = _stored(prediction, part)
        if mask is not None:
            again.set_keyframe(part.place.position(axis), part.clicks, mask, prediction)
    for index in run.absent:
        again.set_absent(index)
    if any(each.mask for each in again.slices.values()):
        deque(again.run(), maxlen=0)
    kept = {i: each for i, each in again.slices.items() if run.complete or i in run.slices}
    return {place.moved(axis, index): each.mask for index, each in kept.items()}


def _rules(run: StackRun) -> Rules:
    """Return the rules; of a run that was broken off, only what was accepted is made again."""
    rules = Rules(**run.rules)
    if run.complete or not run.slices:
        return rules
    return rules.model_copy(update={"first": min(run.slices), "last": max(run.slices)})


def _write(
    commit: Commit, label: int, labels: NDArray[Any], masks: dict[Place, StoredMask | None]
) -> float:
    """Write masks into labels; return their IoU with what was written then."""
    parts = {part.place: part for part in commit.parts}
    policy = next(iter(parts.values())).settings.policy
    common = either = 0
    for place in {**parts, **masks}:
        mask, part = masks.get(place), parts.get(place)
        boxes = [each.box for each in (mask, part) if each is not None]
        if not boxes:
            continue
        box = boxes[0].union(boxes[-1])
        region = place.where(slice(box.top, box.bottom), slice(box.left, box.right))
        wanted = np.zeros_like(labels[region], bool) if mask is None else mask.within(box)
        patch = make_patch(labels, wanted, region, label, policy)
        patch.apply(labels)
        then = np.asarray(commit.target.labels[region]) == label
        common += int(np.count_nonzero(then & (patch.after == label)))
        either += int(np.count_nonzero(then | (patch.after == label)))
    return common / either if either else 1.0


def _renumber(commit: Commit, labels: NDArray[Any], old: int, new: int) -> None:
    for patch in commit.patches:
        plane = tuple(slice(None) if isinstance(p, slice) else p for p in patch.where)
        part = labels[plane]
        labels[plane] = np.where(part == old, part.dtype.type(new), part)


def _start(part: Part, plane: Any) -> PredictionLike | None:
    return None if part.start is None else start_prediction(part.start, image_shape(plane))


def _predict(predictor: PredictorLike, plane: Any, part: Part) -> PredictionLike:
    """Ask for what was asked then, in the same order."""
    prediction = _start(part, plane)
    for answer in part.answers:
        prediction = predictor.predict(
            plane,
            ClickSequence(part.clicks[: answer.clicks]),
            prediction,
            limits=answer.limits,
            typical_side=answer.typical_side,
        )
    if prediction is None:
        raise JournalError(f"an object at {part.box} was accepted without a prediction")
    return prediction


def _mask(prediction: PredictionLike, part: Part, box: Box) -> Mask:
    """Return the mask, with the settings of the part, of the pixels in a box."""
    settings = part.settings
    found = prediction.mask(settings.threshold, integrity=False)
    if settings.integrity:
        found = prediction.kept(settings.threshold).mask
    rows, columns = prediction.window
    out = np.zeros((box.bottom - box.top, box.right - box.left), bool)
    top, left = rows.start - box.top, columns.start - box.left
    out[top : top + found.shape[0], left : left + found.shape[1]] = found
    return out


def _stored(prediction: PredictionLike, part: Part) -> StoredMask | None:
    rows, columns = prediction.window
    box = Box(rows.start, columns.start, rows.stop, columns.stop)
    return StoredMask.pack(_mask(prediction, part, box), box.top, box.left)


def _next_click(
    wanted: Mask, prediction: PredictionLike | None, part: Part, clicks: ClickSequence
) -> Click | None:
    mask = np.zeros_like(wanted)
    if prediction is not None:
        mask = _mask(prediction, part, Box(0, 0, *wanted.shape))
    found = correction(wanted, mask, [click.pixel for click in clicks])
    return None if found is None else Click(found.row, found.column, found.positive)


def _read(path: Path) -> Any:
    if path.suffix == ".zarr" or path.is_dir():
        import dask.array as da

        return da.from_zarr(str(path))
    return read_image(path)
