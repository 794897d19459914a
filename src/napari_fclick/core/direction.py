"""Which way an object is carried through a stack."""

from __future__ import annotations

from typing import Literal

#: To higher slices, to lower ones, or both.
Direction = Literal["both", "up", "down"]
