"""Which images are held back: chosen once, by content, and kept.

Of the images of a folder it is kept in that folder, of several folders in each. Of those from
elsewhere (layers, sessions) it is kept in one file of the user's, by content alone: which side an
image is on depends on itself and on what was stored, not on what a data set is called.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_fclick.core import places
from napari_fclick.core.folders import SPLIT_FILE
from napari_fclick.core.paths import replacing
from napari_fclick.core.words import counted
from napari_fclick.finetuning.sources import LabelledData, LabelledImage

logger = logging.getLogger(__name__)

#: Seconds to wait for others that choose at the same moment; choosing takes a fraction of one.
PATIENCE = 20.0
#: In the user's folder, of all images that are in no folder of data.
ELSEWHERE = "elsewhere.json"
#: Characters of a digest that tell images apart on a card.
SHORT = 16
#: Of so many images with objects one is held back; of few one of three, so that they can prove
#: something: up to so many held-back ones.
ONE_IN, ONE_IN_FEW, FEW = 4, 3, 4


@dataclass(frozen=True)
class Split:
    """Which images are learned from and which are held back.

    Attributes
    ----------
    training, validation : tuple of str
        Digests of images. Duplicates have one digest, and are on one side therefore.
    messages : tuple of str
        What the user should know.
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]
    messages: tuple[str, ...] = ()

    def choose(self, data: LabelledData, side: Sequence[str]) -> tuple[LabelledImage, ...]:
        """Return the images of one side."""
        return tuple(image for image in data.images if image.digest in side)

    def without(self, learned: Collection[str]) -> Split:
        """Return it less the held-back images that the base weights have learned from.

        They are on neither side: they prove nothing, and other runs still hold them back.

        Parameters
        ----------
        learned : collection of str
            Beginnings of digests, `SHORT` characters.
        """
        fair = tuple(digest for digest in self.validation if digest[:SHORT] not in learned)
        gone = len(self.validation) - len(fair)
        if not gone:
            return self
        text = (
            f"{counted(gone, 'held-back image')} cannot judge: the weights that it "
            "starts from have learned from them"
        )
        return replace(self, validation=fair, messages=(*self.messages, text))


class _Kept(BaseModel):
    """What is in the file.

    Attributes
    ----------
    sides : dict of str to bool
        By digest, whether an image is held back.
    names : dict of str to str
        What the digest of each of the folder's files was.
    """

    model_config = ConfigDict(extra="forbid")

    sides: dict[str, bool] = {}
    names: dict[str, str] = {}


def wanted(images: int) -> int:
    """Return how many of so many different images are held back."""
    if images < 3:
        return 0
    if images == 3:
        return 1
    return max(2, round(images / ONE_IN), min(math.ceil(images / ONE_IN_FEW), FEW))


def split_of(data: LabelledData, *, store: bool = True) -> Split:
    """Return which images are held back.

    Images that were seen before stay on their side, also where their file was changed since; one
    about which folders differ is held back. Of new images, in the order of their hashes, as many
    are held back as are missing (see `wanted`). A side changes later only where nothing would
    be left to learn from, or too little to judge by.

    Parameters
    ----------
    data : LabelledData
    store : bool
        Keep it.

    Raises
    ------
    ValueError
        If the file that keeps it is damaged.
    """
    with _alone() if store else nullcontext():
        return _split_of(data, store)


def _split_of(data: LabelledData, store: bool) -> Split:
    elsewhere = _read([user_folder() / ELSEWHERE])
    folders = dict.fromkeys(image.folder for image in data.images if image.folder)
    kept = {folder: _read(_places(folder)) for folder in folders}
    usable = [image for image in data.images if image.has_objects]
    sides, messages = _known(kept, elsewhere, usable)
    digests = sorted({image.digest for image in usable}, key=_order)
    new = [d for d in digests if d not in sides]
    missing = wanted(len(digests)) - sum(sides.values())
    for digest in new:
        sides[digest] = missing > 0
        missing -= 1
    messages += _refill(sides, digests) + _release(sides, digests)
    if store:
        _store(kept, elsewhere, usable, sides)
    held = [d for d in digests if sides[d]]
    messages += _say(len(digests), len(held))
    learned = tuple(d for d in digests if not sides[d])
    return Split(learned, tuple(held), tuple(messages))


def _known(
    kept: Mapping[Path, _Kept], elsewhere: _Kept, images: Iterable[LabelledImage]
) -> tuple[dict[str, bool], list[str]]:
    """Return the sides of images seen before, also of those whose file was changed."""
    sides: dict[str, bool] = {}
    messages = []
    for image in images:
        own = kept.get(image.folder) if image.folder else None
        before = own.names.get(image.file, "") if own else ""
        told = [each.sides[image.digest] for each in kept.values() if image.digest in each.sides]
        if not told and image.digest in elsewhere.sides:
            told = [elsewhere.sides[image.digest]]
        if told:
            sides[image.digest] = any(told)
        elif own and before in own.sides:
            sides[image.digest] = own.sides[before]
            messages.append(
                f"{image.name} is not the image it was: its pixels have changed since the last "
                f"time; it is still {'held back' if own.sides[before] else 'learned from'}"
            )
    return sides, messages


def _refill(sides: dict[str, bool], digests: Sequence[str]) -> list[str]:
    """Hold back images that were learned from, where too few are left."""
    least = min(wanted(len(digests)), 2)
    moved = []
    for digest in digests:
        if sum(sides.values()) >= least:
            break
        if not sides[digest]:
            sides[digest] = True
            moved.append(digest)
    if not moved:
        return []
    return [
        f"held back from now on: {counted(len(moved), 'image')} that a run has learned from, since "
        "those that were held back are gone: figures cannot be compared with earlier ones"
    ]


def _release(sides: dict[str, bool], digests: Sequence[str]) -> list[str]:
    """Learn from images that were held back, where nothing else is left to learn from."""
    if not digests or not all(sides[digest] for digest in digests):
        return []
    moved = digests[wanted(len(digests)) :]
    sides |= dict.fromkeys(moved, False)
    return [
        f"all images were held back so far; {counted(len(moved), 'image')} of them will be learned "
        "from: figures cannot be compared with earlier ones"
    ]


def _say(images: int, held: int) -> list[str]:
    if images and not held:
        return [
            f"only {counted(images, 'image')} with objects: none can be held back, "
            "so that nothing can be proved; three are needed, and more are better"
        ]
    if held == 1:
        return ["only one image is held back: what is found on it may not hold for others"]
    return []


def _order(digest: str) -> str:
    """Return what digests are sorted by; not the digest, which other things are sorted by."""
    return hashlib.sha256(f"split {digest}".encode()).hexdigest()


# --- the file ---------------------------------------------------------------------------


def _read(places: Sequence[Path]) -> _Kept:
    for path in places:
        if path.is_file():
            try:
                return _Kept.model_validate_json(path.read_text("utf-8"))
            except (ValidationError, UnicodeDecodeError):
                raise ValueError(
                    f"{path} is damaged; without it other images will be held back: restore it, "
                    "or delete it to begin anew"
                ) from None
    return _Kept()


def _store(
    kept: Mapping[Path, _Kept],
    elsewhere: _Kept,
    images: Sequence[LabelledImage],
    sides: Mapping[str, bool],
) -> None:
    """Keep the sides of each folder's images with it, and of all in the user's folder.

    What was held back stays so when it comes as a layer, or from a folder beside another one.
    """
    for folder, known in kept.items():
        here = [image for image in images if image.folder == folder]
        known.sides |= {image.digest: sides[image.digest] for image in here}
        known.names |= {image.file: image.digest for image in here}
        _write(_places(folder), known)
    elsewhere.sides |= sides
    try:
        _write([user_folder() / ELSEWHERE], elsewhere)
    except OSError:
        if any(image.folder is None for image in images):
            raise


@contextmanager
def _alone() -> Iterator[None]:
    """Have other processes wait that choose images to hold back, so that none is on both sides."""
    held = FileLock(user_folder() / f"{ELSEWHERE}.lock")
    try:
        user_folder().mkdir(parents=True, exist_ok=True)
        held.acquire(timeout=PATIENCE)
    except (Timeout, OSError, NotImplementedError) as error:
        # Where nothing can be locked, nothing can be kept either, or a home lies on a network.
        logger.warning("others may choose images to hold back at this moment: %s", error)
    try:
        yield
    finally:
        held.release()


def _write(places: Sequence[Path], kept: _Kept) -> None:
    text = kept.model_dump_json(indent=1) + "\n"
    *first, last = places
    for path in first:
        try:
            _put(path, text)
            return
        except OSError:
            continue  # read-only: the user's own folder takes it
    _put(last, text)


def _put(path: Path, text: str) -> None:
    if path.is_file() and path.read_text("utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


def user_folder() -> Path:
    """Return where splits are kept of data that has no folder of its own to write to."""
    return places.data_folder() / "splits"


def _places(folder: Path) -> list[Path]:
    """Return where a folder's may be kept, the best place first."""
    digest = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return [folder / SPLIT_FILE, user_folder() / f"{folder.name}-{digest}.json"]
