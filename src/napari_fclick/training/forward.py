"""From a batch to its loss: clicks, iterative corrections, one forward pass that counts."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from napari_fclick.network.fcanet import FCANet
from napari_fclick.training import losses, optimization
from napari_fclick.training.clicking import BatchClicks, Guidance
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.dataset import Sample
from napari_fclick.training.distributed import Processes
from napari_fclick.training.objective import Objective


class Outcome(NamedTuple):
    """The loss of a batch, to be derived, and the mean IoU of its forward pass."""

    loss: Tensor
    iou: Tensor


def half_precision(config: TrainingConfig, device: torch.device) -> torch.dtype | None:
    """Return the type of half precision that a device computes in; None: full precision.

    bfloat16 where the GPU has it: it spans the range of float32, so that no gradient is lost
    and none needs scaling. Else float16, with scaled gradients.
    """
    if not config.amp or device.type != "cuda":
        return None
    # Older GPUs say that they support bfloat16: they emulate it, which takes longer.
    real = torch.version.hip or torch.cuda.get_device_capability(device) >= (8, 0)
    return torch.bfloat16 if real else torch.float16


class Forward:
    """Compute the loss of batches.

    Parameters
    ----------
    config : TrainingConfig
    network : FCANet
        Predicts where it is wrong, for the iterative clicks.
    model : nn.Module
        The same network, as its gradients are shared between processes.
    processes : Processes
    """

    def __init__(
        self, config: TrainingConfig, network: FCANet, model: nn.Module, processes: Processes
    ) -> None:
        self._config, self._network, self._model = config, network, model
        self._rank, self._device = processes.rank, processes.device
        self._preprocessing = config.preprocessing
        self._objective = Objective(config)
        self.precision = half_precision(config, self._device)
        self._mean, self._std = (
            torch.tensor(values, device=self._device)[:, None, None]
            for values in (self._preprocessing.mean, self._preprocessing.std)
        )

    def __call__(self, batch: Sample, step: int) -> Outcome:
        """Return the loss of this process's part of a step."""
        images = batch.image.to(self._device, non_blocking=True)
        images = (images - self._mean) / self._std
        target = batch.target.to(self._device, non_blocking=True)
        offset = self._rank * len(images)
        clicks = BatchClicks(self._config, batch.target, batch.clicks, step, offset)
        rough = batch.rough.to(self._device, non_blocking=True)
        seen = _seen(batch.inner, images.shape[-2:]).to(self._device, non_blocking=True)
        previous = self._iterate(clicks, images, rough, seen)
        optimization.train_mode(self._network, self._config)
        placed = clicks.placed(self._device)
        guidance = placed.guidance(self._preprocessing)
        with self._autocast():
            main, side = self._model(self._inputs(images, guidance, previous), guidance.first)
        loss = self._objective(main, side, target, placed)
        return Outcome(loss, _mean_iou(main.detach(), target))

    def _iterate(
        self, clicks: BatchClicks, images: Tensor, previous: Tensor, seen: Tensor
    ) -> Tensor:
        """Correct the clicks where the network errs; return the mask that it is shown then.

        ``previous`` (N, 1, H, W) is what it is shown at first, with the first clicks; in the
        padding, where ``seen`` (N, 1, H, W) is 0, it is shown nothing, as in a prediction.
        """
        handed = previous
        gone = torch.from_numpy(clicks.gone).to(self._device, non_blocking=True)[
            :, None, None, None
        ]
        for _ in range(clicks.corrections):
            previous = self._predict(images, clicks, previous) * seen
            clicks.correct((previous[:, 0] > 0.5).cpu().numpy())
            shown = torch.from_numpy(clicks.keep_mask()).to(previous)
            # Without the mask of a slice that had the object, a click would stand for nothing.
            previous = torch.where(gone, handed, previous * shown[:, None, None, None])
        return previous

    def _predict(self, images: Tensor, clicks: BatchClicks, previous: Tensor) -> Tensor:
        guidance = clicks.placed(self._device).guidance(self._preprocessing)
        self._network.eval()
        with torch.no_grad(), self._autocast():
            x = self._inputs(images, guidance, previous)
            logits: Tensor = self._network(x, guidance.first).main
            return logits.float().sigmoid()

    def _inputs(self, images: Tensor, guidance: Guidance, previous: Tensor) -> Tensor:
        parts = [images, guidance.clicks]
        if self._config.network.mask_feedback:
            parts.append(previous)
        return torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(
            self._device.type, dtype=self.precision, enabled=self.precision is not None
        )


def _seen(inner: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Return 1 where a canvas is not padding, (N, 1, H, W); ``inner`` is its extent, (N, 2)."""
    rows = torch.arange(shape[0])[None, :, None] < inner[:, 0, None, None]
    columns = torch.arange(shape[1])[None, None, :] < inner[:, 1, None, None]
    return (rows & columns)[:, None].float()


def _mean_iou(logits: Tensor, target: Tensor) -> Tensor:
    known, guess, truth = target != losses.IGNORE, logits[:, 0] > 0, target == 1
    overlap = (guess & truth & known).sum((-2, -1))
    union = ((guess | truth) & known).sum((-2, -1))
    # Nothing found where nothing is to be found is right.
    return ((overlap + (union == 0)) / union.clamp(min=1)).mean()
