"""The lawful transitions stand in three places that say the same: code, ledger, documentation."""

import re
from pathlib import Path

from shared.domain.account import LIVE, TRANSITIONS

ROOT = Path(__file__).parents[2]
LAWFUL = {(before, after) for before, afters in TRANSITIONS.items() for after in afters}


def test_postgres_enforces_the_transitions_that_the_decisions_know() -> None:
    migration = (ROOT / "shared/ledger/migrations/20261122000100_ledger.sql").read_text(encoding="utf-8")
    table = migration.partition("insert into lawful_transition")[2].partition(";")[0]
    pairs = set(re.findall(r"\('(\w+)', '(\w+)'\)", table))
    assert {pair for pair in pairs if pair[0] != pair[1]} == LAWFUL
    assert {pair for pair in pairs if pair[0] == pair[1]} == {(status, status) for status in TRANSITIONS}


def test_the_documentation_draws_the_same_transitions() -> None:
    drawing = (ROOT / "docs/states.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^ +(\w+) --> (\w+):", drawing, re.MULTILINE)) == LAWFUL


def test_no_state_is_without_a_way_out() -> None:
    assert all(TRANSITIONS.values())


def test_every_live_state_can_be_revoked_and_no_other() -> None:
    """R18."""
    assert {status for status, afters in TRANSITIONS.items() if "revoked" in afters} == LIVE
