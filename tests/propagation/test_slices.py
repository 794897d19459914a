"""What an object is in one slice."""

from __future__ import annotations

from tests.propagation.fakes import of_box

from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind, SliceMask, Spacing


def test_area_is_in_the_squared_unit_of_the_scale() -> None:
    found = SliceMask(3, Kind.CARRIED, of_box(Box(0, 0, 4, 5)), pixels=20)
    assert found.area(Spacing(7, 0.5, 0.25)) == 2.5


def test_certainty_is_the_least_of_what_speaks_for_it() -> None:
    def certainty(*known: float | None) -> float:
        sure, overlap, agreement = known
        assert sure is not None and overlap is not None
        return SliceMask(
            0, Kind.BETWEEN, None, confidence=sure, overlap=overlap, agreement=agreement
        ).certainty

    assert certainty(0.7, 0.8, 0.9) == 0.7
    assert certainty(0.9, 0.8, 0.95) == 0.8
    assert certainty(0.9, 0.8, 0.0) == 0.0
    assert certainty(0.9, 0.95, None) == 0.9
    assert SliceMask(0, Kind.KEYFRAME, None).certainty == 1
