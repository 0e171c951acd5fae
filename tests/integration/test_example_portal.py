"""The example portal, as a newcomer runs it: it uses the contract, and nothing else of the project."""

import ast
import asyncio
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from deploy.local.captured import Captured
from deploy.local.processes import CHECKOUT
from deploy.local.stack import Stack
from tests.kit.waiting import LIMIT, until

PORTAL = CHECKOUT / "docs/examples/portal.py"
WORKERS = ("issuer", "issuer-access", "notifier-sms", "notifier-email", "notifier-post")
MAY_IMPORT = {"aio_pika", "nacl"} | sys.stdlib_module_names


def test_it_imports_aio_pika_and_pynacl_alone() -> None:
    tree = ast.walk(ast.parse(PORTAL.read_text(encoding="utf-8")))
    imports = [node for node in tree if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= MAY_IMPORT


class Program:
    """The example, running."""

    def __init__(self, stack: Stack, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> None:
        self._stack, self._folder, self._more = stack, folder, more

    async def start(self, *halves: str) -> asyncio.subprocess.Process:
        """Run it outside the checkout, with only its documented settings."""
        own = {name: self._stack.env[name] for name in ("PIN_PORTAL_AMQP_URL", "PIN_KEYS_DIR")}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(PORTAL),
            *halves,
            cwd=self._folder,
            env=own | {"PYTHONUNBUFFERED": "1", **self._more},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )


async def ended(program: asyncio.subprocess.Process, typed: str = "") -> tuple[int | None, str]:
    """Send input, and return the exit status and the further output."""
    said, _ = await asyncio.wait_for(program.communicate(typed.encode()), LIMIT)
    return program.returncode, said.decode()


async def halves(stack: Stack) -> tuple[str, str]:
    """Wait for the two halves: R5, R6."""
    captured = Captured(stack.state)
    await until(lambda: bool(captured.sms() and captured.letters()), "an SMS and a letter")
    first, second = captured.sms()[-1].half, captured.letters()[-1].half
    assert first
    assert second
    return first, second


async def test_a_newcomer_gets_a_pin_and_logs_in(stack: Stack, tmp_path: Path) -> None:
    """R3, R10, R11; and R16: the sixteen characters work only once."""
    stack.start_workers(WORKERS)
    portal = Program(stack, tmp_path)
    program = await portal.start()
    assert program.stdout
    first_line = await asyncio.wait_for(program.stdout.readline(), LIMIT)
    assert first_line == b"requested; the halves are on their way\n"
    got = await halves(stack)
    status, said = await ended(program, "".join(f"{half.lower()}\n" for half in got))
    assert status == 0, said
    assert re.search(r"the PIN is now [0-9A-HJKMNP-TV-Z]{8}\n", said)
    assert said.endswith("logged in: online\n")
    assert await ended(await portal.start(*got)) == (1, "rejected: wrong_pin\n")
