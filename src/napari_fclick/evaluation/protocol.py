"""What an evaluation does: how objects are drawn and clicked."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")

#: IoUs whose NoC is reported, and the clicks that an object gets at most.
TARGETS, MOST_CLICKS = (0.85, 0.9), 20


@dataclass(frozen=True)
class Protocol:
    """How objects are chosen and clicked.

    Attributes
    ----------
    targets : tuple of float
        IoUs whose NoC is reported.
    most : int
        Clicks an object gets at most.
    jitter : float
        The robot clicks so many pixels from an error region's peak, at most, within the region; 0
        is the paper's robot.
    objects : int or None
        Objects drawn from a set; all by default.
    seed : int
        Of the draw and of the jitter.
    stop : float
        An object is done when this IoU is reached; 1 plays until nothing is wrong.
    integrity : bool
        Whether the structural integrity strategy cleans the network's masks (section 3.3).
    exclude : tuple of str
        Names of images that are left out of every set.
    jitter_share : float
        Instead of pixels a share J: the robot clicks anywhere in an error region that is at least
        (1 - J) as deep as the region's peak; 1 is anywhere in the region.
    """

    targets: tuple[float, ...] = TARGETS
    most: int = MOST_CLICKS
    jitter: float = 0.0
    objects: int | None = None
    seed: int = 0
    stop: float = 1.0
    integrity: bool = True
    exclude: tuple[str, ...] = ()
    jitter_share: float = 0.0

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("no target: at least one IoU is needed")
        if not 0 < self.stop <= 1:
            raise ValueError(f"stop {self.stop} is not within 0 to 1, and above 0")
        for target in self.targets:
            if not 0 < target <= 1:
                raise ValueError(f"target {target} is not within 0 to 1, and above 0")
            if target > self.stop:
                raise ValueError(f"target {target} is never reached: objects stop at {self.stop}")
        if self.most < 1:
            raise ValueError(f"at most {self.most} clicks: at least 1 is needed")
        if self.objects is not None and self.objects < 1:
            raise ValueError(f"{self.objects} objects: at least 1 is needed")
        if not 0 <= self.jitter < math.inf:
            raise ValueError(f"jitter {self.jitter} is no number of pixels, 0 or more")
        if not 0 <= self.jitter_share <= 1:
            raise ValueError(f"jitter share {self.jitter_share} is not within 0 to 1")
        if self.jitter and self.jitter_share:
            raise ValueError(
                f"jitter {self.jitter} px and jitter share {self.jitter_share}: choose one of them"
            )
        check_seed(self.seed)

    def as_json(self) -> dict[str, Any]:
        """Return the protocol as it stands in reports."""
        names = {"most": "max_clicks", "objects": "max_objects"}
        found = {names.get(k, k): v for k, v in asdict(self).items()}
        return found | {"targets": list(self.targets), "exclude": list(self.exclude)}


def check_seed(seed: int) -> None:
    """Refuse a seed that is negative, with a ValueError."""
    if seed < 0:
        raise ValueError(f"seed {seed} is negative; allowed are 0, 1, 2, ..")


def drawn(items: Sequence[T], count: int | None, seed: int) -> list[T]:
    """Return so many of the items, in their order, by a draw that the seed fixes; all for None."""
    if count is None or count >= len(items):
        return list(items)
    rng = np.random.default_rng(seed)
    return [items[i] for i in sorted(rng.choice(len(items), count, replace=False))]


def stream(seed: int, set_name: str, key: str) -> np.random.Generator:
    """Return the random stream of one object.

    It depends on nothing else: neither on the objects before it nor on who plays it.
    """
    digest = hashlib.sha256(f"{seed}\n{set_name}\n{key}".encode()).digest()
    return np.random.default_rng(list(np.frombuffer(digest, "<u4")))
