"""Imported checkpoints compute what the released program computes."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from tests.parity import made_up_checkpoint

from napari_fclick import Click, Predictor
from napari_fclick.network import checkpoints, released
from napari_fclick.network.checkpoints import WeightsError
from napari_fclick.network.released import import_checkpoint

BACKBONES = {"resnet": "fcanet-resnet101", "res2net": "fcanet-res2net101"}


@pytest.mark.slow
@pytest.mark.parametrize("backbone", BACKBONES)
def test_parity_with_the_released_program(backbone: str, shared: Path, tmp_path: Path) -> None:
    folder = shared / "parity"
    checkpoint = tmp_path / "released.pth"
    torch.save(made_up_checkpoint(folder, backbone), checkpoint)
    path, card = import_checkpoint(checkpoint, tmp_path / "imported.safetensors")
    assert card.name == BACKBONES[backbone]
    predictor = Predictor.from_weights(BACKBONES[backbone], "cpu")  # by name, after the import
    cases = json.loads((folder / "cases.json").read_text())
    with np.load(folder / "reference_outputs.npz") as reference:
        for index, case in enumerate(cases):
            rows, columns = case["crop"]
            image = getattr(skimage.data, case["image"])()[:rows, :columns]
            clicks = [Click(y, x, bool(sign)) for x, y, sign in case["clicks_xy_positive"]]
            prediction = predictor.predict(image, clicks)
            expected = reference[f"{backbone}_{index}_prob"].astype(np.float32)
            kept = np.unpackbits(reference[f"{backbone}_{index}_sis"])[: expected.size]
            kept = kept.reshape(expected.shape).astype(bool)
            assert np.abs(prediction.probability - expected).max() < 0.02
            agreement = np.mean(prediction.mask(integrity=False) == (expected > 0.5))
            assert agreement >= 0.995
            assert np.mean(prediction.full_mask() == kept) >= 0.995
    path.unlink()


def _small_checkpoint(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "checkpoint.pth"
    torch.save(content, path)
    return path


def test_other_names_are_refused(tmp_path: Path) -> None:
    path = _small_checkpoint(tmp_path, {"layer.weight": torch.zeros(3)})
    with pytest.raises(WeightsError, match=r"742 missing, 1 unknown, 0 of another shape"):
        import_checkpoint(path, tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_nearly_their_names_are_refused(tmp_path: Path) -> None:
    path = _small_checkpoint(tmp_path, {"my_decoder.merge_conv.2.weight": torch.zeros(3)})
    with pytest.raises(WeightsError, match="1 unknown"):
        import_checkpoint(path, tmp_path / "out.safetensors")


def test_no_tensors(tmp_path: Path) -> None:
    path = _small_checkpoint(tmp_path, [1, 2])
    with pytest.raises(WeightsError, match="no mapping of names to tensors"):
        import_checkpoint(path)


class _Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("open('evil', 'w').write('ran')",)


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps({"a": _Evil()}))
    with pytest.raises(WeightsError, match="no checkpoint of plain tensors"):
        import_checkpoint(path)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"no weights\nat all", pickle.dumps({"a": 1}), pickle.dumps(np.zeros(3)), b"PK\x03\x04"],
)
def test_what_is_no_checkpoint_is_told_in_one_short_line(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, content: bytes
) -> None:
    path = tmp_path / "text.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        import_checkpoint(path)
    assert str(caught.value) == f"{path} is no checkpoint of plain tensors, or it is damaged"
    assert not recwarn.list


def test_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no checkpoint"):
        import_checkpoint(tmp_path / "none.pth")


def test_the_name_leads_to_the_newest_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(released, "_read", lambda path: {})
    monkeypatch.setattr(released, "_check", lambda *args: None)
    path = tmp_path / "a.pth"
    deep = {"backbone_pre.conv1.0.weight": torch.zeros(1)}
    inside, _ = import_checkpoint(path)
    name = BACKBONES["resnet"]
    assert checkpoints.find(name) == inside
    for out in (tmp_path / "other.safetensors", checkpoints.user_folder() / "mine.safetensors"):
        import_checkpoint(path, out)
        assert checkpoints.find(name) == out.resolve()
    import_checkpoint(path)
    assert checkpoints.find(name) == inside
    monkeypatch.setattr(released, "_read", lambda path: deep)
    assert import_checkpoint(path)[1].name == BACKBONES["res2net"]
