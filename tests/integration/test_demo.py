"""The demonstration, as a newcomer runs it."""

import subprocess
import sys
from pathlib import Path

from deploy.local.control import Control
from deploy.local.processes import CHECKOUT


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
        assert Control(tmp_path).status() == "down"
        assert not list((tmp_path / ".local/run").glob("*.pid"))


def test_a_stack_that_is_up_is_used_and_stays_up(tmp_path: Path) -> None:
    control = Control(tmp_path)
    control.up()
    try:
        done = demonstrate(tmp_path)
        assert done.returncode == 0, done.stdout
        assert "does not wait" in done.stdout
        assert control.status().startswith("ready")
    finally:
        control.down()
        control._child.wait()
