"""A fine-tuning that plays events, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_fclick.evaluation.games import pack_mask

Event = dict[str, Any]


def disc(y: float, x: float, radius: float, shape: tuple[int, int] = (64, 64)) -> Any:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def figure(name: str, before: float, after: float, half: float) -> Event:
    change = after - before
    return {
        "name": name,
        "before": before,
        "after": after,
        "change": change,
        "low": change - half,
        "high": change + half,
    }


def comparison(objects: int = 48, images: int = 2, gain: float = 1.0) -> Event:
    return {
        "objects": objects,
        "images": images,
        "figures": [
            figure("NoC@85", 6.21, 6.21 - 2.8 * gain, 0.9),
            figure("NoC@90", 9.4, 9.4 - 3.1 * gain, 1.4),
            figure("IoU@1", 0.52, 0.52 + 0.23 * gain, 0.06),
            figure("IoU@3", 0.74, 0.74 + 0.12 * gain, 0.05),
            figure("IoU@5", 0.81, 0.81 + 0.08 * gain, 0.04),
            figure("NoC", 7.8, 7.8 - 2.95 * gain, 1.1),
            figure("NoC10", 4.9, 4.9 - 1.9 * gain, 0.7),
        ],
    }


def changed(
    image: str = "cells",
    label: int = 1,
    y: float = 20,
    x: float = 20,
    shape: tuple[int, int] = (64, 64),
    digest: str = "digest",
) -> Event:
    truth = disc(y, x, 9, shape)
    rows, columns = np.nonzero(truth)
    return {
        "image": image,
        "digest": digest,
        "plane": 0,
        "label": label,
        "box": [int(rows.min()), int(columns.min()), int(rows.max()) + 1, int(columns.max()) + 1],
        "noc_before": 7,
        "noc_after": 1,
        "ious_before": [0.41, 0.63, 0.7],
        "ious_after": [0.88],
        "mask_before": pack_mask(disc(y + 5, x + 4, 13, shape)),
        "mask_after": pack_mask(disc(y, x + 1, 9, shape)),
    }


def result(out: Path | None, promoted: bool = True, **others: Any) -> Event:
    reasons = (
        ["better: 6.21 -> 3.41 clicks an object to IoU 0.85 on held-back images"]
        if promoted
        else ["not better beyond chance: 6.21 -> 6.07 clicks an object to IoU 0.85"]
    )
    return {
        "out": None if out is None else str(out),
        "promoted": promoted,
        "outcome": "better" if promoted else "not better",
        "reasons": reasons,
        "weights": "default",
        "parent": "a" * 64,
        "sha256": "b" * 64,
        "data": "c" * 64,
        "split": {"training": ["cells"], "validation": ["more"]},
        "validation": comparison(gain=1.0 if promoted else 0.05),
        "general": comparison(60, 12, gain=0.0),
        "before": {},
        "after": {},
        "blend": 1.0,
        "steps": 412,
        "seconds": 583.0,
        "changed": [changed()],
        **others,
    }


def finished(out: Path | None, promoted: bool = True, **others: Any) -> Event:
    return {"event": "finished", "result": result(out, promoted, **others)}


def progress(fraction: float, left: float) -> Event:
    return {
        "event": "progress",
        "stage": "training",
        "fraction": fraction,
        "seconds": 0,
        "left": left,
    }


def summary(objects: int, *messages: tuple[str, str]) -> Event:
    return {
        "event": "summary",
        "images": 1,
        "objects": objects,
        "training_images": 1,
        "validation_images": 0,
        "messages": [list(message) for message in messages],
    }


def step(number: int, loss: float) -> Event:
    return {"event": "step", "step": number, "loss": loss, "iou": 0.8, "seconds": 1.0}


def watch(number: int, noc: float, best: bool = False) -> Event:
    return {
        "event": "watch",
        "step": number,
        "NoC@85": noc,
        "NoC@90": noc + 3,
        "IoU@1": 0.6,
        "best": best,
    }


class FakeProcess:
    """Tells what is put into it; ``request`` is what was asked."""

    def __init__(self, request: Any) -> None:
        self.request = request
        self.events: list[Event] = []
        self.ended = False
        self.calls: list[str] = []

    @property
    def running(self) -> bool:
        return not self.ended

    def poll(self) -> list[Event]:
        events, self.events = self.events, []
        self.ended |= any(event["event"] in ("finished", "failed") for event in events)
        return events

    def cancel(self) -> None:
        self.calls.append("cancel")

    def kill(self) -> None:
        self.calls.append("kill")
        self.events.append({"event": "failed", "error": "stopped"})

    def close(self) -> None:
        self.calls.append("close")
