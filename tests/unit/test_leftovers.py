"""What a failed test leaves open fails no other test: the first failure is the only one that is told."""

import subprocess
import sys
from pathlib import Path

from deploy.local.processes import CHECKOUT, environment

TESTS = """
import asyncio, gc, socket

async def test_that_fails_in_its_middle():
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    held = [reader, writer, socket.socket()]
    held.append(held)
    try:
        raise KeyError(held)
    except KeyError:
        assert not held

def test_an_innocent():
    gc.collect()

def test_that_leaves_something_open_and_does_not_fail():
    socket.socket()
"""


def outcomes(folder: Path, *options: str) -> str:
    """Run the three in one process, as the tests of the project are configured, and return what is said."""
    (folder / "test_three.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *options, str(folder)],
        cwd=CHECKOUT,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.stdout


def test_a_failed_test_fails_no_other(tmp_path: Path) -> None:
    said = outcomes(tmp_path, "-p", "tests.kit.leftovers")
    assert "2 failed, 1 passed" in said, said
    assert "test_an_innocent" not in said, said


def test_it_would_otherwise(tmp_path: Path) -> None:
    said = outcomes(tmp_path)
    assert "3 failed" in said, said
