"""The maps of a batch's clicks, as they are drawn on a device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_fclick.core.guidance import guidance_maps
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.training.clicking import BatchClicks, PlacedClicks
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.simulation import SimulatedClick

SHAPE = (40, 56)
CLICKS = [
    [SimulatedClick(3, 4, True)],
    [
        SimulatedClick(20, 30, True),
        SimulatedClick(0, 0, False),
        SimulatedClick(39, 55, False),
        SimulatedClick(22, 33, True),
    ],
]


def check(device: str) -> None:
    settings = Preprocessing()
    placed = PlacedClicks.of(CLICKS, SHAPE, torch.device(device))
    maps, first = placed.guidance(settings)
    for number, known in enumerate(CLICKS):
        expected = guidance_maps(
            SHAPE,
            [(c.row, c.column) for c in known if c.positive],
            [(c.row, c.column) for c in known if not c.positive],
            (known[0].row, known[0].column),
            settings.click_width,
            settings.first_click_width,
        )
        found = torch.cat([maps[number], first[number]]).cpu().numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_they_are_those_of_a_prediction() -> None:
    check("cpu")


@pytest.mark.cuda
def test_they_are_on_a_gpu_too() -> None:
    check("cuda")


def test_samples_are_drawn_for_apart_however_they_are_spread() -> None:
    config = TrainingConfig.model_validate({"phases": [{"steps": 1}], "mask_drop": 0.5})
    target, clicks = torch.ones(16, 4, 4, dtype=torch.uint8), torch.ones(16, 1, 3)
    whole = BatchClicks(config, target, clicks, step=3).keep_mask()
    parts = [
        BatchClicks(config, target[:8], clicks[:8], 3, offset).keep_mask() for offset in (0, 8)
    ]
    assert np.array_equal(whole, np.concatenate(parts))
    assert not np.array_equal(*parts) and 0 < whole[:8].sum() < 8


def test_how_near_they_are() -> None:
    placed = PlacedClicks.of(CLICKS, SHAPE, torch.device("cpu"))
    tau = 100 * 56 / 512
    assert placed.first[1, 22, 33] == pytest.approx(1 - np.hypot(2, 3) / tau, abs=1e-6)
    assert placed.positive[1, 22, 33] == placed.positive[0, 3, 4] == 1
    assert placed.negative[1, 39, 54] == pytest.approx(1 - 1 / tau, abs=1e-6)
    assert not placed.negative[0].any()
