from __future__ import annotations

import numpy as np
import pytest

from napari_fclick.core.clicks import Click, ClickError, ClickSequence

A, B, C = Click(1, 2), Click(3, 4), Click(5, 6)
NO, NO2 = Click(7, 8, positive=False), Click(9, 10, positive=False)


class TestClick:
    def test_is_positive_unless_told(self) -> None:
        assert Click(12, 80).positive
        assert not Click(12, 80, positive=False).positive

    @pytest.mark.parametrize(
        ("y", "x", "pixel"),
        [
            (40.0, 60.5, (40, 61)),  # a border between pixels belongs to the later one
            (40.49, 60.51, (40, 61)),
            (0.0, -0.5, (0, 0)),
            (-0.51, 0.0, (-1, 0)),
            (1.5, 2.5, (2, 3)),  # not rounded to even
        ],
    )
    def test_pixel_centres_are_integers(self, y: float, x: float, pixel: tuple[int, int]) -> None:
        assert Click(y, x).pixel == pixel

    @pytest.mark.parametrize(
        "value", [float("nan"), float("inf"), -float("inf"), "3", None, 1j, 10**400]
    )
    @pytest.mark.parametrize("axis", ["y", "x"])
    def test_refuses_what_is_no_place(self, axis: str, value: object) -> None:
        place = {"y": 1.0, "x": 1.0} | {axis: value}
        with pytest.raises(ClickError, match=rf"click {axis}=.* is not a finite number"):
            Click(**place)  # type: ignore[arg-type]

    def test_takes_numpy_numbers(self) -> None:
        assert Click(np.int64(3), np.float32(4.5)).pixel == (3, 5)

    def test_cannot_be_changed(self) -> None:
        with pytest.raises(AttributeError):
            A.y = 3  # type: ignore[misc]

    def test_moved_keeps_the_sign(self) -> None:
        assert NO.moved(1, 1) == Click(1, 1, positive=False)
        assert Click(7, 8, positive=False) == NO


class TestClickSequence:
    def test_keeps_the_order(self) -> None:
        clicks = ClickSequence([A, NO, B])
        assert list(clicks) == [A, NO, B]
        assert len(clicks) == 3
        assert clicks.first is A
        assert clicks[1] is NO
        assert clicks[-1] is B
        assert clicks[1:] == (NO, B)
        assert clicks.positives == (A, B)
        assert clicks.negatives == (NO,)

    def test_equal_when_the_clicks_are(self) -> None:
        assert ClickSequence([A, B]) == ClickSequence(iter([A, B]))
        assert ClickSequence([A, B]) != ClickSequence([B, A])
        assert ClickSequence([A]) != [A]
        assert len({ClickSequence([A, B]), ClickSequence((A, B))}) == 1

    def test_first_must_be_positive(self) -> None:
        with pytest.raises(ClickError, match=r"the first click at y=7, x=8 is negative"):
            ClickSequence([NO, A])
        with pytest.raises(ClickError, match="must be positive"):
            ClickSequence().add(NO)

    def test_click_error_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="negative"):
            ClickSequence([NO])

    def test_empty_has_no_first(self) -> None:
        assert len(ClickSequence()) == 0
        with pytest.raises(ClickError, match="no clicks"):
            _ = ClickSequence().first

    def test_add_leaves_the_old_one_alone(self) -> None:
        before = ClickSequence([A])
        assert before.add(NO) == ClickSequence([A, NO])
        assert before == ClickSequence([A])

    @pytest.mark.parametrize(
        ("clicks", "index", "left"),
        [
            ([A, B, NO], 1, [A, NO]),
            ([A, B, NO], 2, [A, B]),
            ([A, B, NO], 0, [B, NO]),
            ([A, NO, B, NO2, C], 0, [B, NO, NO2, C]),  # the next positive becomes the anchor
            ([A, NO, NO2], 0, []),  # nothing left to correct
            ([A], 0, []),
        ],
    )
    def test_remove(self, clicks: list[Click], index: int, left: list[Click]) -> None:
        assert ClickSequence(clicks).remove(index) == ClickSequence(left)

    def test_move(self) -> None:
        clicks = ClickSequence([A, NO])
        assert clicks.move(1, 20, 30) == ClickSequence([A, Click(20, 30, positive=False)])
        assert clicks.move(0, 0, 0).first == Click(0, 0)

    def test_promote(self) -> None:
        assert ClickSequence([A, NO, B, C]).promote(2) == ClickSequence([B, A, NO, C])
        assert ClickSequence([A, B]).promote(0) == ClickSequence([A, B])
        with pytest.raises(ClickError, match="y=7, x=8 is negative"):
            ClickSequence([A, NO]).promote(1)

    @pytest.mark.parametrize("index", [-1, 2, 17])
    def test_refuses_a_click_that_is_not_there(self, index: int) -> None:
        clicks = ClickSequence([A, B])
        for change in (clicks.remove, clicks.promote, lambda i: clicks.move(i, 0, 0)):
            with pytest.raises(ClickError, match=rf"no click number {index + 1}: there are 2"):
                change(index)

    def test_nothing_can_be_removed_from_nothing(self) -> None:
        with pytest.raises(ClickError, match="no click number 1: there are 0"):
            ClickSequence().remove(0)

    def test_inside(self) -> None:
        corners = [Click(-0.5, -0.5), Click(9.4, 19.4)]
        ClickSequence(corners).check_inside((10, 20))

    @pytest.mark.parametrize("click", [Click(9.5, 0), Click(0, 19.5), Click(-1, 0), Click(0, -0.6)])
    def test_outside(self, click: Click) -> None:
        clicks = ClickSequence([A, click])
        place = rf"click 2 at y={click.y:g}, x={click.x:g} lies outside the image"
        with pytest.raises(ClickError, match=place + r": y must be within 0 to 9 and x .* 0 to 19"):
            clicks.check_inside((10, 20))


def test_a_pixel_is_on_the_object_or_not() -> None:
    clicks = ClickSequence([Click(3, 4), Click(9, 9, False)])
    clicks.check_signs()
    with pytest.raises(ClickError, match="y=3, x=4 is clicked as on the object and as not on it"):
        clicks.add(Click(3.3, 4.4, False)).check_signs()
