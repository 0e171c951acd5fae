"""The lanes of all processes, as these build them, without a server."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from services.dispositivo import __main__ as dispositivo
from services.dispositivo.backfill import DECISIONS as BACKFILL
from services.dispositivo.backfill import ledger_clerk
from services.issuer import __main__ as issuer
from services.notifier import __main__ as notifier
from services.revoker import __main__ as revoker
from shared.channels import CHANNELS
from shared.lifecycle import Lifecycle
from shared.sealing import Keys, make_keys
from shared.secret import Secret
from shared.worker.lane import Lane
from shared.worker.settings import WorkerSettings


@cache
def lanes() -> tuple[Lane, ...]:
    """Return every lane that there is, that of the backfill with them."""
    with TemporaryDirectory() as folder:
        make_keys(Path(folder))
        settings = WorkerSettings(amqp_url=Secret(""), ledger_dsn=Secret(""), keys_dir=Path(folder))
        life, keys = Lifecycle(), Keys(Path(folder))
        return (
            *(build(settings, life, keys) for build in issuer.LANES.values()),
            *(notifier.channel_lane(channel, settings, life, keys) for channel in CHANNELS),
            notifier.receipts_lane(settings, life, keys),
            revoker.lane(settings, life, keys),
            dispositivo.lane(settings, life, keys),
            ledger_clerk(settings, life, keys, BACKFILL).lane,
        )
