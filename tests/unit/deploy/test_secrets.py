"""The URLs that `deploy.secrets` writes: those of several hosts, too, have to suit all who read them."""

import sys
from pathlib import Path

import pytest

from deploy import secrets
from deploy.postgres.passwords import ROLES


def test_of_several_ledgers_the_migrations_find_the_one_that_can_be_written_to(tmp_path: Path) -> None:
    # dbmate looks a host up together with its port, and takes a standby if that answers first.
    secrets.make(tmp_path, "one:5671,two:5671", "one:5432,two:5432", "/etc/pin/ca.crt")
    dsns = {role: (tmp_path / f"{role}.ledger-dsn").read_text().strip() for role in ROLES}
    assert all("@one,two/ledger?sslmode=verify-full&" in dsn for dsn in dsns.values())
    chosen = {role for role, dsn in dsns.items() if dsn.endswith("&target_session_attrs=read-write")}
    assert chosen == {"owner"}
    assert "@one:5671,two:5671/" in (tmp_path / "issuer.amqp-url").read_text()


def test_a_single_ledger_keeps_its_port(tmp_path: Path) -> None:
    secrets.make(tmp_path, "one:5671", "one:6432")
    assert "@one:6432/ledger?" in (tmp_path / "owner.ledger-dsn").read_text()


def test_several_ledgers_at_a_port_that_the_migrations_cannot_reach_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["deploy.secrets", str(tmp_path / "made"), "--ledger", "one:5432,two:6432"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit):
        secrets.main()
    assert "5432" in capsys.readouterr().err
    assert not (tmp_path / "made").exists()
