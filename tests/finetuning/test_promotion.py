"""Weights are put into use and taken back; what was there before is never lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.weights import general

from napari_fclick.finetuning import promotion
from napari_fclick.finetuning.promotion import activate, active, promote, roll_back
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import WeightsError


@pytest.fixture(scope="module")
def loaded() -> Any:
    return general()


def made(folder: Path, loaded: Any, name: str, shift: float = 0.01, **tuned: str) -> Path:
    network, card = loaded
    state = {
        k: v + shift if v.dtype == torch.float32 else v for k, v in network.state_dict().items()
    }
    card = card.model_copy(update={"name": name, "tuned": tuned})
    checkpoints.save(folder / f"{name}.safetensors", state, card)
    return folder / f"{name}.safetensors"


def test_promoted_weights_have_a_name_everywhere_and_can_be_taken_back(
    tmp_path: Path, loaded: Any
) -> None:
    assert active() == "default" and roll_back() == "default"
    first = promote(made(tmp_path, loaded, "cells"))
    assert (first, active()) == ("cells", "cells")
    assert checkpoints.load("cells")[1].name == "cells"
    second = promote(made(tmp_path, loaded, "cells", 0.02))
    assert (second, active()) == ("cells-2", "cells-2")  # the first is still there
    assert promote(tmp_path / "cells.safetensors") == "cells-2"  # is there already
    assert [roll_back(), roll_back(), roll_back()] == ["cells", "default", "default"]
    activate("cells-2")
    assert active() == "cells-2"


def test_a_damaged_file_of_a_name_stays_aside(tmp_path: Path, loaded: Any) -> None:
    damaged = checkpoints.user_folder() / "cells.safetensors"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"damaged")
    assert promote(made(tmp_path, loaded, "cells")) == "cells-2" == active()
    assert damaged.read_bytes() == b"damaged"


def test_a_copy_has_the_name_that_it_got(tmp_path: Path, loaded: Any) -> None:
    promote(made(tmp_path, loaded, "cells"))
    path = made(tmp_path, loaded, "cells", 0.02)
    assert [promote(path) for _ in range(2)] == ["cells-2"] * 2
    network, card = checkpoints.load("cells-2")  # its sha256 is in order
    original, told = checkpoints.load(path)
    assert (card.name, told.name) == ("cells-2", "cells")
    assert card == told.model_copy(update={"name": "cells-2", "sha256": card.sha256})
    for name, value in network.state_dict().items():
        assert torch.equal(value, original.state_dict()[name])
    assert promote(path, "more") == "more" == checkpoints.load("more")[1].name
    # A copy that somebody made: its card has kept its name.
    shutil.copyfile(path, checkpoints.user_folder() / "old.safetensors")
    assert promote(path, "old") == "old"


def test_names_that_differ_in_capitals_are_one(tmp_path: Path, loaded: Any) -> None:
    """To some systems their files are one."""
    assert promote(made(tmp_path / "a", loaded, "cells")) == "cells"
    assert promote(made(tmp_path / "b", loaded, "Cells", 0.02)) == "Cells-2"
    assert promote(made(tmp_path / "c", loaded, "CELLS", 0.03)) == "CELLS-3"
    assert promote(tmp_path / "a/cells.safetensors", "Cells") == "cells"
    assert promote(made(tmp_path, loaded, "Default", 0.04)) == "Default-2"


def test_a_name_is_no_path(tmp_path: Path, loaded: Any) -> None:
    path = made(tmp_path, loaded, "cells")
    assert promote(path, "cells.safetensors") == "cells"
    assert promote(path, "my cells.SafeTensors.") == "my-cells"
    assert promote(path, ".safetensors") == "safetensors"
    for name in ("cells", "my-cells", "safetensors"):
        assert checkpoints.load(name)[1].name == name


def test_weights_that_are_gone_are_passed_over(tmp_path: Path, loaded: Any) -> None:
    promote(made(tmp_path, loaded, "cells"))
    (checkpoints.user_folder() / "cells.safetensors").unlink()
    assert active() == "default"
    note = checkpoints.user_folder() / "in-use.json"
    note.write_text("{")
    assert active() == "default"
    note.unlink()
    note.mkdir()  # cannot be read, as one of another user
    assert active() == "default"


def test_the_default_is_never_replaced(tmp_path: Path, loaded: Any) -> None:
    assert promote(made(tmp_path, loaded, "default")) == "default-2"
    assert checkpoints.find("default").parent != checkpoints.user_folder()


def test_refused_weights_are_not_put_into_use(tmp_path: Path, loaded: Any) -> None:
    path = made(tmp_path, loaded, "bad", outcome="forgets", reasons="it forgets: +9 %")
    with pytest.raises(WeightsError, match=r"refused .*\(forgets\): it forgets: \+9 %"):
        promote(path)
    assert active() == "default"
    assert promote(made(tmp_path, loaded, "good", outcome="better")) == "good"


def test_damaged_files_and_unknown_names_are_refused(tmp_path: Path, loaded: Any) -> None:
    path = made(tmp_path, loaded, "cells")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError):
        promote(path)
    with pytest.raises(WeightsError, match="there are: default"):
        activate("cells")
    with pytest.raises(WeightsError, match="by name"):
        activate(str(checkpoints.find("default")))
    assert active() == "default"


def test_a_full_disk_leaves_what_is_in_use(
    tmp_path: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(made(tmp_path, loaded, "cells"))
    other = made(tmp_path, loaded, "more", 0.03)

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        promotion.promote(other)
    assert active() == "cells"
    assert not list(checkpoints.user_folder().glob("more*"))
