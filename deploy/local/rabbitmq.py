"""A private RabbitMQ node, with its own epmd, invisible to any other on the machine.

With an authority it listens by TLS alone. Our own users then log in by certificate (EXTERNAL) and have no
password; those outside, such as the portal, have one.
"""

import json
import os
import shutil
import socket
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deploy.broker import render
from deploy.errors import StackError
from deploy.local.authority import Authority, Credential
from deploy.local.passwords import passwords
from deploy.local.ports import HOST, Ports, answers
from deploy.local.processes import Process, Program, environment
from deploy.local.waiting import wait_for
from deploy.local.workers import USERS

ADMIN = "admin"
"""The administrator of the local broker; a deployed one has its own."""
BY_CERTIFICATE = (*USERS, "pinctl", ADMIN)
"""The users who log in by certificate where there is TLS."""
_PROGRAMS = Path("/usr/lib/rabbitmq/bin")
_PLUGINS = tuple(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/plugins"))
_SHARED_CONFIGURATION = render.DEFINITIONS.with_name("rabbitmq.conf")
_OUR_PLUGIN = render.DEFINITIONS.with_name("pin_rights")
_TIED = ("setpriv", "--pdeathsig", "KILL", "--")
_ANSWERS = 60.0
"""Seconds that `rabbitmqctl` may take."""
_FIRST = -10
"""The priority (nice, setpriority(2)) of a node that boots."""
_EVERYTHING = {"vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
# Schedulers that spin while idle take CPU time from other processes.
_ERLANG = "+sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {{{0}}}"
# The nodes of a cluster share this machine's cores: with one scheduler each, bound to none, they take less.
_ERLANG_OF_MANY = f"+S 1:1 +stbt u {_ERLANG}"


@dataclass(frozen=True)
class Place:
    """Where a node runs: on this machine's loopback, or on a host of its own, as one of a cluster.

    Attributes:
        name: of its directory, log and pid file.
        host: its address.
        within: the words before its command.
        cluster: the addresses of all nodes; empty for a single one.
    """

    name: str = "rabbitmq"
    host: str = HOST
    within: tuple[str, ...] = ()
    cluster: tuple[str, ...] = ()


class RabbitMq:
    """The private RabbitMQ of one stack, or one node of its cluster."""

    def __init__(
        self, state: Path, ports: Ports, authority: Authority | None = None, place: Place | None = None
    ) -> None:
        if not (_PROGRAMS / "rabbitmq-server").exists():
            raise StackError("RabbitMQ is not installed: run deploy/bootstrap")
        self.place = place or Place()
        self._home = state / self.place.name
        self._state = state
        self._authority = authority
        self.port, self._epmd_port, self._node_port = (
            (5672, 4369, 25672)  # its host has no other
            if self.place.cluster
            else (ports["amqp"], ports["epmd"], ports["amqp-node"])
        )
        self.passwords = passwords(state / "broker-passwords.json", [*render.users(), ADMIN])
        self.process = Process(self._server(), state / "run")
        self.port_mapper = Process(self._epmd(), state / "run")

    def url(self, user: str) -> str:
        """Return the broker URL of a user, with its certificates where there is TLS."""
        if not self._authority:
            return f"amqp://{user}:{self.passwords[user]}@{self.place.host}:{self.port}/"
        if user not in BY_CERTIFICATE:
            files = urlencode({"cafile": self._authority.ca})
            return f"amqps://{user}:{self.passwords[user]}@{HOST}:{self.port}/?{files}"
        own = self._authority.client(user)
        files = urlencode({"cafile": own.ca, "certfile": own.cert, "keyfile": own.key})
        return f"amqps://{HOST}:{self.port}/?auth=EXTERNAL&{files}"

    def _epmd(self) -> Program:
        return Program(
            name=self.place.name.replace("rabbitmq", "epmd"),
            argv=["epmd", "-address", self.place.host, "-port", str(self._epmd_port)],
            within=self.place.within,
            log=self._state / "log/epmd.log",
            cwd=Path("/"),
        )

    def _server(self) -> Program:
        return Program(
            name=self.place.name,
            argv=[str(_PROGRAMS / "rabbitmq-server")],
            within=self.place.within,
            log=self._state / f"log/{self.place.name}.log",
            env=self._environment(),
            cwd=Path("/"),
        )

    def _environment(self) -> dict[str, str]:
        home, erlang = self._home, _ERLANG_OF_MANY if self.place.cluster else _ERLANG
        return {
            "HOME": str(home),  # where the cookie is
            "ERL_EPMD_ADDRESS": self.place.host,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "RABBITMQ_NODENAME": node_of(self.place.host) if self.place.cluster else "pin@localhost",
            "RABBITMQ_USE_LONGNAME": str(bool(self.place.cluster)).lower(),
            "RABBITMQ_DIST_PORT": str(self._node_port),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_PLUGINS_DIR": ":".join(map(str, [*_PLUGINS, home / "plugins"])),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": erlang.format(self.place.host.replace(".", ",")),
            "RUNNING_UNDER_SYSTEMD": "true",  # the script becomes the server: one process, one pid
        }

    def spawn(self) -> None:
        """Start the node; `wait_ready` waits for it."""
        self._prepare()
        self.port_mapper.start()
        wait_for(
            lambda: self.port_mapper.must_live() and answers(self._epmd_port, self.place.host), 10, "epmd"
        )
        self.process.start()
        self._give_way(_FIRST)

    def _give_way(self, priority: int) -> None:
        """Set the node's priority: its boot is what all wait for, while nine workers load concurrently.

        Only root may raise it; without it the start takes a second or two longer.
        """
        with suppress(OSError):
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), priority)

    def _prepare(self) -> None:
        if not (self._home / "started").exists():
            shutil.rmtree(self._home, ignore_errors=True)  # an interrupted first start
        for part in (self._home, self._home / "mnesia", self._home / "log", self._home / "generated"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.place.cluster:
            self._put(".erlang.cookie", passwords(self._state / "broker-cookie.json", ["cookie"])["cookie"])
            (self._home / ".erlang.cookie").chmod(0o400)
        self._compile_plugin()
        plugins = [_OUR_PLUGIN.name, *(["rabbitmq_auth_mechanism_ssl"] if self._authority else [])]
        self._put("enabled_plugins", f"[{','.join(plugins)}].\n")
        self._put("rabbitmq.conf", _SHARED_CONFIGURATION.read_text() + self._configuration())
        self._put("advanced.config", _SHARED_CONFIGURATION.with_name("advanced.config").read_text())
        self._put("definitions.json", json.dumps(self._definitions()))

    def _compile_plugin(self) -> None:
        """Compile our plugin, without which outside users could declare exchanges."""
        beams = self._home / "plugins" / _OUR_PLUGIN.name / "ebin"
        beams.mkdir(parents=True, exist_ok=True)
        shutil.copy(_OUR_PLUGIN / f"{_OUR_PLUGIN.name}.app", beams)
        source = _OUR_PLUGIN / f"{_OUR_PLUGIN.name}.erl"
        done = subprocess.run(
            ["erlc", "-o", str(beams), str(source)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"the broker's plugin does not compile:\n{done.stdout}{done.stderr}")

    def _put(self, name: str, text: str) -> None:
        path = self._home / name
        path.touch(mode=0o600)
        path.write_text(text)

    def _configuration(self) -> str:
        listener = (
            _tls(self.port, self._authority.server("rabbitmq"))
            if self._authority
            else f"listeners.tcp.1 = {self.place.host}:{self.port}\n"
        )
        return (
            f"\n{listener}{self._cluster()}"
            "disk_free_limit.absolute = 50MB\n"
            "log.console = true\n"
            "log.file = false\n"
        )

    def _cluster(self) -> str:
        if not self.place.cluster:
            return f"load_definitions = {self._home / 'definitions.json'}\n"
        nodes = "".join(
            f"cluster_formation.classic_config.nodes.{number} = {node_of(host)}\n"
            for number, host in enumerate(self.place.cluster, 1)
        )
        return f"cluster_formation.peer_discovery_backend = classic_config\n{nodes}"

    def load_definitions(self) -> None:
        """Load the definitions, once all nodes of the cluster are up: each queue then has a copy on each."""
        self._put("definitions.json", json.dumps(self._definitions()))
        self.ctl("import_definitions", str(self._home / "definitions.json"))

    def _definitions(self) -> dict[str, Any]:
        definitions = render.without_passwords()
        definitions["users"].append({"name": ADMIN, "tags": ["administrator"]})
        definitions["permissions"].append({"user": ADMIN, **_EVERYTHING})
        return render.render(definitions, self.passwords, BY_CERTIFICATE if self._authority else ())

    def wait_ready(self, limit: float = 60) -> None:
        """Wait until the node accepts AMQP clients: its listener opens last, after the definitions."""
        wait_for(lambda: self.process.must_live() and self._greets(), limit, "RabbitMQ", every=0.05)
        self._give_way(0)
        (self._home / "started").touch()

    def _greets(self) -> bool:
        try:
            with self._connected() as client:
                client.sendall(b"AMQP\x00\x00\x09\x01")
                return client.recv(1) == b"\x01"
        except OSError:
            return False

    def _connected(self) -> socket.socket:
        plain = socket.create_connection((self.place.host, self.port), timeout=2)
        if not self._authority:
            return plain
        with plain:  # the TLS socket takes over what it wraps
            context = ssl.create_default_context(cafile=self._authority.ca)
            return context.wrap_socket(plain, server_hostname=HOST)

    def start(self, limit: float = 60) -> None:
        """Start the node and wait until it accepts clients."""
        self.spawn()
        self.wait_ready(limit)

    def stop(self) -> None:
        """Shut down the node gracefully, and its epmd."""
        self.process.stop(limit=20)
        self.port_mapper.kill()

    def kill(self) -> None:
        """Kill the node, as a power failure would."""
        self.process.kill()
        self.port_mapper.kill()

    def ctl(self, *words: str) -> str:
        """Run `rabbitmqctl`, which takes 0.3 s, and return what it prints.

        Raises:
            StackError: it refuses, or the node is silent.
        """
        try:
            done = subprocess.run(
                [*self.place.within, *_TIED, str(_PROGRAMS / "rabbitmqctl"), "--quiet", *words],
                env=environment(self._environment()),
                cwd="/",
                capture_output=True,
                text=True,
                check=False,
                timeout=_ANSWERS,
            )
        except subprocess.TimeoutExpired:
            raise StackError(f"rabbitmqctl {words[0]}: no answer within {_ANSWERS:g} s") from None
        if done.returncode:
            raise StackError(f"rabbitmqctl {words[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def raise_disk_alarm(self) -> None:
        """Make the node believe that the disk is full: it blocks every publisher."""
        self.ctl("set_disk_free_limit", "1000000GB")

    def clear_disk_alarm(self) -> None:
        """Undo `raise_disk_alarm`."""
        self.ctl("set_disk_free_limit", "50MB")


def node_of(host: str) -> str:
    """Return the name of the node of a cluster on a host."""
    return f"pin@{host}"


def _tls(port: int, own: Credential) -> str:
    """Return the configuration of a listener by TLS alone, which takes certificates and passwords."""
    return (
        "listeners.tcp = none\n"
        f"listeners.ssl.1 = {HOST}:{port}\n"
        f"ssl_options.cacertfile = {own.ca}\n"
        f"ssl_options.certfile = {own.cert}\n"
        f"ssl_options.keyfile = {own.key}\n"
        "ssl_options.versions.1 = tlsv1.3\n"
        "ssl_options.versions.2 = tlsv1.2\n"
        "ssl_options.verify = verify_peer\n"
        "ssl_options.fail_if_no_peer_cert = false\n"  # users outside have a password
        "auth_mechanisms.1 = EXTERNAL\n"
        "auth_mechanisms.2 = PLAIN\n"
        "ssl_cert_login_from = common_name\n"
    )
