"""What is asked of a fine-tuning in another process, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_fclick.core.object_sets import Plane
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.sessions import from_sessions
from napari_fclick.finetuning.sources import (
    LabelledData,
    LabelledImage,
    combine,
    from_array,
    from_folder,
)


class StoredArrays(BaseModel):
    """An image and its labels as ``.npy`` files, of the planes that are learned from.

    Attributes
    ----------
    image, labels : Path
        Of one plane after the other.
    name, digest, linked, slices
        See `LabelledImage`: they are those of the whole image, which is not stored.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: Path
    labels: Path
    name: str
    digest: str
    linked: bool
    slices: tuple[tuple[int, ...], ...]

    def read(self) -> LabelledImage:
        """Return it, memory-mapped."""
        told = self.model_dump(exclude={"image", "labels"})
        planes = zip(_open(self.image), _open(self.labels), strict=True)
        return LabelledImage(planes=tuple(Plane(*each) for each in planes), **told)


class Request(BaseModel):
    """A fine-tuning: on what, how, and where its weights go.

    Attributes
    ----------
    name : str
        Of the data set, where it has no folder of its own.
    folders, sessions : tuple of Path
    arrays : tuple of StoredArrays
    options : FineTuneOptions
    out : Path
        A ``.safetensors`` file.
    scratch : Path or None
        A folder for temporary files. Who asks removes it; if that one is gone, the process does.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = "layers"
    folders: tuple[Path, ...] = ()
    sessions: tuple[Path, ...] = ()
    arrays: tuple[StoredArrays, ...] = ()
    options: FineTuneOptions = FineTuneOptions()
    out: Path
    scratch: Path | None = None

    def load(self) -> LabelledData:
        """Read all of it.

        Raises
        ------
        ValueError
            If there is nothing.
        FileNotFoundError
            If a folder or an array is missing.
        """
        parts = [from_folder(folder) for folder in self.folders]
        if self.sessions:
            parts.append(from_sessions(self.sessions, self.name))
        if self.arrays:
            parts.append(LabelledData(self.name, tuple(each.read() for each in self.arrays)))
        return combine(parts)


def store_arrays(folder: Path, arrays: Iterable[tuple[str, Any, Any]]) -> tuple[StoredArrays, ...]:
    """Write what is learned from of images and labels for another process to read.

    Parameters
    ----------
    folder : Path
        Made where it is missing; the caller removes it when the process has ended.
    arrays : iterable of (name, image, labels)

    Raises
    ------
    ValueError
        If they cannot be learned from; see `from_array`.
    OSError
        If they cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_store(folder, n, from_array(*each)) for n, each in enumerate(arrays))


def _store(folder: Path, number: int, image: LabelledImage) -> StoredArrays:
    paths = folder / f"{number}-image.npy", folder / f"{number}-labels.npy"
    for path, planes in zip(paths, zip(*image.planes, strict=True), strict=True):
        _write(path, planes)
    return StoredArrays(
        image=paths[0],
        labels=paths[1],
        name=image.name,
        digest=image.digest,
        linked=image.linked,
        slices=image.slices,
    )


def _write(path: Path, planes: Sequence[NDArray[Any]]) -> None:
    """Write planes of one shape and type as one array.

    Plane by plane, as a copy of all of them might not fit in memory; and not through a memory map,
    where a full disk ends the program instead of raising an error.
    """
    dtype = planes[0].dtype
    header = {
        "descr": np.lib.format.dtype_to_descr(dtype),
        "fortran_order": False,
        "shape": (len(planes), *planes[0].shape),
    }
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for plane in planes:
            file.write(np.ascontiguousarray(plane, dtype).data)


def _open(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)
