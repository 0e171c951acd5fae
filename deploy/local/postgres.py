"""A private Postgres, as durable as in production.

With an authority it takes TLS alone, and each role logs in by its certificate; no password opens it.
"""

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlencode

from deploy.errors import StackError
from deploy.local.authority import Authority
from deploy.local.os_user import OsUser
from deploy.local.passwords import passwords
from deploy.local.ports import HOST, Ports
from deploy.local.processes import CHECKOUT, Process, Program, environment
from deploy.local.waiting import wait_for
from deploy.postgres.passwords import ROLES, statements

DATABASE = "ledger"
SUPERUSER = "postgres"
_ROLES_SQL = CHECKOUT / "deploy/postgres/roles.sql"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "jit": "off",  # compilation costs more than these statements
    # After a checkpoint the first change of a page writes all of it: compressed, and seldom.
    "wal_compression": "zstd",
    "checkpoint_timeout": "30min",
    "max_wal_size": "4GB",
    # The safe values, set explicitly: no system default may weaken them.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # A standby that was cut off is missed, and connects anew, within seconds.
    "wal_sender_timeout": "10s",
    "wal_receiver_timeout": "10s",
    "wal_retrieve_retry_interval": "1s",
    # An error must not log a row or a parameter.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
"""Of every server."""


def programs() -> Path:
    """Return the directory of the newest Postgres server's programs.

    Raises:
        StackError: when there is none.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if not found:
        raise StackError("Postgres is not installed: run deploy/bootstrap")
    return found[-1].parent


def _switches(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


@dataclass(frozen=True)
class Place:
    """Where a server runs: on this machine's loopback, or on a host of its own, as one of a pair.

    Attributes:
        name: of its directory, log and pid file, and by which its primary knows it.
        host: its address.
        within: the words before its command.
        network: from where it may be reached beside this machine; empty for a single one.
    """

    name: str = "postgres"
    host: str = HOST
    within: tuple[str, ...] = ()
    network: str = ""


class Postgres:
    """The private Postgres of one stack, or one of its pair.

    Attributes:
        migrations: the folder of those that it is migrated by; a test of an upgrade begins with earlier ones.
    """

    migrations = CHECKOUT / "shared/ledger/migrations"

    def __init__(
        self, state: Path, ports: Ports, authority: Authority | None = None, place: Place | None = None
    ) -> None:
        self.place = place or Place()
        self._authority = authority
        self._home = state / self.place.name
        self._data = self._home / "data"
        self._state = state
        self._os_user = OsUser.of_server("postgres")
        self._bin = programs()
        self.port = 5432 if self.place.network else ports["postgres"]  # its host has no other
        self.passwords = passwords(state / "ledger-passwords.json", [SUPERUSER, *ROLES])
        self.process = Process(self._program(), state / "run")

    def _program(self) -> Program:
        settings = (
            SETTINGS
            | {"listen_addresses": self.place.host, "port": str(self.port)}
            | (self._tls_settings() if self._authority else {})
        )
        return Program(
            name=self.place.name,
            argv=[str(self._bin / "postgres"), "-D", str(self._data), *_switches(settings)],
            log=self._state / f"log/{self.place.name}.log",
            within=self.place.within,
            os_user=self._os_user,
            cwd=Path("/"),
            home=self._data,
            death_signal="QUIT",  # ends its children first; KILL does not
        )

    def _tls_settings(self) -> dict[str, str]:
        return {
            "ssl": "on",
            "ssl_min_protocol_version": "TLSv1.2",
            "ssl_ca_file": str(self._home / "ca.crt"),
            "ssl_cert_file": str(self._home / "server.crt"),
            "ssl_key_file": str(self._home / "server.key"),
            "hba_file": str(self._home / "pg_hba.conf"),
        }

    def _place_certificates(self, authority: Authority) -> None:
        """Copy the server's files to where its user may read them: the key has to be its own."""
        own = authority.server("postgres")
        texts = {"ca.crt": own.ca, "server.crt": own.cert, "server.key": own.key}
        for name, source in texts.items():
            self._place(name, source.read_text())
        self._place("pg_hba.conf", f"hostssl all all {HOST}/32 cert clientcert=verify-full\n")

    def _place(self, name: str, text: str) -> None:
        path = self._home / name
        path.touch(mode=0o600)
        path.write_text(text)
        self._os_user.give(path)

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return the URL of a database for a role, with its certificates where there is TLS."""
        if self._authority:
            own = self._authority.client(role)
            files = urlencode({"sslrootcert": own.ca, "sslcert": own.cert, "sslkey": own.key})
            return f"postgresql://{role}@{HOST}:{self.port}/{database}?sslmode=verify-full&{files}"
        return f"postgresql://{role}:{quote(self.passwords[role])}@{self.place.host}:{self.port}/{database}"

    def prepare(self) -> None:
        """Create the data directory if it does not exist."""
        if self._data.exists():
            return
        self._os_user.own(self._home)
        unfinished = self._home / "data.new"
        self._run(["rm", "-rf", str(unfinished)])
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(self.passwords[SUPERUSER])
        self._os_user.give(password)
        self._run([
            str(self._bin / "initdb"), "-D", str(unfinished), "-U", SUPERUSER, "--pwfile", str(password),
            "--auth", "scram-sha-256", "--data-checksums", "--encoding", "UTF8", "--locale", "C.UTF-8",
        ])  # fmt: skip
        password.unlink()
        if self.place.network:
            with (unfinished / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all,replication all {self.place.network} scram-sha-256\n")
        unfinished.rename(self._data)

    def copy_from(self, primary: "Postgres") -> None:
        """Make the data directory a copy of another server's, whose standby this one then is."""
        self._os_user.own(self._home)
        self._run(["rm", "-rf", str(self._data)])
        source = (
            f"host={primary.place.host} port={primary.port} user={SUPERUSER}"
            f" password={self.passwords[SUPERUSER]} application_name={self.place.name}"
        )
        self._run([
            str(self._bin / "pg_basebackup"), "-D", str(self._data), "-R", "-X", "stream",
            "-c", "fast", "-d", source,
        ])  # fmt: skip

    def promote(self) -> None:
        """Make a standby the primary; its commits wait for no standby until it is given one."""
        self.sql("select pg_promote(true, 30)")
        self.wait_for_none()

    def wait_for_standby(self, name: str) -> None:
        """Let commits wait for this standby, once it follows."""
        wait_for(lambda: self.is_followed_by(name), 30, f"{name} to follow")
        self.sql(f"alter system set synchronous_standby_names = '\"{name}\"'; select pg_reload_conf()")

    def wait_for_none(self) -> None:
        """Let commits be confirmed by this server alone, as Patroni does when no standby is left."""
        self.sql("alter system set synchronous_standby_names = ''; select pg_reload_conf()")

    def is_followed_by(self, name: str) -> bool:
        """Return whether a standby of this name streams from this server."""
        following = "select application_name from pg_stat_replication where state = 'streaming'"
        return name in self.sql(following).splitlines()

    def _run(self, argv: list[str]) -> None:
        program = Program(
            "initdb",
            argv,
            self._state / "log/initdb.log",
            os_user=self._os_user,
            home=self._data,
            within=self.place.within,
        )
        done = subprocess.run(
            program.command(), env=environment({}), cwd="/", capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise StackError(f"{argv[0]} failed:\n{done.stdout}{done.stderr}")

    def start(self) -> None:
        """Start the server and wait until it answers, at most 30 s."""
        self.prepare()
        if self._authority:
            self._place_certificates(self._authority)
        self.process.start()
        wait_for(self._answers, 30, "Postgres")

    def _answers(self) -> bool:
        self.process.must_live()
        ready = [str(self._bin / "pg_isready"), "-q", "-h", self.place.host, "-p", str(self.port)]
        return subprocess.run(ready, env=environment({}), check=False).returncode == 0

    def stop(self) -> None:
        """Shut the server down; open sessions are terminated."""
        self.process.stop(signal.SIGINT, limit=20)

    def restart(self, settings: Mapping[str, str]) -> None:
        """Stop the server once it has written all, and start it with these settings as well."""
        self.sql("checkpoint")
        self.stop()
        usual = self._program()
        self.process.program = replace(usual, argv=[*usual.argv, *_switches(settings)])
        self.start()

    def kill(self) -> None:
        """Kill it, as a power failure would."""
        self.process.kill()

    def make_ready(self) -> None:
        """Create missing roles, database and tables."""
        self.sql(_ROLES_SQL.read_text() + statements({role: self.passwords[role] for role in ROLES}))
        self.migrate()

    def migrate(self, database: str = DATABASE) -> None:
        """Migrate a database to the newest schema, with dbmate, as its owner."""
        if not any(self.migrations.glob("*.sql")):
            return
        argv = ["--migrations-dir", str(self.migrations), "--no-dump-schema", "migrate"]
        url = self.dsn("owner", database) + ("" if self._authority else "?sslmode=disable")
        self._checked([str(CHECKOUT / ".venv/bin/dbmate"), *argv], {"DATABASE_URL": url}, "")

    def sql(self, text: str, database: str = "postgres") -> str:
        """Run SQL as the superuser with psql; return what it prints, unaligned and without headers."""
        argv = [str(self._bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return self._checked(argv, self.environment() | {"PGDATABASE": database}, text)

    def environment(self) -> dict[str, str]:
        """Return what tells psql and pg_dump how to connect as the superuser."""
        connection = {
            "PGHOST": self.place.host, "PGPORT": str(self.port), "PGUSER": SUPERUSER,
            "PGPASSWORD": self.passwords[SUPERUSER],
        }  # fmt: skip
        if not self._authority:
            return connection
        own = self._authority.client(SUPERUSER)
        return connection | {
            "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(own.ca), "PGSSLCERT": str(own.cert),
            "PGSSLKEY": str(own.key),
        }  # fmt: skip

    def _checked(self, argv: list[str], env: dict[str, str], text: str) -> str:
        done = subprocess.run(
            argv, env=environment(env), input=text, capture_output=True, text=True, cwd="/", check=False
        )
        if done.returncode:
            raise StackError(f"{Path(argv[0]).name} failed:\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def clone(self, database: str, template: str = DATABASE) -> None:
        """Copy a database; the template must have no sessions."""
        self.sql(f'CREATE DATABASE "{database}" TEMPLATE "{template}" OWNER owner;')

    def drop(self, database: str) -> None:
        """Drop a database, ending the sessions in it."""
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE);')
