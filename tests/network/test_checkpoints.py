"""Weights files: whole, honest, or refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Card, Specialist, WeightsError
from napari_fclick.network.fcanet import COMPACT, FCANet
from napari_fclick.network.recognition import Recogniser, Seen


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    card = Card(name="tiny", network=COMPACT, preprocessing=Preprocessing(), licence="none")
    path = tmp_path / "tiny.safetensors"
    checkpoints.save(path, FCANet(COMPACT).state_dict(), card)
    return path


def test_a_full_disk_is_an_error_of_the_system(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise SafetensorError("I/O error: No space left on device")

    network, card = checkpoints.load(weights)
    before = weights.read_bytes()
    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match=r"tiny\.safetensors cannot be written: .*No space left"):
        checkpoints.save(weights, network.state_dict(), card)
    assert weights.read_bytes() == before


def test_round_trip(weights: Path) -> None:
    torch.manual_seed(0)
    expected = FCANet(COMPACT).state_dict()
    network, card = checkpoints.load(weights)
    assert card.name == "tiny" and len(card.sha256) == 64
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_half_precision_halves_the_file(weights: Path, tmp_path: Path) -> None:
    network, card = checkpoints.load(weights)
    half = tmp_path / "half.safetensors"
    checkpoints.save(half, network.state_dict(), card, half=True)
    assert half.stat().st_size < 0.55 * weights.stat().st_size
    again, _ = checkpoints.load(half)
    assert all(v.dtype != torch.float16 for v in again.state_dict().values())


def test_what_specialists_add_takes_a_byte(weights: Path, tmp_path: Path) -> None:
    network, card = checkpoints.load(weights)
    state = network.state_dict()
    torch.manual_seed(2)
    other = FCANet(COMPACT)
    other.load_state_dict(
        {
            name: v + 0.1 * v.std() * torch.randn_like(v) if v.ndim == 4 else v
            for name, v in state.items()
        }
    )
    known = [Specialist("cells", other, Recogniser(torch.rand(4), torch.rand(())))]
    card = card.model_copy(update={"specialists": ("cells",)})
    first, again = tmp_path / "first.safetensors", tmp_path / "again.safetensors"
    checkpoints.save(first, state | checkpoints.extras(state, None, known), card, half=True)
    # Half of four bytes for the one, a quarter for the other.
    assert first.stat().st_size < 0.8 * weights.stat().st_size
    found = checkpoints.load_all(first)
    general, read = found.network.state_dict(), found.one(0).state_dict()
    for name, expected in other.state_dict().items():
        if expected.ndim == 4:
            largest = (expected - general[name]).abs().amax((1, 2, 3), keepdim=True)
            assert ((read[name] - expected).abs() <= largest / 127).all(), name
            assert not torch.equal(read[name], general[name])
        else:
            assert torch.equal(read[name], expected), name
    # Written and read again and again, nothing moves.
    kept = general | checkpoints.extras(general, None, found.specialists)
    checkpoints.save(again, kept, found.card, half=True)
    assert again.read_bytes() == first.read_bytes()


def test_truncated_file(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(WeightsError, match="no readable weights file") as caught:
        checkpoints.load(weights)
    assert "\n" not in str(caught.value)


def test_edited_file(weights: Path) -> None:
    content = bytearray(weights.read_bytes())
    content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(WeightsError, match="does not match the file's own sha256"):
        checkpoints.load(weights)


def test_edited_card(weights: Path) -> None:
    content = weights.read_bytes()
    weights.write_bytes(content.replace(b"none", b"free", 1))  # its licence
    with pytest.raises(WeightsError, match="it was edited"):
        checkpoints.load(weights)


def test_foreign_file(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(WeightsError, match="no napari-fclick card"):
        checkpoints.load(path)


@pytest.mark.parametrize("name", ["text.safetensors", "text.pth"])
def test_text_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("these are no weights")
    for path in (name, tmp_path / name):  # named without a folder, too
        with pytest.raises(WeightsError) as caught:
            checkpoints.load(path)
        expected = (
            f"{path} is no readable weights file: it is no .safetensors file, or it is damaged"
        )
        assert str(caught.value) == expected


def test_tensors_of_another_network(weights: Path) -> None:
    _, card = checkpoints.load(weights)
    checkpoints.save(weights, {"a": torch.zeros(2)}, card)
    with pytest.raises(WeightsError, match="do not fit the network"):
        checkpoints.load(weights)


def test_spoilt_card(weights: Path) -> None:
    with safe_open(weights, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, weights, metadata={"napari-fclick": '{"name": 3}'})
    with pytest.raises(WeightsError, match="its card is not valid at"):
        checkpoints.read_card(weights)


def test_missing_file_and_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights file"):
        checkpoints.load(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError, match=r"no weights named 'best'; there are: .*default"):
        checkpoints.load("best")
    with pytest.raises(WeightsError, match="import the authors' checkpoint first"):
        checkpoints.load("fcanet-resnet101")


def test_failed_write_leaves_the_old_file(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = weights.read_bytes()
    network, card = checkpoints.load(weights)

    def full(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half of it")
        raise OSError("No space left on device")

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match="No space"):
        checkpoints.save(weights, network.state_dict(), card)
    assert weights.read_bytes() == before
    assert list(weights.parent.glob("*.partial")) == []  # it would keep the disk full


def test_registered_file_is_found_by_name(weights: Path) -> None:
    checkpoints.register("tiny", weights)
    assert checkpoints.find("tiny") == weights.resolve()
    assert "tiny" in checkpoints.available_weights()
    network, card = checkpoints.load(weights)
    other = card.model_copy(update={"name": "other"})
    checkpoints.save(weights, network.state_dict(), other)
    assert "tiny" not in checkpoints.available_weights()  # something else stands there now
    weights.unlink()
    with pytest.raises(WeightsError, match="no weights named 'tiny'"):
        checkpoints.find("tiny")


def test_a_pointer_that_cannot_be_read_hides_no_other(weights: Path) -> None:
    checkpoints.register("tiny", weights)
    (checkpoints.user_folder() / "folder.path").mkdir()
    (checkpoints.user_folder() / "bytes.path").write_bytes(b"\xff\xfe")
    # Asking for it raises an OSError, as a drive does whose server is down.
    (checkpoints.user_folder() / "drive.path").write_text(f"/{'n' * 999}/a.safetensors")
    assert "tiny" in checkpoints.available_weights()


def test_an_ending_in_capitals_is_a_file(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(weights.parent)
    capitals = weights.rename(weights.with_name("D.SAFETENSORS"))
    assert checkpoints.find("D.SAFETENSORS") == Path(capitals.name)


def test_default_weights_are_whole() -> None:
    network, card = checkpoints.load("default")
    assert checkpoints.available_weights()[0] == "default"
    assert card.network == network.config
    assert card.data and card.recipe and card.licence


def test_what_is_saved_beside_a_network(weights: Path, tmp_path: Path) -> None:
    network, card = checkpoints.load(weights)
    torch.manual_seed(1)
    other, alike = FCANet(COMPACT), FCANet(COMPACT)
    alike.load_state_dict(network.state_dict() | {"head.2.bias": torch.ones(1)})
    seen = Seen(torch.rand(4), torch.rand(4, 4))
    specialists = [
        Specialist(name, each, Recogniser(torch.rand(4), torch.rand(())))
        for name, each in (("cells", other), ("wings", alike))
    ]
    state = network.state_dict()
    saved = checkpoints.extras(state, seen, specialists)
    # Of a specialist only what differs is written.
    assert [name for name in saved if name.startswith("specialist.1.")] == [
        "specialist.1.head.2.bias",
        *(f"specialist.1.recogniser.{name}" for name in Recogniser._fields),
    ]
    path = tmp_path / "both.safetensors"
    named = card.model_copy(update={"specialists": ("cells", "wings")})
    assert checkpoints.save(path, state | saved, named).sha256 != card.sha256
    found = checkpoints.load_all(path)
    assert found.seen is not None
    pairs = [(found.network.state_dict(), state), (found.seen._asdict(), seen._asdict())]
    for read, each in zip(found.specialists, specialists, strict=True):
        pairs.append((read.network.state_dict(), each.network.state_dict()))
        pairs.append((read.recogniser._asdict(), each.recogniser._asdict()))
    for one, expected in pairs:
        assert one.keys() == expected.keys()
        assert all(torch.equal(value, expected[name]) for name, value in one.items())
    assert not any(each.network.training for each in found.specialists)
    # What the weights were made for: the general network, or the one tuned last.
    assert found.main is found.network is found.one(-1)
    told = found.card.model_copy(update={"tuned": {"other images": "default"}})
    tuned = found._replace(card=told)
    assert tuned.main is tuned.one(0) is found.specialists[0].network
    with pytest.raises(WeightsError, match="no specialist 2; there are 2"):
        found.one(2)
    alone = checkpoints.load_all(weights)
    assert alone.main is alone.network
    # Weights without all that are what they were.
    assert checkpoints.load_all(weights)[2:] == (None, ())
    del saved["specialist.0.recogniser.bias"]
    checkpoints.save(path, state | saved, named)
    with pytest.raises(WeightsError, match="do not fit the network its card names"):
        checkpoints.load(path)


def test_who_answered_is_told(weights: Path) -> None:
    card = checkpoints.read_card(weights).model_copy(update={"specialists": ("cells", "wings")})
    card = card.model_copy(update={"tuned": {"other images": "default"}})
    assert card.source(0) == card.source(None) == ""
    assert card.source(1) == "wings answered: not like the images of cells"
    assert card.source(-1) == "default answered: not like the images of cells"
    # Weights that were not tuned have the general network answer, and it is told where not.
    general = card.model_copy(update={"tuned": {}})
    assert general.source(-1) == general.source(None) == ""
    assert general.source(0) == "cells answered"
    # An answer of weights that know more kinds is none of these.
    assert general.source(2) == card.source(2) == ""
    assert general.model_copy(update={"specialists": ()}).source(0) == ""
