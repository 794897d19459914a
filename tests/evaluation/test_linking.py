"""Slices numbered on their own, linked to whole objects: by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_fclick.evaluation import linking
from napari_fclick.evaluation.linking import (
    LEAST_OVERLAP,
    LEAST_SHARED,
    MOST_GROWTH,
    goes_on,
    link_slices,
)


def rows(*slices: str) -> NDArray[Any]:
    """Return labels of one row a slice; a dot is background, # is ignored."""
    numbers = [[65535 if c == "#" else int(c.replace(".", "0")) for c in s] for s in slices]
    return np.array(numbers, np.uint16)[:, None, :]


def linked(*slices: str) -> list[str]:
    """Return what becomes of labels, written the same way."""
    found = link_slices(rows(*slices))
    assert found.dtype == np.int32
    return ["".join({0: ".", 65535: "#"}.get(n, str(n)) for n in plane[0]) for plane in found]


def test_numbers_are_of_each_slice_alone() -> None:
    assert linked("111..222", "222..111", "555..444") == ["111..222"] * 3


def test_a_number_used_again_is_another_object() -> None:
    assert linked("111.....", "........", "111.....") == ["111.....", "........", "222....."]
    assert linked("111.....", ".....111") == ["111.....", ".....222"]


def test_objects_that_touch_stay_apart() -> None:
    assert linked("11112222", "22221111", "33334444") == ["11112222"] * 3


def test_from_which_overlap_on() -> None:
    assert LEAST_OVERLAP == 0.4
    assert linked("1111111...", "...7777777") == ["1111111...", "...1111111"]  # 4 of 10
    assert linked("1111111..", "....77777") == ["1111111..", "....22222"]  # 3 of 9


def test_a_split_goes_on_as_its_larger_part() -> None:
    assert linked("1111111111", "222222.333", "555555.777") == [
        "1111111111",
        "111111.222",
        "111111.222",
    ]


def test_two_that_merge_go_on_as_the_larger() -> None:
    assert linked("111111.222", "7777777777") == ["111111.222", "1111111111"]


def test_each_object_is_one_outline_a_slice_even_where_halves_are_alike() -> None:
    split = linked("11111111", "22223333")  # either half overlaps by 4 of 8
    assert split[0] == "11111111" and split[1] in ("11112222", "22221111")
    merged = linked("11112222", "33333333")
    assert merged[0] == "11112222" and merged[1] in ("11111111", "22222222")


def test_two_candidates_the_better_wins() -> None:
    # The slice above overlaps 1 by 3 of 7 and 2 by 4 of 6.
    assert linked("111112222.", "..3333333.") == ["111112222.", "..2222222."]


def test_what_is_ignored_stays_and_links_nothing() -> None:
    assert linked("11##..", "22##..", "##33..") == ["11##..", "11##..", "##22.."]
    assert linked("####", "1111", "####", "1111") == ["####", "1111", "####", "2222"]


def test_the_number_of_what_is_ignored_is_given_to_no_object(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linking, "IGNORE_LABEL", 3)  # 65,534 objects would take their time
    assert linked("1.2.4.5.6") == ["1.2.4.5.6"]
    assert linked("9.8.7.3.6", "6.7.8.3.9") == ["5.4.2.3.1"] * 2


def test_nothing() -> None:
    assert linked("....", "....") == ["....", "...."]
    assert link_slices(np.zeros((0, 3, 3), np.uint16)).shape == (0, 3, 3)


def test_labels_are_left_alone() -> None:
    labels = rows("11..22", "33..44")
    before = labels.copy()
    link_slices(labels)
    assert np.array_equal(labels, before)


def beyond(number: int, *slices: str) -> list[str]:
    """Return where object ``number`` of the linked slices may go on."""
    labels = rows(*slices)
    found = goes_on(labels, link_slices(labels) == number)
    return ["".join("+" if n else "." for n in plane[0]) for plane in found]


def test_where_a_link_was_lost_the_object_may_go_on() -> None:
    # It shrinks to a third, which is no link, and goes on from there.
    assert beyond(1, "111111...", "22.......", "33.......") == [
        ".........",
        "++.......",
        "++.......",
    ]
    assert beyond(2, "22.......", "111111...") == ["++.......", "........."]


def test_where_it_parts_both_parts_may_be_meant() -> None:
    slices = ("1111111111", "222.333.44", "555.666.77")
    assert beyond(1, *slices) == ["..........", "+++.+++.++", "+++.+++.++"]


def test_where_it_ends_nothing_is_left_out() -> None:
    assert beyond(1, "111...", "......", "111...") == ["......"] * 3
    assert beyond(1, "111..222", "111..222") == ["........"] * 2
    assert beyond(1, "#1111#", "#....#") == ["......"] * 2


def test_from_which_share_on_it_may_go_on() -> None:
    assert LEAST_SHARED == 0.25
    assert beyond(1, "1111...", "...2222") == [".......", "...++++"]  # 1 of 4
    assert beyond(1, "11111....", "....22222") == ["........."] * 2  # 1 of 5
    assert beyond(1, "111......", "..222222.") == ["........."] * 2  # 1 of 6


def test_it_does_not_go_on_in_a_large_neighbour() -> None:
    assert MOST_GROWTH == 2
    assert beyond(1, "1111.......", "..222222222") == ["..........."] * 2  # 2 of 9
    # It may double, but not by and by become more than that.
    assert beyond(1, "11.......", ".2222....", "..333333.") == [
        ".........",
        ".++++....",
        ".........",
    ]
