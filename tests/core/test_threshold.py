import numpy as np
import pytest

from napari_fclick.core.threshold import above, check_threshold


def test_a_pixel_belongs_where_its_probability_is_greater():
    probability = np.array([[0.2, 0.5, 0.6, 0.8]], np.float32)
    assert above(probability).tolist() == [[False, False, True, True]]
    assert above(probability, 0.7).tolist() == [[False, False, False, True]]


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_threshold_is_within_0_to_1(threshold):
    with pytest.raises(ValueError, match=rf"threshold {threshold} is not within 0 to 1"):
        check_threshold(threshold)
