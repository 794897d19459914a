"""Small sets of images for the tests of training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import scipy.io
import tifffile
from PIL import Image

SIDE = 64


def write_folder(folder: Path, images: int = 6) -> Path:
    """Write images of a bright square on noise, and their labels."""
    rng = np.random.default_rng(0)
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for stem in range(images):
        labels = np.zeros((SIDE, SIDE), np.uint16)
        labels[16:48, 16:48] = 1
        image = labels * 100 + rng.integers(0, 20, labels.shape)
        tifffile.imwrite(folder / f"images/{stem}.tif", image.astype(np.uint8))
        tifffile.imwrite(folder / f"labels/{stem}.tif", labels)
    return folder


def photograph(seed: int) -> np.ndarray:
    """Return a colour image of noise, (60, 80, 3)."""
    return np.random.default_rng(seed).integers(0, 255, (60, 80, 3)).astype(np.uint8)


def numbers() -> np.ndarray:
    """Return two objects and a void frame about the first, (60, 80)."""
    labels = np.zeros((60, 80), np.uint8)
    labels[8:32, 8:32] = 255
    labels[10:30, 10:30] = 1
    labels[25:55, 45:70] = 2
    return labels


def write_voc(root: Path, train: list[str], val: list[str]) -> Path:
    """Write VOC 2012 as it is published."""
    for part in ("JPEGImages", "SegmentationObject", "ImageSets/Segmentation"):
        (root / part).mkdir(parents=True)
    for seed, name in enumerate([*train, *val]):
        Image.fromarray(photograph(seed)).save(root / f"JPEGImages/{name}.jpg")
        indexed = Image.fromarray(numbers(), "P")
        indexed.putpalette(list(range(256)) * 3)
        indexed.save(root / f"SegmentationObject/{name}.png")
    for part, names in (("train", train), ("val", val)):
        (root / f"ImageSets/Segmentation/{part}.txt").write_text("\n".join(names) + "\n")
    return root


def write_sbd(root: Path, train: list[str], val: list[str]) -> Path:
    """Write SBD as it is published."""
    for part in ("img", "inst"):
        (root / part).mkdir(parents=True)
    labels = numbers()
    labels[labels == 255] = 0
    for seed, name in enumerate([*train, *val]):
        Image.fromarray(photograph(seed)).save(root / f"img/{name}.jpg")
        scipy.io.savemat(root / f"inst/{name}.mat", {"GTinst": {"Segmentation": labels}})
    for part, names in (("train", train), ("val", val)):
        (root / f"{part}.txt").write_text("\n".join(names) + "\n")
    return root
