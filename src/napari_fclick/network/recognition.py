"""Whether an image looks like those that weights were tuned on.

A network that was tuned on images of one kind answers on others worse than the one that it was
made from. Weights therefore hold both, and a recogniser: it tells by what the first stages of the
general network see about the first click which of the two is to answer.

What is seen is described by the mean and the standard deviation of each channel of F1 and F2. The
recogniser is a linear discriminant between the descriptions of the images tuned on and those that
the network was trained on, of which the weights keep the mean and the covariance alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from napari_fclick.network.backbones import Backbone
from napari_fclick.network.fcanet import differing

#: Part of the mean variance that is added to each: descriptions of few images tell little.
SHRINKAGE = 0.3
#: How much the images tuned on count in the covariance within either kind.
OWN_SHARE = 0.1
#: Of images that were left out when it was fitted, so many windows are to be recognised.
RECOGNISED = 0.95
#: The boundary lies between the two kinds: 0 is the middle, 1 the mean of what the network was
#: trained on, -1 that of the images tuned on. Of a user's few images a good part is to be known.
LEANING = 0.25
#: The same of less than so many images, of which one tells little of the others.
LEANING_OF_FEW, FEW = 0.5, 3
#: What the names of tensors begin with that a description hangs on.
_DESCRIBING = ("backbone.stem.", "backbone.stages.0.", "backbone.stages.1.")
#: Part of the spread of all images that is added to that of one kind's.
SEEN_SPREAD = 0.1


class Seen(NamedTuple):
    """What the images look like that a network was trained on.

    Attributes
    ----------
    mean : Tensor, float32, shape (D,)
    covariance : Tensor, float32, shape (D, D)
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, descriptions: Tensor) -> Seen:
        """Return it of descriptions (n, D)."""
        found = descriptions.double()
        return cls(found.mean(0).float(), found.T.cov().float())


class Recogniser(NamedTuple):
    """Tells the images tuned on from others.

    Attributes
    ----------
    weight : Tensor, float32, shape (D,)
    bias : Tensor, float32, shape ()
    middle, nearness : Tensor, float32, shape (D,) or ()
        What is farther than that from the middle is not known, on whatever side of the boundary:
        the mean square of ``(description - middle) * nearness`` is 1 at most. With a nearness of 0
        nothing is too far.
    """

    weight: Tensor
    bias: Tensor
    middle: Tensor = torch.zeros(())
    nearness: Tensor = torch.zeros(())

    def knows(self, description: Tensor) -> bool:
        """Whether a description (D,) is of an image like those tuned on."""
        away = ((description - self.middle) * self.nearness).square().mean()
        return bool((self.weight @ description + self.bias > 0) & (away <= 1))


def first_to_know(recognisers: Sequence[Recogniser], description: Tensor) -> int:
    """Return the number of the first that knows an image by its description; -1 for none."""
    return next((n for n, each in enumerate(recognisers) if each.knows(description)), -1)


@torch.inference_mode()
def describe(backbone: Backbone, x: Tensor, inner: tuple[int, int]) -> Tensor:
    """Describe what a window looks like to the first stages.

    Parameters
    ----------
    backbone : Backbone
    x : Tensor, shape (1, C, S, S)
        The network's input, without clicks.
    inner : (int, int)
        Rows and columns of it that lie in the image.

    Returns
    -------
    Tensor, float32, shape (D,), on the CPU
        Means, then standard deviations of F1's channels, and the same of F2's.
    """
    size, out = x.shape[-1], []
    x = backbone.stem(x)
    for stage in (backbone.stages[0], backbone.stages[1]):
        x = stage(x)
        rows, columns = (max(1, round(n * x.shape[-1] / size)) for n in inner)
        values = x[0, :, :rows, :columns].float().flatten(1)
        out += [values.mean(1), values.std(1, correction=0)]
    return torch.cat(out).cpu()


def sees_alike(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether two networks, by their states, describe an image alike."""
    return not any(name.startswith(_DESCRIBING) for name in differing(one, other))


def fit(
    seen: Seen,
    descriptions: Tensor,
    images: Sequence[int],
    leaning: float | None = None,
    farthest: float = math.inf,
) -> Recogniser:
    """Return what tells images from those that a network was trained on.

    Parameters
    ----------
    seen : Seen
    descriptions : Tensor, shape (n, D)
        Of windows of the images, two at least.
    images : sequence of int
        Which image each is of. Of several images each is left out in turn, and the boundary is
        laid so that enough of its windows are recognised all the same.
    leaning : float in [-1, 1], optional
        Where else the boundary lies: see `LEANING`; by default as the number of images asks for.
    farthest : float
        How far from their mean images are known, in their own standard deviations, to each of
        which a tenth of that of ``seen`` is added.

    Returns
    -------
    Recogniser
    """
    found, number = descriptions.double(), torch.tensor(list(images))
    if leaning is None:
        leaning = LEANING if len(number.unique()) >= FEW else LEANING_OF_FEW
    weight, bias = _boundary(seen, found, leaning)
    if len(number.unique()) > 1:
        left_out = []
        for image in number.unique():
            other_weight, other_bias = _boundary(seen, found[number != image], leaning)
            left_out.append(found[number == image] @ other_weight + other_bias)
        bias = bias - torch.cat(left_out).quantile(1 - RECOGNISED).clamp(max=0)
    spread = found.std(0, correction=0) + SEEN_SPREAD * seen.covariance.double().diagonal().sqrt()
    nearness = 1 / (farthest * spread.clamp_min(1e-6))
    middle = found.mean(0).float()
    return Recogniser(weight.float(), bias.float(), middle, nearness.float())


def _boundary(seen: Seen, own: Tensor, leaning: float) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a linear discriminant: positive on the own side."""
    mean, covariance = seen.mean.double(), seen.covariance.double()
    scale = covariance.diagonal().clamp_min(1e-12).sqrt()
    own = (own - mean) / scale
    middle = own.mean(0)
    within = (1 - OWN_SHARE) * covariance / scale.outer(scale)
    within = within + OWN_SHARE * (own - middle).T @ (own - middle) / len(own)
    within = within + SHRINKAGE * within.diagonal().mean() * torch.eye(len(within))
    weight = torch.linalg.solve(within, middle)
    return weight / scale, -(1 - leaning) / 2 * weight @ middle - (weight / scale) @ mean
