"""Where session files are kept on their own, and which of them belong to an image."""

from __future__ import annotations

import re
import time
from contextlib import closing, suppress
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from napari_fclick.core import places
from napari_fclick.core.paths import same_file
from napari_fclick.session.journal import MOVED, SUFFIX, Journal
from napari_fclick.session.numbering import NumberedLabels
from napari_fclick.session.restoring import only_found
from napari_fclick.session.signature import Signature

#: So many files, the newest, are searched for sessions of an image, besides those of its name.
SEARCHED = 300


class Offer(NamedTuple):
    """A session of an image that could be resumed.

    Attributes
    ----------
    path : Path
    objects : int
        Accepted objects in it.
    time : float
        When it was written last, in seconds since the epoch.
    source : str
        The file that its image was read from; empty where there was none.
    labels : tuple of str
        The files of the labels that it wrote into; empty texts where they came from none.
    found : bool
        Whether it holds nothing but objects that were found, and that nobody has touched.
    """

    path: Path
    objects: int
    time: float
    source: str = ""
    labels: tuple[str, ...] = ()
    found: bool = False

    def is_of(self, source: str) -> bool:
        """Whether it is of the image in a file, be it that this was moved since.

        Parameters
        ----------
        source : str
            The image's file, as session files know it.
        """
        if same_source(self.source, source):
            return True
        before, now = Path(self.source), Path(source)
        known = bool(self.source and source)
        return known and before.name == now.name and not before.exists()


def same_source(one: str, other: str) -> bool:
    """Whether two files, as session files know them, are the same, however they are spelled."""
    return one == other or bool(one and other and same_file(Path(one), Path(other)))


def sessions_folder() -> Path:
    """Return the folder in which sessions are saved on their own."""
    return places.data_folder() / "sessions"


def new_path(name: str, folder: Path | None = None) -> Path:
    """Return a path, in the sessions' folder by default, that no file has.

    Parameters
    ----------
    name : str
        Of the image; what file systems do not like in it is left out.
    folder : Path, optional
    """
    folder = sessions_folder() if folder is None else folder
    stem = f"{_plain(name)}-{time.strftime('%Y%m%d-%H%M%S')}"
    endings = chain([""], (f"-{number}" for number in count(2)))
    return next(p for e in endings if not (p := folder / f"{stem}{e}{SUFFIX}").exists())


def _plain(name: str) -> str:
    """Return an image's name without what file systems do not like."""
    # Of long names the end: many have their beginning in common.
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[-60:].strip("-.") or "image"


def offers(image: Signature, folder: Path | None = None) -> list[Offer]:
    """Return the sessions of an image; files that cannot be read are passed over.

    Those with objects come before those without, and newer ones before older ones. For a
    session that was saved under another name, the file of that name is offered if it is there.

    Parameters
    ----------
    image : Signature
        With its sampled hash: by shape alone none is taken for the same.
    folder : Path, optional
        By default the one in which sessions are saved on their own, and the one for what could
        not be saved there.
    """
    folders = [sessions_folder(), places.rescue_folder()] if folder is None else [folder]
    paths = chain.from_iterable(_newest(each, image.name) for each in folders)
    found = [offer for path in paths if (offer := _offer(path, image)) is not None]
    unique = {offer.path.resolve(): offer for offer in found}.values()
    return sorted(unique, key=lambda offer: (offer.objects == 0, -offer.time))


def _newest(folder: Path, name: str) -> list[Path]:
    """Return the newest files of a folder, and all that are called as an image is."""
    dated: list[tuple[float, Path]] = []
    with suppress(OSError):
        for path in folder.glob(f"*{SUFFIX}"):
            with suppress(OSError):  # one that leads nowhere, or is gone by now, hides no others
                dated.append((path.stat().st_mtime, path))
    paths = [path for _, path in sorted(dated, reverse=True)]
    named = [path for path in paths[SEARCHED:] if path.name.startswith(f"{_plain(name)}-")]
    return paths[:SEARCHED] + named


def _offer(path: Path, image: Signature, before: frozenset[Path] = frozenset()) -> Offer | None:
    try:
        about = Journal.glance(path)  # most files are of other images
        known = Signature.model_validate_json(about.get("image", ""))
        if not (known.sampled and image.sampled) or known.problem(image):
            return None
        moved = Path(about[MOVED]) if about.get(MOVED) else None
        if moved is not None and moved not in before:
            elsewhere = _offer(moved, image, before | {path}) if moved.is_file() else None
            if elsewhere is not None:
                return elsewhere
        with closing(Journal.open(path, read_only=True)) as journal:
            if not journal.events:
                return None
            restored = journal.restore([NumberedLabels(None) for _ in journal.targets])
            labels = tuple(target.source for target in journal.targets)
            count, found = len(restored.objects), only_found(restored)
            return Offer(path, count, journal.last_time, known.source, labels, found)
    except (OSError, ValueError):  # JournalError among them
        return None
