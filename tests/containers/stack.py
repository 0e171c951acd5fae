"""The local stack with its workers in containers: each a pod from `deploy/kubernetes`."""

import json
import shutil
import urllib.request
from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from pathlib import Path

from deploy import secrets
from deploy.broker import render
from deploy.errors import StackError
from deploy.local.ports import HOST
from deploy.local.postgres import SUPERUSER, Postgres
from deploy.local.processes import CHECKOUT, Process
from deploy.local.rabbitmq import ADMIN, RabbitMq
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.local.workers import Worker
from deploy.postgres.passwords import ROLES, statements
from tests.containers import manifests
from tests.containers.podman import Pod, sweep
from tests.containers.servers import BareRabbitMq, PasswordPostgres

_READY_LIMIT = 180.0
"""Seconds until a worker is ready: the startup probe gives it 90, and here all start at once."""
_ETC = "/etc/pin"
_MAILBOXES = {
    "PIN_PEC_IMAP_PASSWORD": "pec-imap.password",
    "PIN_BOUNCE_IMAP_PASSWORD": "bounce-imap.password",
}
_NO_LOGIN = {"PIN_SMTP_USER": "", "PIN_PEC_SMTP_USER": ""}
"""The captured relays ask for no password."""
_BY_MANIFEST = ("_AMQP_URL", "_LEDGER_DSN", "PIN_KEYS_DIR", "PIN_POST_SPOOL", "PIN_PEC_TRUST", *_MAILBOXES)


class PodStack(Stack):
    """A stack whose workers are containers.

    Args:
        root: the folder for `.local`.
        image: the name and tag of the image that all pods run.
        settings: as for `Stack`; they go into the ConfigMap.
    """

    def __init__(self, root: Path, image: str, settings: Mapping[str, str] | None = None) -> None:
        sweep()
        self._secrets = root.absolute() / ".local/secrets"
        self._secrets.mkdir(parents=True)
        secrets.make(self._secrets, HOST, HOST)
        self._adopt(root.absolute() / ".local")
        super().__init__(root, settings, tls=True)
        self.image = image
        self._rendered: dict[str, list[manifests.Thing]] = {}
        self._volumes = manifests.Volumes(
            self.state / "volumes",
            self._secrets,
            self.state / "authorities",
            {"spool": self.state / "spool/post"},
        )

    def _adopt(self, state: Path) -> None:
        """Let servers, clients and tests use the passwords and keys that `deploy.secrets` made."""
        for store, suffix, names in (
            ("broker-passwords.json", "broker-password", (*render.users(), ADMIN)),
            ("ledger-passwords.json", "ledger-password", (SUPERUSER, *ROLES)),
        ):
            known = {name: (self._secrets / f"{name}.{suffix}").read_text().strip() for name in names}
            (state / store).touch(mode=0o600)
            (state / store).write_text(json.dumps(known))
        (state / "keys").mkdir(mode=0o700)
        for file in (*self._secrets.glob("*.key"), *self._secrets.glob("*.pub")):
            shutil.copyfile(file, state / "keys" / file.name)
            (state / "keys" / file.name).chmod(0o600)

    def _servers(self) -> tuple[Postgres, RabbitMq]:
        assert self.authority
        self.broker = BareRabbitMq(self.state, self.ports, self.authority)
        return PasswordPostgres(self.state, self.ports, self.authority), self.broker

    def _spawn_servers(self) -> None:
        """Start the servers; of docs/operations.md this is step 3: roles, and an empty database."""
        self.rabbitmq.spawn()
        self.fake_providers.spawn()
        self.postgres.start()
        roles = CHECKOUT / "deploy/postgres/roles.sql"
        self.postgres.sql(
            roles.read_text() + statements({role: self.postgres.passwords[role] for role in ROLES})
        )

    def start_servers(self) -> None:
        """Start the servers, place what the pods mount, and run the Jobs that come before the workers."""
        super().start_servers()
        self._place()
        for job in ("migrate", "definitions"):
            status, told = self.run_to_end(job)
            if status:
                raise StackError(f"the Job {job} ended with {status}:\n{told}")

    def _place(self) -> None:
        """Write what only is known now: the URLs of the servers, and the files that settings name."""
        assert self.authority
        secrets.make(
            self._secrets,
            f"{HOST}:{self.rabbitmq.port}",
            f"{HOST}:{self.postgres.port}",
            f"{_ETC}/ca.crt",
        )
        for key in self._secrets.glob("*-signing.key"):  # no Secret unless messages are signed
            key.unlink()
        env = self.env
        for variable, file in _MAILBOXES.items():
            (self._secrets / file).write_text(env.get(variable, ""))
        folder = self.state / "authorities"
        folder.mkdir()
        shutil.copyfile(self.authority.ca, folder / "ca.crt")
        if "PIN_PEC_TRUST" in env:
            shutil.copyfile(env["PIN_PEC_TRUST"], folder / "pec-trust.pem")
        told = {}
        for name, text in env.items():
            if name.startswith("PIN_TEST_") or name.endswith(_BY_MANIFEST):
                continue
            if name.endswith("_CA"):
                shutil.copyfile(text, folder / f"{name}.crt")
                told[name] = f"{_ETC}/{name}.crt"
            else:
                told[name] = text
        overlays = self.state / "manifests"
        self._rendered = {
            ".": manifests.rendered(overlays, ".", self.image, told | _NO_LOGIN),
            "setup": manifests.rendered(overlays, "setup", self.image, {}),
            "operator": manifests.rendered(overlays, "operator", self.image, {}),
        }

    def template(self, name: str) -> manifests.Thing:
        """Return the template of the pods of a worker, Job or CronJob, or the pod `pinctl`."""
        return manifests.template([thing for part in self._rendered.values() for thing in part], name)

    def pod(self, name: str, told: Mapping[str, str]) -> Pod:
        """Return a pod, not started, with these variables in place of its manifest's."""
        template = self.template(name)
        manifests.tell(template, dict(told))
        maps = [thing for thing in self._rendered["."] if thing["kind"] == "ConfigMap"]
        return Pod(name, [*maps, self._volumes.playable(name, template)], self.state / "run")

    def _start(self, worker: Worker, number: int, env: Mapping[str, str]) -> Process:
        if number > 1:
            raise StackError("there is one pod of each worker")
        name = worker.name
        if name in self.workers:
            self.workers[name].kill()
        port = self.ports[f"health-{name}"]
        pod = self.pod(name, manifests.health(port) | dict(env))
        self.workers[name], self._health[name] = pod, port
        pod.start()
        return pod

    def pods(self) -> Mapping[str, Pod]:
        """Return the pods of the workers, by name."""
        return {name: pod for name, pod in self.workers.items() if isinstance(pod, Pod)}

    def run_to_end(self, name: str) -> tuple[int, str]:
        """Run the pod of a Job, or of a CronJob, once; return its exit status and what it said."""
        assert self.authority
        management = f"https://{HOST}:{self.broker.management_port}"
        pod = self.pod(name, {"PIN_BROKER_ADMIN_URL": management} if name == "definitions" else {})
        try:
            pod.start()
            return pod.wait(), pod.log()
        finally:
            pod.kill()

    def answers(self, name: str, path: str) -> bool:
        """Return whether a worker answers a probe as a kubelet wants it."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self._health[name]}{path}", timeout=3) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:
            return False

    def wait_ready(self, names: Iterable[str], limit: float = _READY_LIMIT) -> None:
        """Wait until these workers are ready."""
        super().wait_ready(names, limit)

    def wait_restarted(self, name: str, before: int) -> None:
        """Wait until a worker's container, of which this was the process, runs and is ready again."""
        pod = self.pods()[name]
        wait_for(lambda: pod.pid not in {0, before}, 30, f"another process of {name}", every=0.2)
        wait_for(partial(self.ready, name), _READY_LIMIT, f"{name} ready again", every=0.2)
