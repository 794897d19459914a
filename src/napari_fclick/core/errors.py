"""What is told of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def one_line(error: BaseException, most: int | None = None) -> str:
    """Return an error's message in one line; its type's name where it has none.

    Parameters
    ----------
    error : BaseException
    most : int, optional
        Characters of the message that are told; by default all.
    """
    return " ".join(str(error).split())[:most] or type(error).__name__


def installs(extra: str) -> str:
    """Return the command that installs an extra; it is run in the checkout, as README says."""
    return f"in the checkout, pip install '.[{extra}]'"


def in_words(error: Mapping[str, Any]) -> str:
    """Return what one of pydantic's errors says of a value, in words that a user knows.

    Parameters
    ----------
    error : mapping
        One of ``ValidationError.errors()``.
    """
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    given = error["input"]
    shown = repr(given) if isinstance(given, str | int | float) else "it"
    return message.replace("Input should", f"{shown} should", 1)
