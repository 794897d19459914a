"""What fine-tuning gains: few images of a set learned from, all its others played by the robot.

    python scripts/finetuning_table.py SET... [--images 8] [--seeds 0 1 2] [--variant all] ...

Each run fine-tunes on images drawn by its seed, then plays objects of the images left, and those of
a general set, with the weights before and after. A line of JSON is added for each run; runs that
have theirs already are passed over, so that it can be stopped at any time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.core import places
from napari_fclick.evaluation.benchmark import weights_digest

#: Options of `napari-fclick finetune` by the name of a variant.
VARIANTS: dict[str, list[str]] = {
    "default": [],  # its heads learn
    "late": ["--train-parts", "late"],
    "all": ["--train-parts", "all"],
    "replay": ["--replay-share", "0.5"],
    "no-replay": ["--replay-share", "0"],
}


def command(*parts: object, home: str | None = None) -> Any:
    """Run a command of ours; return the JSON that it prints.

    With a home of its own it knows nothing of which images were held back before.
    """
    line = [sys.executable, "-m", "napari_fclick", *map(str, parts)]
    place = os.environ if home is None else {**os.environ, places.HOME: home}
    done = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, env=place)
    return json.loads(done.stdout)


def link(folder: Path, names: list[str], source: Path) -> Path:
    """Make a folder of some of a set's images."""
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
        for file in sorted((source / part).iterdir()):
            if file.stem in names:
                (folder / part / file.name).symlink_to(file.resolve())
    return folder


def play(folder: Path, method: str | Path, objects: int) -> dict[str, Any]:
    """Play a folder's objects."""
    (report,) = command(
        *("evaluate", folder, "--method", method),
        *("--max-objects", objects, "--stop", 0.9, "--json", "-"),
    )
    keys = ("NoC@85", "NoC@90", "failures@85")
    return {k: report[k] for k in keys} | {"IoU@1": report["mIoU"][0]}


def before(args: argparse.Namespace) -> str:
    """Return the weights before as `evaluate` names them."""
    return "fclick" if args.weights == "default" else args.weights


def general_before(args: argparse.Namespace, base: str) -> Any:
    """Return what the weights before do on the general set, played once."""
    played = [str(args.general), args.general_objects]
    for line in map(json.loads, _lines(args.out)):
        if line.get("general_set") == played and line["run"][-1] == base:
            return line["general"]["before"]
    return play(args.general, before(args), args.general_objects)


def run(
    args: argparse.Namespace, base: str, source: Path, images: int, seed: int, variant: str
) -> Any:
    """Fine-tune on some images of a set; measure on the others and on the general set."""
    names = sorted(file.stem for file in (source / "images").iterdir())
    drawn = np.random.default_rng(seed).permutation(names)
    with tempfile.TemporaryDirectory(prefix="fclick-table-") as folder:
        learned = link(Path(folder) / "few", drawn[:images].tolist(), source)
        others = link(Path(folder) / "others", drawn[images:].tolist(), source)
        weights = Path(folder) / "tuned.safetensors"
        tuned = command(
            *("finetune", learned, "--out", weights, "--minutes", args.minutes),
            *("--seed", seed, "--weights", args.weights, "--json", *VARIANTS[variant]),
            home=folder,
        )
        return {
            "promoted": tuned["promoted"],
            "reasons": tuned.get("reasons"),
            "blend": tuned.get("blend"),
            "others": {
                "before": play(others, before(args), args.objects),
                "after": play(others, weights, args.objects),
            },
            "general_set": [str(args.general), args.general_objects],
            "general": {
                "before": general_before(args, base),
                "after": play(args.general, weights, args.general_objects),
            },
        }


def main() -> None:
    """Go through all runs that are wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--images", type=int, nargs="+", default=[8])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--variant", choices=VARIANTS, nargs="+", default=["default"])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--objects", type=int, default=100)
    parser.add_argument("--general-objects", type=int, default=300)
    parser.add_argument("--general", type=Path, required=True)
    parser.add_argument("--weights", default="default", help="what is fine-tuned")
    parser.add_argument("--out", type=Path, default=Path("runs/finetuning.jsonl"))
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line)["run"] for line in _lines(args.out)]
    base = weights_digest(before(args))
    wanted = itertools.product(args.seeds, args.sets, args.images, args.variant)
    for seed, source, images, variant in wanted:
        key = [source.name, images, seed, variant, args.minutes, base]
        if key in done:
            continue
        found = {"run": key, **run(args, base, source, images, seed, variant)}
        with args.out.open("a") as file:
            file.write(json.dumps(found) + "\n")
        print(json.dumps(found), file=sys.stderr)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


if __name__ == "__main__":
    main()
