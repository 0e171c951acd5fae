"""The settings that every worker has."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainValidator

from shared.config.servers import AmqpSettings, DsnSettings
from shared.config.settings import Names, SecretSetting
from shared.contract.workers import WORKERS
from shared.crypto.signing import SenderKeys
from shared.worker.account_codec import OLDEST, SCHEMA
from shared.worker.tracing.settings import TraceSettings

SenderKeySetting = Annotated[
    SenderKeys,
    PlainValidator(lambda value: SenderKeys.read(value) if isinstance(value, str) else value),
]


class ProcessSettings(AmqpSettings):
    """What every process has, one without keys and ledger too."""

    amqp_url: SecretSetting
    """The worker's own user on the broker."""
    log_level: str = "info"
    """The lowest level that is logged: above `info` the lines by which alerts see the workers are gone."""
    health_host: str = "127.0.0.1"
    """Where /live and /ready are answered; in a cluster 0.0.0.0."""
    health_port: int = 0
    """0 answers nowhere."""
    publish_limit: timedelta = timedelta(seconds=30)
    """How long the broker may take to confirm: past that the session is given up and opened anew."""


class WorkerSettings(TraceSettings, DsnSettings, ProcessSettings):
    """Where the servers are and how the shell works."""

    ledger_dsn: SecretSetting
    """The worker's own role on the ledger."""
    keys_dir: Path
    """The keys this worker may have, and no others."""
    batch: int = 500
    """Commands in one transaction: more is faster under load, and repeats more after a crash. It is the most
    that is taken of what waits, and never waited for: one command that comes alone is decided alone.
    """
    linger: timedelta = timedelta(milliseconds=3)
    """How long a batch waits for more: longer makes fuller batches and slower first halves."""
    bundles: int = 2
    """Bundles in one batch of a channel: more keeps the channel busier, and repeats more after a crash."""
    bundle_size: int = 250
    """Deliveries in one bundle: a crash between sending and commit repeats at most `PIN_BUNDLES` of them,
    each delivery with the same content under the same `client_ref` or Message-ID.
    """
    outbox_lease: timedelta = timedelta(seconds=15)
    """How long a row of the outbox is left to the worker that wrote it, before the relay takes it."""
    relay_interval: timedelta = timedelta(seconds=1)
    """How often the relay looks for what is due: it bounds how late a delayed effect is."""
    blind_reply_after: timedelta = timedelta(milliseconds=150)
    """Blind replies, and what refuses a PIN, leave so long after the command came, whatever was done.

    Longer than an idle worker takes for any of them: it hides what was done.
    """
    inbox_retention: timedelta = timedelta(days=30)
    """How long a repeated message is recognised; shorter saves room."""
    resealing_interval: timedelta = timedelta(minutes=10)
    """How long after a walk over all accounts, while their key changes, the next begins: less reads more."""
    require_bound_seals: bool = False
    """Refuse PINs and tokens sealed in the first form, which whoever holds the queue can move to another
    message: a portal that still uses it can no longer log anybody in. Its citizens lose no attempt by it.
    """
    sign_messages: bool = False
    """Sign replies and events with `<user>-signing.key`: the key has to be there, and each message costs
    35 µs of CPU and 200 bytes more. Portals then know who answered, whatever became of the broker.
    """
    sender_keys: SenderKeySetting = SenderKeys()
    """Public keys (Ed25519, base64) of portals and others, as `user:key`. What such a user has not signed
    goes to `pin.dead`: enter a key once its owner signs everything. Two of one user are both good, so that
    a key can be changed. Each command costs 65 µs of CPU more. `pinctl keys sender` makes a pair.
    """
    require_signed_commands: bool = False
    """Take no command from outside without a signature: cuts off users without a key in `PIN_SENDER_KEYS`."""
    signature_window: timedelta = timedelta(days=7)
    """How old a signature may be, at most as old as `PIN_INBOX_RETENTION`. Longer gives more time to
    whoever holds back or replays commands; shorter refuses those that waited for a worker, or in `pin.dead`.
    """
    oldest_account_schema: int = Field(default=1, ge=OLDEST, le=SCHEMA)
    """The oldest form of a sealed account that is opened. With 2 nobody can put back an account from before
    its status and level were sealed; one that was not written since does not open (`account_unreadable`)."""
    portal_users: Names = frozenset({"portal"})
    """The broker users with the rights of a portal."""
    budget_per_portal_user: int = Field(default=0, ge=0)
    """Commands of one portal's user in an hour of the clock, past which `portal.over_budget` is published,
    once: each process of a lane counts what came to it. Nothing is refused, as that would fall on citizens
    who did nothing. 0 is none; choose it above the busiest hour.
    """
    operator_users: Names = frozenset({"operator"})
    """Those who may say what any operator says, such as an approval: a portal among them approves itself.

    They have both of the two roles that follow. Empty, every operator has one.
    """
    contact_centre_users: Names = frozenset()
    """Those of the contact centre alone: review, approval, faxes, signed requests, revocation (R8, R21, R25).

    A user of this list and of the next has both roles.
    """
    branch_users: Names = frozenset()
    """Those of the branches alone: lookup, activation, and recognition in person (R8, R26)."""
    registry_users: Names = frozenset({"registry"})
    """Those whose word it is that a citizen has died: any of them ends that citizen's PIN."""
    gateway_users: Names = frozenset({"gateway"})
    """Those who bring receipts of deliveries: any of them can make one count as failed, which ends a PIN."""
    supervisor_users: Names = frozenset({"supervisor"})
    """Those who may ask what a command led to. They are told of nobody."""

    def role_of(self, user: str) -> str | None:
        """Return the role of a broker user (a worker's is its own), or None for one that may say nothing."""
        if user in WORKERS:
            return user
        if user in self.contact_centre_users & self.branch_users and user not in self.portal_users:
            return "operator"
        for role in ("portal", "operator", "contact_centre", "branch", "registry", "gateway", "supervisor"):
            if user in getattr(self, f"{role}_users"):
                return role
        return None
