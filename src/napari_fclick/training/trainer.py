"""The training loop: resumable at any step, iterative clicks, exponential moving average."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from napari_fclick.core.memory import peak_memory_mb
from napari_fclick.network.fcanet import FCANet
from napari_fclick.network.inference import channels_last
from napari_fclick.training import optimization
from napari_fclick.training.checkpointing import read_state, write_state
from napari_fclick.training.config import TrainingConfig
from napari_fclick.training.dataset import ObjectSet, Sample
from napari_fclick.training.distributed import ALONE, Processes
from napari_fclick.training.forward import Forward
from napari_fclick.training.loading import batches, open_sets
from napari_fclick.training.logs import Log, Progress, Report
from napari_fclick.training.starting import fill, make_network

logger = logging.getLogger(__name__)

#: The file in a run's folder that holds its state.
CHECKPOINT = "checkpoint.pt"
#: Called with the step; what it measured goes into the logs.
Validate = Callable[[int], Mapping[str, float]]


class Trainer:
    """Train an `FCANet`.

    Parameters
    ----------
    config : TrainingConfig
        ``train_parts`` and ``freeze_batch_norm`` say what of the network may change.
    sets : sequence of ObjectSet, optional
        What to train on, instead of what ``config.sets`` names. They are drawn equally often,
        or by the weights in ``config.sets`` where there are as many.
    processes : Processes
        Those that share the run; see `napari_fclick.training.distributed.joined`. Each takes
        its part of every step; rank 0 alone writes files, reports and validates.

    Attributes
    ----------
    config : TrainingConfig
        With the phases' epochs counted in steps.
    step : int
        Steps done; of a resumed run, all of them.
    seconds : float
        Trained so far, all runs together.

    Raises
    ------
    ValueError
        If what the configuration starts from does not fit, or there is nothing to train on.
    FileNotFoundError
        If a folder is missing.
    """

    def __init__(
        self,
        config: TrainingConfig,
        sets: Sequence[ObjectSet] | None = None,
        processes: Processes = ALONE,
    ) -> None:
        self.processes, self.device = processes, processes.device
        with processes.leader_first():  # the others find the leader's index
            self.sets = open_sets(config) if sets is None else list(sets)
        objects = sum(len(each.objects) for each in self.sets)
        for each in self.sets:
            logger.info("%s: %d objects", each.name, len(each.objects))
        self.config = config.resolved(objects, processes.size)
        _check_batches(self.config, processes)
        torch.manual_seed(config.seed)
        torch.backends.cudnn.benchmark = True  # all inputs of a phase are of one size
        network = make_network(config)
        self.parent = fill(network, config)
        self.network = channels_last(network.to(self.device))
        self.average = optimization.MovingAverage(self.network, config.ema)
        self.optimizer = optimization.make_optimizer(self.network, config)
        model = processes.share(self.network, find_unused=not config.side_weight)
        self._forward = Forward(self.config, self.network, model, processes)
        self._scaler = torch.amp.GradScaler(
            self.device.type, enabled=self._forward.precision is torch.float16
        )
        self.step = 0
        self.seconds = 0.0

    @property
    def finished(self) -> bool:
        """Whether the last phase is done."""
        return self.step >= self.config.steps

    def run(
        self,
        stop: Callable[[], bool] | None = None,
        report: Report | None = None,
        validate: Validate | None = None,
    ) -> None:
        """Train to the end of the last phase, writing checkpoints and a log on the way.

        Parameters
        ----------
        stop : callable, optional
            Asked before each step; where it says True on any process, the state is saved and
            the run ends.
        report : callable, optional
            Told the `Progress` after each step.
        validate : callable, optional
            Called with the step every ``config.validate_every`` steps; the named scores that
            it returns go into the logs. It may ask for `averaged`.
        """
        log = Log(self.config.out, self.step) if self.processes.leads else None
        clock = _Clock(self)
        sums = np.zeros(3)  # of loss, IoU, and the steps they are sums over
        pin = self.device.type == "cuda"
        for batch in batches(self.config, self.sets, self.step, self.processes, pin):
            if stop is not None and self.processes.any(stop()):
                break
            loss, iou = self.processes.mean(*self.train_step(batch))
            self.step += 1
            clock.tick(len(batch.image))
            if log is None:
                continue
            sums += loss, iou, 1
            if report is not None:
                report(clock.progress(loss, iou))
            if self.step % self.config.log_every == 0:
                log.write(clock.progress(*(sums[:2] / sums[2])))
                sums[:] = 0
            every = self.config.validate_every
            if validate is not None and every and self.step % every == 0:
                log.write_scores(self.step, validate(self.step))
            if clock.save_is_due():
                self.save()
                log.draw()
        self.save()
        if log is not None:
            log.close()

    def averaged(self) -> FCANet:
        """Return a network with the averaged weights, on the CPU, in evaluation mode.

        It is a copy: training goes on without regard to it.
        """
        network = make_network(self.config)
        network.load_state_dict(self.average.state)
        return network.eval()

    def train_step(self, batch: Sample) -> tuple[float, float]:
        """Run one optimisation step; return the loss and the mean IoU of the last forward.

        Of this process's part of the batch. The loss is scaled where half precision needs
        it, which is the same path with a scale of 1 where it does not.
        """
        # A network of one's own may draw numbers: the same in a run that is resumed.
        stream = (self.config.seed, self.step, self.processes.rank)
        torch.manual_seed(int(np.random.SeedSequence(stream).generate_state(1)[0]))
        loss, iou = self._forward(batch, self.step)
        factor = optimization.rate_factor(self.config, self.step)
        optimization.set_rates(self.optimizer, factor)
        self.optimizer.zero_grad(set_to_none=True)
        self._scaler.scale(loss).backward()
        self._scaler.unscale_(self.optimizer)
        most = self.config.clip or math.inf
        norm = float(nn.utils.clip_grad_norm_(self.network.parameters(), most))
        value = float(loss.detach())
        # Scaled gradients overflow now and then: the scaler passes over such a step.
        if not self._scaler.is_enabled() and self.processes.any(not math.isfinite(value + norm)):
            kept = f"; {self.checkpoint} is the last state that was written"
            raise FloatingPointError(
                f"the loss of step {self.step + 1} is {value}, the norm of its gradient {norm}: "
                f"the weights stay as they were{kept if self.checkpoint.exists() else ''}"
            )
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self.average.update(self.network, self.step)
        return value, float(iou)

    # --- checkpoints --------------------------------------------------------------------

    @property
    def checkpoint(self) -> Path:
        """Where the state of the run is kept."""
        return self.config.out / CHECKPOINT

    def save(self) -> None:
        """Write the state of the run; a kill at any moment leaves a usable file."""
        if not self.processes.leads:
            return
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "average": self.average.state,
            "optimizer": self.optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "config": self.config.model_dump_json(),
            "data": [each.name for each in self.sets],
            "parent": self.parent,
            "processes": self.processes.size,
        }
        write_state(self.checkpoint, state)

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one.

        Raises
        ------
        ValueError
            If it cannot be read, or belongs to another network, optimizer or number of processes.
        """
        with suppress(FileNotFoundError):
            # On the CPU: there the optimizer counts its steps, whatever the device.
            self._restore(read_state(self.checkpoint))
            logger.info("resumed at step %d", self.step)
        self.processes.check_same(self.step, "the step they resume at")

    def _restore(self, state: Mapping[str, Any]) -> None:
        processes = state["processes"]
        if processes != self.processes.size:
            raise ValueError(
                f"{self.checkpoint} was made by {processes} processes: steps and samples are "
                f"others with {self.processes.size}; go on with as many"
            )
        groups = [
            {k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups
        ]
        try:
            # PyTorch takes any optimizer's state, and fails in the next step.
            if json.loads(state["config"])["optimizer"] != self.config.optimizer:
                raise ValueError
            self.network.load_state_dict(state["network"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError):
            raise ValueError(
                f"{self.checkpoint} belongs to another network or optimizer than the run's"
            ) from None
        # The rates and the like are the configuration's, which may have changed since.
        for group, known in zip(self.optimizer.param_groups, groups, strict=True):
            group.update(known)
        self.average.state = {k: v.to(self.device) for k, v in state["average"].items()}
        if state["scaler"]:  # none of a run in full precision
            self._scaler.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.parent = state["parent"]


def _check_batches(config: TrainingConfig, processes: Processes) -> None:
    """Refuse batches whose pooled branch leaves a batch norm a single value a channel."""
    together = processes.size if processes.device.type == "cuda" else 1
    if config.freeze_batch_norm or all(phase.batch * together > 1 for phase in config.phases):
        return
    raise ValueError("batch = 1 leaves batch norms nothing to learn from: take 2 or more samples")


class _Clock:
    """Times a run."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._started = self._saved = time.monotonic()
        self._before = trainer.seconds
        self._begin, self._samples = trainer.step, 0

    def tick(self, samples: int) -> None:
        """Note a step of so many samples of each process."""
        self._samples += samples * self._trainer.processes.size
        self._trainer.seconds = self._before + time.monotonic() - self._started

    def progress(self, loss: float, iou: float) -> Progress:
        trainer = self._trainer
        elapsed = max(trainer.seconds - self._before, 1e-9)
        pace = elapsed / max(trainer.step - self._begin, 1)
        return Progress(
            step=trainer.step,
            steps=trainer.config.steps,
            loss=loss,
            iou=iou,
            lr=trainer.optimizer.param_groups[1]["lr"],
            samples_per_second=self._samples / elapsed,
            memory_mb=peak_memory_mb(),
            seconds=trainer.seconds,
            seconds_left=pace * (trainer.config.steps - trainer.step),
        )

    def save_is_due(self) -> bool:
        """Whether it is time for a checkpoint; if so, counts anew."""
        now = time.monotonic()
        due = now - self._saved > 60 * self._trainer.config.checkpoint_minutes
        if due:
            self._saved = now
        return due
