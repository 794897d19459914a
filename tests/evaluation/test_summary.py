"""A report of two games, worked out on paper."""

from __future__ import annotations

import json

import pytest
from tests.evaluation.fakes import game

from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.evaluation.summary import name_target, summarise, untimed

#: A reaches 0.85 at its second click and is done; B never does. At most four clicks:
#: A: 0.5 0.9 0.9 0.9, B: 0.2 0.6 0.7 0.7.
A = game([0.5, 0.9], "a/1", ms=[30, 10], centrality=[1.0, 0.5])
B = game([0.2, 0.6, 0.7], "b/1", ms=[50, 20, 12], centrality=[0.8, 0.1, 0.0])
PROTOCOL = Protocol(targets=(0.6, 0.85), most=4)
REPORT = summarise([A, B], PROTOCOL)


def test_clicks_and_failures() -> None:
    assert REPORT["objects"] == 2
    assert (REPORT["NoC@60"], REPORT["failures@60"]) == (2.0, 0)
    assert (REPORT["NoC@85"], REPORT["failures@85"]) == (3.0, 1)  # (2 + 4) / 2


def test_curves() -> None:
    assert REPORT["mIoU"] == [0.35, 0.75, 0.8, 0.8]
    assert REPORT["gain"] == [0.35, 0.4, 0.05, 0.0]
    assert REPORT["Dice"][0] == 0.5  # (2 * 0.5 / 1.5 + 2 * 0.2 / 1.2) / 2
    assert REPORT["boundary_F"] == REPORT["mIoU"]  # as the games were made


def test_area() -> None:
    # A: (0.7 + 0.9 + 0.9) / 3 = 0.8333, B: (0.4 + 0.65 + 0.7) / 3 = 0.5833.
    assert REPORT["AUC"] == 0.7083
    assert REPORT["interval"]["AUC"] == [0.5833, 0.8333]


def test_intervals_of_two_games_reach_from_one_to_the_other() -> None:
    assert REPORT["interval"]["NoC@85"] == [2.0, 4.0]
    assert REPORT["interval"]["failures@85"] == [0.0, 2.0]
    assert REPORT["interval"]["mIoU"][0] == [0.2, 0.5]
    assert summarise([A], PROTOCOL)["interval"]["NoC@85"] is None


def test_centrality_is_of_those_who_clicked() -> None:
    assert REPORT["centrality"] == [0.9, 0.3, 0.0, None]


def test_times() -> None:
    assert REPORT["timing"] == {"ms": 20.0, "first_ms": 40.0, "later_ms": 12.0}
    assert REPORT["ms_per_click"] == 20.0
    without = untimed(REPORT)
    assert without["ms_per_click"] is None and "timing" not in without


def test_a_report_is_json() -> None:
    assert json.loads(json.dumps(REPORT)) == REPORT
    assert REPORT["protocol"]["max_clicks"] == 4


def test_no_games() -> None:
    with pytest.raises(ValueError, match="no games"):
        summarise([], PROTOCOL)


@pytest.mark.parametrize(("target", "name"), [(0.85, "85"), (0.29, "29"), (0.855, "85.5")])
def test_names_of_targets(target: float, name: str) -> None:
    assert name_target(target) == name
