"""The objects that a training is validated on, and weights compared on them."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tifffile
from tests.training.folders import write_folder

from napari_fclick.core.folders import find_pairs
from napari_fclick.finetuning.scoring import NAMES
from napari_fclick.training.config import SetConfig, TrainingConfig
from napari_fclick.training.loading import held_back


def write_held_back(folder: Path, images: int) -> Path:
    """Write a folder of which so many images are held back, with two objects each."""
    write_folder(folder, images=60 * images)
    held = [pair for pair in find_pairs(folder) if pair.is_validation]
    for pair in find_pairs(folder):
        if pair not in held[:images]:
            pair.image.unlink()
            pair.labels.unlink()
    for pair in held[:images]:
        labels = tifffile.imread(pair.labels)
        labels[2:10, 2:10] = 2
        tifffile.imwrite(pair.labels, labels)
    return folder


def config(folder: Path, objects: int, *sets: SetConfig) -> TrainingConfig:
    return TrainingConfig.model_validate(
        {
            "sets": sets,
            "out": folder / "run",
            "phases": [{"steps": 1}],
            "validate_objects": objects,
        }
    )


def test_no_object_is_played_twice(tmp_path: Path) -> None:
    small, large = (write_held_back(tmp_path / f"{n}", n) for n in (1, 4))

    def names(objects: int) -> list[str]:
        scenes = held_back(config(tmp_path, objects, *(SetConfig(path=p) for p in (small, large))))
        found = [(s.name, s.image.tobytes(), s.truth.tobytes()) for s in scenes()]
        assert len(set(found)) == len(found)
        return [name for name, _, _ in found]

    assert names(3) == ["1", "4", "1"]
    assert names(6) == ["1", "4", "1", "4", "4", "4"]
    assert names(100) == ["1", "4", "1", "4", *["4"] * 6]


def test_images_that_a_set_leaves_out_are_not_validated_on(tmp_path: Path) -> None:
    folder = write_held_back(tmp_path / "set", 2)
    first, second = (pair.image for pair in find_pairs(folder))
    list_ = tmp_path / "left_out.txt"
    list_.write_text(f"{first.stem}\n")
    scenes = held_back(config(tmp_path, 10, SetConfig(path=folder, exclude=(list_,))))
    images = [scene.image for scene in scenes()]
    assert len(images) == 2
    assert all(np.array_equal(image, tifffile.imread(second)) for image in images)


def script(root: Path) -> dict[str, Any]:
    return runpy.run_path(str(root / "scripts/validate_weights.py"))


def test_weights_are_compared_object_by_object(root: Path) -> None:
    names = script(root)
    played = names["Played"]

    def figures(noc85: float, iou: float) -> tuple[float, ...]:
        known = {"NoC@85": noc85, "IoU@1": iou}
        return tuple(known.get(name, 5.0) for name in NAMES)

    clicks = {"s": [(4.0, 3.0), (8.0, 5.0), (6.0, 7.0)], "t": [(2.0, 2.0)]}
    before, after = (
        {
            name: [played(f"{name}{k}", figures(pair[which], 0.5)) for k, pair in enumerate(some)]
            for name, some in clicks.items()
        }
        for which in (0, 1)
    )
    rows = names["scores"]("w", after)
    assert [(row["set"], row["objects"], row["NoC@85"]) for row in rows] == [
        ("s", 3, 5.0),
        ("t", 1, 2.0),
        ("mean", 4, 3.5),
    ]
    of_s, of_t, of_all = names["differences"]("w", after, "v", before)
    # Changes of -1, -3 and 1: their mean has a standard error of 2 / sqrt(3), times t = 4.303.
    assert of_s["NoC@85"] == {"mean": -1.0, "interval": [-5.968, 3.968]}
    assert of_s["IoU@1"] == of_s["NoC@90"] == {"mean": 0.0, "interval": [0.0, 0.0]}
    assert of_t["NoC@85"] == {"mean": 0.0, "interval": None}
    assert (of_all["set"], of_all["objects"]) == ("all objects", 4)
    assert of_all["NoC@85"]["mean"] == -0.75


def test_the_script_tells_how_many_objects_there_were(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for images in (1, 4):
        write_held_back(tmp_path / f"{images}", images)
    file = tmp_path / "my.toml"
    sets = "".join(f'[[sets]]\npath = "{n}"\n' for n in (1, 4))
    file.write_text(f'out = "run"\n{sets}[[phases]]\nsteps = 1\n')
    names = script(root)
    main = names["main"]
    played, predictors = names["Played"], SimpleNamespace(from_weights=lambda name: name)

    def play(predictor: str, scene: Any) -> Any:
        return played(scene.name, (float(len(predictor)),) * len(NAMES))

    monkeypatch.setitem(main.__globals__, "play", play)
    monkeypatch.setitem(main.__globals__, "Predictor", predictors)
    monkeypatch.setattr(sys, "argv", ["x", str(file), "a", "bcd", "--objects", "5"])
    main()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = [(row["weights"], row.get("against"), row["set"], row["objects"]) for row in rows]
    assert told == [
        *(("a", None, name, count) for name, count in (("1", 2), ("4", 5), ("mean", 7))),
        *(("bcd", None, name, count) for name, count in (("1", 2), ("4", 5), ("mean", 7))),
        *(("bcd", "a", name, count) for name, count in (("1", 2), ("4", 5), ("all objects", 7))),
    ]
    assert rows[-1]["NoC@85"] == {"mean": 2.0, "interval": [2.0, 2.0]}
