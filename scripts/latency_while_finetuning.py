"""What a click costs while a fine-tuning runs beside it, as the panel runs it.

    python scripts/latency_while_finetuning.py DIR [--rounds 3]

Times clicks with nothing beside, then while a fine-tuning on the folder's images trains in a
process of its own. Prints JSON: milliseconds of first and later clicks, and how many times as
long they take.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.evaluation.latency import measure
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.finetuning.process import Job
from napari_fclick.finetuning.request import Request
from napari_fclick.predictor import Predictor

SIZE, REPEATS = 512, 12
#: Minutes that the fine-tuning may take; it is cancelled when enough was timed.
MINUTES = 10

Times = dict[str, dict[str, float]]


def timed(predictor: Predictor) -> Times:
    """Time clicks."""
    found = measure(predictor, SIZE, REPEATS)
    return {which: found[which] for which in ("first", "later")}


def until_training(job: Job) -> None:
    """Wait until the process trains."""
    while job.running:
        for event in job.poll():
            if event.get("event") == "step":
                return
        time.sleep(0.05)
    raise RuntimeError(f"it ended before it trained: {job.last}")


def mean(rounds: list[Times]) -> Any:
    """Return the mean of some rounds."""
    return {
        which: {k: round(float(np.mean([r[which][k] for r in rounds])), 1) for k in times}
        for which, times in rounds[0].items()
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    predictor = Predictor.from_weights()
    alone = [timed(predictor) for _ in range(args.rounds)]
    with tempfile.TemporaryDirectory() as folder:
        options = FineTuneOptions(minutes=MINUTES, objects=12)
        request = Request(
            folders=(args.folder,), options=options, out=Path(folder) / "tuned.safetensors"
        )
        job = Job(request)
        try:
            until_training(job)
            beside = [timed(predictor) for _ in range(args.rounds)]
            training = job.running
        finally:
            job.kill()
    if not training:
        raise RuntimeError("the fine-tuning ended before all was timed")
    found = {"alone": mean(alone), "beside": mean(beside)}
    times = {
        which: round(found["beside"][which]["median_ms"] / found["alone"][which]["median_ms"], 2)
        for which in ("first", "later")
    }
    print(json.dumps(found | {"times": times}))


if __name__ == "__main__":
    main()
