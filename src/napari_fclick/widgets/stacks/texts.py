"""What is said of an object on its way through a stack."""

from __future__ import annotations

from typing import Any

from napari_fclick.core.words import counted
from napari_fclick.propagation import Kind, SliceMask, last_slices
from napari_fclick.widgets.layers import pixel_size
from napari_fclick.widgets.stacks.model import CarriedObject


def describe_carried(carried: CarriedObject, each: SliceMask, image: Any, stakes: str = "") -> str:
    """Return one line of a mask that was carried to the slice on show."""
    parts = [_origin(each), f"certainty {each.certainty:.2f}"]
    size = pixel_size(image, carried.line.base.axes)
    area = f"{each.pixels:,} px"
    parts.append(area if size is None else f"{area} ({each.pixels * size[0]:.4g} {size[1]})")
    if each.index in carried.stale:
        parts.append("to be carried again")
    parts.append("click to correct")
    if stakes:
        parts += stakes.split(" · ")
    return " · ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def describe_progress(carried: CarriedObject) -> str:
    """Return where the carrying stands: what runs, or what is known."""
    if carried.phase == "waiting":
        return "Waiting for the mask …"
    known = carried.known
    extent = counted(len(known), "slice")
    if known:
        extent += f", {known[0].index} to {known[-1].index}"
    if carried.phase == "failed":
        known_still = f" · {extent} known" if known and not carried.unfit else ""
        return f"Not carried on: {carried.problem}{known_still}"
    if carried.phase == "running":
        at = "" if carried.at is None else f" · at slice {carried.at}"
        return f"Carrying … {extent}{at}"
    if carried.phase == "stopped":
        return f"Stopped with {extent} · accept these, go on, or clear"
    return f"In {extent}"


def describe_ends(carried: CarriedObject) -> list[str]:
    """Return why it stops at each end, lowest first."""
    return [str(last) for last in last_slices(carried.slices, carried.ends)]


def _origin(each: SliceMask) -> str:
    if each.alone:
        return f"Carried from slice {each.source} alone; from the other side nothing was found"
    if each.kind is Kind.BETWEEN:
        agreement = "" if each.agreement is None else f", which agree to {each.agreement:.0%}"
        return f"Carried from both sides{agreement}"
    return f"Carried from slice {each.source}"
