"""What is asked of a fine-tuning in another process, as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.sources import (
    LabelledData,
    combine,
    from_arrays,
    from_folder,
    from_sessions,
)


class StoredArrays(BaseModel):
    """An image and its labels as ``.npy`` files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    image: Path
    labels: Path


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
            If there is nothing, or arrays do not fit together.
        FileNotFoundError
            If a folder or an array is missing.
        """
        parts = [from_folder(folder) for folder in self.folders]
        if self.sessions:
            parts.append(from_sessions(self.sessions, self.name))
        if self.arrays:
            read = [(a.name, _open(a.image), _open(a.labels)) for a in self.arrays]
            parts.append(from_arrays(read, self.name))
        return combine(parts)


def store_arrays(folder: Path, arrays: Iterable[tuple[str, Any, Any]]) -> tuple[StoredArrays, ...]:
    """Write images and labels for another process to read.

    Parameters
    ----------
    folder : Path
        Made where it is missing; the caller removes it when the process has ended.
    arrays : iterable of (name, image, labels)
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(_store(folder, number, *each) for number, each in enumerate(arrays))


def _store(folder: Path, number: int, name: str, image: Any, labels: Any) -> StoredArrays:
    paths = folder / f"{number}-image.npy", folder / f"{number}-labels.npy"
    for path, array in zip(paths, (image, labels), strict=True):
        np.save(path, np.asarray(array), allow_pickle=False)
    return StoredArrays(name=name, image=paths[0], labels=paths[1])


def _open(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)
