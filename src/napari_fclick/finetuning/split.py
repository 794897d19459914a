"""Which images are held back: chosen once, by content, and kept with the data."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, ValidationError

from napari_fclick.core.files import replacing
from napari_fclick.finetuning.sources import LabelledData, LabelledImage

FILE = "fclick-split.json"
#: Of so many images with objects one is held back, two at least of four.
ONE_IN = 4


@dataclass(frozen=True)
class Split:
    """Which images are learned from and which are held back.

    Attributes
    ----------
    training, validation : tuple of str
        Digests of images. Duplicates have one digest, and are on one side therefore.
    messages : tuple of str
        What the user should know.
    path : Path or None
        Where it is kept.
    """

    training: tuple[str, ...]
    validation: tuple[str, ...]
    messages: tuple[str, ...] = ()
    path: Path | None = None

    def choose(self, data: LabelledData, side: Sequence[str]) -> tuple[LabelledImage, ...]:
        """Return the images of one side."""
        return tuple(image for image in data.images if image.digest in side)


class _Kept(BaseModel):
    """What is in the file.

    Attributes
    ----------
    sides : dict of str to bool
        By digest, whether an image is held back.
    names : dict of str to str
        What each image's digest was.
    """

    model_config = ConfigDict(extra="forbid")

    sides: dict[str, bool] = {}
    names: dict[str, str] = {}


def wanted(images: int) -> int:
    """Return how many of so many different images are held back."""
    if images < 3:
        return 0
    return 1 if images == 3 else max(2, round(images / ONE_IN))


def split_of(data: LabelledData, *, store: bool = True) -> Split:
    """Return which images are held back.

    Images that were seen before stay where they were; of new ones as many are held back as
    are missing to a quarter, those of the smallest hashes. An image file that was changed
    stays on its side. Only where held-back images were taken away may others take their place.

    Parameters
    ----------
    data : LabelledData
    store : bool
        Keep it; in the data's folder, or in the user's where that may not be written.

    Raises
    ------
    ValueError
        If the file that keeps it is damaged.
    """
    kept, path = _read(data)
    usable = [image for image in data.images if image.has_objects]
    sides, messages = _known(kept, usable)
    digests = sorted({image.digest for image in usable}, key=_order)
    new = [d for d in digests if d not in sides]
    missing = wanted(len(digests)) - sum(sides.values())
    for digest in new:
        sides[digest] = missing > 0
        missing -= 1
    messages += _refill(sides, digests)
    kept.sides |= sides
    kept.names |= {image.name: image.digest for image in usable}
    if store:
        path = _write(data, kept)
    held = [d for d in digests if sides[d]]
    messages += _say(len(digests), len(held))
    return Split(tuple(d for d in digests if not sides[d]), tuple(held), tuple(messages), path)


def _known(kept: _Kept, images: Iterable[LabelledImage]) -> tuple[dict[str, bool], list[str]]:
    """Return the sides of images seen before, also of those whose file was changed."""
    sides, messages = {}, []
    for image in images:
        before = kept.names.get(image.name, image.digest)
        if image.digest in kept.sides:
            sides[image.digest] = kept.sides[image.digest]
        elif before in kept.sides:
            sides[image.digest] = kept.sides[before]
            messages.append(
                f"{image.name} is not the image it was: its pixels have changed since the last "
                f"time; it is still {'held back' if kept.sides[before] else 'learned from'}"
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
        f"{len(moved)} images that were learned from are held back from now on, since those that "
        "were held back are gone: figures cannot be compared with earlier ones"
    ]


def _say(images: int, held: int) -> list[str]:
    if not held:
        return [
            f"only {images} image{'s' if images != 1 else ''} with objects: none can be held back, "
            "so that nothing can be proved; three are needed, and more are better"
        ]
    if held == 1:
        return ["only one image is held back: what is found on it may not hold for others"]
    return []


def _order(digest: str) -> str:
    """Return what digests are sorted by; not the digest, which other things are sorted by."""
    return hashlib.sha256(f"split {digest}".encode()).hexdigest()


# --- the file ---------------------------------------------------------------------------


def _read(data: LabelledData) -> tuple[_Kept, Path | None]:
    for path in _places(data):
        if path.is_file():
            try:
                return _Kept.model_validate_json(path.read_text("utf-8")), path
            except (ValidationError, UnicodeDecodeError):
                raise ValueError(
                    f"{path} is damaged; without it other images will be held back: restore it, "
                    "or delete it to begin anew"
                ) from None
    return _Kept(), None


def _write(data: LabelledData, kept: _Kept) -> Path:
    text = kept.model_dump_json(indent=1) + "\n"
    *first, last = _places(data)
    for path in first:
        try:
            return _put(path, text)
        except OSError:
            continue  # read-only: the user's own folder takes it
    return _put(last, text)


def _put(path: Path, text: str) -> Path:
    if path.is_file() and path.read_text("utf-8") == text:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")
    return path


def user_folder() -> Path:
    """Return where splits are kept of data that has no folder of its own to write to."""
    return user_data_path("napari-fclick", appauthor=False) / "splits"


def _places(data: LabelledData) -> list[Path]:
    """Return where it may be kept, the best place first."""
    if data.folder is None:
        plain = re.sub(r"[^\w.-]+", "-", data.name).strip("-.")[:60] or "data"
        return [user_folder() / f"{plain}.json"]
    digest = hashlib.sha256(str(data.folder.resolve()).encode()).hexdigest()[:16]
    return [data.folder / FILE, user_folder() / f"{data.folder.name}-{digest}.json"]
