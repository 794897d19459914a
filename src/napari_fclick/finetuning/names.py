"""What weights may be called."""

from __future__ import annotations

import re


def plain_name(wanted: str, otherwise: str) -> str:
    """Return a name that can be a file's and that weights are found by.

    Parameters
    ----------
    wanted : str
        Where it ends like a weights file, this is left out: it would be taken for a path.
    otherwise : str
        The name where nothing is left of the wanted one.
    """
    plain = re.sub(r"[^\w.-]+", "-", wanted).lstrip("-.")
    return re.sub(r"(\.safetensors|[-.])+$", "", plain, flags=re.IGNORECASE) or otherwise
