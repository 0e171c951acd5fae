"""A forked worker is what a started one is: its words, its log, its end, and its death with who began it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT, Process, Program
from deploy.local.waiting import wait_for
from tests.kit.forked import Forked

_LIVES_ON = ("http.server", "0", "--bind", "127.0.0.1")
_TIME = re.compile(r"[0-9T:.-]{19,}Z")
_KILLED = """
import os, sys
from pathlib import Path
from deploy.local.processes import Program
from tests.kit.forked import Forked
folder, *words = sys.argv[1:]
process = Forked(Program("it", [sys.executable, "-m", *words], Path(folder, "log")), Path(folder))
process.start()
print(process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def process(kind: type[Process], folder: Path, *words: str, **env: str) -> Process:
    folder.mkdir(exist_ok=True)
    return kind(Program("it", [sys.executable, "-m", *words], folder / "log", env), folder)


def ended(process: Process) -> int:
    process.start()
    wait_for(lambda: not process.alive(), 20, "its end")
    assert process._popen
    return process._popen.returncode


def told(folder: Path) -> str:
    return (folder / "log").read_text()


@pytest.mark.parametrize(
    "words", [("services.issuer",), ("services.issuer", "access"), ("services.notifier", "sms")]
)
def test_it_ends_as_one_that_is_started(tmp_path: Path, words: tuple[str, ...]) -> None:
    codes = [ended(process(kind, tmp_path / kind.__name__, *words)) for kind in (Process, Forked)]
    started, forked = (told(tmp_path / kind.__name__) for kind in (Process, Forked))
    assert codes[0] == codes[1] != 0
    assert _TIME.sub("", forked) == _TIME.sub("", started) != ""


def test_its_environment_is_its_own(tmp_path: Path) -> None:
    forked = process(Forked, tmp_path, "tests.unit.shows_its_environment", PIN_SAID="hello")
    assert ended(forked) == 3
    assert "'PIN_SAID': 'hello'" in told(tmp_path)
    assert "PYTEST_CURRENT_TEST" not in told(tmp_path)


def test_it_is_killed_with_its_group(tmp_path: Path) -> None:
    forked = process(Forked, tmp_path, *_LIVES_ON)
    forked.start()
    assert os.getpgid(forked.pid) == os.getsid(forked.pid) == forked.pid
    popen = forked._popen
    forked.kill()
    assert popen
    assert popen.returncode == -signal.SIGKILL


def test_it_does_not_outlive_who_began_it(tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), *_LIVES_ON],
        cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    pid = int(killed.stdout)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), 10, "its end")


def test_one_whose_coverage_is_measured_is_started(tmp_path: Path) -> None:
    (tmp_path / "rc").write_text(f"[run]\ndata_file = {tmp_path / 'coverage'}\n")
    forked = process(Forked, tmp_path, "services.issuer", COVERAGE_PROCESS_START=str(tmp_path / "rc"))
    assert ended(forked) == 2
    assert isinstance(forked._popen, subprocess.Popen)
