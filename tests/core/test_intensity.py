from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_fclick.core.intensity import chosen, stretch, to_float, to_rgb

INTEGERS = ["uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"]
FLOATS = ["float16", "float32", "float64", "longdouble"]
NARROW = ["bool", "uint8", "int8", "uint16", "int16", "float16"]
WIDE = ["uint32", "int32", "uint64", "int64", "float32", "float64", "longdouble"]


class TestToFloat:
    @pytest.mark.parametrize("dtype", ["bool", *INTEGERS, *FLOATS, ">u2", ">i8", ">f4"])
    def test_every_dtype(self, dtype: str) -> None:
        pixels = np.array([[0, 1], [1, 0]]).astype(dtype)
        values = to_float(pixels)
        assert values.dtype == np.float32
        assert values.shape == (2, 2, 1)
        assert values[..., 0].tolist() == [[0, 1], [1, 0]]

    @pytest.mark.parametrize("dtype", NARROW)
    def test_narrow_pixels_are_exact(self, dtype: str) -> None:
        if dtype in ("bool", "float16"):
            extremes = np.array([[0, 1]], dtype)
        else:
            extremes = np.array([[np.iinfo(dtype).min, np.iinfo(dtype).max]], dtype)
        assert to_float(extremes)[..., 0].tolist() == extremes.astype(float).tolist()

    @pytest.mark.parametrize("dtype", WIDE)
    def test_wide_pixels_come_to_0_and_1(self, dtype: str) -> None:
        pixels = np.array([[1000, 1025, 1050, 1100]], dtype)
        assert to_float(pixels)[0, :, 0].tolist() == [0, 0.25, 0.5, 1]

    @pytest.mark.parametrize(("dtype", "offset"), [("int64", -(2**62)), ("uint64", 2**63 + 2**62)])
    def test_small_contrast_on_a_large_offset(self, dtype: str, offset: int) -> None:
        # Doubles near 2^62 are 512 or 1024 apart: only whole numbers can tell these pixels.
        pixels = np.array([[offset, offset + 1, offset + 2, offset + 4]], dtype)
        assert to_float(pixels)[0, :, 0].tolist() == [0, 0.25, 0.5, 1]

    def test_small_contrast_on_a_large_float(self) -> None:
        pixels = np.array([[1e9, 1e9 + 0.25, 1e9 + 1]])
        assert to_float(pixels)[0, :, 0].tolist() == [0, 0.25, 1]

    @pytest.mark.parametrize("dtype", ["int64", "int32", "float64", "float32"])
    def test_the_whole_range(self, dtype: str) -> None:
        kind: Any = np.finfo if dtype.startswith("f") else np.iinfo
        pixels = np.array([[kind(dtype).min, 0, kind(dtype).max]], dtype)
        np.testing.assert_allclose(to_float(pixels)[0, :, 0], [0, 0.5, 1], atol=1e-6)

    @pytest.mark.parametrize("dtype", FLOATS)
    def test_nan_and_infinities(self, dtype: str) -> None:
        pixels = np.array([[np.nan, 2, 3, 4, np.inf, -np.inf]], dtype)
        expected = [2, 2, 3, 4, 4, 2] if dtype == "float16" else [0, 0, 0.5, 1, 1, 0]
        assert to_float(pixels)[0, :, 0].tolist() == expected

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", FLOATS)
    def test_nothing_finite_is_zeros(self, dtype: str, value: float) -> None:
        assert not to_float(np.full((2, 3), value, dtype)).any()

    @pytest.mark.parametrize(
        "mark", [np.finfo("float32").min, -3.4e38, 9.96921e36, np.finfo("float64").max]
    )
    def test_marks_for_no_data_flatten_nothing(self, mark: float) -> None:
        pixels = np.array([[mark, 2, 3, 4, np.nan, mark]])
        with np.errstate(all="raise"):
            for wide in (pixels, pixels.astype(np.longdouble)):
                found = to_float(wide)[0, :, 0].tolist()
                assert found == [float(mark > 0), 0, 0.5, 1, 0, float(mark > 0)]
            assert to_float(pixels, (0, 4))[0, 1:4, 0].tolist() == [0.5, 0.75, 1]

    def test_marks_count_where_nothing_else_differs(self) -> None:
        pixels = np.array([[-3.4e38, 7, 7, np.nan]], np.float32)
        assert to_float(pixels)[0, :, 0].tolist() == [0, 1, 1, 0]

    def test_the_widest_limits(self) -> None:
        most = float(np.finfo("float64").max)
        with np.errstate(all="raise"):
            assert to_float(np.array([[-most, 0, most]]), (-most, most)).ravel().tolist() == [
                0,
                0.5,
                1,
            ]

    @pytest.mark.parametrize("dtype", WIDE)
    def test_constant_is_zeros(self, dtype: str) -> None:
        assert not to_float(np.full((2, 3), 7, dtype)).any()

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "uint64", "float32"])
    def test_limits_become_0_and_1(self, dtype: str) -> None:
        pixels = np.array([[0, 10, 15, 30, 100]], dtype)
        assert to_float(pixels, (10, 30))[0, :, 0].tolist() == [0, 0, 0.25, 1, 1]

    def test_limits_with_nan(self) -> None:
        pixels = np.array([[np.nan, 10, 20, np.inf]])
        assert to_float(pixels, (0, 20))[0, :, 0].tolist() == [0.5, 0.5, 1, 1]

    @pytest.mark.parametrize("limits", [(1, 1), (2, 1), (0, np.inf), (np.nan, 1)])
    def test_refuses_limits_that_are_none(self, limits: tuple[float, float]) -> None:
        with pytest.raises(ValueError, match=r"limits \(.*\) must be two finite numbers"):
            to_float(np.zeros((2, 2)), limits)

    @pytest.mark.parametrize("dtype", ["complex64", "object", "U3", "datetime64[s]"])
    def test_refuses_what_is_no_intensity(self, dtype: str) -> None:
        pixels = np.zeros((2, 2), dtype)
        with pytest.raises(TypeError, match=r"cannot read pixels of dtype .*; allowed are bool"):
            to_float(pixels)

    def test_keeps_channels_and_input(self) -> None:
        pixels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
        np.testing.assert_array_equal(to_float(pixels), pixels)
        holes = np.array([[np.nan, 1.0]])
        to_float(holes)
        assert np.isnan(holes[0, 0])


class TestToRgb:
    #: Channel c holds 10 c.
    FIVE = np.broadcast_to(np.arange(5, dtype=np.float32) * 10, (2, 3, 5))

    @pytest.mark.parametrize(
        ("count", "expected"),
        [
            (1, [0, 0, 0]),
            (2, [0, 10, 5]),
            (3, [0, 10, 20]),
            (4, [0, 10, 20]),  # the alpha is dropped
            (5, [0, 10, 20]),
        ],
    )
    def test_by_number_of_channels(self, count: int, expected: list[float]) -> None:
        values = to_rgb(self.FIVE[..., :count])
        assert values.shape == (2, 3, 3)
        assert values.dtype == np.float32
        assert values[1, 2].tolist() == expected

    @pytest.mark.parametrize(
        ("channels", "expected"),
        [((4,), [40, 40, 40]), ((3, 1), [30, 10, 20]), ((4, 0, 2), [40, 0, 20])],
    )
    def test_chosen(self, channels: tuple[int, ...], expected: list[float]) -> None:
        assert to_rgb(chosen(self.FIVE, channels))[0, 0].tolist() == expected

    @pytest.mark.parametrize("channels", [(), (0, 1, 2, 3), (5,), (-1,), (0, 9)])
    def test_refuses_channels_that_are_not_there(self, channels: tuple[int, ...]) -> None:
        with pytest.raises(ValueError, match=r"channels \[.*\] are not one to three .* 0 to 4"):
            chosen(self.FIVE, channels)


class TestStretch:
    def test_percentiles_become_0_and_1(self) -> None:
        ramp = np.arange(0, 2001, dtype=np.float32)
        values = np.repeat(ramp[:, None, None], 3, -1)
        stretched = stretch(values)
        # Every other row counts: 0, 2 .. 2000, whose percentiles 0.5 and 99.5 are 10 and 1990.
        assert stretched[10, 0, 0] == 0
        assert stretched[1990, 0, 0] == 1
        assert stretched[1000, 0, 0] == 0.5
        assert stretched.min() == 0
        assert stretched.max() == 1
        assert stretched.dtype == np.float32

    def test_jointly_or_each_channel_alone(self) -> None:
        values = np.zeros((40, 40, 3), np.float32)
        values[:, 20:] = (1, 2, 4)
        assert stretch(values)[0, 30].tolist() == [0.25, 0.5, 1]
        assert stretch(values, jointly=False)[0, 30].tolist() == [1, 1, 1]

    @pytest.mark.parametrize("jointly", [True, False])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 5)])
    def test_constant_is_zeros(self, shape: tuple[int, int], jointly: bool) -> None:
        assert not stretch(np.full((*shape, 3), 37, np.float32), jointly).any()

    @pytest.mark.parametrize(("low", "high"), [(255, 0), (0, 255)])
    def test_a_few_pixels_on_what_is_constant_are_seen(self, low: int, high: int) -> None:
        values = np.full((128, 128, 3), high, np.float32)
        values[60:66, 60:66] = low
        for jointly in (True, False):
            found = stretch(values, jointly)
            assert found.min() == 0 and found.max() == 1
            assert (found[60:66, 60:66] == (low > high)).all()

    def test_negative_values(self) -> None:
        values = np.full((8, 8, 3), -300, np.float32)
        values[:4] = -100
        assert stretch(values)[0, 0, 0] == 1
        assert stretch(values)[7, 7, 2] == 0
