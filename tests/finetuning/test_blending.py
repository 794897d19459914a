"""Between the base weights and the tuned ones."""

from __future__ import annotations

import torch

from napari_fclick.finetuning.blending import blend


def test_blends_by_hand() -> None:
    base = {"weight": torch.tensor([0.0, 2.0]), "count": torch.tensor(3)}
    tuned = {"weight": torch.tensor([4.0, 4.0]), "count": torch.tensor(9)}
    half = blend(base, tuned, 0.5)
    assert half["weight"].tolist() == [2, 3]
    assert half["count"] == 9
    assert blend(base, tuned, 0)["weight"].tolist() == [0, 2]
    assert blend(base, tuned, 1)["weight"].tolist() == [4, 4]
    assert base["weight"].tolist() == [0, 2]
