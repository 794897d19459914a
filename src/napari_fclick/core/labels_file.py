"""The file of an image's labels, which is not replaced by what lacks others' objects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_fclick.core.files import MOST_AXES, TIFF_SUFFIXES, write_labels
from napari_fclick.core.folders import ImagePair, label_files, load_pair, stem_of
from napari_fclick.core.object_sets import Plane


class LabelsFile:
    """The labels of one image in a folder of labels: read once, then written as often as needed.

    A TIFF of the image's name is written anew. Labels of another kind, such as PNG, stay as they
    are: a TIFF beside them is what is read from then on.

    Parameters
    ----------
    folder : Path
        Of the labels; it is made when it is needed.
    image : Path

    Attributes
    ----------
    path : Path
        Where labels are written.
    found : Path or None
        Where they were when this was made.
    """

    def __init__(self, folder: Path, image: Path) -> None:
        self._image = image
        self.found = label_files(folder).get(stem_of(image))
        written = self.found is not None and self.found.suffix.lower() in TIFF_SUFFIXES
        self.path = self.found if written and self.found else folder / f"{image.stem}.tif"
        self._known: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """What it is called in messages."""
        return f"{self.path.parent.name}/{self.path.name}"

    def read(self) -> Plane:
        """Return the image and the labels that were found.

        Raises
        ------
        OSError, ValueError
            If one cannot be read, or they do not belong together: see `load_pair`.
        """
        if self.found is None:
            raise FileNotFoundError(f"no labels of {self._image.name} in {self.path.parent}")
        before = _state(self.path)
        plane = load_pair(ImagePair(self._image, self.found), MOST_AXES)
        self._known = before
        return plane

    def check(self, *, whole: bool) -> None:
        """Refuse to write where something would be lost that others wrote.

        Parameters
        ----------
        whole : bool
            Whether what is to be written was begun with the labels that were read.

        Raises
        ------
        ValueError
            That says what to do about it.
        """
        for file in dict.fromkeys((self.found, self.path)):
            if file is not None and not whole and _state(file) is not None:
                raise ValueError(
                    f"{file.parent.name}/{file.name} holds labels that are not in this layer: "
                    "move that file elsewhere, or remove the layer to leave the file as it is"
                )
        if _state(self.path) not in (None, self._known):
            raise ValueError(
                f"{self.name} was changed by another program since it was opened: move that file "
                "elsewhere, or remove the layer to leave the file as it is"
            )

    def write(
        self, labels: NDArray[Any], spacing: tuple[float, ...] = (), unit: str | Sequence[str] = ""
    ) -> None:
        """Write labels, at once or not at all; the folder is made where it is missing.

        Raises
        ------
        OSError, ValueError
            See `write_labels`.
        """
        self.path.parent.mkdir(exist_ok=True)
        write_labels(self.path, labels, spacing, unit)
        self._known = _state(self.path)


def _state(path: Path) -> tuple[int, int] | None:
    """Return what changes with a file; None where there is none."""
    try:
        known = path.stat()
    except FileNotFoundError:
        return None
    return known.st_mtime_ns, known.st_size
