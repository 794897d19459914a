"""An image has one hash, however it is given."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from napari_fclick.finetuning import hashing
from napari_fclick.finetuning.hashing import content_hash

VOLUME = np.random.default_rng(0).integers(0, 999, (3, 20, 30), np.uint16)


@pytest.mark.parametrize("most", [hashing.SAMPLED, 100])
@pytest.mark.parametrize("image", [VOLUME, VOLUME[0]])
def test_in_memory_in_a_file_or_lazy(
    image: np.ndarray, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "SAMPLED", most)
    np.save(tmp_path / "a.npy", image)
    ways = (image, np.load(tmp_path / "a.npy", mmap_mode="r"), da.from_array(image, chunks=7))
    assert len({content_hash(way) for way in ways}) == 1
    other = image.copy()
    other[..., 0, 0] += 1
    assert (content_hash(other) != content_hash(image)) or most == 100


@pytest.mark.parametrize("most", [hashing.SAMPLED, 100])
def test_the_order_of_bytes_and_axes_of_one_do_not_count(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "SAMPLED", most)
    digest = content_hash(VOLUME)
    for other in (VOLUME.astype(">u2"), VOLUME[None, None], VOLUME[:, None, :, :, None]):
        assert content_hash(other) == content_hash(da.from_array(other, chunks=7)) == digest
    assert content_hash(VOLUME[:1].astype(">u2")) == content_hash(VOLUME[0])


def test_a_hash_is_of_the_type_the_shape_and_the_pixels() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(4, 6)
    assert content_hash(image) == sha256(b"uint8 (4, 6)" + image.tobytes()).hexdigest()


def test_shape_and_type_count() -> None:
    flat = np.zeros((4, 6), np.uint8)
    others = (flat.T, flat.astype(np.int8), flat.reshape(2, 2, 6))
    assert content_hash(flat) not in {content_hash(other) for other in others}
