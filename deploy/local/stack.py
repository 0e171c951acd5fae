"""The whole local stack as an object, used by `make up` and the tests."""

import sys
import urllib.request
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from deploy.errors import StackError
from deploy.local import environment
from deploy.local.authority import Authority
from deploy.local.fake_providers import FakeProviders
from deploy.local.keyrings import keyring
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import DATABASE, Postgres
from deploy.local.processes import Process, Program, end_leftovers
from deploy.local.rabbitmq import RabbitMq
from deploy.local.waiting import wait_for
from deploy.local.web_pages import WebPages
from deploy.local.workers import ALL, MAILBOX, WORKERS, Worker
from shared.crypto.keys import make_keys

_READY_LIMIT = 60.0


class Stack:
    """A private Postgres, RabbitMQ and fake providers, and workers on them; all state is in `<root>/.local`.

    Its child processes end with the program that owns it, however that ends.

    Args:
        root: the folder for `.local`.
        settings: `PIN_*` settings that override the defaults and the environment.
        tls: every connection by TLS, with an authority and certificates of the stack's own.
        pages: also portal, console, and the page of what citizens got; links in mails lead to that portal.
    """

    def __init__(
        self,
        root: Path,
        settings: Mapping[str, str] | None = None,
        *,
        tls: bool = False,
        pages: bool = False,
    ) -> None:
        self.state = root.absolute() / ".local"
        self._make_directories()
        self.ports = Ports(self.state / "ports.json")
        self.ended = end_leftovers(self.state / "run")
        self.authority = Authority(self.state / "tls") if tls else None
        self.postgres, self.rabbitmq = self._servers()
        self.fake_providers = FakeProviders(self.state, self.ports, self.authority)
        self.pages = WebPages(self.state, self.ports) if pages else None
        self.database = DATABASE
        self.settings = dict(settings or {})
        self.workers: dict[str, Process] = {}
        self._health: dict[str, int] = {}

    def _servers(self) -> tuple[Postgres, RabbitMq]:
        return (
            Postgres(self.state, self.ports, self.authority),
            RabbitMq(self.state, self.ports, self.authority),
        )

    def _make_directories(self) -> None:
        for part in ("run", "log", "captured/mail", "spool/post"):
            (self.state / part).mkdir(parents=True, exist_ok=True)
        self.state.chmod(0o711)  # the servers' users must reach their directories
        for part in ("captured", "spool", "log"):
            (self.state / part).chmod(0o700)

    @property
    def env(self) -> dict[str, str]:
        """Every setting in use; `PIN_AMQP_URL` and `PIN_LEDGER_DSN` are pinctl's."""
        servers = environment.servers(self.postgres, self.rabbitmq, self.database)
        pages = self.pages.addresses if self.pages else {}
        return environment.settings(self.state, self.fake_providers, servers, self.settings, pages)

    def start(self) -> None:
        """Start everything; the workers load while RabbitMQ, the slowest, still boots."""
        self._spawn_servers()
        started = self._spawn_workers([*WORKERS, *([MAILBOX.name] if self._has_mailbox() else [])])
        if self.pages:
            self.pages.spawn(self.env)
        self._wait_for_servers()
        self.wait_ready(process.name for process in started)
        if self.pages:
            self.pages.wait_ready()

    def start_servers(self) -> None:
        """Start Postgres, RabbitMQ and the fake providers, and create keys, roles and tables."""
        self._spawn_servers()
        self._wait_for_servers()

    def _spawn_servers(self) -> None:
        self.rabbitmq.spawn()
        self.fake_providers.spawn()
        make_keys(self.state / "keys")
        self.postgres.start()
        self.postgres.make_ready()

    def _wait_for_servers(self) -> None:
        self.fake_providers.wait_ready()
        self.rabbitmq.wait_ready()
        environment.write(self.state / "env", self.env)

    def start_workers(self, names: Iterable[str] = tuple(WORKERS)) -> None:
        """Start these workers, by default all, and wait until they are ready."""
        self.wait_ready(process.name for process in self._spawn_workers(names))

    def _spawn_workers(self, names: Iterable[str]) -> list[Process]:
        return [self._start(ALL[name], 1, {}) for name in names]

    def _has_mailbox(self) -> bool:
        env = self.env
        return any(env.get(f"PIN_{box}_IMAP_HOST") for box in ("PEC", "BOUNCE"))

    def start_worker(
        self, name: str, *, copies: int = 1, env: Mapping[str, str] | None = None, wait: bool = True
    ) -> list[Process]:
        """Start copies of one worker; the second is called `<name>.2`.

        Args:
            name: as in `deploy.local.workers.ALL`.
            copies: how many processes.
            env: settings for these copies only.
            wait: return when they are ready.
        """
        started = [self._start(ALL[name], number, env or {}) for number in range(1, copies + 1)]
        if wait:
            self.wait_ready(process.name for process in started)
        return started

    def _start(self, worker: Worker, number: int, env: Mapping[str, str]) -> Process:
        name = worker.name if number == 1 else f"{worker.name}.{number}"
        if name in self.workers:
            self.workers[name].kill()
        process = self._process(self._program(worker, name, env))
        process.start()
        self.workers[name], self._health[name] = process, self._health_port(name)
        return process

    def _process(self, program: Program) -> Process:
        return Process(program, self.state / "run")

    def _program(self, worker: Worker, name: str, env: Mapping[str, str]) -> Program:
        told = environment.for_worker(self.env, worker, self._health_port(name)) | dict(env)
        return Program(
            name=name,
            argv=[sys.executable, *worker.command],
            log=self.state / f"log/{name}.log",
            env=told | ({} if worker.bare else self._keys(worker, told, env)),
        )

    def _health_port(self, name: str) -> int:
        return self.ports[f"health-{name}"]

    def _keys(self, worker: Worker, told: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
        signs = told.get("PIN_SIGN_MESSAGES", "") in {"true", "1"}
        ring = keyring(worker.name, self.state / "keys", signs=signs)
        return {"PIN_KEYS_DIR": env.get("PIN_KEYS_DIR", str(ring))}

    def ready(self, name: str) -> bool:
        """Return whether a worker reports that it is ready.

        Raises:
            StackError: when it has exited.
        """
        if not self.workers[name].alive():
            raise StackError(f"{name} exited")
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._health[name]}/ready", timeout=2) as answer:
                status: int = answer.status
                return status == 200  # noqa: PLR2004 - HTTP
        except OSError:
            return False

    def wait_ready(self, names: Iterable[str], limit: float = _READY_LIMIT) -> None:
        """Wait until these workers are ready.

        Raises:
            StackError: names one that is not ready, with the end of its log.
        """
        for name in list(names):
            try:
                wait_for(partial(self.ready, name), limit, f"{name} ready", every=0.05)
            except StackError as error:
                raise StackError(f"{error}\n{self.workers[name].tail()}") from None

    def stop_workers(self, limit: float = 12) -> None:
        """Ask all workers to end, wait, and kill those that do not."""
        for process in self.workers.values():
            process.ask_to_end()
        for process in self.workers.values():
            process.stop(limit=limit)
        self.workers.clear()

    def stop(self) -> None:
        """Stop everything, in order."""
        if self.pages:
            self.pages.stop()
        self.stop_workers()
        self.fake_providers.stop()
        self._stop_servers()

    def _stop_servers(self) -> None:
        self.rabbitmq.process.ask_to_end()
        self.postgres.stop()
        self.rabbitmq.stop()

    def kill(self) -> None:
        """Kill everything at once; the data is as after a power failure."""
        for process in self.processes().values():
            process.kill()

    def processes(self) -> dict[str, Process]:
        """Return every process of the stack, by name."""
        pages = self.pages.processes.values() if self.pages else ()
        servers = (*self._server_processes(), self.fake_providers.process, *pages)
        return {process.name: process for process in servers} | self.workers

    def _server_processes(self) -> tuple[Process, ...]:
        return (self.postgres.process, self.rabbitmq.process, self.rabbitmq.port_mapper)

    def use_new_database(self, name: str) -> None:
        """Create a fresh ledger database; workers started from now on use it."""
        self.postgres.clone(name)
        self.database = name

    def drop_database(self) -> None:
        """Drop the database made by `use_new_database`, and return to the first."""
        if self.database != DATABASE:
            self.postgres.drop(self.database)
            self.database = DATABASE
