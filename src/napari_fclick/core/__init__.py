"""Clicks, windows, intensities, guidance maps, integrity and labels, on numpy arrays alone."""
