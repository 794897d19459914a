"""From probability to mask: the threshold that is meant where none is given."""

from __future__ import annotations

from napari_fclick.core.arrays import FloatArray, Mask

#: Above this probability a pixel belongs to the object, unless another threshold is given.
THRESHOLD = 0.5


def check_threshold(threshold: float) -> None:
    """Raise a ValueError unless a threshold is within 0 to 1."""
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold {threshold!r} is not within 0 to 1")


def above(probability: FloatArray, threshold: float = THRESHOLD) -> Mask:
    """Return where a probability is greater than a threshold.

    Raises
    ------
    ValueError
        If the threshold is not within 0 to 1.
    """
    check_threshold(threshold)
    return probability > threshold
