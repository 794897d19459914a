"""The command ``napari-fclick``, and ``python -m napari_fclick``."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line; interrupted before a command has begun, end as a command would."""
    try:
        # Not above: it takes a moment, in which Ctrl+C may come.
        from napari_fclick.cli import main as run

        run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)  # noqa: T201
        sys.exit(130)


if __name__ == "__main__":
    main()
