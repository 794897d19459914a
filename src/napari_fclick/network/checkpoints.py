"""Weights files: safetensors with a card inside, and where they are found."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_fclick.core import places
from napari_fclick.core.errors import one_line
from napari_fclick.core.paths import replacing
from napari_fclick.core.preprocessing import Preprocessing
from napari_fclick.network.fcanet import FCANet, NetworkConfig, differing
from napari_fclick.network.recognition import Recogniser, Seen

SUFFIX = ".safetensors"
_METADATA_KEY = "napari-fclick"
_BUNDLED = Path(__file__).parent / "weights"
#: What the names of tensors begin with that are no part of the network itself.
_SEEN, _SPECIALIST, _RECOGNISER = "seen.", "specialist.{}.", "recogniser."
#: The steps in which tensors of integers count what they add to the general network's.
_STEPS = "steps."
#: In what a card tells of a fine-tuning: the weights that answer on all other images.
_OTHERS = "other images"


class WeightsError(ValueError):
    """Weights that cannot be found, read or trusted."""


class Card(BaseModel):
    """The model card that travels inside a weights file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    network: NetworkConfig
    preprocessing: Preprocessing
    licence: str
    description: str = ""
    data: tuple[str, ...] = Field((), description="data sets it was trained on")
    recipe: str = ""
    scores: dict[str, float] = Field({}, description="measured by `napari-fclick evaluate`")
    parent: str = Field("", description="sha256 of the weights it was fine-tuned from")
    tuned: dict[str, str] = Field(
        {}, description="of a fine-tuning: its data's hash, its split, when, how long"
    )
    specialists: tuple[str, ...] = Field(
        (), description="names of the networks that answer on the images they were tuned on"
    )
    sha256: str = Field("", description="of the tensors and of the rest of this card")

    def source(self, specialist: int | None) -> str:
        """Tell which network answered, where it is another one than usual.

        Parameters
        ----------
        specialist : int or None
            See `napari_fclick.prediction.Prediction`.

        Returns
        -------
        str
            Empty where there is nothing to tell: where the network answered that the weights were
            made for, or one of other weights.
        """
        usual = 0 if self.is_tuned else -1
        if specialist is None or specialist == usual or specialist >= len(self.specialists):
            return ""
        others = (*self.specialists, self.tuned.get(_OTHERS, ""))
        told = f"{others[specialist]} answered"
        return f"{told}: not like the images of {others[0]}" if self.is_tuned else told

    @property
    def learned(self) -> tuple[str, ...]:
        """Beginnings of the digests of images that fine-tunings learned from; of no others."""
        return tuple(self.tuned.get("training", "").split())

    @property
    def is_tuned(self) -> bool:
        """Whether they were tuned on images of one kind, and leave others to other networks."""
        return _OTHERS in self.tuned


class Specialist(NamedTuple):
    """A network that answers on images like those it was tuned on.

    Attributes
    ----------
    name : str
    network : FCANet
        With its own judge of how far clicks reach, where that was learned for it.
    recogniser : Recogniser
        Tells which images are like those.
    """

    name: str
    network: FCANet
    recogniser: Recogniser


class Loaded(NamedTuple):
    """All that a weights file holds; networks are in evaluation mode, on the CPU, in float32.

    Attributes
    ----------
    network : FCANet
        Answers on images that no specialist knows.
    card : Card
    seen : Seen or None
        What the images look like that it was trained on.
    specialists : tuple of Specialist
        The first one that knows an image answers.
    """

    network: FCANet
    card: Card
    seen: Seen | None = None
    specialists: tuple[Specialist, ...] = ()

    @property
    def main(self) -> FCANet:
        """The network that the weights were made for: the one tuned last, else the general one."""
        return self.one(0 if self.card.is_tuned else -1)

    def one(self, specialist: int) -> FCANet:
        """Return a specialist's network by its number; -1 is the general one.

        Raises
        ------
        WeightsError
            If there are not so many.
        """
        if not -1 <= specialist < len(self.specialists):
            raise WeightsError(
                f"{self.card.name}: no specialist {specialist}; there are {len(self.specialists)}"
            )
        return self.network if specialist < 0 else self.specialists[specialist].network


def fingerprint(tensors: Mapping[str, Tensor], text: str) -> str:
    """Return the sha256 of a card's text and of the tensors' names, dtypes, shapes and values.

    The text, which is without the sha256 itself, is taken as it stands in the file, so that a
    card stays valid when a later version knows more fields.
    """
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        value = tensors[name].contiguous()
        digest.update(f"{name}|{value.dtype}|{tuple(value.shape)}|".encode())
        digest.update(value.reshape(-1).numpy().tobytes())
    return digest.hexdigest()


def save(path: Path, tensors: Mapping[str, Tensor], card: Card, half: bool = False) -> Card:
    """Write a weights file at once or not at all.

    Parameters
    ----------
    path : Path
    tensors : mapping of str to Tensor
        The state of the `FCANet` that ``card.network`` describes, and what `extras` returns of
        those that ``card.specialists`` names.
    card : Card
        Its sha256 is filled in.
    half : bool
        Store convolution weights in half precision; those of specialists as what they add to the
        general network's, in 8 bits, which moves them by a 128th of the largest change of their
        output channel at most. Weights that were read from such a file are stored as they are.

    Returns
    -------
    Card
        As written.

    Raises
    ------
    OSError
        If it cannot be written, such as where the disk is full.
    """
    kept = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    if half:
        kept = _shortened(kept)
    text = card.model_copy(update={"sha256": ""}).model_dump_json()
    card = card.model_copy(update={"sha256": fingerprint(kept, text)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        try:
            save_file(kept, partial, metadata={_METADATA_KEY: card.model_dump_json()})
        except SafetensorError as error:  # a full disk is one of these, too
            raise OSError(f"{path} cannot be written: {one_line(error)}") from None
    return card


def as_stored(
    state: Mapping[str, Tensor], general: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Return a network's state as it comes back from a file that is written with ``half``.

    Parameters
    ----------
    state : mapping of str to Tensor
    general : mapping of str to Tensor, optional
        The state of the general network, where it is stored as a specialist beside that.
    """
    if general is None:
        return _restored(_shortened(state))
    prefix = _SPECIALIST.format(0)
    own = {prefix + name: value for name, value in state.items()}
    return _taken(_restored(_shortened({**general, **own})), prefix)


def extras(
    state: Mapping[str, Tensor], seen: Seen | None, specialists: Sequence[Specialist] = ()
) -> dict[str, Tensor]:
    """Return what is saved beside a network, as tensors by their names.

    Parameters
    ----------
    state : mapping of str to Tensor
        Of the network; of the specialists only what differs from it is saved.
    seen, specialists
        See `Loaded`.
    """
    parts: list[tuple[str, Mapping[str, Tensor]]] = []
    if seen is not None:
        parts.append((_SEEN, seen._asdict()))
    for number, each in enumerate(specialists):
        prefix = _SPECIALIST.format(number)
        parts.append((prefix, differing(each.network.state_dict(), state)))
        parts.append((prefix + _RECOGNISER, each.recogniser._asdict()))
    return {prefix + name: value for prefix, part in parts for name, value in part.items()}


def read_card(path: Path) -> Card:
    """Read the card of a weights file without its tensors.

    Raises
    ------
    WeightsError
        In one line: missing, unreadable, truncated or foreign.
    """
    return _read(path, with_tensors=False).card


def load(weights: str | Path) -> tuple[FCANet, Card]:
    """Load and verify weights; return the network that they were made for, and their card.

    See `load_all`, which returns what else is in the file.
    """
    found = load_all(weights)
    return found.main, found.card


def load_all(weights: str | Path) -> Loaded:
    """Load and verify weights, and what was saved beside them.

    Parameters
    ----------
    weights : str or Path
        A name from `available_weights`, or a file.

    Returns
    -------
    Loaded

    Raises
    ------
    WeightsError
        In one line: missing, unreadable, truncated, edited or foreign.
    """
    path = find(weights)
    card, text, tensors = _read(path, with_tensors=True)
    if fingerprint(tensors, text.replace(card.sha256, "")) != card.sha256:
        raise WeightsError(
            f"{path}: the content does not match the file's own sha256; it was edited"
        )
    values = _restored(tensors)
    seen = _taken(values, _SEEN)
    own = [_taken(values, _SPECIALIST.format(n)) for n in range(len(card.specialists))]
    recognisers = [_taken(each, _RECOGNISER) for each in own]
    try:
        return Loaded(
            _filled(card.network, values),
            card,
            Seen(**seen) if seen else None,
            tuple(
                Specialist(name, _filled(card.network, values | part), Recogniser(**recogniser))
                for name, part, recogniser in zip(card.specialists, own, recognisers, strict=True)
            ),
        )
    except (RuntimeError, TypeError):
        raise WeightsError(f"{path}: the tensors do not fit the network its card names") from None


def load_plain(path: Path, what: str) -> Any:
    """Read tensors, numbers and text that PyTorch saved, onto the CPU; no code in a file is run.

    Parameters
    ----------
    path : Path
    what : str
        The file is expected to be.

    Raises
    ------
    OSError
        If it cannot be opened.
    WeightsError
        In one line, if it is something else, or damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of how something else was written
            return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception:  # fails in any of the reader's ways, and tells how to read it nevertheless
        raise WeightsError(f"{path} is no {what}, or it is damaged") from None


def are_tensors(content: Any) -> TypeGuard[Mapping[str, Tensor]]:
    """Whether what was read is tensors by their names."""
    return isinstance(content, Mapping) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )


def find(weights: str | Path) -> Path:
    """Return the file of a weights name, or of a path.

    Raises
    ------
    WeightsError
        If there is none; the message lists the names there are.
    """
    path = Path(weights)
    if path.suffix.lower() == SUFFIX or path.parent != Path():
        if not path.is_file():
            raise WeightsError(f"no weights file {path}")
        return path
    files = _named_files()
    if str(weights) not in files:
        if path.is_file():  # whoever reads it tells what it should be
            return path
        hint = ""
        if str(weights).startswith("fcanet-"):
            hint = " (import the authors' checkpoint first: napari-fclick weights import)"
        known = ", ".join(sorted(files)) or "none"
        raise WeightsError(f"no weights named {str(weights)!r}; there are: {known}{hint}")
    return files[str(weights)]


def available_weights() -> list[str]:
    """Return the names that `load` takes: the default first, then the user's own."""
    return sorted(_named_files(), key=lambda name: (name != "default", name))


def user_folder() -> Path:
    """Return the folder in which imported and fine-tuned weights are kept."""
    return places.data_folder() / "weights"


def register(name: str, path: Path) -> None:
    """Let ``name`` stand for a weights file that is kept elsewhere."""
    user_folder().mkdir(parents=True, exist_ok=True)
    (user_folder() / f"{name}.path").write_text(str(path.resolve()), "utf-8")


def _named_files() -> dict[str, Path]:
    files: dict[str, Path] = {}
    for pointer in user_folder().glob("*.path"):
        try:
            target = Path(pointer.read_text("utf-8").strip())
        except (OSError, UnicodeDecodeError):
            continue  # one that cannot be read must not hide the others
        if _is_named(target, pointer.stem):
            files[pointer.stem] = target
    for folder in (user_folder(), _BUNDLED):
        files |= {f.stem: f for f in folder.glob(f"*{SUFFIX}")}
    return files


def _is_named(path: Path, name: str) -> bool:
    """Whether a file is there still, and nothing else was written in its place."""
    try:
        return read_card(path).name == name
    except (WeightsError, OSError):  # a drive may be gone
        return False


class _Content(NamedTuple):
    card: Card
    text: str
    tensors: dict[str, Tensor]


def _read(path: Path, with_tensors: bool) -> _Content:
    if not path.is_file():
        raise WeightsError(f"no weights file {path}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys() if with_tensors else ()
            tensors = {name: file.get_tensor(name) for name in names}
    except OSError as error:
        raise WeightsError(f"{path} is no readable weights file: {one_line(error)}") from None
    except SafetensorError:
        raise WeightsError(
            f"{path} is no readable weights file: it is no {SUFFIX} file, or it is damaged"
        ) from None
    if _METADATA_KEY not in metadata:
        raise WeightsError(f"{path} holds tensors but no napari-fclick card: not our weights")
    text = metadata[_METADATA_KEY]
    try:
        return _Content(Card.model_validate_json(text), text, tensors)
    except ValidationError as error:
        field = ".".join(map(str, error.errors()[0]["loc"]))
        raise WeightsError(f"{path}: its card is not valid at {field!r}") from None


def _taken(values: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Take away what begins with a prefix, and return it without."""
    names = [name for name in values if name.startswith(prefix)]
    return {name.removeprefix(prefix): values.pop(name) for name in names}


def _filled(config: NetworkConfig, values: Mapping[str, Tensor]) -> FCANet:
    with torch.device("meta"):
        network = FCANet(config)
    # Copies, as several networks may have the same values.
    network.load_state_dict({name: value.clone() for name, value in values.items()}, assign=True)
    return network.eval()


def _shortened(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are written with ``half``: see `save`."""
    short = {n: value.half() if value.ndim == 4 else value for n, value in tensors.items()}
    for name, value in tensors.items():
        of_general = _of_general(name)
        if value.ndim == 4 and of_general != name and of_general in short:
            change = value - short[of_general].float()
            # Steps are powers of two, so that counting them again gives the same numbers.
            largest = change.abs().amax((1, 2, 3), keepdim=True)
            _, exponent = torch.frexp(largest / 127.5)
            steps = torch.ldexp(torch.ones_like(largest), exponent)
            short[name], short[_STEPS + name] = (change / steps).round().to(torch.int8), steps
    return short


def _restored(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors as they are computed with, of those that are written."""
    values = {n: v.float() if v.dtype == torch.float16 else v for n, v in tensors.items()}
    for name, steps in _taken(values, _STEPS).items():
        values[name] = values[_of_general(name)] + values[name] * steps
    return values


def _of_general(name: str) -> str:
    """Return the name that a specialist's tensor has in the general network."""
    return re.sub(r"^specialist\.\d+\.", "", name)
