"""Between the base weights and the tuned ones: less is forgotten on the way than at its end.

Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022 (WiSE-FT):
theta = base + alpha (tuned - base), for all weights and batch statistics alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

State = Mapping[str, Tensor]


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
