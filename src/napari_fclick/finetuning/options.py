"""What a fine-tuning may be told; forms are made from the fields' titles, texts and ranges."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

#: What belongs behind "More" in a form.
ADVANCED: dict[str, Any] = {"advanced": True}
#: Parts of the largest blend with the base weights that are tried besides it.
BLENDS = (0.5, 0.75)
#: What is mixed in where it is needed.
REPLAY_SHARE = 0.5


class FineTuneOptions(BaseModel):
    """How a fine-tuning is done; the defaults were chosen by measurement."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: str = Field(
        "default",
        title="Start from",
        description="Weights to begin from: a name, or a .safetensors file.",
    )
    minutes: float = Field(
        10,
        ge=0.05,
        le=1440,
        title="Minutes",
        description="Time that it may take, the tests before and after included.",
    )
    train_parts: Literal["heads", "late", "all"] = Field(
        "heads",
        title="What learns",
        description="Only the network's heads, its late stages too, or all of it.",
        json_schema_extra=ADVANCED,
    )
    freeze_batch_norm: bool = Field(
        True,
        title="Keep statistics",
        description="Keep the base weights' batch statistics: steadier with few images.",
        json_schema_extra=ADVANCED,
    )
    lr: float = Field(
        1e-3,
        gt=0,
        le=0.1,
        title="Learning rate, heads",
        description="How far a step goes at most.",
        json_schema_extra=ADVANCED,
    )
    backbone_lr: float = Field(
        3e-4,
        gt=0,
        le=0.1,
        title="Learning rate, backbone",
        description="The same of the part that was trained longest.",
        json_schema_extra=ADVANCED,
    )
    towards_base: float = Field(
        0,
        ge=0,
        le=10,
        title="Pull to the base",
        description="How strongly weights are drawn back to where they began (L2).",
        json_schema_extra=ADVANCED,
    )
    choose_blend: bool = Field(
        True,
        title="Choose the blend",
        description="Try several blends with the base weights and take the one that fits best.",
        json_schema_extra=ADVANCED,
    )
    blend: float = Field(
        0.6,
        gt=0,
        le=1,
        title="Largest blend",
        description="1 takes the tuned weights as they are, 0.5 the middle between them and the "
        "base weights, which forgets less.",
        json_schema_extra=ADVANCED,
    )
    recognise: bool = Field(
        True,
        title="Only on images like these",
        description="The new weights answer on images that look like these, and those that they "
        "are made from on all others: nothing is forgotten there.",
        json_schema_extra=ADVANCED,
    )
    replay: tuple[Path, ...] = Field(
        (),
        title="Also learn from",
        description="Folders with images/ and labels/ mixed in, so that they are not forgotten; "
        "without any, drawn scenes, where a share is mixed in.",
        json_schema_extra=ADVANCED,
    )
    replay_share: float | None = Field(
        None,
        ge=0,
        le=0.9,
        title="Share of those",
        description="Which part of what is learned from comes from there; as needed: a half where "
        "folders are named or the new weights answer on other images, too, else nothing.",
        json_schema_extra=ADVANCED,
    )
    general: Path | None = Field(
        None,
        title="Must not get worse on",
        description="A folder with images/ and labels/; by default a small set that comes along.",
        json_schema_extra=ADVANCED,
    )
    corrections: float = Field(
        1,
        ge=0,
        le=10,
        title="Weight of corrections",
        description="How much more often objects are learned from for each further click that a "
        "person needed.",
    )
    real_clicks: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Share of real clicks",
        description="How often such an object is learned with the person's own clicks.",
        json_schema_extra=ADVANCED,
    )
    patience: int = Field(
        4,
        ge=1,
        le=100,
        title="Patience",
        description="Training ends when so many tests in a row bring nothing better.",
        json_schema_extra=ADVANCED,
    )
    objects: int = Field(
        60,
        ge=6,  # `gate.LEAST_OBJECTS`: fewer prove nothing
        le=1000,
        title="Test objects",
        description="Objects that are tested before and after, at most.",
        json_schema_extra=ADVANCED,
    )
    size: int = Field(
        160,
        ge=64,
        le=512,
        multiple_of=16,
        title="Input size",
        description="Side of the window that the network sees while it learns, in pixels.",
        json_schema_extra=ADVANCED,
    )
    batch: int = Field(
        8,
        ge=2,
        le=64,
        title="Batch",
        description="Windows that a step learns from.",
        json_schema_extra=ADVANCED,
    )
    threads: int = Field(
        0,
        ge=0,
        le=256,
        title="Processor cores",
        description="Cores to use; 0 leaves one free.",
        json_schema_extra=ADVANCED,
    )
    device: str = Field(
        "auto",
        title="Device",
        description="auto, cpu, cuda, cuda:N or mps.",
        json_schema_extra=ADVANCED,
    )
    seed: int = Field(
        0,
        ge=0,
        lt=2**32,
        title="Seed",
        description="Of all that is random.",
        json_schema_extra=ADVANCED,
    )

    def with_share(self, needed: bool) -> FineTuneOptions:
        """Return them with the share of what is mixed in, where it was left open.

        Parameters
        ----------
        needed : bool
            The new weights answer on other images, too, which would be forgotten.
        """
        if self.replay_share is not None:
            return self
        share = REPLAY_SHARE if self.replay or needed else 0.0
        return self.model_copy(update={"replay_share": share})
