"""One object played by one method, as it is kept in a results file."""

from __future__ import annotations

import base64
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from napari_fclick.core.arrays import Mask
from napari_fclick.core.masks import pack_bits, unpack_bits
from napari_fclick.core.window import Box, mask_bounds
from napari_fclick.evaluation import robot
from napari_fclick.evaluation.datasets import Item, Scene
from napari_fclick.evaluation.methods.base import Method
from napari_fclick.evaluation.metrics import boundary_f, centralities
from napari_fclick.evaluation.protocol import Protocol, stream

PerClick = Annotated[list[float], Field(min_length=1)]


class Game(BaseModel):
    """One object, click by click.

    Attributes
    ----------
    set_name, method, item : str
        Whose object, who played, and the object's key within its set.
    ious, boundary : list of float in [0, 1]
        IoU and boundary F after each click.
    clicks : list of (row, column, positive)
    centrality : list of float in [0, 1]
        CD of each click.
    ms : list of float
        Milliseconds from each click to its answer.
    mask : str
        The last answer, see `unpack_mask`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    set_name: str = Field(alias="set")
    method: str
    item: str = Field(alias="object")
    ious: PerClick
    boundary: PerClick
    clicks: list[tuple[int, int, bool]]
    centrality: PerClick
    ms: PerClick
    mask: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from all other games of a run."""
        return self.set_name, self.method, self.item


def play_item(
    method: Method, name: str, set_name: str, item: Item, scene: Scene, protocol: Protocol
) -> Game:
    """Let the robot play one object.

    Parameters
    ----------
    method : Method
    name : str
        Of the method, in reports.
    set_name : str
        Of the object's set; it is in the object's random stream.
    item, scene : Item, Scene
    protocol : Protocol
    """
    found: dict[str, list[Any]] = {"ious": [], "boundary": [], "clicks": [], "ms": []}
    mask = np.zeros_like(scene.truth)
    # Sets of the same name in one run are told apart by their folders: not part of the stream.
    rng = stream(protocol.seed, set_name.rpartition("/")[2], item.key)
    for each in robot.play(
        method,
        scene.image,
        scene.truth,
        ignore=scene.ignore,
        most=protocol.most,
        target=protocol.stop,
        rng=rng,
        jitter=protocol.jitter,
        jitter_share=protocol.jitter_share,
        integrity=protocol.integrity,
    ):
        mask = each.mask
        found["ious"].append(each.iou)
        found["boundary"].append(boundary_f(scene.truth, mask, scene.ignore))
        found["clicks"].append(tuple(each.click))
        found["ms"].append(round(1000 * each.prediction.seconds, 3))
    pixels = [(row, column) for row, column, _ in found["clicks"]]
    return Game(
        set=set_name,
        method=name,
        object=item.key,
        centrality=centralities(scene.truth, pixels),
        mask=pack_mask(mask),
        **found,
    )


def pack_mask(mask: Mask) -> str:
    """Return a mask as text: its box, and the box's pixels as packed, deflated bits."""
    box = mask_bounds(mask) or Box(0, 0, 0, 0)
    text = base64.b64encode(pack_bits(mask[box.slices])).decode("ascii")
    return f"{','.join(map(str, box))}:{text}"


def unpack_mask(text: str, shape: tuple[int, int]) -> Mask:
    """Return the mask, bool (H, W), that `pack_mask` made into text.

    Raises
    ------
    ValueError
        If the text is no mask, or one that sticks out of the shape.
    """
    numbers, _, packed = text.partition(":")
    top, left, bottom, right = (int(number) for number in numbers.split(","))
    if not (0 <= top <= bottom <= shape[0] and 0 <= left <= right <= shape[1]):
        raise ValueError(f"a mask with the box {numbers} does not fit into {shape}")
    box = Box(top, left, bottom, right)
    out = np.zeros(shape, bool)
    out[box.slices] = unpack_bits(base64.b64decode(packed), box.shape)
    return out
