"""The image that a session file is about, as its objects were looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.core.channels import stack_channels
from napari_fclick.core.files import read_image
from napari_fclick.session.history import Commit
from napari_fclick.session.journal import Journal, JournalError
from napari_fclick.session.resuming import check_image
from napari_fclick.session.signature import Channels, Signature


class SessionImage:
    """An image, and the others that a session looked at together with it, now and then.

    Parameters
    ----------
    journal : Journal
    image : array
        The whole image.

    Attributes
    ----------
    base : array
        The image alone.

    Raises
    ------
    JournalError
        If one of the others is not there, or has another shape.
    """

    def __init__(self, journal: Journal, image: Any) -> None:
        self._journal, self.base = journal, image
        sources = {source for seen in journal.channels for source in seen.sources}
        missing = sorted(s or "(no file)" for s in sources if not s or not Path(s).exists())
        if missing:
            raise JournalError(
                f"{journal.path}: channels that the session looked at are not there: "
                f"{', '.join(missing)}"
            )
        self._others = {source: _read(Path(source)) for source in sources}
        shapes = {tuple(np.shape(each)) for each in (image, *self._others.values())}
        if len(shapes) > 1:
            raise JournalError(f"{journal.path}: its channels have the shapes {sorted(shapes)}")

    def seen_in(self, commit: Commit) -> Any:
        """Return the image, with the channels that were on when objects were accepted."""
        return self._with(self._journal.circumstances(commit).channels)

    @property
    def last(self) -> Any:
        """The image, with the channels that were on last."""
        known = self._journal.channels
        return self._with(known[-1] if known else Channels())

    def _with(self, channels: Channels) -> Any:
        if not channels.sources:
            return self.base
        others = [self._others[source] for source in channels.sources]
        return ImageChannels([self.base, *others], channels.limits)


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


def _read(path: Path) -> Any:
    if path.suffix == ".zarr" or path.is_dir():
        import dask.array as da

        return da.from_zarr(str(path))
    return read_image(path)
