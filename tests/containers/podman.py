"""Pods of this machine, each from a manifest, by `podman kube play`."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from deploy.errors import StackError
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for

Thing = dict[str, Any]
_PREFIX = "pin-test"


def podman(*words: str, told: str = "", check: bool = True) -> str:
    """Run podman; return what it prints.

    Raises:
        StackError: it fails, and `check` is set.
    """
    done = subprocess.run(["podman", *words], input=told, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise StackError(f"podman {' '.join(words)}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def sweep() -> None:
    """Remove the pods of programs that were killed."""
    for pod in podman("pod", "ls", "--format", "{{.Name}}").splitlines():
        found = re.fullmatch(rf"{_PREFIX}-(\d+)-.*", pod)
        if found and not Path(f"/proc/{found[1]}").exists():
            podman("pod", "rm", "--force", "--time", "0", pod, check=False)


class Pod(Process):
    """One pod with one container, in place of a process.

    Args:
        name: of the worker or job.
        things: the Pod as podman can play it, and the ConfigMaps that it reads.
        runs: the folder of pid files, beside which the logs are.
    """

    def __init__(self, name: str, things: list[Thing], runs: Path) -> None:
        super().__init__(Program(name, ["podman"], runs.parent / f"log/{name}.log"), runs)
        (spec,) = (thing["spec"] for thing in things if thing["kind"] == "Pod")
        (only,) = spec["containers"]
        self.pod = f"{_PREFIX}-{os.getpid()}-{name}"
        self.container = f"{self.pod}-{only['name']}"
        named = [
            thing | {"metadata": thing["metadata"] | {"name": self.pod}} if thing["kind"] == "Pod" else thing
            for thing in things
        ]
        self._manifest = yaml.safe_dump_all(named)
        self._made = False

    def start(self) -> None:
        """Play the pod; one that has ended is replaced, as in a cluster."""
        self.kill()
        self._made = True
        podman("kube", "play", "-", told=self._manifest)

    def state(self) -> Mapping[str, Any]:
        """Return what podman knows of the container: `Running`, `Pid`, `ExitCode` and more."""
        (found,) = json.loads(podman("inspect", "--type", "container", self.container))
        state: Mapping[str, Any] = found["State"]
        return state

    @property
    def pid(self) -> int:
        """The process id of the container's first process, as this machine counts; 0 when it does not run."""
        return int(self.state()["Pid"])

    def alive(self) -> bool:
        """Return whether its container runs."""
        return self._made and bool(self.state()["Running"])

    def run(self, *words: str) -> str:
        """Run a command in the container; return what it prints."""
        return podman("exec", self.container, *words)

    def wait(self) -> int:
        """Wait until the container has ended; return its exit status."""
        return int(podman("wait", self.container))

    def send(self, number: signal.Signals) -> None:
        """Send the container's first process a signal, if it runs, as a container runtime does."""
        if self._made and (pid := self.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def ended(self, limit: float) -> int:
        """Wait until the container has ended; return its exit status.

        Raises:
            StackError: it runs after so many seconds.
        """
        wait_for(lambda: not self.alive(), limit, f"the end of {self.container}", every=0.1)
        return int(self.state()["ExitCode"])

    def stop(self, number: signal.Signals = signal.SIGTERM, limit: float = 12) -> None:
        """Ask it to end, wait at most so many seconds, and remove it."""
        self.send(number)
        with suppress(StackError):
            self.ended(limit)
        self.kill()

    def kill(self) -> None:
        """Kill and remove the pod."""
        if self._made:
            podman("pod", "rm", "--force", "--time", "0", self.pod, check=False)
            self._made = False

    def log(self) -> str:
        """Return what it has written."""
        done = subprocess.run(
            ["podman", "logs", self.container],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.stdout

    def tail(self) -> str:
        """Return the end of its log."""
        return f"--- end of {self.container}\n{self.log()[-2000:]}" if self._made else ""
