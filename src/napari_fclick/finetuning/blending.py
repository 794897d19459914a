"""Blends of the base weights and the tuned ones, which forget less than the tuned ones do.

Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (WiSE-FT):
theta = base + alpha (tuned - base), for all weights and batch statistics alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

State = Mapping[str, Tensor]

#: Of the blends that do not forget, the smallest is taken that reaches this fraction of the best
#: one's gain: a larger one forgets more, which a few objects show less clearly than the gain.
ENOUGH = 0.8


class Tried(NamedTuple):
    """A blend, and how it did on the watched objects.

    Attributes
    ----------
    alpha : float in (0, 1]
    value : float
        Of the user's own objects; smaller is better.
    excess : float
        By how much more was forgotten than may be; 0 where it was not.
    """

    alpha: float
    value: float
    excess: float


def chosen(tried: Sequence[Tried], before: float, enough: float = ENOUGH) -> float:
    """Return which blend to take.

    Parameters
    ----------
    tried : sequence of Tried
        One at least.
    before : float
        The base weights' value.
    enough : float in (0, 1]
        Part of the best one's gain that is enough; 1 where little is forgotten anyway.
    """
    best = min(tried, key=lambda each: (each.excess, each.value))
    least = before - enough * max(before - best.value, 0.0)
    fitting = [t.alpha for t in tried if t.excess <= best.excess and t.value <= least]
    return min(fitting, default=best.alpha)


def blend(base: State, tuned: State, alpha: float) -> dict[str, Tensor]:
    """Return weights on the straight line from base (0) to tuned (1).

    Parameters
    ----------
    base, tuned : mapping of str to Tensor
        Of the same network; what is no float is taken from ``tuned``.
    alpha : float in [0, 1]
    """
    return {
        name: base[name].lerp(value, alpha) if value.dtype.is_floating_point else value.clone()
        for name, value in tuned.items()
    }
