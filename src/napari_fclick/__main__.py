"""``python -m napari_fclick``."""

from napari_fclick.cli import main

main()
