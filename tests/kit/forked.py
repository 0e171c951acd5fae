"""Workers that are forked off a process which has loaded their modules: what they load is most of a start.

They run what `python -m` would, with the same environment, user, log and end. One whose coverage is measured
is started as ever: that is asked for as modules load.
"""

import atexit
import ctypes
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing import forkserver
from multiprocessing.context import ForkServerProcess
from typing import cast

from deploy.local.os_user import OsUser
from deploy.local.processes import Process, Program, environment
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.local.workers import ALL

_LOADED = [
    *sorted({f"{worker.module}.__main__" for worker in ALL.values()}),
    "services.notifier.acceptance",
    "services.notifier.canary.upkeep",
    "services.notifier.facts",
    "services.notifier.receipts",
    "services.notifier.timeline",
    "services.notifier.channels.post",
    "services.notifier.channels.smtp",
    "services.notifier.channels.sms",
]
_LOADED_BEFORE = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
"""What a process looks at as it loads."""
_PR_SET_PDEATHSIG = 1


class StackOfForks(Stack):
    """A stack whose workers are forked."""

    def _process(self, program: Program) -> Process:
        return Forked(program, self.state / "run")


class Forked(Process):
    """A worker that is forked, where it can be."""

    def _spawn(self) -> "subprocess.Popen[bytes]":
        program, env = self.program, environment(self.program.env)
        plain = not program.within and program.os_user == OsUser() and program.argv[0] == sys.executable
        if not plain or any(name in env for name in _LOADED_BEFORE):
            return super()._spawn()
        forking = multiprocessing.get_context("forkserver")
        forking.set_forkserver_preload(_LOADED)
        begun = forking.Process(target=_run, args=(program, env), daemon=True)
        begun.start()
        return cast("subprocess.Popen[bytes]", _Popen(begun))


class _Popen:
    """As much of `subprocess.Popen` as a `Process` uses."""

    def __init__(self, begun: ForkServerProcess) -> None:
        self._begun = begun
        self.pid = begun.pid or 0
        wait_for(self._leads_its_group, 10, "a forked worker", every=0.001)

    def _leads_its_group(self) -> bool:
        """Return whether it can be killed with its children; one that is gone cannot."""
        with suppress(ProcessLookupError):
            return os.getpgid(self.pid) == self.pid
        return True

    @property
    def returncode(self) -> int | None:
        return self._begun.exitcode

    def poll(self) -> int | None:
        return self._begun.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._begun.join(timeout)
        if (code := self._begun.exitcode) is None:
            raise subprocess.TimeoutExpired(self._begun.name, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


def _run(program: Program, env: Mapping[str, str]) -> None:
    """Become the program: in the child."""
    os.setsid()
    # By this its server outlives who began both, for what the child might fork; and then the child would too.
    os.close(forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, getattr(signal, f"SIG{program.death_signal}"))
    program.log.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(program.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(program.cwd)
    _, _, module, *words = program.argv
    sys.argv = [module, *words]
    sys.modules.pop(f"{module}.__main__", None)  # it runs anew, under its own name
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except Exception:  # noqa: BLE001 - what an interpreter does at its end
        sys.excepthook(*sys.exc_info())
        sys.exit(1)
    finally:
        atexit._run_exitfuncs()
