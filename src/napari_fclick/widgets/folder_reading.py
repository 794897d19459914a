"""Reads a folder's images, one after the other until one can be read; for a thread of its own."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_fclick.core.files import axes_of, read_image
from napari_fclick.core.folders import ImageFolder, find_images, label_files, stem_of
from napari_fclick.core.labels_file import LabelsFile
from napari_fclick.core.voxels import VoxelSize, voxel_size
from napari_fclick.core.words import size_of


@dataclass(frozen=True)
class ImageRead:
    """An image as it was read, and its labels where there are any of use.

    Attributes
    ----------
    path : Path
    file : LabelsFile
    pixels : ndarray
    labels : ndarray or None
    problem : str
        Why there are none, where there is a file of them.
    voxel : VoxelSize or None
        How large its pixels are, where the file says so.
    """

    path: Path
    file: LabelsFile
    pixels: NDArray[Any]
    labels: NDArray[Any] | None = None
    problem: str = ""
    voxel: VoxelSize | None = None


@dataclass(frozen=True, eq=False)
class Aim:
    """Where to go: the images of a folder that are tried, by their numbers, until one opens.

    Attributes
    ----------
    folder : ImageFolder
    labelled : frozenset of str
        Stems of its images with labels.
    numbers : tuple of int
    unreadable : tuple of str
        What was wrong with those that were tried.
    """

    folder: ImageFolder
    labelled: frozenset[str]
    numbers: tuple[int, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The first of them."""
        return self.numbers[0]

    def after(self, problem: str) -> Aim:
        """Return what is left where the first cannot be read."""
        known = (*self.unreadable, self.short(problem))
        return replace(self, numbers=self.numbers[1:], unreadable=known)

    def short(self, problem: str) -> str:
        """Return a message without the folder, which everybody knows."""
        return problem.replace(f"{self.folder.folder}{os.sep}", "")

    def read(self) -> ImageRead:
        """Read the first image, and its labels where there are any of use.

        Raises
        ------
        OSError, ValueError
            If it cannot be read, or cannot be shown.
        """
        path = self.folder.images[self.number]
        file, problem = LabelsFile(self.folder.labels, path), ""
        if file.found is not None:
            try:
                plane = file.read()
                # A copy: the file, which may be mapped, is written anew.
                image, labels = np.asarray(plane.image), np.array(plane.labels)
            except (ValueError, OSError) as error:
                problem = self.short(str(error))
            else:
                _refuse_channels(path)
                return ImageRead(path, file, image, labels, voxel=voxel_size(path))
        pixels = read_image(path)
        _refuse_channels(path)
        if pixels.dtype.kind not in "buif" or pixels.ndim < 2 or not pixels.size:
            size = size_of(pixels.shape)
            raise ValueError(f"{path} holds no image: {size or 'one number'}, {pixels.dtype}")
        if pixels.ndim == 3 and pixels.shape[-1] == 2:
            raise ValueError(f"{path} has two channels: save each as a gray image, or both as RGB")
        return ImageRead(path, file, pixels, problem=problem, voxel=voxel_size(path))


def _refuse_channels(path: Path) -> None:
    """Refuse channels that would be taken for slices."""
    if "C" in (axes := axes_of(path))[:-1]:
        raise ValueError(
            f"{path} has channels (axes {axes}): save each as a gray image, or open it by "
            "itself and split its stack"
        )


def aim_at(folder: Path) -> Aim:
    """Return the images of a folder, the first without labels and those after it first.

    Raises
    ------
    OSError
        See `find_images`.
    """
    found = find_images(folder)
    labelled = frozenset(label_files(found.labels))
    count = range(len(found.images))
    first = next((n for n in count if stem_of(found.images[n]) not in labelled), 0)
    return Aim(found, labelled, (*count[first:], *reversed(count[:first])))
