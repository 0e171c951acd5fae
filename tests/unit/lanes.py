"""The lanes of all processes, as these build them, without a server."""

from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory

from services.dispositivo import __main__ as dispositivo
from services.dispositivo.backfill import DECISIONS as BACKFILL
from services.dispositivo.backfill import backfill_processor
from services.issuer import __main__ as issuer
from services.notifier import __main__ as notifier
from services.revoker import __main__ as revoker
from shared.contract.channels import CHANNELS
from shared.crypto.keys import Keys, make_keys
from shared.crypto.secret import Secret
from shared.domain.policy import PinPolicy
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings
from shared.worker.start import BuildLane

LANES: dict[str, BuildLane] = {
    **{f"issuer-{name}": build for name, build in issuer.LANES.items()},
    **{channel.worker: partial(notifier.channel_lane, channel) for channel in CHANNELS},
    "notifier-receipts": notifier.receipts_lane,
    "revoker": revoker.lane,
    "dispositivo": dispositivo.lane,
}
"""What builds the lane of each process, by the name under which it logs."""


@cache
def lanes() -> tuple[Lane, ...]:
    """Return every lane that there is, that of the backfill with them."""
    with TemporaryDirectory() as folder:
        make_keys(Path(folder))
        settings = WorkerSettings(amqp_url=Secret(""), ledger_dsn=Secret(""), keys_dir=Path(folder))
        policy, keys = PinPolicy(), Keys(Path(folder))
        return (
            *(build(settings, policy, keys) for build in LANES.values()),
            backfill_processor(settings, policy, keys, BACKFILL).lane,
        )
