"""Augmentation of a window: random changes that leave its labels true.

Each transform has a file: a deterministic class with its parameters, and a random one that
draws them. `Augmentation` applies them, each with the chance that the configuration gives it.
"""

from __future__ import annotations

from napari_fclick.training.augmentation.base import Patch, RandomTransform, Transform
from napari_fclick.training.augmentation.compose import TRANSFORMS, Augmentation

__all__ = ["TRANSFORMS", "Augmentation", "Patch", "RandomTransform", "Transform"]
