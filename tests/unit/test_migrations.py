"""Migrations of a ledger that is large and in use: none holds writers up, and none passes half done."""

import re
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT

LATEST = [
    path
    for path in sorted((CHECKOUT / "shared/ledger/migrations").glob("*.sql"))
    if path.name >= "20261129"  # those before were not written so
]
_MADE = re.compile(r"create table (?:if not exists )?(\w+)")
_ALTERED = re.compile(r"alter table (\w+)([^;]*);", re.DOTALL)


def up_and_down(path: Path) -> tuple[str, str]:
    statements = re.sub(r"--(?! migrate:).*", "", path.read_text(encoding="utf-8"))
    up, _, down = statements.partition("-- migrate:down")
    return up, down


@pytest.mark.parametrize("path", LATEST, ids=lambda path: path.stem)
def test_no_migration_reads_a_table_that_was_there_while_it_has_it_for_itself(path: Path) -> None:
    up, _ = up_and_down(path)
    own = set(_MADE.findall(up))
    checked = [
        change
        for table, change in _ALTERED.findall(up)
        if table not in own and re.search(r"\bcheck\s*\(", change) and "not valid" not in change
    ]
    assert checked == []


@pytest.mark.parametrize("path", LATEST, ids=lambda path: path.stem)
def test_an_index_that_was_not_finished_is_not_taken_for_one_that_is(path: Path) -> None:
    """Postgres keeps what an interrupted `create index concurrently` leaves, and uses it for nothing."""
    assert not re.search(r"concurrently\s+if\s+not\s+exists", up_and_down(path)[0])


@pytest.mark.parametrize("path", LATEST, ids=lambda path: path.stem)
def test_what_is_taken_back_waits_for_nobody_for_long(path: Path) -> None:
    _, down = up_and_down(path)
    waits = re.search(r"^(?:drop|alter table|lock table)\b", down, re.MULTILINE)
    assert not waits or "set local lock_timeout" in down[: waits.start()]
