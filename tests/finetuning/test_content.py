"""An image has one hash, however it is given."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from napari_fclick.finetuning import content
from napari_fclick.finetuning.content import content_hash

VOLUME = np.random.default_rng(0).integers(0, 999, (3, 20, 30), np.uint16)


@pytest.mark.parametrize("most", [content.SAMPLED, 100])
@pytest.mark.parametrize("image", [VOLUME, VOLUME[0]])
def test_in_memory_in_a_file_or_lazy(
    image: np.ndarray, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "SAMPLED", most)
    np.save(tmp_path / "a.npy", image)
    ways = (image, np.load(tmp_path / "a.npy", mmap_mode="r"), da.from_array(image, chunks=7))
    assert len({content_hash(way) for way in ways}) == 1
    other = image.copy()
    other[..., 0, 0] += 1
    assert (content_hash(other) != content_hash(image)) or most == 100


def test_shape_and_type_count() -> None:
    flat = np.zeros((4, 6), np.uint8)
    others = (flat.T, flat.astype(np.int8), flat[None])
    assert content_hash(flat) not in {content_hash(other) for other in others}
