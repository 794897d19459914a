"""What a session is made of, as JSON and back: how the session file stores it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from napari_fclick.core.clicks import Click, ClickSequence
from napari_fclick.core.labels import OverlapPolicy, Slices
from napari_fclick.core.masks import StoredMask
from napari_fclick.core.window import Box
from napari_fclick.propagation import Kind
from napari_fclick.session.place import Place
from napari_fclick.session.stack_run import StackRun
from napari_fclick.session.state import (
    AcceptedObject,
    Answer,
    Draft,
    Part,
    Settings,
    Start,
)

Json = dict[str, Any]


def dumps(value: Any) -> str:
    """Return compact JSON; numpy's numbers are numbers."""
    return json.dumps(value, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{value!r} of {type(value).__name__} cannot be stored")


def place_out(place: Place) -> Json:
    """Return a place as JSON."""
    return {"axes": list(place.axes), "index": list(place.index)}


def place_in(data: Json) -> Place:
    """Return a place from JSON."""
    return Place((data["axes"][0], data["axes"][1]), tuple(data["index"]))


def clicks_out(clicks: Iterable[Click]) -> list[list[Any]]:
    """Return clicks as rows of y, x, positive."""
    return [[click.y, click.x, click.positive] for click in clicks]


def clicks_in(rows: Iterable[list[Any]]) -> ClickSequence:
    """Return clicks from rows of y, x, positive."""
    return ClickSequence(Click(y, x, bool(positive)) for y, x, positive in rows)


def start_out(start: Start | None) -> Json | None:
    """Return a start as JSON."""
    if start is None:
        return None
    bits = base64.b64encode(start.mask.bits).decode()
    return {
        "clicks": clicks_out(start.clicks),
        "box": list(start.mask.box),
        "bits": bits,
        "guess": start.guess,
    }


def start_in(data: Json | None) -> Start | None:
    """Return a start from JSON."""
    if data is None:
        return None
    mask = StoredMask(Box(*data["box"]), base64.b64decode(data["bits"]))
    return Start(clicks_in(data["clicks"]), mask, data["guess"])


def draft_out(draft: Draft) -> Json:
    """Return a draft as JSON, without its clicks."""
    return {
        "label": draft.label,
        "seconds": round(draft.seconds, 3),
        "made": draft.made,
        "start": start_out(draft.start),
        "absent": draft.absent,
    }


def draft_in(data: Json, clicks: ClickSequence) -> Draft:
    """Return a draft from JSON and clicks."""
    start = start_in(data["start"])
    return Draft(clicks, data["label"], data["seconds"], data["made"], start, data["absent"])


def drafts_out(drafts: Iterable[tuple[Place, Draft]]) -> list[Json]:
    """Return drafts of several planes as JSON, with their clicks."""
    return [
        {"place": place_out(place), "clicks": clicks_out(draft.clicks), "draft": draft_out(draft)}
        for place, draft in drafts
    ]


def drafts_in(data: Iterable[Json]) -> dict[Place, Draft]:
    """Return drafts of several planes from JSON."""
    return {
        place_in(each["place"]): draft_in(each["draft"], clicks_in(each["clicks"])) for each in data
    }


def run_out(run: StackRun | None) -> Json | None:
    """Return how an object was carried through a stack as JSON."""
    return None if run is None else asdict(run)


def run_in(data: Json | None) -> StackRun | None:
    """Return how an object was carried through a stack from JSON."""
    if data is None:
        return None
    names = ("spacing", "limits", "slices", "absent")
    tuples = {name: None if data[name] is None else tuple(data[name]) for name in names}
    return StackRun(**(data | tuples))


def settings_out(settings: Settings) -> Json:
    """Return settings as JSON."""
    return {
        "threshold": settings.threshold,
        "integrity": settings.integrity,
        "policy": settings.policy.value,
        "class_name": settings.class_name,
        "as_accepted": settings.as_accepted,
    }


def settings_in(data: Json) -> Settings:
    """Return settings from JSON."""
    return Settings(
        data["threshold"],
        data["integrity"],
        OverlapPolicy(data["policy"]),
        data["class_name"],
        data["as_accepted"],
    )


def object_out(record: AcceptedObject, parts: Any) -> Json:
    """Return an accepted object as JSON; ``parts`` tells where its parts are stored."""
    return {
        "label": record.label,
        "parts": parts,
        "seconds": round(record.seconds, 3),
        "made": record.made,
        "class_name": record.class_name,
    }


def object_in(data: Json, parts: tuple[Part, ...]) -> AcceptedObject:
    """Return an accepted object from JSON and its parts."""
    return AcceptedObject(data["label"], parts, data["seconds"], data["made"], data["class_name"])


def where_in(data: list[Any]) -> Slices:
    """Return an index of labels from JSON: a number, or a pair for a slice."""
    return tuple(slice(*p) if isinstance(p, list) else int(p) for p in data)


def part_out(part: Part) -> Json:
    """Return what an object is in a plane as JSON."""
    return {
        "place": place_out(part.place),
        "clicks": clicks_out(part.clicks),
        "box": list(part.box),
        "area": part.area,
        "answers": [[a.clicks, a.typical_side, a.limits, a.bias] for a in part.answers],
        "start": start_out(part.start),
        "settings": settings_out(part.settings),
        "kind": part.kind,
        "certainty": part.certainty,
    }


def part_in(data: Json) -> Part:
    """Return what an object is in a plane from JSON."""
    answers = tuple(
        Answer(n, side, None if limits is None else (limits[0], limits[1]), bias)
        for n, side, limits, bias in data["answers"]
    )
    return Part(
        place_in(data["place"]),
        clicks_in(data["clicks"]),
        Box(*data["box"]),
        data["area"],
        answers,
        start_in(data["start"]),
        settings_in(data["settings"]),
        Kind(data["kind"]),
        data["certainty"],
    )
