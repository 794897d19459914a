from __future__ import annotations

import time
from typing import Any

import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.window import (
    FIRST_SIDES,
    FIT_FACTOR,
    MAX_SIDE,
    MIN_SIDE,
    Box,
    Window,
    clicks_box,
    first_windows,
    fit_window,
    fits,
    image_shape,
    levels,
    mask_bounds,
    mask_box,
    next_window,
    read_window,
    square_window,
    touches_border,
    whole_window,
    wider_windows,
)

SIZE = 256
IMAGE = (2000, 3000)


def place(window: Window) -> tuple[int, int, int, int]:
    return window.top, window.left, window.height, window.width


def mask_with(window: Window, box: Box) -> NDArray[np.bool_]:
    """Return the window's mask of an object that fills ``box`` of the image."""
    full = np.zeros((window.height, window.width), bool)
    full[
        max(box.top - window.top, 0) : max(box.bottom - window.top, 0),
        max(box.left - window.left, 0) : max(box.right - window.left, 0),
    ] = True
    return full


class TestBox:
    box = Box(2, 3, 5, 9)

    def test_shape_and_slices(self) -> None:
        pixels = np.zeros((10, 10))
        assert self.box.shape == pixels[self.box.slices].shape == (3, 6)
        assert self.box.side == 6

    def test_grows_as_far_as_the_limit(self) -> None:
        assert self.box.grown(1, Box(0, 0, 10, 10)) == (1, 2, 6, 10)
        assert self.box.grown(4, Box(1, 0, 8, 10)) == (1, 0, 8, 10)

    def test_within_another(self) -> None:
        assert self.box.within(Box(1, 1, 9, 9)) == (slice(1, 4), slice(2, 8))

    def test_around_a_mask(self) -> None:
        mask = np.zeros((5, 8), bool)
        assert mask_bounds(mask) is None
        mask[1, 6] = mask[3, 2] = True
        assert mask_bounds(mask) == (1, 2, 4, 7)


class TestWindow:
    def test_points_at_the_input(self) -> None:
        # Twice as large at the input: pixel 10 covers there what 0 and 1 cover.
        window = Window(10, 20, 4, 6, 8, 12, canvas=(16, 16))
        assert window.to_input(10, 20) == (0.5, 0.5)
        assert window.to_input(9.5, 19.5) == (-0.5, -0.5)  # the window's very corner
        assert window.to_input(13.5, 25.5) == (7.5, 11.5)  # and the opposite one
        half = Window(0, 0, 8, 8, 4, 4, canvas=(4, 4))
        assert half.to_input(0.5, 6.5) == (0, 3)

    @given(
        st.floats(0, 1999), st.floats(0, 2999), st.floats(8, 4000), st.sampled_from([160, 256, 400])
    )
    def test_points_come_back(self, y: float, x: float, side: float, size: int) -> None:
        window = square_window((y, x), side, IMAGE, size)
        there = window.to_input(y, x)
        back_y = (there[0] + 0.5) * window.height / window.input_height - 0.5 + window.top
        back_x = (there[1] + 0.5) * window.width / window.input_width - 0.5 + window.left
        assert (back_y, back_x) == pytest.approx((y, x), abs=1e-6)

    def test_contains_by_pixel(self) -> None:
        window = Window(10, 20, 4, 6, 4, 6, canvas=(8, 8))
        inside = [(10, 20), (13, 25), (9.5, 19.5), (13.4, 25.4)]
        outside = [(9.4, 20), (13.5, 20), (10, 19.4), (10, 25.5)]
        assert all(window.contains(Click(*at)) for at in inside)
        assert not any(window.contains(Click(*at)) for at in outside)

    def test_slices_box_and_side(self) -> None:
        window = Window(10, 20, 4, 6, 4, 6, canvas=(8, 8))
        assert window.slices == (slice(10, 14), slice(20, 26))
        assert window.box == Box(10, 20, 14, 26)
        assert window.side == 6

    def test_at_another_size(self) -> None:
        window = square_window((50, 50), 100, (40, 500), 160)
        larger = window.at(320)
        assert place(larger) == place(window)
        assert (window.input_height, window.input_width) == (64, 160)
        assert (larger.input_height, larger.input_width) == (128, 320)
        assert larger.canvas == (320, 320)
        assert larger.at(160) == window

    def test_padding_is_cut_off(self) -> None:
        window = square_window((20, 250), 100, (40, 500), 160)
        canvas = np.full((160, 160), 0.25, np.float32)
        canvas[64:] = 1
        assert window.inner(canvas).shape == (64, 160)
        expanded = window.expand(canvas)
        assert expanded.shape == (40, 100)
        np.testing.assert_allclose(expanded, 0.25, atol=1e-6)


class TestSquareWindow:
    def test_centred(self) -> None:
        assert place(square_window((500, 600), 101, IMAGE, SIZE)) == (450, 550, 101, 101)
        # Of an even number of pixels the centre is one of the two in the middle.
        assert place(square_window((500, 600), 100, IMAGE, SIZE)) == (451, 551, 100, 100)

    @pytest.mark.parametrize(
        ("centre", "corner"),
        [
            ((0, 0), (0, 0)),
            ((1999, 2999), (1900, 2900)),
            ((10, 1500), (0, 1451)),
            ((1000, 2990), (951, 2900)),
            ((-500, 9000), (0, 2900)),
        ],
    )
    def test_shifted_into_the_image(
        self, centre: tuple[float, float], corner: tuple[int, int]
    ) -> None:
        window = square_window(centre, 100, IMAGE, SIZE)
        assert place(window) == (*corner, 100, 100)
        assert (window.input_height, window.input_width) == (SIZE, SIZE)

    def test_within_the_smallest_and_largest_sides(self) -> None:
        assert square_window((500, 500), 3, IMAGE, SIZE).side == MIN_SIDE
        huge = (60_000, 60_000)
        assert square_window((30_000, 30_000), 1e9, huge, SIZE).side == MAX_SIDE

    def test_image_smaller_than_the_window_is_padded_and_keeps_its_aspect(self) -> None:
        window = square_window((5, 100), 80, (10, 200), 160)
        assert place(window) == (0, 61, 10, 80)
        assert (window.input_height, window.input_width) == (20, 160)
        assert window.canvas == (160, 160)

    def test_side_is_never_longer_than_the_image(self) -> None:
        window = square_window((5, 5), 500, (10, 20), 160)
        assert place(window) == (0, 0, 10, 20)
        assert (window.input_height, window.input_width) == (80, 160)

    def test_one_pixel(self) -> None:
        window = square_window((0, 0), 100, (1, 1), 160)
        assert place(window) == (0, 0, 1, 1)
        assert (window.input_height, window.input_width) == (160, 160)
        assert window.to_input(0, 0) == (79.5, 79.5)
        shrunk = window.shrink(np.full((1, 1, 3), 7, np.float32))
        assert shrunk.shape == (160, 160, 3)
        assert np.unique(shrunk).tolist() == [7]
        assert window.expand(shrunk[..., 0]).tolist() == [[7]]

    def test_one_row(self) -> None:
        window = square_window((0, 400), 320, (1, 5000), 160)
        assert (window.height, window.input_height) == (1, 1)
        assert (window.width, window.input_width) == (320, 160)

    @given(
        st.tuples(st.integers(1, 6000), st.integers(1, 6000)),
        st.tuples(st.floats(0, 1), st.floats(0, 1)),
        st.floats(1, 9000),
    )
    def test_lies_in_the_image_around_its_centre(
        self, shape: tuple[int, int], at: tuple[float, float], side: float
    ) -> None:
        click = Click((shape[0] - 1) * at[0], (shape[1] - 1) * at[1])
        window = square_window((click.y, click.x), side, shape, SIZE)
        assert 0 <= window.top < window.top + window.height <= shape[0]
        assert 0 <= window.left < window.left + window.width <= shape[1]
        assert window.contains(click)
        assert window.side <= MAX_SIDE
        assert 1 <= window.input_height <= SIZE
        assert max(window.input_height, window.input_width) == SIZE


class TestWholeWindow:
    @pytest.mark.parametrize(
        ("shape", "size"),
        [((480, 640), (512, 682)), ((640, 480), (682, 512)), ((100, 100), (512, 512))],
    )
    def test_shorter_side(self, shape: tuple[int, int], size: tuple[int, int]) -> None:
        window = whole_window(shape, 512)
        assert place(window) == (0, 0, *shape)
        assert (window.input_height, window.input_width) == window.canvas == size


class TestFirstWindows:
    def test_small_to_large_around_the_click(self) -> None:
        windows = first_windows(Click(1000, 1500), IMAGE, SIZE)
        assert tuple(window.side for window in windows) == FIRST_SIDES
        assert place(windows[0]) == (977, 1477, 48, 48)
        assert all(window.canvas == (SIZE, SIZE) for window in windows)

    @pytest.mark.parametrize(
        ("shape", "sides"),
        [
            ((1, 1), [1]),
            ((8, 8), [8]),
            ((48, 40), [48]),
            ((300, 500), [48, 96, 192, 384, 500]),
            ((768, 100), [48, 96, 192, 384, 768]),
        ],
    )
    def test_up_to_the_whole_of_a_small_image(
        self, shape: tuple[int, int], sides: list[int]
    ) -> None:
        assert [w.side for w in first_windows(Click(0, 0), shape, SIZE)] == sides

    @pytest.mark.parametrize(
        ("shape", "sides"),
        [
            ((500, 768), []),
            ((900, 10), [900]),
            ((2000, 1), [1536, 2000]),
            ((9**6, 5), [1536, 3072, 8192]),
        ],
    )
    def test_wider_ones_where_an_object_runs_out(
        self, shape: tuple[int, int], sides: list[int]
    ) -> None:
        assert [w.side for w in wider_windows(Click(0, 0), shape, SIZE)] == sides


class TestFitting:
    def test_object_takes_its_share(self) -> None:
        window = fit_window(Box(900, 1400, 1000, 1460), IMAGE, SIZE)
        assert window.side == 100 * FIT_FACTOR
        assert place(window) == (860, 1340, 180, 180)
        assert fits(Box(900, 1400, 1000, 1460), window)

    @pytest.mark.parametrize("side", [1, 8, 9, 15, 40, 300, 1800])
    def test_leaves_room_around_any_object(self, side: int) -> None:
        box = Box(100, 1000, 100 + side, 1000 + side)
        window = fit_window(box, IMAGE, SIZE)
        assert fits(box, window)
        assert window.top < box.top
        assert window.left < box.left
        assert window.top + window.height > box.bottom
        assert window.left + window.width > box.right

    def test_whole_image(self) -> None:
        assert place(fit_window(Box(0, 0, 200, 300), (200, 300), SIZE)) == (0, 0, 200, 300)

    @pytest.mark.parametrize(
        ("side", "expected"), [(24, False), (25, True), (55, True), (85, True), (86, False)]
    )
    def test_fits(self, side: int, expected: bool) -> None:
        window = square_window((500, 500), 100, IMAGE, SIZE)
        assert fits(Box(480, 480, 480 + side, 490), window) is expected

    def test_anything_small_fits_the_smallest_window(self) -> None:
        assert fits(Box(500, 500, 501, 501), square_window((500, 500), 1, IMAGE, SIZE))


class TestMask:
    window = Window(10, 20, 6, 8, 6, 8, canvas=(8, 8))

    def test_box(self) -> None:
        mask = np.zeros((6, 8), bool)
        assert mask_box(mask, self.window) is None
        mask[2, 3] = mask[4, 5] = True
        assert mask_box(mask, self.window) == Box(12, 23, 15, 26)

    def test_box_at_another_resolution(self) -> None:
        mask = np.zeros((12, 16), bool)
        mask[5:7, 6:9] = True  # pixels 2.5 to 3.5 and 3 to 4.5 of the image
        assert mask_box(mask, self.window) == Box(12, 23, 14, 25)

    @pytest.mark.parametrize("side", [29, 58, 61, 115])
    def test_box_never_leaves_the_window(self, side: int) -> None:
        # With floats 224 * (29 / 224) is a little more than 29.
        window = Window(0, 0, side, side, 224, 224, canvas=(224, 224))
        assert mask_box(np.ones((224, 224), bool), window) == window.box

    def test_clicks_box(self) -> None:
        clicks = [Click(3, 9), Click(7.6, 2), Click(5, 5, positive=False)]
        assert clicks_box(clicks) == Box(3, 2, 9, 10)

    def test_union(self) -> None:
        assert Box(1, 5, 3, 9).union(Box(2, 0, 8, 6)) == Box(1, 0, 8, 9)

    @pytest.mark.parametrize(
        ("pixel", "window_at", "touches"),
        [
            ((0, 4), (10, 20), True),
            ((5, 4), (10, 20), True),
            ((3, 0), (10, 20), True),
            ((3, 7), (10, 20), True),
            ((3, 4), (10, 20), False),
            ((0, 4), (0, 20), False),  # the image's own edge
            ((3, 0), (10, 0), False),
            ((5, 4), (44, 20), False),
            ((3, 7), (10, 42), False),
            ((0, 0), (0, 20), True),  # a corner of which one side is the image's
        ],
    )
    def test_touches_border(
        self, pixel: tuple[int, int], window_at: tuple[int, int], touches: bool
    ) -> None:
        mask = np.zeros((6, 8), bool)
        mask[pixel] = True
        window = Window(*window_at, 6, 8, 6, 8, canvas=(8, 8))
        assert touches_border(mask, window, (50, 50)) is touches


class TestNextWindow:
    click = Click(1000, 1500)
    window = square_window((1000, 1500), 200, IMAGE, SIZE)

    def after(self, mask: NDArray[np.bool_], *more: Click) -> Window:
        return next_window(self.window, mask, ClickSequence([self.click, *more]), IMAGE, SIZE)

    def test_stable_while_it_serves(self) -> None:
        mask = mask_with(self.window, Box(950, 1450, 1050, 1550))
        assert self.after(mask) == self.window
        refining = [Click(1040, 1540), Click(1090, 1590, positive=False), Click(960, 1460)]
        assert self.after(mask, *refining) == self.window

    def test_stable_while_nothing_is_found(self) -> None:
        assert self.after(np.zeros((200, 200), bool)) == self.window

    def test_stable_at_another_input_size(self) -> None:
        mask = mask_with(self.window, Box(950, 1450, 1050, 1550))
        clicks = ClickSequence([self.click])
        assert next_window(self.window, mask, clicks, IMAGE, 320) == self.window.at(320)

    def test_mask_at_the_resolution_of_the_input(self) -> None:
        mask = np.zeros((SIZE, SIZE), bool)
        mask[64:192, 64:192] = True
        assert self.after(mask) == self.window

    def test_grows_while_the_mask_touches_its_border(self) -> None:
        mask = mask_with(self.window, Box(950, 1500, 1050, 1700))
        window = self.after(mask)
        assert window.side == 320
        # About the middle of what is known of the object: rows 950 to 1049, columns 1500 to 1600.
        assert place(window) == (840, 1391, 320, 320)

    def test_grows_to_the_whole_image_and_no_further(self) -> None:
        window = square_window((50, 60), 48, (100, 120), SIZE)
        for _ in range(5):
            mask = np.ones((window.height, window.width), bool)
            window = next_window(window, mask, ClickSequence([Click(50, 60)]), (100, 120), SIZE)
        assert place(window) == (0, 0, 100, 120)

    def test_grown_window_holds_the_positive_clicks(self) -> None:
        far = Click(1098, 1598)
        mask = mask_with(self.window, Box(901, 1401, 905, 1405))
        window = self.after(mask, far)
        assert window.side > self.window.side
        assert window.contains(far)
        assert window.contains(self.click)

    def test_shrinks_when_the_object_is_small_in_it(self) -> None:
        box = Box(980, 1480, 1020, 1520)
        window = self.after(mask_with(self.window, box))
        assert window == fit_window(box, IMAGE, SIZE)
        assert window.side == 72

    def test_fitted_again_when_the_object_is_cramped(self) -> None:
        box = Box(908, 1408, 1092, 1592)
        window = self.after(mask_with(self.window, box))
        assert window == fit_window(box, IMAGE, SIZE)
        assert window.side == round(184 * 1.8)

    def test_extended_by_a_positive_click_outside(self) -> None:
        mask = mask_with(self.window, Box(950, 1450, 1050, 1550))
        outside = Click(1000, 1749)
        window = self.after(mask, outside)
        assert window == fit_window(Box(950, 1450, 1050, 1750), IMAGE, SIZE)
        assert window.contains(outside)
        assert window.contains(self.click)

    def test_extended_though_nothing_was_found(self) -> None:
        window = self.after(np.zeros((200, 200), bool), Click(1000, 1799))
        assert window == fit_window(Box(1000, 1500, 1001, 1800), IMAGE, SIZE)

    def test_negative_click_outside_asks_for_nothing(self) -> None:
        mask = mask_with(self.window, Box(950, 1450, 1050, 1550))
        assert self.after(mask, Click(1000, 1900, positive=False)) == self.window

    @given(
        st.integers(8, 1900),
        st.tuples(st.integers(0, 1999), st.integers(0, 2999)),
        st.sampled_from([48, 200, 768, 1536]),
    )
    @settings(deadline=None, max_examples=60)
    def test_settles_on_any_object(self, side: int, at: tuple[int, int], start: int) -> None:
        """From any window the next ones come to rest, the object inside, within a few runs."""
        box = Box(at[0], at[1], min(at[0] + side, IMAGE[0]), min(at[1] + side, IMAGE[1]))
        click = Click((box.top + box.bottom - 1) // 2, (box.left + box.right - 1) // 2)
        window = square_window(click.pixel, start, IMAGE, SIZE)
        for _ in range(12):
            before = window
            mask = mask_with(window, box)
            window = next_window(window, mask, ClickSequence([click]), IMAGE, SIZE)
            if window == before:
                break
        assert window == before
        assert window.box.union(box) == window.box
        assert not touches_border(mask, window, IMAGE)


class TestReading:
    def test_shape(self) -> None:
        plane = np.zeros((4, 5))
        assert image_shape(plane) == (4, 5)
        assert image_shape(np.zeros((4, 5, 3))) == (4, 5)
        assert image_shape([plane, plane[::2, ::2]]) == (4, 5)
        assert image_shape([[1, 2, 3], [4, 5, 6]]) == (2, 3)

    @pytest.mark.parametrize("shape", [(), (4,), (2, 3, 4, 5), (1, 1, 1, 1, 1)])
    def test_refuses_other_numbers_of_axes(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=rf"{len(shape)} axes; allowed are \(rows, columns\)"):
            image_shape(np.zeros(shape))

    @pytest.mark.parametrize("shape", [(0, 5), (5, 0), (5, 5, 0), (0, 0)])
    def test_refuses_images_without_pixels(self, shape: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match="no pixels"):
            image_shape(np.zeros(shape))

    def test_levels(self) -> None:
        plane = np.zeros((4, 5))
        assert levels(plane)[0] is plane
        assert len(levels([plane, plane[::2]])) == 2
        assert len(levels((plane, plane[::2]))) == 2

    def test_levels_of_napari(self) -> None:
        class MultiScaleData(list[NDArray[Any]]):
            """As napari's: it has the finest level's shape and dtype, and is indexed by level."""

            shape = property(lambda self: self[0].shape)
            dtype = property(lambda self: self[0].dtype)

        fine = np.arange(64 * 64).reshape(64, 64)
        image = MultiScaleData([fine, fine[::2, ::2]])
        assert len(levels(image)) == 2
        window = square_window((32, 32), 32, (64, 64), 64)
        np.testing.assert_array_equal(read_window(image, window), fine[window.slices])

    @pytest.mark.parametrize("channels", [(), (3,)])
    def test_reads_what_the_window_covers(self, channels: tuple[int, ...]) -> None:
        image = np.random.default_rng(0).integers(0, 255, (300, 400, *channels), np.uint8)
        window = square_window((120, 333), 60, (300, 400), 160)
        np.testing.assert_array_equal(read_window(image, window), image[91:151, 304:364])

    def test_reads_zarr(self) -> None:
        values = np.arange(300 * 400, dtype=np.uint32).reshape(300, 400)
        image = zarr.array(values, chunks=(64, 64))
        window = square_window((120, 333), 60, (300, 400), 160)
        read = read_window(image, window)
        assert isinstance(read, np.ndarray)
        np.testing.assert_array_equal(read, values[91:151, 304:364])

    def test_steps_through_a_window_much_larger_than_the_input(self) -> None:
        image = np.arange(1000 * 1000).reshape(1000, 1000)
        window = square_window((500, 500), 1000, (1000, 1000), 100)
        # Twice the input is wanted, 200 pixels: every fifth.
        np.testing.assert_array_equal(read_window(image, window), image[::5, ::5])
        closer = square_window((500, 500), 399, (1000, 1000), 100)
        assert read_window(image, closer).shape == (399, 399)

    def test_a_thin_image_is_stepped_through_and_not_lost(self) -> None:
        window = square_window((0, 2000), 4000, (1, 5000), 100)
        assert read_window(np.zeros((1, 5000)), window).shape == (1, 200)

    def test_one_pixel(self) -> None:
        image = np.array([[42]], np.uint16)
        assert read_window(image, square_window((0, 0), 9, (1, 1), 160)).tolist() == [[42]]

    @pytest.mark.parametrize(
        ("side", "level", "shape"),
        [
            (100, 0, (100, 100)),
            (399, 0, (399, 399)),  # half of it would be less than twice the input
            (400, 1, (200, 200)),
            (800, 2, (200, 200)),
            (1600, 2, (200, 200)),  # the coarsest there is, every second pixel
        ],
    )
    def test_level_of_a_pyramid(self, side: int, level: int, shape: tuple[int, int]) -> None:
        pyramid = [np.full((1600 >> n, 1600 >> n), n) for n in range(3)]
        window = square_window((800, 800), side, (1600, 1600), 100)
        read = read_window(pyramid, window)
        assert np.unique(read).tolist() == [level]
        assert read.shape == shape

    def test_level_of_a_pyramid_in_the_right_place(self) -> None:
        fine = np.add.outer(np.arange(1600.0) * 10_000, np.arange(1600.0))
        coarse = fine.reshape(800, 2, 800, 2).mean((1, 3))
        window = square_window((1000, 400), 400, (1600, 1600), 100)
        read = read_window([fine, coarse], window)
        np.testing.assert_array_equal(read, coarse[400:600, 100:300])

    def test_only_the_window_of_a_lazy_image(self) -> None:
        asked = []

        def block(block_info: Any = None) -> NDArray[np.uint8]:
            if block_info:
                asked.append(block_info[None]["chunk-location"])
            return np.full((1000, 1000), 7, np.uint8)

        chunks = ((1000,) * 60, (1000,) * 60)
        image = da.map_blocks(block, chunks=chunks, dtype=np.uint8, meta=np.empty((0, 0), np.uint8))
        window = square_window((20_500, 30_500), 60, image.shape, SIZE)
        read = read_window(image, window)
        assert read.shape == (60, 60)
        assert asked == [(20, 30)]

    def test_cost_does_not_depend_on_the_size_of_the_image(self) -> None:
        class Endless:
            """An image that counts the pixels asked of it."""

            def __init__(self, side: int) -> None:
                self.shape, self.dtype, self.pixels = (side, side), np.dtype(np.uint8), 0

            def __getitem__(self, key: tuple[slice, slice]) -> NDArray[np.uint8]:
                size = [len(range(*s.indices(n))) for s, n in zip(key, self.shape, strict=True)]
                self.pixels += size[0] * size[1]
                return np.zeros(size, np.uint8)

        read, seconds = [], []
        for side in (4000, 10**12):
            image = Endless(side)
            begun = time.perf_counter()
            for window in first_windows(Click(side // 2, side // 2), image_shape(image), 160):
                window.shrink(read_window(image, window)[..., None])
            seconds.append(time.perf_counter() - begun)
            read.append(image.pixels)
        assert read[0] == read[1]
        assert read[0] <= len(FIRST_SIDES) * (2 * 2 * 160) ** 2
        assert seconds[1] < 10 * seconds[0] + 0.1


class TestInAndOut:
    @pytest.mark.parametrize(
        ("side", "tolerance"), [(8, 1e-3), (60, 1e-3), (160, 0), (161, 0.02), (480, 1e-3)]
    )
    def test_expand_undoes_shrink(self, side: int, tolerance: float) -> None:
        window = Window(5, 7, side, side, 160, 160, canvas=(160, 160))
        ramp = np.arange(side, dtype=np.float32)
        plane = np.add.outer(ramp, ramp)
        back = window.expand(window.shrink(plane[..., None])[..., 0])
        # Beyond the outermost pixels of the coarser grid there is nothing to go by.
        edge = 0 if side == 160 else max(1, round(1.5 * side / 160))
        inner = (slice(edge, side - edge),) * 2
        np.testing.assert_allclose(back[inner], plane[inner], atol=2 * tolerance)
        np.testing.assert_allclose(back, plane, atol=2 * edge)

    def test_a_point_stays_where_it_is(self) -> None:
        """What `to_input` says of a click is where `shrink` puts its pixel, and `expand` back."""
        window = square_window((300, 400), 80, IMAGE, 320)
        click = Click(287, 431)
        image = np.zeros(IMAGE, np.float32)
        image[click.pixel] = 1
        shrunk = window.shrink(read_window(image, window)[..., None])[..., 0]
        rows, columns = np.indices(shrunk.shape)
        centre = [(grid * shrunk).sum() / shrunk.sum() for grid in (rows, columns)]
        assert centre == pytest.approx(window.to_input(click.y, click.x), abs=1e-3)
        row, column = np.unravel_index(window.expand(shrunk).argmax(), (80, 80))
        assert (row + window.top, column + window.left) == click.pixel

    def test_probabilities_stay_probabilities(self) -> None:
        window = square_window((300, 400), 517, IMAGE, 160)
        noise = np.random.default_rng(0).integers(0, 2, (160, 160)).astype(np.float32)
        expanded = window.expand(noise)
        assert expanded.min() >= 0
        assert expanded.max() <= 1 + 1e-6


def test_what_two_boxes_share() -> None:
    one, other = Box(0, 0, 10, 20), Box(5, 15, 30, 30)
    both = one.shared(other)
    assert both == Box(5, 15, 10, 20) == other.shared(one)
    assert both.within(other) == (slice(0, 5), slice(0, 5))
    assert one.shared(Box(10, 0, 20, 20)) is None  # they touch


def test_a_click_at_the_windows_edge_lies_on_its_last_pixel() -> None:
    view = Window(10, 20, 100, 50, 50, 25, canvas=(64, 64))
    assert view.to_pixel(Click(10, 20)) == (0, 0)
    assert view.to_pixel(Click(109, 69)) == (49, 24)
