"""The loss of a step: the click losses of the paper, focal + Dice, or one's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from napari_fclick.training import losses
from napari_fclick.training.clicking import PlacedClicks
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.registry import find


class Loss(Protocol):
    """A loss of the main output."""

    def __call__(self, logits: Tensor, target: Tensor, near: PlacedClicks) -> Tensor:
        """Return the mean over the batch's images.

        Parameters
        ----------
        logits : Tensor (N, 1, H, W), float32
        target : Tensor (N, H, W): 0, 1, `losses.IGNORE`
        near : PlacedClicks
            How near each pixel is to the clicks.
        """


def paper(logits: Tensor, target: Tensor, near: PlacedClicks) -> Tensor:
    """Return L_g (Eq. 4 and 5)."""
    return losses.global_click_loss(logits, target, near.positive, near.negative)


def focal_dice(logits: Tensor, target: Tensor, near: PlacedClicks) -> Tensor:
    """Return the normalised focal loss + half the Dice loss."""
    focal = losses.normalised_focal_loss(logits, target)
    return focal + 0.5 * losses.dice_loss(logits, target)


def cross_entropy(logits: Tensor, target: Tensor, near: PlacedClicks) -> Tensor:
    """Return the cross-entropy (Eq. 2), wherever the clicks are: the ablation's base."""
    return losses.cross_entropy_loss(logits, target)


LOSSES: Mapping[str, Loss] = {
    "focal-dice": focal_dice,
    "paper": paper,
    "cross-entropy": cross_entropy,
}


class Objective:
    """The chosen loss of the main output + the first-click loss of the side head (Eq. 6).

    Parameters
    ----------
    config : TrainingConfig

    Raises
    ------
    ValueError
        If the loss is not known.
    """

    def __init__(self, config: TrainingConfig) -> None:
        self._name, self._side_weight = config.loss, config.side_weight
        self._loss: Loss = find("loss", config.loss, LOSSES)
        if not callable(self._loss):
            raise ValueError(f"loss {config.loss!r} cannot be called")

    def __call__(
        self, main: Tensor, side: Tensor | None, target: Tensor, near: PlacedClicks
    ) -> Tensor:
        """Return the loss of a forward pass."""
        loss = self._loss(main.float(), target, near)
        if not isinstance(loss, Tensor) or loss.ndim:
            raise ValueError(f"loss {self._name!r} did not return one number for the batch")
        if side is not None and self._side_weight:
            side_loss = losses.first_click_loss(side.float(), target, near.first)
            loss = loss + self._side_weight * side_loss
        return loss
