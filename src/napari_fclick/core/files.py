"""Image files in, masks out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

TIFF_SUFFIXES = (".tif", ".tiff")
SUFFIXES = (*TIFF_SUFFIXES, ".png", ".jpg", ".jpeg", ".bmp", ".npy")


def read_image(path: Path) -> NDArray[Any]:
    """Read an image file.

    Parameters
    ----------
    path : Path
        Of one of `SUFFIXES`.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is of another kind, or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: cannot read {suffix!r} files; allowed are {', '.join(SUFFIXES)}")
    try:
        return _read(path, suffix)
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise ValueError(f"{path} cannot be read as an image: {reason}") from None


def write_mask(path: Path, mask: NDArray[Any]) -> None:
    """Write a mask or labels as a compressed TIFF, at once or not at all.

    Raises
    ------
    ValueError
        If the path does not end in ``.tif`` or ``.tiff``.
    """
    check_mask_path(path)
    partial = path.with_name(path.name + ".partial")
    tifffile.imwrite(partial, mask, compression="zlib")
    partial.replace(path)


def check_mask_path(path: Path) -> None:
    """Refuse a path to which no mask can be written; see `write_mask`.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        raise ValueError(f"{path}: masks are written as .tif or .tiff")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"no folder {path.parent} to write {path.name} to")


def _read(path: Path, suffix: str) -> NDArray[Any]:
    if suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    if suffix in TIFF_SUFFIXES:
        return np.asarray(tifffile.imread(path))
    from skimage import io

    return np.asarray(io.imread(path))
