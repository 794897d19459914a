"""How well objects like those labelled in some images of a folder are found in its others.

    python scripts/find_elsewhere.py FOLDER [--images 14] [--labelled 2] [--seed 0] [--dark]

Some images of a folder of ``images/`` and ``labels/`` are drawn; of the first ones the labels are
known, and `napari_fclick.finding` looks for objects in the others. Prints a line of JSON: how many
of their objects were found (IoU above 0.5), how many of what was written is one (above 0.5 and
0.7), and how many of that of which it is certain to 0.9 or more. With ``--dark`` only gray images
on a dark ground are drawn, such as those of fluorescence.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from similar import best_of

from napari_fclick.core.files import read_image
from napari_fclick.core.folders import find_images, find_pairs, load_pair
from napari_fclick.core.object_sets import IGNORE_LABEL
from napari_fclick.finding import Examples, Finder, is_grey
from napari_fclick.predictor import Predictor

#: Mean of the pixels, as a part of the brightest, below which the ground is dark.
DARK = 0.25


def is_dark(path: Path) -> bool:
    """Whether an image is gray, on a dark ground."""
    pixels = read_image(path)
    return is_grey(pixels) and float(pixels.mean()) < DARK * np.iinfo(pixels.dtype).max


def main() -> None:
    """Look for objects in a part of a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=14)
    parser.add_argument("--labelled", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dark", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    pairs = [pair for pair in find_pairs(args.folder) if not args.dark or is_dark(pair.image)]
    order = np.random.default_rng(args.seed).permutation(len(pairs))[: args.images]
    drawn = [pairs[number] for number in order]
    told: list[tuple[float, float]] = []
    others = hits = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("images", "labels"):
            (folder / part).mkdir()
        for pair in drawn[: args.labelled]:
            shutil.copy(pair.image, folder / "images")
            shutil.copy(pair.labels, folder / "labels")
        examples = Examples.of(find_images(folder).folder)
    finder = Finder(Predictor.from_weights("default"), examples)
    for pair in drawn[args.labelled :]:
        plane = load_pair(pair)
        there = {int(n) for n in np.unique(plane.labels)} - {0, IGNORE_LABEL}
        others += len(there)
        look = examples.looks.get(is_grey(plane.image))
        hit = set()
        for found in [] if look is None else finder.found_in(np.asarray(plane.image), look):
            iou, label = best_of(plane.labels, there, found.mask)
            told.append((found.sure, iou))
            hit |= {label} if iou > 0.5 else set()
        hits += len(hit)
    every = np.array(told).reshape(-1, 2)
    sure = every[every[:, 0] >= 0.9]
    result: dict[str, Any] = {"folder": args.folder.name, "others": others, "found": hits}
    result |= {"written": len(every), "right_50": int((every[:, 1] > 0.5).sum())}
    result |= {"right_70": int((every[:, 1] > 0.7).sum())}
    result |= {"certain": len(sure), "certain_right_50": int((sure[:, 1] > 0.5).sum())}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
