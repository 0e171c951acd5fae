"""The settings of `pinctl`; every command reads only those that it needs."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from shared.config import plaintext
from shared.config.plaintext import Plaintext
from shared.config.servers import AmqpSettings, DsnSettings
from shared.config.settings import SecretSetting, Settings
from shared.domain.policy import Retention


class BrokerSettings(AmqpSettings):
    """Where the broker is."""

    amqp_url: SecretSetting
    """The broker user `pinctl`, who may read `pin.dead` and publish in another's name."""


class LedgerSettings(DsnSettings):
    """Where the ledger is."""

    ledger_dsn: SecretSetting
    """The role `pinctl`, which reads everything but sealed state and appends only what operators did."""


class OperatorSettings(Settings):
    """Who acts."""

    operator_name: str = ""
    """The person who replays or drops messages, for the ledger, where `--by` names nobody. A name that many
    share hides who it was."""


class KeySettings(Settings):
    """Where the keys are."""

    keys_dir: Path
    """`trace --codice-fiscale` needs `subject.key`, checkpoints `checkpoint.key` or `checkpoint.pub`."""


class CheckpointSettings(Settings):
    """What a checkpoint covers, and where it is kept."""

    checkpoint_margin: timedelta = timedelta(minutes=5)
    """How old an entry must be to be covered: longer than any clock is wrong and any transaction lasts.
    A smaller one covers more of the last minutes, and may call an entry forged that was only slow."""
    checkpoint_log: Path | None = None
    """The file that `ledger checkpoint` appends its line to, and that `ledger verify` compares with: on a
    volume that who administers the ledger cannot write. Without it a chain rewritten whole passes."""
    checkpoint_window: timedelta = timedelta(days=8)
    """`ledger verify` compares the checkpoints of that time, and of each month before it the last. It must be
    longer than the ledger ever stays unverified; each compared checkpoint takes a step a citizen."""
    cosigned_log: Path | None = None
    """The file of a second witness: `ledger cosign` appends to it, `ledger verify` compares it too."""
    cosigned_within: timedelta | None = None
    """If set, `ledger verify` demands a cosigned checkpoint not older than that. Then also who holds
    `checkpoint.key` cannot rewrite the past unseen; a witness that stops makes the verification fail."""

    @property
    def compares(self) -> bool:
        """Whether `ledger verify` compares anything by itself."""
        return self.checkpoint_log is not None or self.cosigned_within is not None


class ArchiveSettings(Settings):
    """How the entries of the ledger end."""

    archive_dir: Path | None = None
    """Where `ledger seal-month` writes the file of each month that it seals, and `ledger retire-month` looks
    for it. Keep the files as long as somebody may ask who did what: of months that have left there is no
    other trace."""
    entry_retention: Retention = timedelta(0)
    """How long a month that is over, sealed and in the archive stays in the ledger at least; then two persons
    may let it leave by `ledger retire-month`. 0: none ever leaves. Shorter keeps the ledger small, and lets
    `trace` and the nightly verification see less of the past."""


class OwnerSettings(Settings):
    """Who owns the ledger: no role may take anything out of it."""

    ledger_owner_dsn: SecretSetting
    """The ledger as its role `owner`, for `ledger retire-month` alone. Set it for that run: who has it can
    do anything to the ledger, and is found out by seals and checkpoints only."""

    def plaintext(self) -> Iterator[Plaintext]:
        """Yield the connection to the ledger, if it is not protected."""
        yield from super().plaintext()
        yield from plaintext.ledger("PIN_LEDGER_OWNER_DSN", self.ledger_owner_dsn.reveal())


class DeadSettings(Settings):
    """How long parked messages are kept."""

    dead_retention: Retention = timedelta(days=90)
    """What `pinctl dead expire` leaves in `pin.dead`: its messages show personal data. Longer keeps these for
    longer, shorter gives less time to mend a fault and replay; 0 keeps all."""
