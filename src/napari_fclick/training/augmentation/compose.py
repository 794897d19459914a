"""All transforms, each with its chance."""

from __future__ import annotations

from collections.abc import Mapping

from napari_fclick.training.augmentation.base import Patch, RandomTransform, Rng
from napari_fclick.training.augmentation.blur import RandomBlur
from napari_fclick.training.augmentation.compression import RandomCompression
from napari_fclick.training.augmentation.drop import RandomDrop
from napari_fclick.training.augmentation.elastic import RandomElastic
from napari_fclick.training.augmentation.flip import RandomFlip
from napari_fclick.training.augmentation.gamma import RandomGamma
from napari_fclick.training.augmentation.gray import RandomGray
from napari_fclick.training.augmentation.inversion import RandomInversion
from napari_fclick.training.augmentation.mix import RandomMix, RandomTint
from napari_fclick.training.augmentation.noise import RandomNoise
from napari_fclick.training.augmentation.rotation import RandomRotation
from napari_fclick.training.augmentation.scale import RandomScale
from napari_fclick.training.augmentation.shading import RandomShading
from napari_fclick.training.augmentation.shift import RandomShift
from napari_fclick.training.augmentation.transpose import RandomTranspose
from napari_fclick.training.config import AugmentationConfig
from napari_fclick.training.registry import find

#: By their names in the configuration, in the order in which they are applied.
TRANSFORMS: Mapping[str, tuple[RandomTransform, ...]] = {
    "rotation": (RandomRotation(),),
    "scale": (RandomScale(),),
    "elastic": (RandomElastic(),),
    "mix": (RandomMix(),),
    "tint": (RandomTint(),),
    "gray": (RandomGray(),),
    "drop": (RandomDrop(),),
    "inversion": (RandomInversion(),),
    "gamma": (RandomGamma(),),
    "shading": (RandomShading(),),
    "shift": (RandomShift(),),
    "blur": (RandomBlur(),),
    "noise": (RandomNoise(),),
    "compression": (RandomCompression(),),
    "flip": (RandomFlip(0), RandomFlip(1)),
    "transpose": (RandomTranspose(),),
}


class Augmentation:
    """Apply transforms to a patch, each with its chance.

    Parameters
    ----------
    config : AugmentationConfig
        Transforms that it names under ``extra`` are applied last.

    Raises
    ------
    ValueError
        If a transform is not known.
    """

    def __init__(self, config: AugmentationConfig) -> None:
        self._steps: list[tuple[float, RandomTransform]] = []
        for name, transforms in TRANSFORMS.items():
            self._steps += [(getattr(config, name), each) for each in transforms]
        for name, chance in config.extra.items():
            own = find("augmentation", name, {})
            own = own() if isinstance(own, type) else own
            if not isinstance(own, RandomTransform):
                raise ValueError(f"augmentation {name!r} has no method draw(patch, rng)")
            self._steps.append((chance, own))

    def __call__(self, patch: Patch, rng: Rng) -> Patch:
        """Return the patch after what ``rng`` chose."""
        for chance, random in self._steps:
            if rng.random() < chance:
                transform = random.draw(patch, rng)
                if transform is not None:
                    patch = transform(patch)
        return patch
