"""The training loop: resumable at any step, iterative clicks, exponential moving average."""

from __future__ import annotations

import csv
import logging
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from napari_fclick.core.folders import ImageSet
from napari_fclick.core.guidance import guidance_maps
from napari_fclick.core.memory import peak_memory_mb
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import Preprocessing
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import channels_last
from napari_fclick.training import losses
from napari_fclick.training.config import PhaseConfig, TrainingConfig
from napari_fclick.training.dataset import Sample, WindowDataset
from napari_fclick.training.pretrained import load_imagenet
from napari_fclick.training.simulation import SimulatedClick, correction, paper_clicks

logger = logging.getLogger(__name__)

Clicks = list[SimulatedClick]


class Guidance(NamedTuple):
    """Maps of a batch: (N, 2, H, W) positive and negative, (N, 1, H, W) first."""

    clicks: Tensor
    first: Tensor


class Trainer:
    """Train an `FCANet`.

    Parameters
    ----------
    config : TrainingConfig
    """

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # What the exported card will say is what the network is trained with.
        self.preprocessing = Preprocessing()
        self._mean, self._std = (
            torch.tensor(values, device=self.device)[:, None, None]
            for values in (self.preprocessing.mean, self.preprocessing.std)
        )
        torch.manual_seed(config.seed)
        network = FCANet(config.network)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 0.1
        self.parent = _begin(network, config)
        self.network = channels_last(network.to(self.device))
        self.average = {k: v.detach().clone() for k, v in network.state_dict().items()}
        self.optimizer = torch.optim.AdamW(
            [
                {"params": list(network.backbone.parameters()), "peak": config.backbone_lr},
                {
                    "params": [
                        p for n, p in network.named_parameters() if not n.startswith("backbone.")
                    ],
                    "peak": config.lr,
                },
            ],
            lr=config.lr,
            weight_decay=config.weight_decay,
        )
        self.step = 0
        self.seconds = 0.0

    # --- running ------------------------------------------------------------------------

    def run(self) -> None:
        """Train to the end of the last phase, writing checkpoints and a log on the way."""
        self.config.out.mkdir(parents=True, exist_ok=True)
        sets = [ImageSet(s.path, validation=False, axes=s.axes) for s in self.config.sets]
        for each in sets:
            logger.info("%s: %d images, %d objects", each.name, len(each.arrays), len(each.objects))
        started = saved = time.monotonic()
        sums = np.zeros(3)  # of loss, IoU, and the steps they are sums over
        for batch in self._batches(sets):
            sums += *self.train_step(batch), 1
            self.step += 1
            if self.step % 50 == 0:
                self.seconds += time.monotonic() - started
                started = time.monotonic()
                self._log(sums[:2] / sums[2])
                sums[:] = 0
            if time.monotonic() - saved > 60 * self.config.checkpoint_minutes:
                self.save()
                saved = time.monotonic()
        self.save()

    def _batches(self, sets: list[ImageSet]) -> Iterator[Sample]:
        weights = [s.weight for s in self.config.sets]
        begin = 0
        for number, phase in enumerate(self.config.phases):
            done = min(max(self.step - begin, 0), phase.steps)
            begin += phase.steps
            if done == phase.steps:
                continue
            seed = self.config.seed * 1000 + number
            data = WindowDataset(sets, weights, phase.size, seed, phase.steps * phase.batch)
            rest = Subset(data, range(done * phase.batch, len(data)))
            yield from self._loader(rest, phase)

    def _loader(self, data: Subset[Sample], phase: PhaseConfig) -> DataLoader[Sample]:
        workers = self.config.workers
        return DataLoader(
            data,
            phase.batch,
            num_workers=workers,
            pin_memory=self.device.type == "cuda",
            prefetch_factor=4 if workers else None,
            worker_init_fn=_one_thread,
        )

    def _log(self, means: np.ndarray[Any, Any]) -> None:
        row = {
            "step": self.step,
            "loss": f"{means[0]:.4f}",
            "iou": f"{means[1]:.4f}",
            "lr": f"{self.optimizer.param_groups[1]['lr']:.2e}",
            "seconds": f"{self.seconds:.0f}",
            "memory_mb": peak_memory_mb(),
        }
        logger.info(" ".join(f"{k} {v}" for k, v in row.items()))
        path = self.config.out / "log.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if fresh:
                writer.writeheader()
            writer.writerow(row)

    # --- one step -----------------------------------------------------------------------

    def train_step(self, batch: Sample) -> tuple[float, float]:
        """Run one optimisation step; return the loss and the mean IoU of the last forward."""
        rng = np.random.default_rng((self.config.seed, self.step, 1))
        images = batch.image.to(self.device, non_blocking=True)
        images = (images - self._mean) / self._std
        target = batch.target.to(self.device, non_blocking=True)
        truths = (batch.target == 1).numpy()
        ignored = (batch.target == losses.IGNORE).numpy()
        clicks = [
            self._start(truth, first, rng)
            for truth, first in zip(truths, batch.first.tolist(), strict=True)
        ]
        previous = torch.zeros_like(images[:, :1])
        for _ in range(int(rng.choice(len(self.config.corrections), p=self.config.corrections))):
            previous = self._predict(images, clicks, previous)
            guesses = (previous[:, 0] > 0.5).cpu().numpy()
            for i, known in enumerate(clicks):
                self._correct(known, truths[i], guesses[i], ignored[i], rng)
            previous = self._withhold(previous, rng)
        self._schedule()
        self.network.train()
        guidance = self._guidance(clicks, images.shape)
        with self._autocast():
            main, side = self.network(self._inputs(images, guidance, previous), guidance.first)
        loss = self._loss(main.float(), side, target, clicks)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.config.clip)
        self.optimizer.step()
        self._update_average()
        return float(loss.detach()), _mean_iou(main.detach(), target)

    def _start(self, truth: np.ndarray[Any, Any], first: list[float], rng: Any) -> Clicks:
        pixel = (round(first[0]), round(first[1]))
        clicks = [SimulatedClick(*pixel, True)]
        most = self.config.extra_clicks
        if most and rng.random() < 0.4:
            wanted = int(rng.integers(most + 1)), int(rng.integers(most + 1))
            clicks += paper_clicks(truth, rng, *wanted, pixel)
        return clicks

    def _correct(self, clicks: Clicks, truth: Any, guess: Any, ignored: Any, rng: Any) -> None:
        if rng.random() < 0.2:  # a second look with the same clicks
            return
        jitter = 0.0 if rng.random() < 0.5 else float(rng.uniform(0, 0.7))
        taken = [(c.row, c.column) for c in clicks]
        click = correction(truth, guess, taken, ignored, rng, jitter)
        if click is None:
            return
        if rng.random() < self.config.wrong_click:
            click = click._replace(positive=not click.positive)
        clicks.append(click)

    def _withhold(self, previous: Tensor, rng: Any) -> Tensor:
        keep = torch.from_numpy(rng.random(len(previous)) >= self.config.mask_drop)
        return previous * keep.to(previous)[:, None, None, None]

    def _predict(self, images: Tensor, clicks: list[Clicks], previous: Tensor) -> Tensor:
        self.network.eval()
        guidance = self._guidance(clicks, images.shape)
        with torch.no_grad(), self._autocast():
            x = self._inputs(images, guidance, previous)
            logits: Tensor = self.network(x, guidance.first).main
            return logits.float().sigmoid()

    def _guidance(self, clicks: list[Clicks], shape: torch.Size) -> Guidance:
        size = (shape[-2], shape[-1])
        maps = [
            guidance_maps(
                size,
                [(c.row, c.column) for c in known if c.positive],
                [(c.row, c.column) for c in known if not c.positive],
                (known[0].row, known[0].column),
                self.preprocessing.click_width,
                self.preprocessing.first_click_width,
            )
            for known in clicks
        ]
        stacked = torch.from_numpy(np.array(maps)).to(self.device, non_blocking=True)
        return Guidance(stacked[:, :2], stacked[:, 2:])

    def _inputs(self, images: Tensor, guidance: Guidance, previous: Tensor) -> Tensor:
        parts = [images, guidance.clicks]
        if self.config.network.mask_feedback:
            parts.append(previous)
        return torch.cat(parts, 1).contiguous(memory_format=torch.channels_last)

    def _loss(
        self, main: Tensor, side: Tensor | None, target: Tensor, clicks: list[Clicks]
    ) -> Tensor:
        size = (target.shape[-2], target.shape[-1])
        scale = losses.TAU * max(size) / 512  # tau belongs to the paper's 512 pixels

        def near(choose: Any) -> Tensor:
            maps = [
                losses.closeness(size, [(c.row, c.column) for c in choose(known)], scale)
                for known in clicks
            ]
            return torch.stack(maps).to(target.device)

        if self.config.loss == "paper":
            positive = near(lambda known: [c for c in known if c.positive])
            negative = near(lambda known: [c for c in known if not c.positive])
            loss = losses.global_click_loss(main, target, positive, negative)
        else:
            loss = losses.normalised_focal_loss(main, target)
            loss = loss + 0.5 * losses.dice_loss(main, target)
        if side is not None and self.config.side_weight:
            first = near(lambda known: known[:1])
            side_loss = losses.first_click_loss(side.float(), target, first)
            loss = loss + self.config.side_weight * side_loss
        return loss

    def _schedule(self) -> None:
        warm = min(1.0, (self.step + 1) / max(self.config.warmup, 1))
        factor = warm * max(1 - self.step / self.config.steps, 0.0) ** 0.9
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor

    def _update_average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, enabled=self.device.type == "cuda")

    # --- checkpoints --------------------------------------------------------------------

    @property
    def checkpoint(self) -> Path:
        """Where the state of the run is kept."""
        return self.config.out / "checkpoint.pt"

    def save(self) -> None:
        """Write the state of the run; a kill at any moment leaves a usable file."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "config": self.config.model_dump_json(),
            "parent": self.parent,
        }
        partial = self.checkpoint.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.checkpoint)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one."""
        with suppress(FileNotFoundError):
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average = state["average"]
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = state["step"], state["seconds"]
            self.parent = state["parent"]
            logger.info("resumed at step %d", self.step)


def _begin(network: FCANet, config: TrainingConfig) -> dict[str, str]:
    """Fill the network with what the run starts from; return what the card says of it."""
    if config.start:
        parent, card = checkpoints.load(config.start)
        if card.network != config.network:
            raise ValueError(
                f"start {config.start!r} holds a network of another shape than the run's"
            )
        network.load_state_dict(parent.state_dict())
        return {"sha256": card.sha256, "recipe": card.recipe}
    if config.imagenet:
        load_imagenet(network)
    return {"sha256": "", "recipe": ""}


def _mean_iou(logits: Tensor, target: Tensor) -> float:
    known, guess, truth = target != losses.IGNORE, logits[:, 0] > 0, target == 1
    overlap = (guess & truth & known).sum((-2, -1))
    union = ((guess | truth) & known).sum((-2, -1)).clamp(min=1)
    return float((overlap / union).mean())


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
