"""How large the voxels of a file are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_fclick.core.files import write_labels
from napari_fclick.core.voxels import VoxelSize, voxel_size

STACK = np.zeros((4, 6, 8), np.uint8)
OME = {f"PhysicalSize{axis}": size for axis, size in zip("ZYX", (3.0, 0.5, 0.25), strict=True)}


@pytest.mark.parametrize("unit", ["um", "micron", "\\u00B5m"])
def test_imagej(tmp_path: Path, unit: str) -> None:
    path = tmp_path / "a.tif"
    metadata = {"axes": "ZYX", "spacing": 3.0, "unit": unit}
    tifffile.imwrite(path, STACK, imagej=True, resolution=(4.0, 2.0), metadata=metadata)
    assert voxel_size(path) == VoxelSize(3.0, 0.5, 0.25, "µm")


@pytest.mark.parametrize(
    ("metadata", "unit"),
    [({}, "µm"), ({f"PhysicalSize{axis}Unit": "nm" for axis in "ZYX"}, "nm")],
)
def test_ome(tmp_path: Path, metadata: dict[str, Any], unit: str) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, ome=True, metadata={"axes": "ZYX"} | OME | metadata)
    assert voxel_size(path) == VoxelSize(3.0, 0.5, 0.25, unit)


def test_what_we_write_ourselves(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_labels(path, STACK, (2.0, 1.0, 1.0), "mm")
    found = voxel_size(path)
    assert found == (2.0, 1.0, 1.0, "mm") and found.spacing == (2.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"PhysicalSizeY": 0.5, "PhysicalSizeX": 0.5},
        OME | {"PhysicalSizeZ": 0.0},
        OME | {"PhysicalSizeZUnit": "nm"},
    ],
)
def test_what_does_not_tell(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, ome=True, metadata={"axes": "ZYX"} | wrong)
    assert voxel_size(path) is None


def test_other_files_do_not_tell(tmp_path: Path) -> None:
    plain, array = tmp_path / "a.tif", tmp_path / "a.npy"
    tifffile.imwrite(plain, STACK)
    np.save(array, STACK)
    assert voxel_size(plain) is None and voxel_size(array) is None


def test_ome_without_pixels_does_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    text = '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"></OME>'
    tifffile.imwrite(path, STACK, description=text, metadata=None)
    assert voxel_size(path) is None


def test_of_a_plane_the_size_along_rows_and_columns_is_enough(tmp_path: Path) -> None:
    plane = np.zeros((4, 5), np.uint16)
    ome, imagej = tmp_path / "a.ome.tif", tmp_path / "b.tif"
    sizes = {"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}
    units = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(ome, plane, metadata={"axes": "YX"} | sizes | units)
    tifffile.imwrite(
        imagej, plane, imagej=True, resolution=(4, 2), metadata={"unit": "um", "axes": "YX"}
    )
    assert voxel_size(ome) == (1.0, 0.5, 0.25, "nm")
    assert voxel_size(imagej) == (1.0, 0.5, 0.25, "µm")
    tifffile.imwrite(ome, np.zeros((3, 4, 5), np.uint16), metadata={"axes": "ZYX"} | sizes | units)
    assert voxel_size(ome) is None  # how far slices are apart is not known
