"""Which weights are in use: promoted ones by their name, and the way back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.torch import load_file
from torch import Tensor

from napari_fclick.core.paths import replacing
from napari_fclick.finetuning.gate import PROMOTED
from napari_fclick.finetuning.names import plain_name
from napari_fclick.network import checkpoints
from napari_fclick.network.checkpoints import SUFFIX, Card, WeightsError

#: The weights that come along.
DEFAULT = "default"
#: Names of earlier weights that are remembered.
REMEMBERED = 50


class _InUse(BaseModel):
    """What is in the file: the names in the order they were put into use, the last is in use."""

    model_config = ConfigDict(extra="forbid")

    history: list[str] = []


def promote(path: Path, name: str | None = None) -> str:
    """Put weights into use under a name that every part of the program knows.

    Parameters
    ----------
    path : Path
        A weights file; it stays where it is, a copy goes into the user's folder.
    name : str, optional
        By default the file's. Where it is taken by other weights, a number is added: what was
        promoted before is never overwritten, so that one can go back to it.

    Returns
    -------
    str
        The name that it got.

    Raises
    ------
    WeightsError
        If the file is not whole, or its card says that it was refused.
    OSError
        If it cannot be copied; what was in use stays so.
    """
    card = checkpoints.read_card(path)
    outcome = card.tuned.get("outcome", PROMOTED)
    if outcome != PROMOTED:
        why = card.tuned.get("reasons", "")
        raise WeightsError(
            f"{path}: these weights were refused when they were made ({outcome})"
            + (f": {why}" if why else "")
        )
    chosen = adopt(path, name or path.name.removesuffix(SUFFIX))
    activate(chosen)
    return chosen


def adopt(path: Path, name: str) -> str:
    """Copy weights into the user's folder, so that every part of the program knows them.

    The copy's card has the name that it got.

    Parameters
    ----------
    path : Path
        A weights file; it stays where it is.
    name : str
        Where it is taken by other weights, be it in capitals, a number is added.

    Returns
    -------
    str
        The name that it got.

    Raises
    ------
    WeightsError
        If the file is not whole.
    OSError
        If it cannot be copied.
    """
    _, card = checkpoints.load(path)
    tensors = load_file(path)  # as they are stored, in half precision or not
    chosen = _free_name(name, card, tensors)
    target = checkpoints.user_folder() / f"{chosen}{SUFFIX}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="fclick-") as folder, replacing(target) as partial:
            if card.name != chosen:
                path = Path(folder) / target.name
                checkpoints.save(path, tensors, card.model_copy(update={"name": chosen}))
            shutil.copyfile(path, partial)
            _flush(partial)
    return chosen


def active() -> str:
    """Return the name of the weights in use: ``default`` unless others were put into use.

    Weights whose file is gone are passed over.
    """
    known = set(checkpoints.available_weights())
    return next((name for name in reversed(_read().history) if name in known), DEFAULT)


def activate(name: str) -> None:
    """Put weights into use by their name.

    Raises
    ------
    WeightsError
        If there are none of that name.
    OSError
        If it cannot be noted; what was in use stays so.
    """
    if name not in checkpoints.available_weights():
        checkpoints.find(name)  # says which names there are
        raise WeightsError(f"weights are put into use by name, not by path: {name}")
    if name != active():
        _write([*_read().history, name])


def roll_back() -> str:
    """Go back to the weights that were in use before; return their name.

    From the weights that come along there is nothing to go back to.
    """
    known = set(checkpoints.available_weights())
    kept = [name for name in _read().history if name in known]
    _write(kept[:-1])
    return active()


# --- helpers ----------------------------------------------------------------------------


def _free_name(wanted: str, card: Card, tensors: Mapping[str, Tensor]) -> str:
    """Return the name, with a number where other weights have it.

    Names that differ in capitals alone are one: to some systems their files are.
    """
    plain = plain_name(wanted, "finetuned")
    taken = {name.casefold(): name for name in checkpoints.available_weights()}
    number, name = 1, plain
    while (other := taken.get(name.casefold())) is not None:
        if _are(other, card, tensors):
            return other
        number += 1
        name = f"{plain}-{number}"
    return name


def _are(name: str, card: Card, tensors: Mapping[str, Tensor]) -> bool:
    """Whether the weights of a name are these, under the name that they came with or their own."""
    named = card.model_copy(update={"name": name, "sha256": ""}).model_dump_json()
    try:
        known = checkpoints.read_card(checkpoints.find(name)).sha256
    except WeightsError:
        return False  # a damaged file
    return known in (card.sha256, checkpoints.fingerprint(tensors, named))


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _file() -> Path:
    return checkpoints.user_folder() / "in-use.json"


def _read() -> _InUse:
    try:
        return _InUse.model_validate_json(_file().read_text("utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return _InUse()  # the weights that come along are always there


def _write(names: list[str]) -> None:
    _file().parent.mkdir(parents=True, exist_ok=True)
    with replacing(_file()) as partial:
        partial.write_text(_InUse(history=names[-REMEMBERED:]).model_dump_json() + "\n", "utf-8")
