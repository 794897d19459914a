"""bioimage.io packages: whole, and valid to bioimage.io's own library."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.weights import general

from napari_fclick.finetuning.export import DESCRIPTION, export_bioimageio
from napari_fclick.network import checkpoints


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_bioimageio("default", tmp_path_factory.mktemp("export") / "model.zip")


def test_the_network_in_it_gives_the_test_answer(package: Path) -> None:
    with zipfile.ZipFile(package) as file:
        found = json.loads(file.read(DESCRIPTION))
        read = {
            tensor["id"]: np.load(io.BytesIO(file.read(tensor["test_tensor"]["source"])))
            for tensor in (*found["inputs"], *found["outputs"])
        }
        weights = io.BytesIO(file.read(found["weights"]["torchscript"]["source"]))
    with torch.no_grad():
        given = [torch.from_numpy(read[tensor["id"]]) for tensor in found["inputs"]]
        answer = torch.jit.load(weights)(*given).numpy()
    np.testing.assert_allclose(answer, read["probability"], atol=1e-5)
    assert answer.shape == (1, 1, 256, 256)
    assert 500 < np.count_nonzero(answer > 0.5) < 5000  # one coin


def test_its_own_library_takes_it(package: Path) -> None:
    core = pytest.importorskip("bioimageio.core", reason="needs bioimageio.core")
    summary = core.test_model(package)
    errors = [str(e.msg) for detail in summary.details for e in detail.errors]
    assert summary.status != "failed", errors


def test_the_licence_is_that_of_the_weights(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, card = general()
    with zipfile.ZipFile(package) as file:
        assert "license" not in json.loads(file.read(DESCRIPTION))  # there is no name for it
        assert card.licence in file.read("README.md").decode()
    free = tmp_path / "free.safetensors"
    checkpoints.save(free, network.state_dict(), card.model_copy(update={"licence": "MIT"}))
    # What takes long is of no matter here.
    traced = torch.jit.script(torch.nn.Identity())
    monkeypatch.setattr(torch.jit, "trace", lambda network, given: traced)
    with zipfile.ZipFile(export_bioimageio(free, tmp_path / "free.zip")) as file:
        assert json.loads(file.read(DESCRIPTION))["license"] == "MIT"


def test_other_endings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"written as \.zip"):
        export_bioimageio("default", tmp_path / "model.onnx")
