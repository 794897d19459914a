"""Losses: the paper's click-weighted cross-entropies, and normalised focal + Dice.

All take logits (N, 1, H, W) and targets (N, H, W) with values 0, 1 and `IGNORE`.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORE = 255
#: Constants of the click loss (section 3.2).
TAU, LOW, HIGH = 100.0, 0.8, 2.0


def distances(centres: Tensor, length: int) -> Tensor:
    """Return how far 0 .. ``length`` - 1 lie from each of the centres, signed, (..., length)."""
    return torch.arange(length, device=centres.device, dtype=centres.dtype) - centres[..., None]


def closeness(shape: tuple[int, int], points: Tensor, wanted: Tensor, tau: float = TAU) -> Tensor:
    """Return psi = 1 - min(distance to the nearest point, tau) / tau (Eq. 3).

    Parameters
    ----------
    shape : (int, int)
        Rows and columns, H and W.
    points : Tensor (N, K, 2)
        Rows and columns of each image's points.
    wanted : bool Tensor (N, K)
        Which of them count.
    tau : float
        In pixels.

    Returns
    -------
    Tensor (N, H, W) in [0, 1]
        1 on a point, 0 from ``tau`` pixels on; zeros where no point counts.
    """
    rows, columns = (distances(points[..., axis], length) ** 2 for axis, length in enumerate(shape))
    rows = rows.masked_fill(~wanted[..., None], tau**2)
    nearest = torch.full((len(points), *shape), tau**2, device=points.device)
    for i in range(wanted.shape[1]):
        nearest = torch.minimum(nearest, rows[:, i, :, None] + columns[:, i, None, :])
    return 1 - nearest.sqrt() / tau


def _mean(values: Tensor, target: Tensor) -> Tensor:
    """Return the mean over each image's known pixels, averaged over the images.

    By images, so that a batch that is spread over processes comes to the same.
    """
    known = (target != IGNORE).to(values.dtype)
    means = (values * known).sum((-2, -1)) / known.sum((-2, -1)).clamp(min=1)
    return means.mean()


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    truth = (target == 1).to(logits.dtype)
    return F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")


def cross_entropy_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return the binary cross-entropy (Eq. 2)."""
    return _mean(_cross_entropy(logits, target), target)


def global_click_loss(logits: Tensor, target: Tensor, near_pos: Tensor, near_neg: Tensor) -> Tensor:
    """Return L_g: cross-entropy weighted by the nearest click of each side (Eq. 4 and 5).

    Parameters
    ----------
    near_pos, near_neg : Tensor (N, H, W)
        `closeness` to the positive and to the negative clicks.
    """
    near = torch.where(target == 1, near_pos, near_neg)
    return _mean((LOW + near * (HIGH - LOW)) * _cross_entropy(logits, target), target)


def first_click_loss(logits: Tensor, target: Tensor, near_first: Tensor) -> Tensor:
    """Return L_f: cross-entropy weighted by the first click, inside the object (Eq. 6 and 7)."""
    near = near_first * (target == 1)
    return _mean((LOW + near * (HIGH - LOW)) * _cross_entropy(logits, target), target)


def normalised_focal_loss(
    logits: Tensor, target: Tensor, gamma: float = 2.0, alpha: float = 0.5
) -> Tensor:
    """Return the focal loss whose weights are normalised over each image (RITM)."""
    truth, known = target == 1, (target != IGNORE).float()
    log_right = -_cross_entropy(logits, target).float()
    focus = (1 - log_right.exp()).clamp(min=0) ** gamma * known
    scale = known.sum((-2, -1), keepdim=True) / focus.sum((-2, -1), keepdim=True).clamp(min=1e-6)
    balance = torch.where(truth, alpha, 1 - alpha)
    losses = -(balance * focus * scale.detach().clamp(max=1e3)) * log_right
    return _mean(losses, target)


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Return 1 - the soft Dice coefficient, averaged over images."""
    known = (target != IGNORE).float()
    truth = (target == 1).float() * known
    probability = logits[:, 0].float().sigmoid() * known
    overlap = (probability * truth).sum((-2, -1))
    total = probability.sum((-2, -1)) + truth.sum((-2, -1))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()
