"""Rebuilding a session's objects from its clicks, with its own weights or with others."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from napari_fclick.core.arrays import Mask
from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.labels import OverlapPolicy, make_patch
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box, image_shape
from napari_fclick.evaluation.metrics import iou
from napari_fclick.evaluation.protocol import MOST_CLICKS
from napari_fclick.propagation import Carry, Kind, Propagation, Rules, Spacing, Stack
from napari_fclick.session.answers import mask_of, stored_mask
from napari_fclick.session.history import Commit
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.numbering import NumberedLabels, blocks_of
from napari_fclick.session.place import Place
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.stacks import others_in
from napari_fclick.session.starting import start_prediction
from napari_fclick.session.state import Answer, Part, PredictionLike, PredictorLike
from napari_fclick.session_image import SessionImage
from napari_fclick.training.simulation import correction

#: Name and sha256.
Weights = tuple[str, str]

#: A mask that agrees this well with the accepted one (IoU) would have been accepted.
CONTENT = 0.9


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
    weights : (str, str) or None
        Name and sha256 of those that answered then.
    """

    label: int
    part: Part
    iou: float
    slices: int = 1
    weights: Weights | None = None


@dataclass(frozen=True)
class Acceptance:
    """A mask that was accepted in one plane, and stands.

    Attributes
    ----------
    part : Part
    plane : array
        What was looked at.
    wanted : ndarray of bool
        The plane's pixels that it wrote.
    kept : ndarray of bool
        Those that other objects kept.
    weights : (str, str) or None
        Name and sha256 of the weights that answered.
    """

    part: Part
    plane: Any
    wanted: Mask
    kept: Mask
    weights: Weights | None


@dataclass(frozen=True)
class Replay:
    """A session made again.

    Attributes
    ----------
    masks : list of Replayed
        One an acceptance that stands, in order; of an object in a stack, one a clicked slice.
    labels : list of ndarray or zarr.Array
        One for each of the file's targets.
    differing : int
        Pixels of the labels that are not as they were.
    found : int
        Objects made again that no person clicked: they were found as they are like others.
    """

    masks: list[Replayed]
    labels: list[Any]
    differing: int
    found: int = 0


def replay(
    journal: Journal,
    image: Any,
    predictor: PredictorLike,
    others: Mapping[Weights, PredictorLike] | None = None,
) -> Replay:
    """Make a session's objects again from its clicks, in the order they were accepted.

    Parameters
    ----------
    journal : Journal
    image : SessionImage or array
        The whole image, of as many dimensions as the labels, and channels.
    predictor : PredictorLike
    others : mapping of (str, str) to PredictorLike, optional
        Those that are to make the objects which certain weights made, by name and sha256.

    Raises
    ------
    JournalError
        If the file is damaged.
    """
    known, others = journal.targets, others or {}
    then = [NumberedLabels(target.empty()) for target in known]
    now = [target.empty() for target in known]
    commits = journal.restore(then).commits
    _write_first(commits, then, now)
    masks, found = [], 0
    for commit in commits:
        found += sum(part.kind is Kind.FOUND for part in commit.parts)
        labels = now[then.index(commit.target)]
        for patch in commit.patches:
            patch.explain(commit.target.labels, labels)
            patch.impose(commit.target.labels, after=True)
        weights = journal.circumstances(commit).weights
        answering = predictor if weights is None else others.get(weights, predictor)
        made = _again(commit, labels, _seen(image, commit), answering)
        masks += [replace(each, weights=weights) for each in made]
    differing = sum(_differing(a.labels, b) for a, b in zip(then, now, strict=True))
    return Replay(masks, now, differing, found)


def clicks_needed(predictor: PredictorLike, accepted: Acceptance) -> int:
    """Return how many clicks a predictor needs until its mask agrees with an accepted one.

    The person's own clicks are tried first, in their order; where they are used up, clicks
    in the middle of the largest error follow. The predictor is asked as it was then: with the same
    limits and typical side, from the same start. The clicks that stand for a start count nothing,
    and where it agrees already none is needed.

    Parameters
    ----------
    predictor : PredictorLike
    accepted : Acceptance
    """
    part, plane, wanted = accepted.part, accepted.plane, accepted.wanted
    prediction = _start(part, plane)
    clicks = ClickSequence() if prediction is None else prediction.clicks
    own = iter(own_clicks(part))
    mask = np.zeros_like(wanted) if prediction is None else _written(prediction, accepted)
    for number in range(MOST_CLICKS):  # after so many nobody would go on
        if iou(wanted, mask) >= CONTENT:
            return number
        click = next(own, None) or _next_click(wanted, mask, clicks)
        if click is None:
            return number
        clicks = clicks.add(click)
        asked = _asked(part, len(clicks))
        prediction = predictor.predict(
            plane,
            clicks,
            prediction,
            limits=asked.limits,
            typical_side=asked.typical_side,
            bias=asked.bias,
        )
        mask = _written(prediction, accepted)
    return MOST_CLICKS


def own_clicks(part: Part) -> tuple[Click, ...]:
    """Return the clicks of a part that a person made: those after what it began with."""
    begun = 0 if part.start is None else len(part.start.clicks)
    return tuple(part.clicks)[begun:]


def acceptances(journal: Journal, image: Any) -> Iterator[Acceptance]:
    """Yield each acceptance that stands.

    Of an object that was accepted in a stack, each slice that a person clicked is yielded: the
    others took no clicks.

    Parameters
    ----------
    journal : Journal
    image : SessionImage or array
        The whole image.

    Raises
    ------
    JournalError
        If the file is damaged.
    """
    targets = [NumberedLabels(target.empty()) for target in journal.targets]
    for commit in journal.restore(targets).commits:
        record, labels = commit.accepted, commit.target.labels
        parts = _clicked(commit)
        for patch in commit.patches:
            patch.impose(labels, after=False)
        before = [np.array(plane_of(labels, part)) for part in parts]
        for patch in commit.patches:
            patch.impose(labels, after=True)
        for part, held in zip(parts, before, strict=True):
            assert record is not None  # it has parts
            kept = (held != 0) & (held != record.label)
            if part.settings.policy is OverlapPolicy.REPLACE:
                kept[:] = False
            yield Acceptance(
                part,
                plane_of(_seen(image, commit), part),
                np.asarray(plane_of(labels, part) == record.label),
                kept,
                journal.circumstances(commit).weights,
            )


def plane_of(image: Any, part: Part) -> Any:
    """Return the plane of an image that a part lies in."""
    return plane_at(image, part.place)


def plane_at(image: Any, place: Place) -> Any:
    """Return the plane of an image at a place."""
    return image[place.where(slice(None), slice(None))]


# --- helpers ----------------------------------------------------------------------------


def _seen(image: Any, commit: Commit) -> Any:
    return image.seen_in(commit) if isinstance(image, SessionImage) else image


def _write_first(commits: list[Commit], then: list[NumberedLabels], now: list[Any]) -> None:
    """Put into both labels what was in them before the first commit."""
    for commit in reversed(commits):
        for patch in reversed(commit.patches):
            patch.impose(commit.target.labels, after=False)
    for target, labels in zip(then, now, strict=True):
        for block in blocks_of(labels):
            labels[block] = target.labels[block]


def _differing(one: Any, other: Any) -> int:
    """Return how many pixels of two labels differ."""
    return sum(int(np.count_nonzero(one[b] != other[b])) for b in blocks_of(other))


def _again(commit: Commit, labels: Any, image: Any, predictor: PredictorLike) -> Iterator[Replayed]:
    record = commit.accepted
    if record is None:
        for old, new in commit.renumbered.items():
            _renumber(commit, labels, old, new)
        return
    if commit.stack is None:
        part = record.parts[-1]
        prediction = _predict(predictor, plane_of(image, part), part)
        masks = {part.place: stored_mask(prediction, part.settings)}
    else:
        masks = _carried(commit, commit.stack, labels, image, predictor)
        for index in commit.stack.absent:
            where = record.place.moved(commit.stack.axis, index).where(slice(None), slice(None))
            plane = labels[where]
            labels[where] = np.where(plane == record.label, 0, plane)
    agreement = _write(commit, record.label, labels, masks)
    for part in _clicked(commit):
        yield Replayed(record.label, part, agreement, len(commit.parts))


def _clicked(commit: Commit) -> list[Part]:
    return [part for part in commit.parts if part.by_person]


def _carried(
    commit: Commit, run: StackRun, labels: Any, image: Any, predictor: PredictorLike
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
        mask = stored_mask(prediction, part.settings)
        if mask is not None:
            again.set_keyframe(part.place.position(axis), part.clicks, mask, prediction)
    for index in run.absent:
        again.set_absent(index)
    if not any(each.mask for each in again.slices.values()):
        return {}
    if run.complete:
        deque(again.run(), maxlen=0)
        return {place.moved(axis, index): each.mask for index, each in again.slices.items()}
    # It was broken off: what came later, such as from the other side, was never seen.
    kinds = {part.place.position(axis): part.kind for part in commit.parts}
    kept = {i: each.mask for i, each in again.slices.items() if i in kinds}
    for each in again.run():
        if kinds.get(each.index) is each.kind:
            kept[each.index] = each.mask
            del kinds[each.index]
    kept |= {i: each.mask for i, each in again.slices.items() if i in kinds}
    return {place.moved(axis, index): mask for index, mask in kept.items()}


def _rules(run: StackRun) -> Rules:
    """Return the rules; of a run that was broken off, only what was accepted is made again."""
    rules = Rules(**run.rules)
    if run.complete or not run.slices:
        return rules
    return rules.model_copy(update={"first": min(run.slices), "last": max(run.slices)})


def _write(commit: Commit, label: int, labels: Any, masks: dict[Place, StoredMask | None]) -> float:
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
        region = place.where(*box.slices)
        wanted = np.zeros_like(labels[region], bool) if mask is None else mask.within(box)
        patch = make_patch(labels, wanted, region, label, policy)
        patch.apply(labels)
        then = np.asarray(commit.target.labels[region]) == label
        common += int(np.count_nonzero(then & (patch.after == label)))
        either += int(np.count_nonzero(then | (patch.after == label)))
    return common / either if either else 1.0


def _renumber(commit: Commit, labels: Any, old: int, new: int) -> None:
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
            bias=answer.bias,
        )
    if prediction is None:
        raise JournalError(f"an object at {part.box} was accepted without a prediction")
    return prediction


def _asked(part: Part, clicks: int) -> Answer:
    """Return what was asked with so many clicks; with more than there were, what was asked last."""
    later = (answer for answer in part.answers if answer.clicks >= clicks)
    return next(later, part.answers[-1] if part.answers else Answer(clicks))


def _mask(prediction: PredictionLike, part: Part, box: Box) -> Mask:
    """Return the mask, with the settings of the part, of the pixels in a box."""
    out = np.zeros(box.shape, bool)
    out[Box.of(*prediction.window).within(box)] = mask_of(prediction, part.settings).mask
    return out


def _written(prediction: PredictionLike, accepted: Acceptance) -> Mask:
    """Return what would be written of a prediction: what others kept, they keep."""
    mask = _mask(prediction, accepted.part, Box(0, 0, *accepted.wanted.shape))
    return np.asarray(mask & ~accepted.kept)


def _next_click(wanted: Mask, mask: Mask, clicks: ClickSequence) -> Click | None:
    found = correction(wanted, mask, [click.pixel for click in clicks])
    return None if found is None else Click(found.row, found.column, found.positive)
