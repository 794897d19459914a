"""Data sets of objects to segment: our own layout and the published ones, recognised by folder.

Volumes are cut into slices, and each object is one 2-D scene.
"""

from __future__ import annotations

from pathlib import Path

from napari_fclick.evaluation.datasets.base import DataSet, Item, Scene
from napari_fclick.evaluation.datasets.coco import Coco
from napari_fclick.evaluation.datasets.folders import Folders
from napari_fclick.evaluation.datasets.photographs import Berkeley, Davis, DavisFrames, GrabCut
from napari_fclick.evaluation.datasets.voc import Sbd, Voc

__all__ = ["LAYOUTS", "DataSet", "Item", "Scene", "open_dataset"]

#: The first that fits a folder is taken.
LAYOUTS: tuple[type[DataSet], ...] = (
    Folders,
    GrabCut,
    Berkeley,
    Davis,
    DavisFrames,
    Voc,
    Sbd,
    Coco,
)


def open_dataset(folder: Path) -> DataSet:
    """Open a data set in whichever layout its folder has.

    Parameters
    ----------
    folder : Path
        With ``:PART`` at its end only a part of the objects, as in ``COCO:seen``.

    Raises
    ------
    FileNotFoundError
        If there is no such folder, or its layout is not known: all known ones are listed.
    ValueError
        If what the layout promises is missing or cannot be read.
    """
    part = ""
    if not folder.is_dir() and ":" in folder.name:
        name, _, part = folder.name.rpartition(":")
        if not part:
            raise ValueError(f"{folder} names no part after its colon")
        folder = folder.with_name(name)
    if not folder.is_dir():
        raise FileNotFoundError(f"no folder {folder}")
    for layout in LAYOUTS:
        root = layout.find(folder)
        if root is not None:
            name = folder.resolve().name
            if not part:
                return layout(root, name)
            found = layout(root, f"{name}:{part}")
            found.choose(part)
            return found
    known = "; ".join(f"{each.title}: {each.looks_like}" for each in LAYOUTS)
    raise FileNotFoundError(f"{folder} has no layout that is known. Known are {known}")
