from __future__ import annotations

import pytest

from napari_fclick.core.errors import one_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no\n  such\tfile "), "no such file"),
        (ValueError(" \n"), "ValueError"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_a_message_in_one_line(error: BaseException, line: str) -> None:
    assert one_line(error) == line


def test_a_long_message_is_cut() -> None:
    assert one_line(ValueError("damaged " * 9), 11) == "damaged dam"
