"""Units of length and of time, by the names that they have in napari and in OME."""

from __future__ import annotations

_PREFIXES = {"": "", "kilo": "k", "deci": "d", "centi": "c", "milli": "m"}
_PREFIXES |= {"micro": "µ", "nano": "n", "pico": "p", "femto": "f"}
#: The symbols that OME allows for units of length, by the names that units have in napari.
_SYMBOLS = {f"{name}meter": f"{prefix}m" for name, prefix in _PREFIXES.items()}
_SYMBOLS |= {"micron": "µm", "um": "µm", "\u03bcm": "µm", "angstrom": "Å", "inch": "in"}
_SYMBOLS |= {symbol: symbol for symbol in (*_SYMBOLS.values(), "pixel")}
#: The unit of a step in time whose length is not known.
FRAME = "frame"
#: The symbols that OME allows for units of time.
TIME_SYMBOLS = {f"{name}second": f"{prefix}s" for name, prefix in _PREFIXES.items()}
TIME_SYMBOLS |= {"minute": "min", "hour": "h", "day": "d"}
TIME_SYMBOLS |= {symbol: symbol for symbol in (*TIME_SYMBOLS.values(), FRAME)}


def symbol_of(unit: str) -> str | None:
    """Return the symbol that OME has for a unit of length; None where it has none."""
    return _SYMBOLS.get(unit)


def is_time(unit: str) -> bool:
    """Whether a unit is one of time."""
    return unit in TIME_SYMBOLS
