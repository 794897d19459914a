"""The command `train`, as it is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.commands import Command
from tests.training.folders import write_folder

from napari_fclick.network import checkpoints
from napari_fclick.training.logs import read_rows

TOML = """
name = "squares"
out = "run"
imagenet = false
workers = 0
validate_every = 2
validate_objects = 1
log_every = 1
[[phases]]
steps = {steps}
size = 64
batch = 2
[[sets]]
path = "set"
"""


def train(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "napari_fclick", "train", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_train_validates_resumes_and_exports(tmp_path: Path) -> None:
    write_folder(tmp_path / "set", images=30)
    file = tmp_path / "run.toml"
    file.write_text(TOML.format(steps=2))
    done = train(file)
    assert done.returncode == 0, done.stderr
    assert "samples_per_second" in done.stderr and "wrote" in done.stderr
    scores = read_rows(tmp_path / "run/validation.csv")
    assert [(r["step"], r["score"]) for r in scores] == [
        ("2", "NoC@85"),
        ("2", "NoC@90"),
        ("2", "IoU@1"),
    ]
    assert 1 <= float(scores[0]["value"]) <= 20
    assert checkpoints.read_card(tmp_path / "run/weights.safetensors").name == "squares"
    refused = train(file)
    assert refused.returncode == 2 and "go on with --resume" in refused.stderr
    file.write_text(TOML.format(steps=3))
    assert train(file, "--resume").returncode == 0
    assert [r["step"] for r in read_rows(tmp_path / "run/log.csv")] == ["1", "2", "3"]


def test_a_run_needs_a_folder_of_its_own(tmp_path: Path, command: Command) -> None:
    file, out = tmp_path / "run.toml", tmp_path / "run"
    file.write_text(TOML.format(steps=2))
    out.write_text("")
    refused = command("train", file)
    assert refused.code == 2
    assert refused.err == f"error: {file}: out: {out} is a file: name a folder\n"
    out.unlink()
    out.mkdir()
    weights = out / "weights.safetensors"
    weights.write_text("of another run")
    for resume in ((), ("--resume",)):
        refused = command("train", file, *resume)
        assert refused.code == 2
        assert refused.err.startswith(f"error: {weights} is there already, and no checkpoint of")
    assert weights.read_text() == "of another run"
