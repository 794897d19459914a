"""Going on where a session file ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from napari_fclick.core.labels import check_label
from napari_fclick.session.journal import DamagedError, Journal, JournalError
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.restoring import Restored, write_labels
from napari_fclick.session.signature import Signature
from napari_fclick.session.target import Target

#: Said of an image that is refused, where somebody may take it all the same.
INSISTING = "; it can be insisted on where the shape is the same"


class Opened(NamedTuple):
    """What a session file came to.

    Attributes
    ----------
    restored : Restored
    targets : list of NumberedLabels
        What was written into, one for each of the file's targets.
    conflicts : int
        Pixels that something else had changed, and that stay as they are.
    """

    restored: Restored
    targets: list[NumberedLabels]
    conflicts: int


def check_image(journal: Journal, image: Signature, insist: bool = False) -> None:
    """Refuse an image that a session file does not belong to.

    Raises
    ------
    JournalError
        Saying what differs; not where it is insisted on, unless the shapes differ.
    """
    known = journal.image
    problem = known.problem(image)
    if not problem and not (known.sampled and image.sampled):
        problem = "whether its pixels are the same is not known"
    if problem and not (insist and known.shape == image.shape):
        hint = "" if insist else INSISTING
        raise JournalError(f"{journal.path} belongs to another image: {problem}{hint}")


def reopen(
    journal: Journal,
    labels: Sequence[Any] | None = None,
    fresh: Iterable[int] | None = None,
) -> Opened:
    """Rebuild what a session had come to, labels included.

    Parameters
    ----------
    journal : Journal
    labels : sequence of array or NumberedLabels, optional
        What to write into, one for each of the file's targets; new arrays by default.
    fresh : iterable of int, optional
        Which of the labels were made empty for this; by default all, or none where labels
        are given.

    Raises
    ------
    JournalError
        If the file is damaged, or labels do not fit.
    """
    known = journal.targets
    if labels is None:
        labels, fresh = _empty(known), range(len(known))
    new = list(fresh or ())
    targets = [t if isinstance(t, NumberedLabels) else NumberedLabels(t) for t in labels]
    for target, wanted in zip(targets, known, strict=True):
        if target.shape != wanted.shape:
            raise JournalError(
                f"labels {wanted.name!r} have shape {wanted.shape}, not {target.shape}"
            )
    restored = journal.restore(targets)
    _check_numbers(restored, targets, known)
    try:
        conflicts = write_labels(restored.commits, [targets[number] for number in new])
    except (IndexError, TypeError, ValueError) as error:
        raise DamagedError(f"{journal.path} is damaged: {error}") from error
    for number in new:
        # Nothing but the objects is in them: the number of one that is undone is free again.
        targets[number].found((), targets[number].version)
    return Opened(restored, targets, conflicts)


def _check_numbers(
    restored: Restored, targets: Sequence[NumberedLabels], known: Sequence[Target]
) -> None:
    """Refuse labels that cannot hold the numbers of the objects that belong into them."""
    for target, wanted in zip(targets, known, strict=True):
        commits = [commit for commit in restored.commits if commit.target is target]
        highest = max((c.label for commit in commits for c in commit.changes), default=1)
        try:
            check_label(highest, np.dtype(target.labels.dtype))
        except ValueError as error:
            raise JournalError(
                f"labels {wanted.name!r} cannot hold object {highest}: convert them to "
                f"{wanted.dtype} first ({error})"
            ) from error


def _empty(known: Sequence[Target]) -> list[Any]:
    try:
        return [target.empty() for target in known]
    except MemoryError:
        shapes = ", ".join(str(target.shape) for target in known)
        raise JournalError(f"labels of {shapes} do not fit into memory") from None
