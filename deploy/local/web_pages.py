"""The pages of a local stack: the citizen's portal, the operator's console, and what citizens got."""

import base64
import os
import secrets
import sys
import urllib.request
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deploy.errors import StackError
from deploy.local.console_people import make_people
from deploy.local.ports import HOST, Ports
from deploy.local.processes import Process, Program
from deploy.local.waiting import wait_for

USERS = {"portal": "portal", "console": "operator"}
"""The applications that are deployed too, each with its user of the broker."""
MAILBOX = "mailbox"
"""The page that no deployment has."""
_PUBLIC = ("issuer.pub", "revoker.pub")
"""All that they read of the keys: to whom PINs and tokens are sealed."""
_CHOSEN = ("PIN_WEB_", "PIN_CONSOLE_", "PIN_LOG_")
"""How the settings begin that a developer may choose for them, such as `PIN_WEB_PATIENCE`."""
_BYTES = 32
_READY_LIMIT = 60.0


class WebPages:
    """The processes of one stack that serve pages.

    Args:
        state: the stack's `.local`.
        ports: of the stack.
    """

    def __init__(self, state: Path, ports: Ports) -> None:
        self._state, self._ports = state, ports
        self.processes: dict[str, Process] = {}

    @property
    def addresses(self) -> dict[str, str]:
        """Return the settings that say where each is, such as `PIN_WEB_PORTAL_URL`."""
        return {f"PIN_WEB_{name.upper()}_URL": self._address(name) for name in (*USERS, MAILBOX)}

    def spawn(self, everything: Mapping[str, str]) -> None:
        """Start them; `wait_ready` waits for them, as they for the broker.

        Args:
            everything: the stack's settings.
        """
        for name, user in USERS.items():
            told = self._told(name, everything) | {"PIN_AMQP_URL": everything[f"PIN_{user.upper()}_AMQP_URL"]}
            if name == "console":
                told |= self._told_console(everything)
            self._start(name, [sys.executable, "-m", "deploy.web", name], told)
        mailbox = [sys.executable, "-m", "deploy.web.mailbox", str(self._state), str(self._port(MAILBOX))]
        self._start(MAILBOX, mailbox, self.addresses)

    def _start(self, name: str, argv: list[str], env: Mapping[str, str]) -> None:
        process = Process(
            Program(f"web-{name}", argv, self._state / f"log/web-{name}.log", env), self._state / "run"
        )
        process.start()
        self.processes[name] = process

    def _told(self, name: str, everything: Mapping[str, str]) -> dict[str, str]:
        documents = self._state / "documents"
        documents.mkdir(mode=0o700, exist_ok=True)
        chosen = {setting: text for setting, text in everything.items() if setting.startswith(_CHOSEN)}
        return chosen | {
            "PIN_KEYS_DIR": str(self._keys()),
            "PIN_WEB_URL": self._address(name),
            "PIN_WEB_HOST": HOST,
            "PIN_WEB_PORT": str(self._port(name)),
            "PIN_WEB_SECRET_FILE": str(self._secret(name)),
            "PIN_DOCUMENTS_URL": documents.as_uri(),
            "PIN_HEALTH_PORT": str(self._ports[f"health-web-{name}"]),
        }

    def _told_console(self, everything: Mapping[str, str]) -> dict[str, str]:
        return {
            "PIN_CONSOLE_USERS": str(make_people(self._state)),
            "PIN_SUPERVISOR_AMQP_URL": everything["PIN_SUPERVISOR_AMQP_URL"],
        }

    def _keys(self) -> Path:
        """Return a folder of the public keys; they are no workers, whose private ones lie beside them."""
        folder = self._state / "keyrings/web"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        keys = self._state / "keys"
        for path in (*(keys / name for name in _PUBLIC), *keys.glob("*-signing.pub")):
            ours = folder / path.name
            # A key that was changed is another file of the same name.
            if not ours.exists() or not ours.samefile(path):
                ours.unlink(missing_ok=True)
                os.link(path, ours)
        return folder

    def _secret(self, name: str) -> Path:
        path = self._state / f"web-{name}.secret"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(base64.b64encode(secrets.token_bytes(_BYTES)).decode(), encoding="ascii")
        return path

    def _address(self, name: str) -> str:
        return f"http://{HOST}:{self._port(name)}"

    def _port(self, name: str) -> int:
        return self._ports[f"web-{name}"]

    def wait_ready(self) -> None:
        """Wait until all answer.

        Raises:
            StackError: names one that does not, with the end of its log.
        """
        for name, process in self.processes.items():
            health = f"http://{HOST}:{self._ports[f'health-web-{name}']}/ready"
            url = health if name in USERS else f"{self._address(name)}/"
            try:
                wait_for(partial(_answers, process, url), _READY_LIMIT, f"{process.name} ready", every=0.05)
            except StackError as error:
                raise StackError(f"{error}\n{process.tail()}") from None

    def ask_to_end(self) -> None:
        """Ask all to end, and do not wait."""
        for process in self.processes.values():
            process.ask_to_end()

    def stop(self) -> None:
        """End all."""
        self.ask_to_end()
        for process in self.processes.values():
            process.stop()
        self.processes.clear()


def _answers(process: Process, url: str) -> bool:
    process.must_live()
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own
            status: int = answer.status
            return status == 200  # noqa: PLR2004 - HTTP
    except OSError:
        return False
