"""What is told of an error."""

from __future__ import annotations


def one_line(error: BaseException, most: int | None = None) -> str:
    """Return an error's message in one line; its type's name where it has none.

    Parameters
    ----------
    error : BaseException
    most : int, optional
        Characters of the message that are told; by default all.
    """
    return " ".join(str(error).split())[:most] or type(error).__name__
