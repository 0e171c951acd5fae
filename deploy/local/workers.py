"""The list of the workers of the local stack."""

from dataclasses import dataclass

from shared.contract.channels import CHANNELS


@dataclass(frozen=True)
class Worker:
    """One worker: its name, its command, and its user of broker and ledger."""

    name: str
    module: str
    lane: str | None = None
    bare: bool = False
    """Whether it has neither ledger nor keys."""

    @property
    def user(self) -> str:
        """The user of both RabbitMQ and Postgres."""
        return self.module.rpartition(".")[2]

    @property
    def logs_as(self) -> str:
        """The name of the process in its logs."""
        return f"{self.user}-{self.lane}" if self.lane else self.user

    @property
    def command(self) -> list[str]:
        """The arguments of `python`."""
        return ["-m", self.module, *([self.lane] if self.lane else [])]


_ISSUER, _NOTIFIER = "services.issuer", "services.notifier"
WORKERS = {
    worker.name: worker
    for worker in (
        Worker("issuer", _ISSUER, "requests"),
        Worker("issuer-access", _ISSUER, "access"),
        *(Worker(channel.worker, _NOTIFIER, channel.name) for channel in CHANNELS),
        Worker("notifier-receipts", _NOTIFIER, "receipts"),
        Worker("revoker", "services.revoker"),
        Worker("dispositivo", "services.dispositivo"),
    )
}
MAILBOX = Worker("notifier-mailbox", _NOTIFIER, "mailbox", bare=True)
"""It runs in a stack only where a mailbox is named: a local one has none of its own."""
ALL = WORKERS | {MAILBOX.name: MAILBOX}
"""With those that not every stack runs."""
USERS = ("issuer", "notifier", "revoker", "dispositivo")
