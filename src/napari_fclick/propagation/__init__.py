"""One object through a stack, slice after slice."""

from napari_fclick.core.direction import Direction
from napari_fclick.propagation.carrying import Carry
from napari_fclick.propagation.clicked import from_clicks
from napari_fclick.propagation.ends import LastSlice, last_slices
from napari_fclick.propagation.propagation import Propagation
from napari_fclick.propagation.rules import Reason, Rules
from napari_fclick.propagation.slices import End, Kind, SliceMask
from napari_fclick.propagation.stack import Spacing, Stack

__all__ = [
    "Carry",
    "Direction",
    "End",
    "Kind",
    "LastSlice",
    "Propagation",
    "Reason",
    "Rules",
    "SliceMask",
    "Spacing",
    "Stack",
    "from_clicks",
    "last_slices",
]
