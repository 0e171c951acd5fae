"""A worker whose work has ended ends, whatever a library leaves behind."""

import subprocess
import sys

from deploy.local.processes import CHECKOUT, environment

_STUBBORN = """
import asyncio, sys
from shared.worker.settings import ProcessSettings
from shared.worker.start import start_process

async def waiting():
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass

class Stubborn:
    def missing(self): return []
    def stop(self): pass
    async def run(self):
        self.task = asyncio.create_task(waiting())
        await asyncio.sleep(0)

sys.exit(start_process("stubborn", lambda *_: Stubborn, (ProcessSettings,), own=()))
"""


def test_a_task_that_cannot_be_cancelled_keeps_no_worker() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _STUBBORN],
        cwd=CHECKOUT,
        env=environment({"PIN_AMQP_URL": "amqp://nobody:nothing@127.0.0.1:1/"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[-1].count("worker.stopped") == 1
