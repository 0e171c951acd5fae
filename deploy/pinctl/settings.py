"""The settings of `pinctl`; every command reads only those that it needs."""

from datetime import timedelta
from pathlib import Path

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
    """What a checkpoint covers."""

    checkpoint_margin: timedelta = timedelta(minutes=5)
    """How old an entry must be to be covered: longer than any clock is wrong and any transaction lasts.
    A smaller one covers more of the last minutes, and may call an entry forged that was only slow."""


class DeadSettings(Settings):
    """How long parked messages are kept."""

    dead_retention: Retention = timedelta(days=90)
    """What `pinctl dead expire` leaves in `pin.dead`: its messages show personal data. Longer keeps these for
    longer, shorter gives less time to mend a fault and replay; 0 keeps all."""
