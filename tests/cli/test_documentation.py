"""docs/commands.md has every command and option, docs/stacks.md every rule, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from napari_fclick.cli import app
from napari_fclick.evaluation.protocol import Protocol
from napari_fclick.finetuning.options import FineTuneOptions
from napari_fclick.propagation import Rules
from napari_fclick.session.similar import SURE

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the commands that do something, by their full names."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for word, each in inner.items():
        yield from commands(each, f"{name} {word}".strip())


COMMANDS = dict(commands(get_command(app)))


def options(command: Any) -> dict[str, Any]:
    """Return a command's parameters by each name that they have as options."""
    return {
        name: parameter
        for parameter in command.params
        for name in (*parameter.opts, *parameter.secondary_opts)
        if name.startswith("--")
    }


@pytest.fixture(scope="module")
def sections(root: Path) -> dict[str, str]:
    page = (root / "docs/commands.md").read_text("utf-8")
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    return {part.partition("\n")[0]: part.partition("\n")[2] for part in parts}


def rows(section: str) -> dict[str, str]:
    """Return the second cell, the default, by each option in the first."""
    cells = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("|")]
    return {name: default.strip() for first, default in cells for name in OPTION.findall(first)}


def test_every_command_has_a_section(sections: dict[str, str]) -> None:
    assert set(sections) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_row_and_no_others_are_named(
    name: str, sections: dict[str, str]
) -> None:
    there = set(options(COMMANDS[name]))
    assert set(rows(sections[name])) == there
    own = re.sub(r"^napari-fclick (?!" + name + r" ).*$", "", sections[name], flags=re.MULTILINE)
    assert set(OPTION.findall(own)) <= there | {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_defaults_are_right(name: str, sections: dict[str, str]) -> None:
    documented = rows(sections[name])
    for option, parameter in options(COMMANDS[name]).items():
        default = documented[option].strip("`")
        if parameter.required:
            assert default == "required", option
        elif isinstance(parameter.default, bool):
            assert default == ("yes" if parameter.default else "no"), option
        elif parameter.default is not None:
            assert default == str(parameter.default), option


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("evaluate", asdict(Protocol())),
        ("finetune", FineTuneOptions().model_dump()),
        ("find", {"least": SURE}),
    ],
)
def test_a_command_has_the_defaults_of_what_it_is_made_of(
    name: str, settings: dict[str, Any]
) -> None:
    """They are written out once more so that the help shows them without what is slow to import."""
    given = {p.name: p.default for p in COMMANDS[name].params if p.default is not None}
    shared = given.keys() & settings.keys()
    assert len(shared) > 4 or shared == settings.keys()
    assert {each: given[each] for each in shared} == {each: settings[each] for each in shared}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_an_example(name: str, sections: dict[str, str]) -> None:
    example = re.search(r"^```sh\n(.*?)^```$", sections[name], re.DOTALL | re.MULTILINE)
    assert example and example[1].startswith(f"napari-fclick {name}")


def test_stop_rules_are_named_with_their_defaults(root: Path) -> None:
    _, _, page = (root / "docs/stacks.md").read_text("utf-8").partition("### Stop rules")
    found = re.findall(r"^\| (.+?) \| `(\w+)` \| (.+?) \|", page, re.MULTILINE)
    assert found == [
        (field.title, name, "off" if field.default is None else str(field.default))
        for name, field in Rules.model_fields.items()
        if name not in ("first", "last")
    ]
