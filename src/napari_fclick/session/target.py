"""Labels that objects were written into, as a session file knows them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_fclick.core.labels import empty_labels
from napari_fclick.core.units import is_time
from napari_fclick.session import records

#: Of the file's table of them, in the order of `Target.row`.
TARGET_COLUMNS = "name, source, shape, dtype, spacing, unit"


@dataclass(frozen=True)
class Target:
    """Labels that objects were written into, as the file knows them.

    Attributes
    ----------
    name : str
    source : str
        The file they were read from; empty for new ones.
    shape : tuple of int
    dtype : str
    spacing : tuple of float
        Size of a pixel along each axis; empty where it is not known.
    unit : str
        Of the spacing; empty where it is not known. Where axes have several units, those of all
        axes, with spaces between them; see `units`.
    """

    name: str
    source: str
    shape: tuple[int, ...]
    dtype: str
    spacing: tuple[float, ...] = ()
    unit: str = ""

    @classmethod
    def from_row(
        cls, name: str, source: str, shape: str, dtype: str, spacing: str, unit: str
    ) -> Target:
        """Return what a row tells; raises TypeError and ValueError where it cannot be one."""
        lengths = tuple(int(n) for n in json.loads(shape))
        steps = tuple(float(step) for step in json.loads(spacing))
        if min(lengths, default=0) < 0 or len(steps) not in (0, len(lengths)):
            raise ValueError(f"labels of shape {lengths} have the spacing {steps}")
        return cls(str(name), str(source), lengths, str(np.dtype(dtype)), steps, str(unit))

    @property
    def has_scale(self) -> bool:
        """Whether it says how large a pixel is."""
        return bool(self.unit) or any(step != 1 for step in self.spacing)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of each axis, as `napari_fclick.core.files.write_labels` takes them."""
        each = tuple(self.unit.split())
        return each if len(each) == len(self.shape) else (self.unit,) * len(self.shape)

    def size_along(self, axes: Sequence[int]) -> tuple[float, str] | None:
        """Return the area, or volume, of a pixel along some axes, and its unit.

        None where it is not known, or the axes have no unit of length in common.
        """
        units = {self.units[axis] for axis in axes}
        if not self.spacing or len(units) > 1 or any(is_time(unit) for unit in units):
            return None
        (unit,) = units
        size = math.prod(abs(self.spacing[axis]) for axis in axes)
        return size, f"{unit}^{len(axes)}" if unit else ""

    @property
    def row(self) -> tuple[str, ...]:
        """What the file holds of it."""
        shape, spacing = records.dumps(self.shape), records.dumps(self.spacing)
        return (self.name, self.source, shape, self.dtype, spacing, self.unit)

    def empty(self) -> Any:
        """Return labels like these with nothing in them; see `empty_labels`."""
        return empty_labels(self.shape, np.dtype(self.dtype))
