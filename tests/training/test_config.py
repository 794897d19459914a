"""Configurations that include one another."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_fclick.training.config import TrainingConfig

SETS = """
seed = 3
lr = 0.5
[network]
aspp_channels = 8
head_channels = 16
[[sets]]
path = "one"
"""
RUN = """
include = "sets.toml"
lr = 0.1
[network]
head_channels = 32
[[phases]]
steps = 2
"""


def config(folder: Path, **files: str) -> TrainingConfig:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return TrainingConfig.from_toml(folder / "run.toml")


def test_what_is_not_said_is_taken_from_the_file_included(tmp_path: Path) -> None:
    run = config(tmp_path, sets=SETS, run=RUN)
    assert (run.seed, run.lr) == (3, 0.1)
    assert (run.network.aspp_channels, run.network.head_channels) == (8, 32)
    assert [each.path for each in run.sets] == [tmp_path / "one"]


def test_a_folder_has_no_lists(tmp_path: Path) -> None:
    run = RUN + '[[sets]]\npath = "one"\nlists = ["val"]\n'
    with pytest.raises(ValueError, match="lists are of voc and sbd"):
        config(tmp_path, run=run, sets=SETS)


def test_lists_are_replaced(tmp_path: Path) -> None:
    run = config(tmp_path, sets=SETS, run=RUN + '[[sets]]\npath = "two"\n')
    assert [each.path for each in run.sets] == [tmp_path / "two"]


def test_a_file_included_may_include_another(tmp_path: Path) -> None:
    middle = 'include = "sets.toml"\nseed = 4\n'
    run = config(tmp_path, sets=SETS, middle=middle, run=RUN.replace("sets.toml", "middle.toml"))
    assert (run.seed, run.lr, len(run.sets)) == (4, 0.1, 1)


@pytest.mark.parametrize(
    ("include", "message"),
    [
        ('"run.toml"', "include 'run.toml' leads back to itself"),
        ('"loop.toml"', "include 'run.toml' leads back to itself"),
        ('"none.toml"', "include 'none.toml': there is no such file"),
        ('"../sets.toml"', "must be the name of a file beside this one"),
        ("5", "include 5 must be the name of a file beside this one"),
        ('"broken.toml"', r"broken\.toml is not TOML"),
    ],
)
def test_what_cannot_be_included_is_named(tmp_path: Path, include: str, message: str) -> None:
    files = {"loop": 'include = "run.toml"\n', "broken": "[", "sets": SETS}
    with pytest.raises(ValueError, match=message):
        config(tmp_path, **files, run=f"include = {include}\n" + RUN.split("\n", 2)[2])
