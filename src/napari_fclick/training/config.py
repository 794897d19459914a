"""What a training run is made of: read from a TOML file, stored with its checkpoints."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_fclick.network.checkpoints import SUFFIX
from napari_fclick.network.fcanet import COMPACT, NetworkConfig


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SetConfig(_Settings):
    """One folder of ``images/`` and ``labels/``."""

    path: Path
    weight: float = Field(1.0, gt=0, description="how often it is drawn, relative to others")
    axes: tuple[Literal[0, 1, 2], ...] = Field((0,), description="cuts through volumes")


class PhaseConfig(_Settings):
    """A stretch of training at one input size."""

    steps: int = Field(gt=0)
    size: int = Field(160, ge=64, description="side of the network's input in pixels")
    batch: int = Field(8, ge=2)


class TrainingConfig(_Settings):
    """A whole run."""

    name: str = "compact"
    out: Path = Path("runs/compact")
    seed: int = 0
    network: NetworkConfig = COMPACT
    imagenet: bool = True
    start: str = Field(
        "", description="weights to begin from, a name or a path; empty: none, see imagenet"
    )
    sets: tuple[SetConfig, ...]
    phases: tuple[PhaseConfig, ...]
    loss: Literal["paper", "focal-dice"] = "focal-dice"
    side_weight: float = Field(0.5, ge=0, description="of the first-click loss")
    lr: float = Field(1e-3, gt=0)
    backbone_lr: float = Field(3e-4, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    warmup: int = Field(200, ge=0)
    clip: float = Field(5.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(0.999, ge=0, lt=1)
    extra_clicks: int = Field(2, ge=0, description="at most, drawn at once by Eq. 9 and 10")
    corrections: tuple[float, ...] = Field(
        (0.35, 0.3, 0.2, 0.15), description="chances of 0, 1, 2 .. iterative steps"
    )
    mask_drop: float = Field(0.2, ge=0, le=1, description="chance to withhold the mask")
    wrong_click: float = Field(0.03, ge=0, le=1, description="chance of a wrong correction")
    workers: int = Field(1, ge=0)
    checkpoint_minutes: float = Field(3.0, gt=0)

    @model_validator(mode="after")
    def _chances_add_up(self) -> TrainingConfig:
        if abs(sum(self.corrections) - 1) > 1e-6:
            raise ValueError(f"corrections {self.corrections} must add up to 1")
        return self

    @property
    def steps(self) -> int:
        """Steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    @classmethod
    def from_toml(cls, path: Path) -> TrainingConfig:
        """Read and check a configuration.

        Paths in it are relative to the file's folder.

        Raises
        ------
        ValueError
            Naming the settings that are wrong, in one line.
        """
        try:
            config = cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
            raise ValueError(f"{path}: {wrong}") from None
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{path} is not TOML: {error}") from None
        base = path.parent
        if config.start.endswith(SUFFIX):
            config = config.model_copy(update={"start": str(base / config.start)})
        sets = [s.model_copy(update={"path": base / s.path}) for s in config.sets]
        return config.model_copy(update={"sets": tuple(sets), "out": base / config.out})
