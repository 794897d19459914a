"""The image that a session file is about, as its objects were looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from napari_fclick.core.channels import stack_channels
from napari_fclick.core.files import read_image
from napari_fclick.core.window import levels
from napari_fclick.session.history import Commit
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import check_image
from napari_fclick.session.signature import Channels, Signature


class SessionImage:
    """An image, and the others that a session looked at together with it, now and then.

    Parameters
    ----------
    journal : Journal
    image : array, or list of arrays
        The whole image; of a pyramid its levels, finest first.

    Attributes
    ----------
    base : array
        The image alone; of a pyramid the finest level.

    Raises
    ------
    JournalError
        If one of the others is not there, or has another shape.
    """

    def __init__(self, journal: Journal, image: Any) -> None:
        self._journal, self._levels = journal, list(levels(image))
        self.base = self._levels[0]
        sources = {source for seen in journal.channels for source in seen.sources}
        missing = sorted(s or "(no file)" for s in sources if not s or not Path(s).exists())
        if missing:
            raise JournalError(
                f"{journal.path}: channels that the session looked at are not there: "
                f"{', '.join(missing)}"
            )
        self._others = {source: _read(Path(source)) for source in sources}
        shapes = {tuple(each[0].shape) for each in (self._levels, *self._others.values())}
        if len(shapes) > 1:
            raise JournalError(f"{journal.path}: its channels have the shapes {sorted(shapes)}")

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
        others = [self._others[source] for source in channels.sources]
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


def open_image(journal: Journal, path: Path | None = None, insist: bool = False) -> SessionImage:
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
    return SessionImage(journal, image)


def _looked_at(pyramid: list[Any]) -> Any:
    return Pyramid(pyramid) if len(pyramid) > 1 else pyramid[0]


def _read(path: Path) -> list[Any]:
    """Return the levels of an image; most have one."""
    if path.suffix == ".zarr" or path.is_dir():
        return _read_zarr(path)
    return [read_image(path, as_stored=True)]  # as napari read it


def _read_zarr(path: Path) -> list[Any]:
    """Return a zarr array, or the levels of the first image of an OME-Zarr group."""
    import dask.array as da
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
