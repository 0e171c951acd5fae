"""`pinctl status`: reports whether everything runs, and what waits too long."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.pinctl.answer import ATTENTION, OK, Answer
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from deploy.pinctl.tables import age, count, instant, table
from shared.broker.admin import BrokerAdmin, Depth
from shared.contract import topology
from shared.contract.channels import CHANNELS
from shared.errors import BrokerLostError, LedgerLostError
from shared.ledger import Ledger

LANES = (
    topology.ISSUER_REQUESTS,
    topology.ISSUER_ACCESS,
    topology.REVOKER,
    topology.DISPOSITIVO,
    *(channel.queue for channel in CHANNELS),
    topology.RECEIPTS,
)
"""The queues that a worker has to consume."""

LATE = 60.0
"""Seconds after which a row that is due and not published is worth a look: the relay sweeps each second."""

MOST_DUE = 10_000
"""Rows that are due are counted so far and no further: who has more needs no exact figure."""


AHEAD = timedelta(days=45)
"""How long the ledger must have months for: workers make them three ahead, and look every hour."""


@dataclass(slots=True)
class Found:
    """The state of both servers; None for one that is unavailable."""

    queues: Mapping[str, Depth | None] | None = None
    outbox: list[dict[str, Any]] | None = None
    accounts: list[dict[str, Any]] = field(default_factory=list)
    deliveries: list[dict[str, Any]] = field(default_factory=list)
    unreadable: int = 0
    """Citizens whose account did not open when it was last read."""
    months_until: datetime | None = None
    """Until when the ledger has months for entries."""
    strays: int = 0
    """Entries that have no month."""

    @property
    def lag(self) -> float:
        """The age in seconds of the oldest row that is due."""
        return max((row["lag"] for row in self.outbox or ()), default=0.0)

    def concerns(self) -> list[str]:
        """Return one sentence for each problem."""
        said = [] if self.queues is not None else ["the broker cannot be reached"]
        said += [] if self.outbox is not None else ["the ledger cannot be reached"]
        for name, depth in (self.queues or {}).items():
            said += _concerns(name, depth)
        said += [
            f"{row['worker']} has not published for {age(row['lag'])} what was due"
            for row in self.outbox or ()
            if row["lag"] > LATE
        ]
        if self.unreadable:
            said.append(f"{count(self.unreadable, 'citizen')} whose account does not open")
        if self.months_until and self.months_until < datetime.now(UTC) + AHEAD:
            said.append(f"the ledger has no month for entries from {instant(self.months_until)} on")
        if self.strays:
            said.append(f"{count(self.strays, 'entry is', 'entries are')} in no month")
        return said


def _concerns(name: str, depth: Depth | None) -> list[str]:
    if depth is None:
        return [f"there is no queue {name}"]
    if name == topology.DEAD:
        return [f"{count(depth.ready, 'message')} in {topology.DEAD}"] if depth.ready else []
    return [] if depth.consumers else [f"nobody consumes {name}"]


async def status(broker: BrokerSettings, ledger: LedgerSettings) -> Answer:
    """Query both servers; report one that is unavailable, and show the other."""
    found = Found()
    try:
        await _ask_broker(broker, found)
    except BrokerLostError:
        found.queues = None
    try:
        await _ask_ledger(ledger.ledger_dsn.reveal(), found)
    except LedgerLostError:
        found.outbox = None
    concerns = found.concerns()
    return Answer(_text(found, concerns), _data(found, concerns), ATTENTION if concerns else OK)


async def _ask_broker(broker: BrokerSettings, found: Found) -> None:
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as desk:
        found.queues = {name: await desk.depth(name) for name in (*LANES, topology.DEAD)}


async def _ask_ledger(dsn: str, found: Found) -> None:
    ledger = await Ledger.open(dsn, "pinctl")
    try:
        async with ledger.snapshot():
            found.outbox = [dict(row) for row in await ledger.rows("status_outbox", MOST_DUE)]
            found.accounts = [dict(row) for row in await ledger.rows("status_accounts")]
            found.deliveries = [dict(row) for row in await ledger.rows("status_deliveries")]
            found.unreadable = await ledger.value("status_unreadable")
            ((found.months_until, found.strays),) = await ledger.rows("status_months")
    finally:
        await ledger.close()


def _data(found: Found, concerns: list[str]) -> dict[str, Any]:
    queues = found.queues or {}
    return {
        "queues": [
            {"queue": name, "ready": depth and depth.ready, "consumers": depth and depth.consumers}
            for name, depth in queues.items()
        ],
        "dead": dead.ready if (dead := queues.get(topology.DEAD)) else None,
        "outbox": found.outbox,
        "lag": found.lag,
        "accounts": found.accounts,
        "deliveries": found.deliveries,
        "unreadable": found.unreadable,
        "months": {"until": found.months_until, "strays": found.strays},
        "attention": concerns,
    }


def _text(found: Found, concerns: list[str]) -> str:
    queues = [
        (name, depth.ready if depth else None, depth.consumers if depth else None)
        for name, depth in (found.queues or {}).items()
    ]
    outbox = [
        (row["worker"], _due(row), age(row["lag"]), _later(row), row["next_at"]) for row in found.outbox or ()
    ]
    accounts = [(row["status"], row["level"], row["accounts"]) for row in found.accounts]
    deliveries = [(row["channel"], row["status"], row["deliveries"]) for row in found.deliveries]
    return "\n".join(
        (
            "Queues",
            table(("queue", "ready", "consumers"), queues),
            "Outbox",
            table(("worker", "due", "oldest", "later", "next"), outbox),
            "Accounts",
            table(("status", "level", "citizens"), accounts),
            "Deliveries in the last 24 hours",
            table(("channel", "status", "deliveries"), deliveries),
            f"Attention: {'; '.join(concerns)}." if concerns else "Nothing needs attention.",
        )
    )


def _due(row: Mapping[str, Any]) -> int | str:
    return f"{MOST_DUE:,} or more" if row["due"] >= MOST_DUE else int(row["due"])


def _later(row: Mapping[str, Any]) -> int | str:
    """Return the number of rows due later; unknown if the rows were not counted."""
    return f"at most {row['later']:,}" if row["due"] >= MOST_DUE else int(row["later"])
