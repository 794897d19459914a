"""The training of a fine-tuning: base weights -> tuned ones, in the time there is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor

from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.network.checkpoints import Card
from napari_fclick.network.fcanet import FCANet
from napari_fclick.training.config import PhaseConfig, SetConfig, TrainingConfig
from napari_fclick.training.dataset import ObjectSet
from napari_fclick.training.distributed import Processes
from napari_fclick.training.logs import Progress
from napari_fclick.training.trainer import Trainer

logger = logging.getLogger(__name__)

State = dict[str, Tensor]
Event = dict[str, Any]
Report = Callable[[Event], None]
#: Scores a network, given the step and the best score so far; smaller is better.
Watch = Callable[[FCANet, int, float | None], float]

#: Steps after which the time that one takes is known roughly, and well: it varies with the clicks.
TRIAL, SURE = 6, 40
#: So often, at most, the watched objects are scored; they take this part of the time at most.
WATCHES, WATCHED_PART = 8, 0.2
#: Progress is told once in so many seconds.
EVERY = 1.0
#: Steps that the learning rate takes to rise.
WARMUP = 10
#: Chances of 0, 1, 2 .. iterative clicks: as many as the default weights have learned with. Trained
#: with fewer, they forget how to answer late ones.
CORRECTIONS = (0.33, 0.2, 0.14, 0.1, 0.08, 0.06, 0.05, 0.04)
#: Chances of what a network with mask feedback sees, too: see `TrainingConfig`.
WITH_MASKS = {"rough_start": 0.1, "close_up": 0.15}


@dataclass(frozen=True)
class Tuned:
    """What a training came to.

    Attributes
    ----------
    state : dict of str to Tensor
        The averaged weights; of all times when they were watched, the best.
    steps : int
    """

    state: State
    steps: int


@dataclass(frozen=True)
class OnDevice(Processes):
    """A process of its own, on the device that was asked for."""

    chosen: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def device(self) -> torch.device:
        """That device; the CPU instead of one on which training was not tried."""
        return self.chosen if self.chosen.type == "cuda" else torch.device("cpu")


class SilentTrainer(Trainer):
    """A trainer that leaves nothing on disk: a fine-tuning begins at the base weights each time."""

    def save(self) -> None:
        """Keep nothing."""


def check_base(weights: str, card: Card) -> None:
    """Refuse weights that the training cannot go on from.

    Raises
    ------
    ValueError
        If they see images in another way than in training.
    """
    if card.preprocessing != Preprocessing():
        raise ValueError(
            f"weights {weights!r} cannot be fine-tuned: they see images in another way than "
            "training shows them; begin from 'default', or from weights made from it"
        )


class Tuning:
    """One training.

    Parameters
    ----------
    sets : sequence of ObjectSet
        The user's own first, then those that are mixed in.
    options : FineTuneOptions
    card : Card
        Of the base weights.
    specialist : int
        Which of their networks to begin from, -1 the general one.
    seconds_left : callable
        How long training may go on.
    watch : callable or None
        Scores a network in between.
    report, stop : callable
    device : torch.device, optional
        By default a GPU if there is one that training runs on, else the CPU.
    """

    def __init__(
        self,
        sets: Sequence[ObjectSet],
        options: FineTuneOptions,
        card: Card,
        specialist: int,
        seconds_left: Callable[[], float],
        watch: Watch | None,
        report: Report,
        stop: Callable[[], bool],
        device: torch.device | None = None,
    ) -> None:
        self._options, self._sets, self._card = options, sets, card
        self._specialist = specialist
        self._left, self._watch, self._report, self._stop = seconds_left, watch, report, stop
        self._processes = OnDevice(chosen=device) if device else Processes()
        self._steps = self._looked_at = 0
        self._best: tuple[float, State] | None = None
        self._bad = 0  # times in a row that it was watched and not the best
        self._watched = self._told = time.monotonic()
        self._cost = 0.0  # seconds that watching took last
        self._interval = float("inf")
        self._times: list[float] = []  # when the trial's steps were done

    def run(self) -> Tuned:
        """Train until the time is over, it gets no better, it fails, or it is stopped.

        Raises
        ------
        ValueError
            If there is nothing to learn from.
        FloatingPointError
            If the first step fails already: its loss or gradient is no number.
        """
        with TemporaryDirectory(prefix="fclick-") as folder:
            trainer = SilentTrainer(self._config(Path(folder), TRIAL), self._sets, self._processes)
            base = {n: p.detach().clone() for n, p in trainer.network.named_parameters()}
            after = self._after_step(trainer, base)
            try:
                trainer.run(self._is_over, after)
                self._plan(trainer, Path(folder))
                trainer.run(lambda: self._steps >= SURE or self._is_over(), after)
                if not self._is_over():
                    self._plan(trainer, Path(folder))
                    trainer.run(self._is_over, after)
            except FloatingPointError as error:
                if not trainer.step:
                    raise
                logger.warning("the training ends early: %s", error)
        return self._result(trainer)

    def _plan(self, trainer: Trainer, folder: Path) -> None:
        """Lay out the steps that there is time for."""
        left = self._left()
        # The first steps are slower than all others.
        pace = max(float(np.mean(np.diff(self._times))) if len(self._times) > 1 else 1.0, 1e-3)
        watching = WATCHED_PART if self._watch else 0.0
        more = int(left * (1 - watching / 2) / pace)
        trainer.config = self._config(folder, trainer.step + max(more, 1))
        self._interval = left / WATCHES
        self._watched = time.monotonic()

    def _config(self, out: Path, steps: int) -> TrainingConfig:
        options = self._options
        shares = [1.0, *[0.0] * (len(self._sets) - 1)]
        mixed = options.replay_share or 0.0
        if len(shares) > 1 and mixed:
            shares = [1 - mixed, *[mixed / (len(shares) - 1)] * (len(shares) - 1)]
        kept = [(s, w) for s, w in zip(self._sets, shares, strict=True) if w > 0]
        self._sets = [s for s, _ in kept]
        return TrainingConfig(
            name="finetuned",
            out=out,
            seed=options.seed,
            network=self._card.network,
            imagenet=False,
            start=options.weights,
            specialist=self._specialist,
            sets=tuple(SetConfig(path=Path(s.name), weight=w) for s, w in kept),
            phases=(PhaseConfig(steps=steps, size=options.size, batch=options.batch),),
            lr=options.lr,
            backbone_lr=options.backbone_lr,
            train_parts=options.train_parts,
            freeze_batch_norm=options.freeze_batch_norm,
            warmup=WARMUP,
            corrections=CORRECTIONS,
            **(WITH_MASKS if self._card.network.mask_feedback else {}),
            workers=0,
            log_every=1_000_000,
        )

    # --- after each step ----------------------------------------------------------------

    def _is_over(self) -> bool:
        if self._stop() or self._bad >= self._options.patience:
            return True
        return self._steps > 0 and self._left() <= 0  # one step is always made

    def _after_step(
        self, trainer: Trainer, base: Mapping[str, Tensor]
    ) -> Callable[[Progress], None]:
        def after(progress: Progress) -> None:
            if self._options.towards_base:
                _pull(trainer.network, base, progress.lr * self._options.towards_base)
            self._steps = progress.step
            now = time.monotonic()
            if progress.step <= SURE:
                self._times.append(now)
            if now - self._told >= EVERY:
                self._told = now
                self._report(
                    {
                        "event": "step",
                        "step": progress.step,
                        "loss": round(progress.loss, 5),
                        "iou": round(progress.iou, 5),
                        "seconds": round(progress.seconds, 2),
                    }
                )
            due = max(self._interval, self._cost / WATCHED_PART)
            if self._watch and now - self._watched >= due and not self._is_over():
                self._look(trainer)

        return after

    def _look(self, trainer: Trainer) -> None:
        """Score the weights there are; keep them if they are the best so far."""
        assert self._watch is not None
        begun = time.monotonic()
        self._looked_at = trainer.step
        network = trainer.averaged()
        state = {k: v.clone() for k, v in network.state_dict().items()}
        score = self._watch(network, trainer.step, self._best and self._best[0])
        self._watched = time.monotonic()
        self._cost = self._watched - begun
        if self._best is None or score < self._best[0]:
            self._best, self._bad = (score, state), 0
        else:
            self._bad += 1

    def _result(self, trainer: Trainer) -> Tuned:
        unknown = (
            trainer.step != self._looked_at
            and not self._stop()
            and self._bad < self._options.patience
        )
        if unknown and self._watch is not None:
            self._look(trainer)
        if self._best is None:
            state = trainer.averaged().state_dict()
            return Tuned({k: v.clone() for k, v in state.items()}, trainer.step)
        return Tuned(self._best[1], trainer.step)


@torch.no_grad()
def _pull(network: FCANet, base: Mapping[str, Tensor], strength: float) -> None:
    """Move weights back towards the base: the gradient of L2 to it, apart from the others."""
    for name, value in network.named_parameters():
        if value.requires_grad:
            value.lerp_(base[name], min(strength, 1.0))
