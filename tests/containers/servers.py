"""The servers as docs/operations.md wants them: TLS, log-in by password, and nothing in them yet."""

from pathlib import Path
from typing import Any

from deploy.broker import render
from deploy.local.authority import Authority
from deploy.local.ports import HOST, Ports
from deploy.local.postgres import DATABASE, SUPERUSER, Postgres
from deploy.local.rabbitmq import ADMIN, RabbitMq


class PasswordPostgres(Postgres):
    """A Postgres whose roles have passwords; only the superuser, who is the test, has a certificate."""

    def _place_certificates(self, authority: Authority) -> None:
        super()._place_certificates(authority)
        self._place(
            "pg_hba.conf",
            f"hostssl all {SUPERUSER} {HOST}/32 cert clientcert=verify-full\n"
            f"hostssl all all {HOST}/32 scram-sha-256\n",
        )

    def dsn(self, role: str, database: str = DATABASE) -> str:
        """Return the URL of a database for a role."""
        if role == SUPERUSER or not self._authority:
            return super().dsn(role, database)
        login = f"{role}:{self.passwords[role]}@{HOST}:{self.port}"
        return f"postgresql://{login}/{database}?sslmode=verify-full&sslrootcert={self._authority.ca}"


class BareRabbitMq(RabbitMq):
    """A RabbitMQ with its administrator and the management plugin, and no definitions: the Job loads them."""

    def __init__(self, state: Path, ports: Ports, authority: Authority) -> None:
        super().__init__(state, ports, authority)
        self.management_port = ports["management"]

    def _prepare(self) -> None:
        super()._prepare()
        self._put("enabled_plugins", "[pin_rights,rabbitmq_auth_mechanism_ssl,rabbitmq_management].\n")

    def _configuration(self) -> str:
        assert self._authority
        own = self._authority.server("rabbitmq")
        return (
            f"{super()._configuration()}"
            f"management.ssl.ip = {HOST}\n"
            f"management.ssl.port = {self.management_port}\n"
            f"management.ssl.cacertfile = {own.ca}\n"
            f"management.ssl.certfile = {own.cert}\n"
            f"management.ssl.keyfile = {own.key}\n"
        )

    def _definitions(self) -> dict[str, Any]:
        everything = render.without_passwords()
        return render.render(
            {
                "vhosts": everything["vhosts"],
                "users": [{"name": ADMIN, "tags": ["administrator"]}],
                "permissions": [
                    {"user": ADMIN, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
                ],
            },
            self.passwords,
        )
