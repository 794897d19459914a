"""The types of arrays that are passed about."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Of any type of numbers.
Array = NDArray[Any]
#: True on the object.
Mask = NDArray[np.bool_]
#: Probabilities, intensities and maps.
FloatArray = NDArray[np.float32]
