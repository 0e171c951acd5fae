"""Every file has a copyright holder and a licence."""

import re
import tomllib
from pathlib import PurePosixPath
from typing import Any

import pytest
import yaml

from deploy.local.processes import CHECKOUT
from tests.kit.checkout import tracked

OURS = "EUPL-1.2"
DATA = "shared/italy/data"
TEXTS = CHECKOUT / "LICENSES"
TABLES: list[dict[str, Any]] = tomllib.loads((CHECKOUT / "REUSE.toml").read_text(encoding="utf-8"))[
    "annotations"
]
PUBLICCODE: dict[str, Any] = yaml.safe_load((CHECKOUT / "publiccode.yml").read_text(encoding="utf-8"))


def covers(pattern: str, path: str) -> bool:
    """Return whether a path is meant by a pattern of REUSE.toml: `**` passes slashes, `*` does not."""
    parts = [
        {"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in re.split(r"(\*\*|\*)", pattern)
    ]
    return re.fullmatch("".join(parts), path) is not None


def table_of(path: str) -> dict[str, Any]:
    """Return the last table that matches, which is the one that counts."""
    return next((table for table in reversed(TABLES) if covers(table["path"], path)), {})


def licences(expression: str) -> set[str]:
    return set(expression.replace("(", " ").replace(")", " ").split()) - {"AND", "OR", "WITH"}


def test_every_tracked_file_has_an_owner_and_a_licence() -> None:
    lacking = {path for path in tracked() if not table_of(path).keys() >= {"SPDX-FileCopyrightText"}}
    lacking |= {path for path in tracked() if not table_of(path).get("SPDX-License-Identifier")}
    assert lacking == set()


def test_every_licence_that_is_named_has_its_text_and_no_other_is_there() -> None:
    named = {name for table in TABLES for name in licences(table["SPDX-License-Identifier"])}
    assert {path.stem for path in TEXTS.iterdir()} == named


def test_every_table_is_about_files_that_are_there() -> None:
    there = tracked()
    assert [t["path"] for t in TABLES if not any(covers(t["path"], path) for path in there)] == []


def test_the_data_of_others_is_never_taken_for_ours_by_default() -> None:
    """A new file of data stands in REUSE.toml by its name, and in the README beside it."""
    readme = (CHECKOUT / DATA / "README.md").read_text(encoding="utf-8")
    files = {path for path in tracked() if PurePosixPath(path).parent == PurePosixPath(DATA)}
    data = {path for path in files if PurePosixPath(path).suffix not in {".py", ".md"}}
    assert data
    assert {path for path in data if table_of(path)["path"] == "**"} == set()
    assert {path for path in data if f"| `{PurePosixPath(path).name}` |" not in readme} == set()


def test_the_licence_that_a_visitor_sees_first_is_the_projects() -> None:
    text = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
    assert text == (TEXTS / f"{OURS}.txt").read_text(encoding="utf-8")
    assert text.startswith("EUROPEAN UNION PUBLIC LICENCE v. 1.2\n")
    assert table_of("README.md")["SPDX-License-Identifier"] == OURS


def test_the_catalogue_of_public_software_is_told_the_truth() -> None:
    assert PUBLICCODE["legal"]["license"] == OURS
    operations = (CHECKOUT / "docs/operations.md").read_text(encoding="utf-8")
    for server in PUBLICCODE["dependsOn"]["open"]:
        name = {"PostgreSQL": "Postgres"}.get(server["name"], server["name"])
        assert f"| {name} {server['versionMin']} or later |" in operations


@pytest.mark.parametrize("language", PUBLICCODE["description"])
def test_the_catalogue_takes_descriptions_of_this_length(language: str) -> None:
    described = PUBLICCODE["description"][language]
    assert len(described["shortDescription"]) <= 150
    assert 150 <= len(described["longDescription"]) <= 10_000
    assert described["features"]
