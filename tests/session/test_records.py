"""What a session file keeps of the mask that a correction begins with."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind
from napari_fclick.session import Place, records
from napari_fclick.session.starting import start_from, start_of, start_prediction
from napari_fclick.session.state import Part, Start


def start(guess: bool) -> Start:
    """Return a mask that was carried to a slice, or that an object has."""
    from napari_fclick.propagation import SliceMask

    mask = np.zeros((20, 20), bool)
    mask[5:15, 4:12] = True
    found = start_from(mask, 3, 2)
    assert found is not None
    return start_of(SliceMask(7, Kind.CARRIED, found.mask, found.clicks)) if guess else found


@pytest.mark.parametrize("guess", [True, False])
def test_a_start_comes_back_from_the_file(guess: bool) -> None:
    kept = start(guess)
    assert kept.guess is guess
    data = json.loads(json.dumps(records.start_out(kept)))
    assert records.start_in(data) == kept


@pytest.mark.parametrize("guess", [True, False])
def test_what_it_stands_for_knows_whether_it_is_a_guess(guess: bool) -> None:
    made = start_prediction(start(guess), (64, 64))
    assert made.is_guess is guess  # type: ignore[attr-defined]
    assert not made.by_network  # type: ignore[attr-defined]
    assert int(made.kept().mask.sum()) == 80


@pytest.mark.parametrize("certainty", [None, 0.75])
def test_how_certain_a_part_is_comes_back_from_the_file(certainty: float | None) -> None:
    part = Part(
        Place(),
        ClickSequence([Click(3, 4)]),
        Box(1, 2, 5, 6),
        9,
        kind=Kind.FOUND,
        certainty=certainty,
    )
    data = json.loads(records.dumps(records.part_out(part)))
    assert records.part_in(data) == part
