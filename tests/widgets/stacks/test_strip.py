"""The drift strip."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPointF, Qt

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.masks import StoredMask
from napari_fclick.propagation import End, Kind, Reason, SliceMask
from napari_fclick.session import Place, Session
from napari_fclick.widgets.stacks.lines import Line
from napari_fclick.widgets.stacks.model import CarriedObject
from napari_fclick.widgets.stacks.running import Snapshot
from napari_fclick.widgets.stacks.strip import DriftStrip
from napari_fclick.widgets.stacks.texts import describe_carried, describe_ends, describe_progress

pytestmark = pytest.mark.usefixtures("qapp")
MASK = StoredMask.pack(np.ones((2, 3), bool), 5, 6)
CLICKS = ClickSequence([Click(5, 7)])


def carried() -> CarriedObject:
    """An object clicked in slices 4 and 7, carried between and down to 3; not in slice 9."""
    session = Session(np.zeros((20, 20)), place=Place((1, 2), (9,)))
    session.mark_absent()
    made = CarriedObject(session, Line.through(session.place, 0))
    slices = [
        SliceMask(3, Kind.CARRIED, MASK, CLICKS, 0.7, 0.9, source=4, pixels=6),
        SliceMask(4, Kind.KEYFRAME, MASK, CLICKS, pixels=6),
        SliceMask(5, Kind.BETWEEN, MASK, CLICKS, 0.8, 0.6, agreement=0.5, source=4, pixels=6),
        SliceMask(6, Kind.CARRIED, MASK, CLICKS, 0.9, 0.95, source=5, pixels=6),
        SliceMask(7, Kind.KEYFRAME, MASK, CLICKS, pixels=6),
    ]
    ends = (End(2, Reason.OVERLAP, 0.1), End(9, Reason.ABSENT))
    made.phase = "stopped"
    made.take(Snapshot({each.index: each for each in slices}, frozenset({6}), ends, False, 6))
    return made


def points(item: object) -> dict[float, float]:
    x, y = item.getData()  # type: ignore[attr-defined]
    return {} if x is None else dict(zip(map(float, x), np.round(y, 6).tolist(), strict=True))


def test_each_slice_has_its_points() -> None:
    strip = DriftStrip()
    strip.show_object(carried(), 0.25, "µm²")
    assert points(strip.sure) == {3: 0.7, 4: 1, 5: 0.8, 6: 0.9, 7: 1}
    assert points(strip.overlap) == {3: 0.9, 5: 0.6, 6: 0.95}
    assert points(strip.agree) == {5: 0.5}
    assert points(strip.area) == dict.fromkeys((3, 4, 5, 6, 7), 1.5)
    assert list(points(strip.person)) == [4, 7] and list(points(strip.absent)) == [9]
    assert list(points(strip.stale)) == [6]
    # The first stop lies between slices 2 and 3; the mark itself is not next to a slice.
    assert list(points(strip.stops)) == [2.5, 9]


def test_a_click_jumps_to_the_slice_below_it() -> None:
    strip = DriftStrip()
    strip.resize(300, 220)
    strip.show_object(carried(), 1.0, "px")
    strip.show()
    jumps: list[int] = []
    strip.jumped.connect(jumps.append)
    plot = strip._drift
    scene = plot.getPlotItem().vb.mapViewToScene(QPointF(5.2, 0.5))
    event = SimpleNamespace(button=lambda: Qt.MouseButton.LeftButton, scenePos=lambda: scene)
    plot.scene().sigMouseClicked.emit(event)
    assert jumps == [5]
    strip.show_here(6)
    assert [line.value() for line in strip.here] == [6, 6]


def test_worst_is_what_is_least_certain_and_unseen() -> None:
    made = carried()
    worst = made.worst(9)
    assert worst is not None and worst.index == 5  # its agreement is 0.5; 6 is stale
    made.seen.add(5)
    assert made.worst(9).index == 3  # type: ignore[union-attr]
    assert made.worst(3) is None


def test_an_end_above_a_gap_is_the_lower_end_of_what_follows() -> None:
    made = carried()
    kinds = {3: Kind.CARRIED, 4: Kind.KEYFRAME, 11: Kind.CARRIED, 12: Kind.KEYFRAME}
    slices = {index: SliceMask(index, kind, MASK, CLICKS) for index, kind in kinds.items()}
    ends = (End(5, Reason.TRUST, 0.2), End(10, Reason.OVERLAP, 0.1))
    made.take(Snapshot(slices, frozenset(), ends, True, 12))
    assert [text.split(":")[0] for text in describe_ends(made)] == [
        "Up to slice 4",
        "Down to slice 11",
    ]
    made.take(Snapshot(slices, frozenset(), (End(8, Reason.ABSENT),) * 2, True, 12))
    assert [text.split(":")[0] for text in describe_ends(made)] == [
        "Up to slice 4",
        "Down to slice 11",
    ]


def test_what_is_said() -> None:
    made = carried()
    assert describe_progress(made).startswith("Stopped with 4 slices, 3 to 7")
    assert describe_ends(made) == [
        "Down to slice 3: little overlap with the neighbour (0.10) in 2",
        "Up to slice 7: marked as not here in 9",
    ]
    image = SimpleNamespace(units=("pixel",) * 3)
    text = describe_carried(made, made.slices[5], image, "keeps 3 px of 2").replace("\xa0", " ")
    assert text.startswith("Carried from both sides, which agree to 50% · certainty 0.50 · 6 px")
    assert text.endswith("keeps 3 px of 2")
    alone = SliceMask(5, Kind.BETWEEN, MASK, CLICKS, 0.8, agreement=0.0, source=4, alone=True)
    text = describe_carried(made, alone, image).replace("\xa0", " ")
    assert text.startswith("Carried from slice 4 alone; from the other side nothing was found · ")
