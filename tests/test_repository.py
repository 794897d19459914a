"""The files around the code agree with each other."""

from __future__ import annotations

import fnmatch
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import napari_fclick

#: Heavy, or in conflict with what napari or torch bring.
UNWANTED = {"opencv-python", "opencv-python-headless", "torchvision", "timm", "pyqt5", "pyqt6"}
MOST_BYTES_OF_WEIGHTS = 25_000_000


@pytest.fixture(scope="module")
def project(root: Path) -> dict[str, Any]:
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    return re.split(r"[\[<>=!~; ]", requirement, maxsplit=1)[0].lower()


def test_manifest_is_found_at_the_root_and_in_the_package(root: Path) -> None:
    link, manifest = root / "napari.yaml", root / "src/napari_fclick/napari.yaml"
    assert link.is_symlink()
    assert link.resolve() == manifest.resolve(strict=True)
    assert not Path(link.readlink()).is_absolute()


def test_manifest_names_the_plugin(root: Path, project: dict[str, Any]) -> None:
    manifest = yaml.safe_load((root / "napari.yaml").read_text())
    assert manifest["name"] == project["name"] == "napari-fclick"
    opens = [{"command": "napari-fclick.dock"}]
    menus = manifest["contributions"]["menus"]
    assert menus == {f"napari/layers/{name}": opens for name in ("segment", "annotate")}
    group = project["entry-points"]["napari.manifest"]
    assert group == {"napari-fclick": "napari_fclick:napari.yaml"}


def test_versions_agree(root: Path, project: dict[str, Any]) -> None:
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert citation["version"] == project["version"] == napari_fclick.__version__


def test_the_map_names_all_modules_and_no_others(root: Path) -> None:
    package = root / "src/napari_fclick"
    named = named_modules((root / "ARCHITECTURE.md").read_text())
    assert {f"{each.parent.name}/" for each in package.glob("*/__init__.py")} <= named.keys()
    for folder, patterns in named.items():
        there = {each.name for each in (package / folder).glob("[!_]*.py")}
        assert not [p for p in patterns if not fnmatch.filter(there, p)], folder
        if folder.count("/") < 2:  # of deeper ones it may tell in words
            known = {name for p in patterns for name in fnmatch.filter(there, p)}
            assert not there - known, folder


def named_modules(architecture: str) -> dict[str, set[str]]:
    """Return the modules in the listing of ARCHITECTURE.md, by folder of the package."""
    found: dict[str, set[str]] = {}
    top = folder = ""
    for line in architecture.split("```")[1].splitlines():
        indent, first = len(line) - len(line.lstrip()), line.strip().split(" ")[0]
        opened = first if first.endswith("/") else ""
        if indent == 2:
            top = folder = opened
        elif indent == 4:
            folder = top + opened
        if indent >= 2:
            found.setdefault(folder, set()).update(re.findall(r"[\w*]+\.py\b", line))
    return found


def test_licences_agree(root: Path, project: dict[str, Any]) -> None:
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert citation["license"] == project["license"] == "BSD-3-Clause"
    assert (root / "LICENSE").read_text().startswith("BSD 3-Clause License")


def test_weights_are_small_enough_to_ship(root: Path) -> None:
    folder = root / "src/napari_fclick/network/weights"
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.suffix == ".safetensors" for file in files)
    assert sum(file.stat().st_size for file in files) < MOST_BYTES_OF_WEIGHTS


def test_runtime_requires_nothing_unwanted(project: dict[str, Any]) -> None:
    names = {name_of(requirement) for requirement in project["dependencies"]}
    assert not names & UNWANTED
    assert {"napari", "torch", "numpy"} <= names


def test_everything_required_has_a_tested_version(root: Path, project: dict[str, Any]) -> None:
    lines = (root / "constraints.txt").read_text().splitlines()
    pins = dict(line.lower().split("==") for line in lines if line and not line.startswith("#"))
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    required = {name_of(requirement) for group in groups for requirement in group}
    assert required - {"napari-fclick"} <= pins.keys()
    assert pins["torch"] == "2.13.0"


def test_package_is_typed(root: Path) -> None:
    assert (root / "src/napari_fclick/py.typed").is_file()


@pytest.mark.parametrize("file", [".ci/run", "scripts/install_system_packages.sh"])
def test_scripts_can_be_executed(root: Path, file: str) -> None:
    assert (root / file).stat().st_mode & 0o111
