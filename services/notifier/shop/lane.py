"""The parts of `notifier-post` where letters go to a print shop, and not into a folder."""

from datetime import UTC, datetime
from typing import Any

from services.notifier.channels.letter import prepare, typeset
from services.notifier.settings import NotifierSettings
from services.notifier.shop import Shop
from services.notifier.shop.closing import Closing
from services.notifier.shop.handing import Handing
from services.notifier.shop.keeping import KeepEffect
from services.notifier.shop.listening import Listening
from services.notifier.shop.settings import PrintJobSettings
from services.notifier.shop.upkeep import Rounds, ShopUpkeep
from services.notifier.shop.watching import Watching
from shared.crypto.sealing import BundleOpener
from shared.italy.working_days import WorkingDays
from shared.ledger import Ledger
from shared.worker.settings import WorkerSettings

_REST = 10.0
"""Seconds that a transaction may rest: making the plan of a day's jobs takes a small part of them."""


def print_shop(  # noqa: PLR0913, PLR0917 - one a part
    shop: Shop,
    jobs: PrintJobSettings,
    settings: NotifierSettings,
    worker: WorkerSettings,
    opener: BundleOpener,
    log: Any,  # noqa: ANN401 - structlog's
) -> tuple[KeepEffect, ShopUpkeep]:
    """Return the effect of the lane, which keeps letters, and what makes jobs of them beside it."""
    prepare()  # takes 0.3 s, which the first job would wait for
    days = WorkingDays(jobs.post_cut_off, jobs.post_holidays)
    rounds = Rounds(
        Closing(days, jobs, log),
        Handing(shop, opener, typeset, jobs, log),
        Listening(shop, lambda: days.of(datetime.now(UTC)), log),
        Watching(jobs, settings.spool_retention, log),
    )

    async def connect() -> Ledger:
        return await Ledger.open(worker.ledger_dsn.reveal(), "notifier-post-shop", rest=_REST, copied=True)

    upkeep = ShopUpkeep(rounds, connect, shop.close)
    return KeepEffect(opener, days, log, upkeep), upkeep
