"""The demonstration, as a newcomer runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.demo.far_ends import FarEnds
from deploy.local import dovecot
from deploy.local.control import Control
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack

MAILBOXES = bool(dovecot.BINARY)
"""Whether mailboxes can be shown on this machine."""


def demonstrate(root: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "deploy.demo", "--root", str(root), "--citizens", "20"]
    return subprocess.run(
        argv,
        cwd=CHECKOUT,
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=300,
    )


def test_twenty_new_citizens_at_every_run_and_nothing_left_running(tmp_path: Path) -> None:
    for _ in range(2):
        done = demonstrate(tmp_path)
        assert done.returncode == 0, done.stdout
        assert "PINs issued           20 of 20" in done.stdout
        assert "Everything that was promised happened." in done.stdout
        assert "\x1b" not in done.stdout
        shows_far_ends(done.stdout)
        assert Control(tmp_path).status() == "down"
        assert not list((tmp_path / ".local/run").glob("*.pid"))


def shows_far_ends(out: str) -> None:
    """Two gateways took the SMS, canaries arrived, and what providers said of PEC and mail was read."""
    gateways = [line.split() for line in section(out, "Which gateway took the SMS")]
    assert [words[0] for words in gateways if words[1].isdigit()] == ["first", "second"]
    canaries = [line.split()[-1] for line in section(out, "Canaries")[1:]]
    assert canaries == ["sent", "sent", "delivered" if MAILBOXES else "sent"]
    reported = section(out, "What providers reported afterwards")
    if MAILBOXES:
        for said in ("failed dsn_5.1.1 2", "accepted pec_accettazione 2", "failed pec_errore_consegna 1"):
            assert any(" ".join(line.split()).endswith(said) for line in reported), reported
    else:
        assert reported == ["Left out, receipts of PEC and bounces of mail: Dovecot is not installed."]


def section(out: str, heading: str) -> list[str]:
    """Return the lines below a heading."""
    return [line.strip() for line in out.partition(f"\n{heading}")[2].partition("\n\n")[0].splitlines()[1:]]


def test_without_dovecot_the_rest_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "BINARY", None)
    stack = Stack(tmp_path)
    far_ends = FarEnds(stack)
    try:
        far_ends.start()
        far_ends.wait_ready()
        assert (far_ends.lacking, far_ends.dovecot) == ("Dovecot is not installed", None)
        assert not any("IMAP" in name for name in stack.settings)
        assert stack.settings["PIN_SMS_PROVIDERS"] == "first,second"
    finally:
        far_ends.stop()
    assert not list((tmp_path / ".local/run").glob("*.pid"))


def test_a_dovecot_that_does_not_start_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one of a release that reads another configuration."""
    monkeypatch.setattr(dovecot, "BINARY", "/bin/false")
    far_ends = FarEnds(Stack(tmp_path))
    try:
        far_ends.start()
        assert far_ends.lacking.startswith("Dovecot does not start (dovecot exited with 1; see ")
        assert far_ends.dovecot is None
    finally:
        far_ends.stop()
    assert not list((tmp_path / ".local/run").glob("*.pid"))


def test_a_stack_that_is_up_is_used_and_stays_up(tmp_path: Path) -> None:
    control = Control(tmp_path)
    control.up()
    try:
        done = demonstrate(tmp_path)
        assert done.returncode == 0, done.stdout
        assert "does not wait" in done.stdout
        assert "Which gateway" not in done.stdout  # it shows what that stack has
        assert "reported afterwards" not in done.stdout
        assert control.status().startswith("ready")
    finally:
        control.down()
        control._child.wait()
