"""Weights files of fine-tunings: a card that tells it all, and no half files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from tests.finetuning.fakes import comparison
from tests.finetuning.scenes import data
from tests.weights import general

from napari_fclick.finetuning.gate import judge
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.split import split_of
from napari_fclick.finetuning.writing import check_out, make_card, write
from napari_fclick.network import checkpoints

GOOD = judge(comparison(), comparison(2, 2, 0.1))
BAD = judge(comparison(4, 5), comparison(2, 2, 0.1))


@pytest.fixture(scope="module")
def loaded() -> Any:
    return general()


def card_of(loaded: Any, outcome: str = "better") -> Any:
    own = data(6)
    return make_card(
        loaded[1],
        own,
        split_of(own),
        FineTuneOptions(minutes=3),
        {"steps": "12", "blend": "0.5", "outcome": outcome},
        {"validation": comparison(), "general": None},
    )


def test_the_card_tells_where_weights_come_from(loaded: Any) -> None:
    card, parent, own = card_of(loaded), loaded[1], data(6)
    assert card.parent == parent.sha256
    assert card.data == (*parent.data, "squares")
    assert card.scores["validation/NoC@85 before"] == 4
    assert card.scores["validation/NoC@85 after"] == 2
    assert card.tuned["data"] == own.digest
    held = card.tuned["validation"].split()
    assert len(held) == 2 and all(any(i.digest.startswith(h) for i in own.images) for h in held)
    assert card.tuned["options"] == '{"minutes":3.0}'
    assert card.recipe.endswith("fine-tuned on 4 images of squares, 12 steps")


def test_the_card_of_refused_weights_says_so(loaded: Any) -> None:
    card = card_of(loaded, "not better")
    assert card.tuned["outcome"] == "not better"
    assert card.description.endswith("(refused: not better)")
    assert "refused" not in card_of(loaded).description


def test_what_earlier_weights_learned_is_passed_on(loaded: Any) -> None:
    own = data(6)
    facts = {"steps": "1", "outcome": "better"}
    parent = loaded[1].model_copy(update={"tuned": {"training": "a" * 16}})
    card = make_card(parent, own, split_of(own), FineTuneOptions(), facts, {})
    learned = card.tuned["training"].split()
    assert len(learned) == 5 and learned[0] == "a" * 16


def test_promoted_and_rejected_files(tmp_path: Path, loaded: Any) -> None:
    out = tmp_path / "mine.safetensors"
    state = checkpoints.as_stored(loaded[0].state_dict())
    path, card = write(out, state, card_of(loaded), GOOD)
    assert (path, card.name) == (out, "mine")
    network, read = checkpoints.load(out)
    assert read == card
    # What was judged is what is in the file.
    assert all(torch.equal(state[k], v) for k, v in network.state_dict().items())
    before = out.read_bytes()
    path, card = write(out, state, card_of(loaded), BAD)
    assert (path.name, card.name) == ("mine.rejected.safetensors", "mine.rejected")
    assert out.read_bytes() == before
    first = path.read_bytes()
    names = [write(out, state, card_of(loaded, f"{n}"), BAD)[0].name for n in (2, 3)]
    assert names == ["mine.rejected-2.safetensors", "mine.rejected-3.safetensors"]
    assert path.read_bytes() == first
    # Where nothing is in the way they are where they were asked for.
    assert write(tmp_path / "new.safetensors", state, card_of(loaded), BAD)[0].name == (
        "new.safetensors"
    )


def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, loaded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine.safetensors"
    out.write_bytes(b"old")

    def full(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    told = f"^{re.escape(str(out))} cannot be written: No space left on device$"
    with pytest.raises(OSError, match=told):
        write(out, loaded[0].state_dict(), card_of(loaded), GOOD)
    assert [p.read_bytes() for p in tmp_path.glob("mine*")] == [b"old"]


def test_paths_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"written as \.safetensors"):
        check_out(tmp_path / "a.pth", "default")
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_out(tmp_path / "none/a.safetensors", "default")
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(PermissionError, match=r"a\.safetensors may not be written"):
        check_out(tmp_path / "a.safetensors", "default")


def test_the_weights_to_begin_from_are_left_alone(tmp_path: Path, loaded: Any) -> None:
    """Better ones take the place of a file that is there."""
    network, card = loaded
    base = tmp_path / "a.safetensors"
    checkpoints.save(base, network.state_dict(), card)
    check_out(base, "default")
    for out in (base, tmp_path / ".." / tmp_path.name / base.name):
        with pytest.raises(ValueError, match=r"a\.safetensors is the weights to begin from"):
            check_out(out, str(base))


def test_the_default_weights_are_valid_still(loaded: Any) -> None:
    assert loaded[1].tuned == {}
