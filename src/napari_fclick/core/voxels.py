"""How large the voxels of a file are, as the file says."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import tifffile

from napari_fclick.core.files import TIFF_SUFFIXES
from napari_fclick.core.units import symbol_of


class VoxelSize(NamedTuple):
    """The size of a voxel.

    Attributes
    ----------
    z, y, x : float
        Greater than 0.
    unit : str
        Its symbol in OME, such as ``µm``; empty where it is not known.
    """

    z: float = 1.0
    y: float = 1.0
    x: float = 1.0
    unit: str = ""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """From slice to slice, row to row and column to column."""
        return self[:3]


def voxel_size(path: Path) -> VoxelSize | None:
    """Return what an OME-TIFF, or a TIFF of ImageJ, says of its voxels; None where it does not.

    Parameters
    ----------
    path : Path
        Of a file that can be read.
    """
    if path.suffix.lower() not in TIFF_SUFFIXES:
        return None
    with tifffile.TiffFile(path) as file:
        found = None
        with suppress(KeyError, TypeError, ValueError, ZeroDivisionError, ElementTree.ParseError):
            if file.ome_metadata:
                found = _of_ome(file.ome_metadata)
            elif file.imagej_metadata:
                found = _of_imagej(file.imagej_metadata, file.pages.first.tags)
    if found is None or not all(0 < size < float("inf") for size in found.spacing):
        return None
    return found


def _of_ome(text: str) -> VoxelSize | None:
    pixels = ElementTree.fromstring(text).find(".//{*}Pixels")
    if pixels is None:
        return None
    flat = pixels.get("SizeZ") == "1"  # its height, if any is told, is nobody's
    names = [f"PhysicalSize{axis}" for axis in ("YX" if flat else "ZYX")]
    units = {symbol_of(pixels.get(f"{name}Unit", "µm")) for name in names}
    if len(units) > 1:  # lengths along the axes cannot be told together
        return None
    *depth, y, x = (float(pixels.attrib[name]) for name in names)
    z = depth[0] if depth else 1.0
    return VoxelSize(z, y, x, units.pop() or "")


def _of_imagej(metadata: Mapping[str, Any], tags: Any) -> VoxelSize:
    y, x = (
        denominator / numerator
        for numerator, denominator in (tags[f"{axis}Resolution"].value for axis in "YX")
    )
    # Its text may hold the sign of micro as an escape.
    unit = str(metadata["unit"]).replace("\\u00B5", "µ")
    depth = metadata["spacing"] if int(metadata.get("slices", 1)) > 1 else 1.0
    return VoxelSize(float(depth), y, x, symbol_of(unit) or "")
