"""How pixels and clicks reach a network."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from napari_fclick.core.guidance import CLICK_WIDTH, FIRST_CLICK_WIDTH
from napari_fclick.core.integrity import Connectivity
from napari_fclick.core.intensity import Scaling

Positive = Annotated[float, Field(gt=0)]


class Preprocessing(BaseModel):
    """How pixels and clicks reach the network; it belongs to the weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    scaling: Scaling = "stretch"
    mean: tuple[float, float, float] = (0.498, 0.498, 0.498)
    std: tuple[Positive, Positive, Positive] = (0.502, 0.502, 0.502)
    window: Literal["anchored", "whole"] = "anchored"
    size: int = Field(256, ge=32, description="side of the input; of 'whole', its shorter side")
    first_size: int = Field(128, ge=32, description="side of the input when windows are tried")
    antialias: bool = True
    truncate_clicks: bool = Field(False, description="clicks to whole pixels of the input")
    click_width: Positive = CLICK_WIDTH
    first_click_width: Positive = FIRST_CLICK_WIDTH
    connectivity: Connectivity = Field(8, description="of the structural integrity strategy")


#: What the authors' inference program does.
RELEASED = Preprocessing(
    scaling="unit",
    mean=(0, 0, 0),
    std=(1, 1, 1),
    window="whole",
    size=512,
    first_size=256,
    antialias=False,
    truncate_clicks=True,
    connectivity=4,
)
