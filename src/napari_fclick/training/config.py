"""What a training run is made of: read from a TOML file, stored with its checkpoints."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from napari_fclick.core.errors import in_words
from napari_fclick.core.preprocessing import RELEASED, Preprocessing
from napari_fclick.network.checkpoints import SUFFIX
from napari_fclick.network.fcanet import COMPACT, NetworkConfig

#: What of the network learns.
TrainParts = Literal["heads", "late", "all"]
Chance = Annotated[float, Field(ge=0, le=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SetConfig(_Settings):
    """A set of images: a folder of ``images/`` and ``labels/``, VOC 2012 or SBD as published."""

    path: Path
    format: str = Field(
        "folder", description="folder, voc, sbd, or a reader of one's own: docs/training.md"
    )
    weight: float = Field(1.0, gt=0, description="how often it is drawn, relative to others")
    axes: tuple[Literal[0, 1, 2], ...] = Field((0,), description="cuts through volumes")
    min_area: int = Field(24, ge=1, description="pixels of the smallest object")
    lists: tuple[str, ...] = Field(
        (), description="of voc and sbd, which lists of names; empty: train, of sbd val, too"
    )
    exclude: tuple[Path, ...] = Field(
        (), description="text files of names that are left out, such as another set's val list"
    )

    @model_validator(mode="after")
    def _folders_have_no_lists(self) -> SetConfig:
        if self.format == "folder" and self.lists:
            raise ValueError(f"{self.path}: lists are of voc and sbd; of a folder, exclude some")
        return self


class PhaseConfig(_Settings):
    """A stretch of training at one input size; as long as its steps or its epochs say."""

    steps: int = Field(0, ge=0)
    epochs: float = Field(0.0, ge=0, description="how often each object is met")
    size: int = Field(160, ge=64, description="side of the network's input in pixels")
    batch: int = Field(8, ge=1, description="samples a step, of each process")
    rate: float | None = Field(
        None, gt=0, description="constant fraction of the peak learning rates; else the schedule's"
    )

    @model_validator(mode="after")
    def _one_length(self) -> PhaseConfig:
        if bool(self.steps) == bool(self.epochs):
            raise ValueError("a phase has either steps or epochs, larger than 0")
        return self


class AugmentationConfig(_Settings):
    """How often each transform is applied to a sample."""

    flip: Chance = Field(0.5, description="of rows, and again of columns")
    transpose: Chance = 0.5
    rotation: Chance = 0.06
    scale: Chance = 0.04
    elastic: Chance = 0.04
    mix: Chance = Field(0.4, description="channels reordered and scaled, of colour images")
    tint: Chance = Field(0.1, description="channels scaled, of gray images")
    gray: Chance = 0.12
    drop: Chance = Field(0.02, description="one channel goes dark, of colour images")
    inversion: Chance = 0.12
    gamma: Chance = 0.5
    shading: Chance = 0.15
    shift: Chance = 0.05
    blur: Chance = 0.15
    noise: Chance = 0.2
    compression: Chance = 0.04
    extra: dict[str, Chance] = Field({}, description="transforms of one's own: docs/training.md")


class TrainingConfig(_Settings):
    """A whole run."""

    name: str = "compact"
    licence: str = Field(
        "", description="terms of use, for the card; empty: of the weights to begin from, or data"
    )
    out: Path = Path("runs/compact")
    seed: int = Field(0, ge=0)
    architecture: str = Field("fcanet", description="or one's own: docs/training.md")
    network: NetworkConfig = COMPACT
    imagenet: bool = True
    imagenet_file: Path | None = Field(
        None, description="ImageNet weights of resnet101 as torchvision stores them"
    )
    start: str = Field(
        "", description="weights to begin from, a name or a path; empty: none, see imagenet"
    )
    specialist: int | None = Field(
        None, ge=-1, description="which of their specialists to begin from; -1: the general network"
    )
    sets: tuple[SetConfig, ...] = Field((), description="may be empty where sets are given")
    phases: tuple[PhaseConfig, ...] = Field(min_length=1)
    sampling: Literal["weighted", "epochs"] = Field(
        "weighted", description="drawn by the sets' weights, or each object once an epoch"
    )
    view: Literal["window", "whole"] = Field(
        "window", description="windows about objects, or the paper's crops of whole images"
    )
    augmentation: AugmentationConfig = AugmentationConfig()
    cache_mb: int = Field(1024, ge=1, description="decoded images kept by each process")

    loss: str = Field("focal-dice", description="focal-dice, paper, cross-entropy, or one's own")
    side_weight: float = Field(0.5, ge=0, description="of the first-click loss")

    optimizer: Literal["adamw", "sgd"] = "adamw"
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    lr: float = Field(1e-3, gt=0, description="largest, of all but the backbone")
    backbone_lr: float = Field(3e-4, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    schedule: Literal["poly", "cosine", "constant"] = "poly"
    power: float = Field(0.9, gt=0, description="of the polynomial schedule")
    warmup: int = Field(200, ge=0)
    train_parts: TrainParts = Field(
        "all", description="heads: all but the backbone; late: its last two stages, too"
    )
    freeze_batch_norm: bool = Field(False, description="keep all statistics as they are")
    clip: float = Field(5.0, ge=0, description="largest norm of the gradient; 0: no limit")
    ema: float = Field(0.999, ge=0, lt=1)
    amp: bool = Field(True, description="half precision where the device has it")

    first_jitter: Chance = Field(0.6, description="chance of a first click off the middle")
    extra_chance: Chance = Field(0.4, description="of clicks drawn at once by Eq. 9 and 10")
    extra_clicks: int = Field(2, ge=0, le=9, description="of them at most, positive ones")
    extra_negatives: int | None = Field(
        None, ge=0, le=10, description="at most; as many, if not given"
    )
    corrections: tuple[Chance, ...] = Field(
        (0.35, 0.3, 0.2, 0.15), description="chances of 0, 1, 2 .. iterative steps"
    )
    second_look: Chance = Field(0.2, description="chance that a correction adds no click")
    correction_jitter: Chance = Field(0.5, description="chance of one off the error's middle")
    mask_drop: Chance = Field(0.2, description="chance to withhold the mask")
    wrong_click: Chance = Field(0.03, description="chance of a wrong correction")
    rough_start: Chance = Field(0.0, description="chance of a rough mask with the first click")
    slice_end: Chance = Field(0.0, description="chance of a slice at an object's end, in volumes")
    close_up: Chance = Field(0.0, description="chance of a window on a part of the outline")

    workers: int = Field(1, ge=0)
    checkpoint_minutes: float = Field(3.0, gt=0)
    log_every: int = Field(50, gt=0, description="steps a line of the log is the mean of")
    validate_every: int = Field(0, ge=0, description="steps between validations; 0: none")
    validate_objects: int = Field(60, ge=1, description="held-back objects that are played")

    @model_validator(mode="after")
    def _chances_add_up(self) -> TrainingConfig:
        if abs(sum(self.corrections) - 1) > 1e-6:
            raise ValueError(f"corrections {self.corrections} must add up to 1")
        return self

    @model_validator(mode="after")
    def _rough_masks_are_seen(self) -> TrainingConfig:
        seen = self.view == "window" and self.network.mask_feedback
        if (self.rough_start or self.slice_end or self.close_up) and not seen:
            raise ValueError(
                "rough_start, slice_end and close_up need "
                'view = "window" and a network with mask_feedback'
            )
        return self

    @property
    def steps(self) -> int:
        """Steps of all phases; see `resolved`."""
        return sum(phase.steps for phase in self.phases)

    @property
    def scheduled_steps(self) -> int:
        """Steps over which the schedule runs: those of the phases without a constant rate."""
        return sum(phase.steps for phase in self.phases if phase.rate is None)

    @property
    def preprocessing(self) -> Preprocessing:
        """How pixels and clicks reach the network, in training and by the exported card."""
        return RELEASED if self.view == "whole" else Preprocessing()

    def resolved(self, objects: int, processes: int = 1) -> TrainingConfig:
        """Return the same run with the phases' epochs counted in steps.

        Parameters
        ----------
        objects : int
            In all sets.
        processes : int
            That share a step; each has the phase's batch.
        """
        phases = []
        for phase in self.phases:
            if phase.epochs:
                steps = math.ceil(phase.epochs * objects / (phase.batch * processes))
                phase = phase.model_copy(update={"steps": max(steps, 1), "epochs": 0.0})
            phases.append(phase)
        return self.model_copy(update={"phases": tuple(phases)})

    @classmethod
    def from_toml(cls, path: Path) -> TrainingConfig:
        """Read and check a configuration.

        Paths in it are relative to the file's folder. Its ``include`` names a file beside it,
        whose settings hold where this one has none; tables are joined key by key.

        Raises
        ------
        ValueError
            Naming the settings that are wrong, in one line.
        """
        try:
            config = cls.model_validate(_read(path))
        except ValidationError as error:
            wrong = "; ".join(
                f"{'.'.join(map(str, e['loc']))}: {in_words(e)}" for e in error.errors()
            )
            raise ValueError(f"{path}: {wrong}") from None
        return config._below(path.parent)

    def _below(self, base: Path) -> TrainingConfig:
        sets = tuple(
            s.model_copy(
                update={"path": base / s.path, "exclude": tuple(base / f for f in s.exclude)}
            )
            for s in self.sets
        )
        changed = {"sets": sets, "out": base / self.out}
        if self.start.endswith(SUFFIX):
            changed["start"] = str(base / self.start)
        if self.imagenet_file is not None:
            changed["imagenet_file"] = base / self.imagenet_file
        return self.model_copy(update=changed)


def _read(path: Path, including: tuple[Path, ...] = ()) -> dict[str, Any]:
    """Return a file's settings, over those of the file that it includes."""
    try:
        own = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not TOML: {error}") from None
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not TOML: it is no text") from None
    name = own.pop("include", None)
    if name is None:
        return own
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{path}: include {name!r} must be the name of a file beside this one")
    included = path.parent / name
    if included in (*including, path):
        raise ValueError(f"{path}: include {name!r} leads back to itself")
    if not included.is_file():
        raise ValueError(f"{path}: include {name!r}: there is no such file beside this one")
    return _over(own, _read(included, (*including, path)))


def _over(own: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {k: _over(own[k], other[k]) for k in own if _are_tables(own[k], other.get(k))}
    return other | own | both


def _are_tables(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)
