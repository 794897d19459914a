"""A whole session at a real window: annotated, killed, resumed, replayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from skimage import io

from napari_fclick.samples import coins

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("QT_QPA_PLATFORM") == "offscreen", reason="needs a display: xvfb-run"
    ),
]

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "annotate_window.py"
OBJECTS = 10


def environment(folder: Path) -> dict[str, str]:
    """Nothing of the user's own: not napari's settings either."""
    return {**os.environ, "NAPARI_CONFIG": str(folder / "napari.yaml")}


def finished(command: list[Any], folder: Path) -> Any:
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(folder),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_ten_objects_survive_a_kill_and_come_out_of_the_clicks(tmp_path: Path) -> None:
    image, session = tmp_path / "coins.png", tmp_path / "coins.fclick"
    io.imsave(image, coins()[0][0])
    command = [sys.executable, str(SCRIPT), "annotate", str(image), str(session), "--stay"]
    with subprocess.Popen(
        [*command, "--objects", str(OBJECTS)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    ) as annotator:
        assert annotator.stdout is not None
        line = next((text for text in annotator.stdout if text.startswith("{")), "")
        annotator.kill()  # SIGKILL: nothing can be tidied up
    assert line, "the annotator ended before it was killed"
    report = json.loads(line)
    assert report["objects"] == OBJECTS

    labels = tmp_path / "labels.npy"
    resumed = finished([SCRIPT, "resume", image, session, labels], tmp_path)
    assert resumed == {"objects": OBJECTS, "undo_works": True}
    again = tmp_path / "again.tif"
    replay = ["-m", "napari_fclick", "replay", session, "--json", "--device", "cpu", "--out", again]
    replayed = finished(replay, tmp_path)
    assert replayed["identical"]
    assert replayed["same_weights"]
    assert np.array_equal(tifffile.imread(again), np.load(labels))
    assert len(np.unique(np.load(labels))) == OBJECTS + 1
