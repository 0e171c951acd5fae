"""What a worker has in memory stays there: no core dump, and no look into it by others of its user."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.processes import CHECKOUT

NOBODY = 65534
_PROGRAM = """
import ctypes, os, sys
from shared.worker.memory import keep_memory_private
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # dumpable, as a program is that its user has started
if sys.argv[1] == "private":
    keep_memory_private()
print("ready", flush=True)
sys.stdin.read()
"""
USER = NOBODY if os.geteuid() == 0 else os.geteuid()


@contextmanager
def program(how: str) -> Iterator[int]:
    """Run the program as a user who is not root; yield its process id."""
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, how], cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        yield running.pid


def looks_into(pid: int) -> bool:
    """Return whether another process of the same user, with no rights beyond, can see where its memory is."""
    found = subprocess.run(
        # `mem` itself is guarded by Yama too, on some machines: this needs the weaker right, to read.
        ["/bin/cat", f"/proc/{pid}/maps"],
        user=USER if os.geteuid() == 0 else None,
        group=USER if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        cwd="/",
        capture_output=True,
        check=False,
    )
    return found.returncode == 0 and bool(found.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the rest of this is Linux's")
def test_another_process_of_the_same_user_reads_no_memory_and_a_crash_leaves_none() -> None:
    with program("open") as pid:
        assert looks_into(pid)
    with program("private") as pid:
        assert not looks_into(pid)
        assert Path(f"/proc/{pid}/mem").stat().st_uid == 0
        limits = Path(f"/proc/{pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
