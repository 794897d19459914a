"""The image that a session file is about, as its objects were looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed

from napari_fclick.core.channels import stack_channels
from napari_fclick.core.files import SUFFIXES, read_image, turned
from napari_fclick.core.paths import is_hidden
from napari_fclick.core.window import levels
from napari_fclick.core.words import counted
from napari_fclick.session.history import Commit
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import check_image
from napari_fclick.session.signature import Channels, Signature, file_name

#: A file that a session looked at as a channel, and the how manieth image of that file.
_Key = tuple[str, int]
#: What folders hold that are zarr.
_ZARR = ("zarr.json", ".zgroup", ".zarray", ".zattrs")


class SessionImage:
    """An image, and the others that a session looked at together with it, now and then.

    Parameters
    ----------
    journal : Journal
    image : array, or list of arrays
        The whole image; of a pyramid its levels, finest first.
    channels : sequence of Path
        Where the others are now, as far as they were moved: known by their names, or given in the
        order in which the session came to look at them.
    beside : sequence of Path
        Folders in which they are looked for, too.

    Attributes
    ----------
    base : array
        The image alone; of a pyramid the finest level.

    Raises
    ------
    JournalError
        If one of the others is not there, or has another shape.
    """

    def __init__(
        self,
        journal: Journal,
        image: Any,
        channels: Sequence[Path] = (),
        beside: Sequence[Path] = (),
    ) -> None:
        self._journal, self._levels = journal, list(levels(image))
        self.base = self._levels[0]
        files = _located(journal, channels, beside)
        self._others: dict[_Key, list[Any]] = {}
        for file in set(files.values()):
            keys = sorted(key for key, its in files.items() if its == file)
            images = self._images(_read(file), file, len(keys))
            self._others |= dict(zip(keys, images, strict=True))

    def _images(self, pyramid: list[Any], file: Path, count: int) -> list[list[Any]]:
        """Return so many images of a file of channels, which may hold the session's own, too."""
        shape = tuple(self.base.shape)
        if tuple(pyramid[0].shape) == shape:
            return [pyramid] * count
        parts = list(_parts(pyramid, shape))
        if not parts:
            raise JournalError(
                f"{self._journal.path}: its channels have the shapes "
                f"{sorted({shape, tuple(pyramid[0].shape)})}"
            )
        if len(parts) > count:
            own = self._journal.image
            parts = [part for part in parts if own.problem(Signature.of(part))]
        if len(parts) != count:
            raise JournalError(
                f"{self._journal.path}: {file} holds {len(parts)} images that can be the {count} "
                "it looked at as channels; save each as a file of its own and say --channel FILE"
            )
        return parts

    def seen_in(self, commit: Commit) -> Any:
        """Return the image, with the channels that were on when objects were accepted.

        Of a pyramid, a plane is a list of its levels: a large window was looked at on a coarse one.
        """
        return self._with(self._journal.circumstances(commit).channels, _looked_at)

    @property
    def last(self) -> Any:
        """The image, with the channels that were on last; of a pyramid the finest level."""
        known = self._journal.channels
        return self._with(known[-1] if known else Channels(), lambda pyramid: pyramid[0])

    def _with(self, channels: Channels, look: Callable[[list[Any]], Any]) -> Any:
        others = [self._others[key] for key in _keys(channels)]
        images = [look(pyramid) for pyramid in (self._levels, *others)]
        return ImageChannels(images, channels.limits) if others else images[0]


class Pyramid:
    """The levels of an image; a plane of it is a list of the same plane of each.

    Parameters
    ----------
    levels : list of array
        Finest first.
    """

    def __init__(self, levels: list[Any]) -> None:
        self._levels = levels

    def __getitem__(self, where: tuple[slice | int, ...]) -> list[Any]:
        """Return a plane, given in the finest level: whole along its axes, a number for others."""
        return [level[self._on(level, where)] for level in self._levels]

    def _on(self, level: Any, where: tuple[slice | int, ...]) -> tuple[slice | int, ...]:
        fine, coarse = self._levels[0].shape, level.shape
        return tuple(
            part if isinstance(part, slice) else min(int(part * few / many), few - 1)
            for part, many, few in zip(where, fine, coarse, strict=False)
        )


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


def open_image(
    journal: Journal,
    path: Path | None = None,
    insist: bool = False,
    channels: Sequence[Path] = (),
) -> SessionImage:
    """Read the image that a session was about.

    It may be a part of what a file holds, such as one of its channels, or a stack of files: the
    one that has the session's pixels is taken.

    Parameters
    ----------
    journal : Journal
    path : Path, optional
        By default the file that the image was read from then, or one of its name beside the
        session. A folder is the stack of its files.
    insist : bool
        Take the image even if its pixels are not the same.
    channels : sequence of Path
        Where images are now that were looked at together with it, see `SessionImage`.

    Raises
    ------
    JournalError
        If there is no such file, or it is another image.
    """
    source = path or _source(journal)
    if not source.exists():
        raise JournalError(f"{journal.path}: its image {source} is not there; say --image FILE")
    whole = _read(source)
    found = _same(journal.image, whole, source) or whole
    _check(journal, found, whole, source, insist)
    beside = [source.parent, journal.path.parent]
    return SessionImage(journal, found, channels, beside)


# --- which files ------------------------------------------------------------------------


def _source(journal: Journal) -> Path:
    source = journal.image.source
    if not source:
        raise JournalError(f"{journal.path}: its image came from no file; say --image FILE")
    beside = journal.path.parent / file_name(source)
    if Path(source).exists() or not beside.exists():
        return Path(source)
    return beside


def _located(journal: Journal, given: Sequence[Path], beside: Sequence[Path]) -> dict[_Key, Path]:
    """Return where the files of channels are now.

    Those that are given are known by their names, or else stand for what is missing, and then for
    what is not, in the order in which the session came to look at it.
    """
    if absent := [str(path) for path in given if not path.exists()]:
        raise JournalError(f"{journal.path}: no file {', '.join(absent)} for its channels")
    keys = list(dict.fromkeys(key for seen in journal.channels for key in _keys(seen)))
    names = {path.name: path for path in given}
    named = {key: names[name] for key in keys if (name := file_name(key[0])) in names}
    others = [key for key in keys if key not in named]
    found = {key: path for key in others if (path := _there(key[0], beside)) is not None}
    order = sorted(others, key=lambda key: key in found)  # in their order otherwise
    rest = [path for path in given if path not in named.values()]
    if len(rest) > len(order):
        raise JournalError(
            f"{journal.path} looked at {counted(len(keys), 'channel')}: there is none "
            f"for {', '.join(map(str, rest[len(order) :]))}"
        )
    found |= dict(zip(order, rest, strict=False)) | named
    lost = dict.fromkeys(source or "(no file)" for source, n in keys if (source, n) not in found)
    if lost:
        raise JournalError(
            f"{journal.path}: channels that the session looked at are not there: "
            f"{', '.join(lost)}; say --channel FILE for each"
        )
    return found


def _there(source: str, beside: Sequence[Path]) -> Path | None:
    """Return a channel's file, or one of its name in a folder."""
    if not source:
        return None
    places = (Path(source), *(folder / file_name(source) for folder in beside))
    return next((place for place in places if place.exists()), None)


def _keys(channels: Channels) -> list[_Key]:
    """Return what tells the channels apart: several may come from one file."""
    sources = channels.sources
    return [(source, sources[:n].count(source)) for n, source in enumerate(sources)]


# --- which part of them -----------------------------------------------------------------


def _same(known: Signature, whole: list[Any], source: Path) -> list[Any] | None:
    """Return what has a session's pixels: the whole of a file, a part, or files beside it."""
    shape = tuple(whole[0].shape)
    if shape == known.shape or not known.sampled:
        return None
    candidates = _candidates(whole, known.shape, source)
    same = (each for each in candidates if not known.problem(Signature.of(each)))
    return next(same, None)


def _candidates(whole: list[Any], shape: tuple[int, ...], source: Path) -> Iterator[list[Any]]:
    """Yield what of a shape a file, or files beside it, may hold."""
    yield from _parts(whole, shape)
    if source.is_file() and shape[1:] == tuple(whole[0].shape):
        yield from _stacks(source, shape[0])
    if source.is_file() and source.suffix.lower() in SUFFIXES:
        # Where a folder is walked through, colours come last, however they are stored, and what
        # is labelled is turned as its labels are.
        pixels = read_image(source)
        yield [pixels]
        yield [turned(source, pixels)]


def _parts(pyramid: list[Any], shape: tuple[int, ...]) -> Iterator[list[Any]]:
    """Yield what an image with one more axis holds of a shape, such as its channels."""
    whole = tuple(pyramid[0].shape)
    for axis, count in enumerate(whole):
        if whole[:axis] + whole[axis + 1 :] == shape:
            before = (slice(None),) * axis
            yield from ([level[(*before, n)] for level in pyramid] for n in range(count))


def _stacks(first: Path, count: int) -> Iterator[list[Any]]:
    """Yield the stack of so many files, in the order of their names, that begins with one."""
    files = [file for file in _files(first.parent) if file.suffix == first.suffix]
    names = [file.name for file in files]
    begin = names.index(first.name) if first.name in names else 0
    if len(files) >= begin + count:
        yield [_stacked(files[begin : begin + count])]


def _check(
    journal: Journal, found: list[Any], whole: list[Any], source: Path, insist: bool
) -> None:
    known, shape = journal.image.shape, tuple(whole[0].shape)
    if found is whole and shape != known and abs(len(shape) - len(known)) == 1:
        raise JournalError(
            f"{journal.path}: its image has shape {known}, {source} has {shape}, and no part of it "
            "or stack with the files beside it has the same pixels; say --image FILE, or the "
            "folder of the stack's files"
        )
    check_image(journal, Signature.of(found), insist)


# --- reading ----------------------------------------------------------------------------


def _looked_at(pyramid: list[Any]) -> Any:
    return Pyramid(pyramid) if len(pyramid) > 1 else pyramid[0]


def _read(path: Path) -> list[Any]:
    """Return the levels of an image; most have one."""
    named = ".zarr" in str(path) and path.suffix.lower() not in SUFFIXES
    if named or any((path / name).exists() for name in _ZARR):
        return _read_zarr(path)
    if not path.is_dir():
        return [read_image(path, as_stored=True)]  # as napari read it
    files = _files(path)
    if not files:
        raise JournalError(f"{path} holds no image that can be read; say --image FILE")
    return [_stacked(files)]


def _files(folder: Path) -> list[Path]:
    """Return a folder's images as napari orders them: numbers in names by their size."""
    files = [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file()]
    shown = [file for file in files if not is_hidden(file)]
    return sorted(shown, key=lambda file: _natural(file.name))


def _natural(name: str) -> list[int | str]:
    """Return the parts of a name, each second one a number; other scripts' digits are letters."""
    parts = re.split("([0-9]+)", name)
    return [int(part) if number % 2 else part for number, part in enumerate(parts)]


def _stacked(files: Sequence[Path]) -> Any:
    """Return images, one behind the other, each read when it is asked for; one is itself."""
    first = read_image(files[0], as_stored=True)
    if len(files) == 1:
        return first
    return da.stack([_lazily(file, first) for file in files])


def _lazily(file: Path, like: Any) -> Any:
    read = delayed(_read_alike)(file, like.shape)
    return da.from_delayed(read, shape=like.shape, dtype=like.dtype)


def _read_alike(file: Path, shape: tuple[int, ...]) -> Any:
    pixels = read_image(file, as_stored=True)
    if pixels.shape != shape:
        raise ValueError(f"{file} has shape {pixels.shape}, the first of its stack {shape}")
    return np.asarray(pixels)


def _read_zarr(path: Path) -> list[Any]:
    """Return a zarr array, or the levels of the first image of an OME-Zarr group."""
    import zarr

    try:
        store = zarr.open(path, mode="r")
        if isinstance(store, zarr.Array):
            return [da.from_zarr(store)]
        attributes: Any = store.attrs.get("ome", store.attrs)  # since OME-Zarr 0.5 below "ome"
        datasets = attributes["multiscales"][0]["datasets"]
        return [da.from_zarr(store[each["path"]]) for each in datasets]
    except (LookupError, OSError, TypeError, ValueError) as error:
        raise JournalError(
            f"{path} holds no image that can be read ({type(error).__name__}); say --image FILE "
            f"or an array such as {path / '0'}"
        ) from None
