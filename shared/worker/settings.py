"""The settings that every worker has."""

from datetime import timedelta
from pathlib import Path

from shared.config.settings import Names, SecretSetting, Settings

WORKER = "worker"
"""The role of our own workers' broker users."""


class WorkerSettings(Settings):
    """Where the servers are and how the shell works."""

    amqp_url: SecretSetting
    """The worker's own user on the broker."""
    ledger_dsn: SecretSetting
    """The worker's own role on the ledger."""
    keys_dir: Path
    """The keys this worker may have, and no others."""
    log_level: str = "info"
    """The lowest level that is logged: above `info` the lines by which alerts see the workers are gone."""
    health_host: str = "127.0.0.1"
    """Where /live and /ready are answered; in a cluster 0.0.0.0."""
    health_port: int = 0
    """0 answers nowhere."""
    batch: int = 200
    """Commands in one transaction: more is faster under load, and repeats more after a crash."""
    linger: timedelta = timedelta(milliseconds=3)
    """How long a batch waits for more: longer makes fuller batches and slower first halves."""
    bundles: int = 4
    """Bundles in one batch of a channel: more keeps the channel busier, and repeats more after a crash."""
    bundle_size: int = 100
    """Deliveries in one bundle: a crash between sending and commit repeats at most a batch of them."""
    publish_limit: timedelta = timedelta(seconds=30)
    """How long the broker may take to confirm: past that the session is given up and opened anew."""
    outbox_lease: timedelta = timedelta(seconds=15)
    """How long a row of the outbox is left to the worker that wrote it, before the relay takes it."""
    relay_interval: timedelta = timedelta(seconds=1)
    """How often the relay looks for what is due: it bounds how late a delayed effect is."""
    blind_reply_after: timedelta = timedelta(milliseconds=150)
    """Blind replies leave so long after the command came, whatever was done: hides what was done."""
    inbox_retention: timedelta = timedelta(days=30)
    """How long a repeated message is recognised; shorter saves room."""
    resealing_interval: timedelta = timedelta(minutes=10)
    """How long after a walk over all accounts, while their key changes, the next begins: less reads more."""
    portal_users: Names = frozenset({"portal"})
    """The broker users with the rights of a portal."""
    operator_users: Names = frozenset({"operator"})
    """Those who may say what operators say, such as an approval: a portal among them approves itself."""
    registry_users: Names = frozenset({"registry"})
    """Those whose word it is that a citizen has died: any of them ends that citizen's PIN."""
    gateway_users: Names = frozenset({"gateway"})
    """Those who bring receipts of deliveries: any of them can make one count as failed, which ends a PIN."""

    def role_of(self, user: str) -> str | None:
        """Return the role of a broker user, or None for one that may say nothing."""
        if user in {"issuer", "notifier", "revoker", "dispositivo"}:
            return WORKER
        for role in ("portal", "operator", "registry", "gateway"):
            if user in getattr(self, f"{role}_users"):
                return role
        return None
