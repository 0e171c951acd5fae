"""The settings of `pinctl`; every command reads only those that it needs."""

from datetime import timedelta
from pathlib import Path

from shared.config.settings import SecretSetting, Settings


class BrokerSettings(Settings):
    """Where the broker is."""

    amqp_url: SecretSetting
    """The broker user `pinctl`, who may read `pin.dead` and publish in another's name."""


class LedgerSettings(Settings):
    """Where the ledger is."""

    ledger_dsn: SecretSetting
    """The role `pinctl`, which reads everything but sealed state and changes nothing."""


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
