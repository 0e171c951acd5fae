"""`pinctl keys status`: what still needs an earlier key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.pinctl.answer import ATTENTION, OK, Answer
from deploy.pinctl.rotation import NAMES, OF_CHANNELS, holder, key_id_of
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from deploy.pinctl.tables import count, table
from shared.broker.admin import BrokerAdmin
from shared.contract.channels import CHANNELS
from shared.crypto.generations import Generations, Previous, key_id
from shared.crypto.keys import CHECKPOINT, COSIGNER, SIGNING, Keys
from shared.crypto.sealing import mark_of
from shared.errors import KeyFileError
from shared.ledger import Ledger

ROLL_OUT = timedelta(days=1)
"""How long after a promotion a worker may still write with the earlier key: it has to be restarted within."""


@dataclass(slots=True)
class Use:
    """What the ledger and the broker hold that needs each key, by its id; `""` is what names no key.

    Attributes:
        now: the instant of it.
        link_validity: how long a confirming link is open.
    """

    now: datetime
    link_validity: timedelta
    accounts: dict[str, int] = field(default_factory=dict)
    replies: dict[str, int] = field(default_factory=dict)
    pins: dict[str, int] = field(default_factory=dict)
    bundles: dict[str, int] = field(default_factory=dict)
    queued: dict[str, int] = field(default_factory=dict)
    """Bundles in the queue of each channel, by the name of its key."""


def present(folder: Path) -> dict[str, Generations]:
    """Return the generations of every key that is in a folder and can be changed."""
    keys, found = Keys(folder), {}
    for name in NAMES:
        if (folder / holder(name)).exists():
            found[name] = keys.generations(holder(name))
    return found


async def use_of(
    keys: Mapping[str, Generations],
    broker: BrokerSettings,
    ledger: LedgerSettings,
    link_validity: timedelta,
) -> Use:
    """Count what needs each key. It reads whole tables: some seconds a million citizens.

    Raises:
        BrokerLostError, LedgerLostError: the server is unavailable.
    """
    use = Use(datetime.now(UTC), link_validity)
    connection = await Ledger.open(ledger.ledger_dsn.reveal(), "pinctl", limit=10)
    try:
        async with connection.snapshot():
            await _of_ledger(keys, connection, use)
    finally:
        await connection.close()
    async with BrokerAdmin.open(broker.amqp_url.reveal(), broker.amqp_tls) as admin:
        for channel in CHANNELS:
            depth = await admin.depth(channel.queue)
            use.queued[channel.key] = depth.ready if depth else 0
    return use


async def _of_ledger(keys: Mapping[str, Generations], ledger: Ledger, use: Use) -> None:
    if "account" in keys:
        marks = {mark_of(key): key_id(key) for key in keys["account"].every}
        for row in await ledger.rows("keys_sealed", list(marks)):
            counted = use.accounts if row["stored"] == "account" else use.replies
            counted[marks[bytes(row["mark"])] if row["mark"] is not None else ""] = row["found"]
    use.pins |= {row["pepper"] or "": row["found"] for row in await ledger.rows("keys_peppers")}
    ids = [key_id_of(name, key) for name in OF_CHANNELS & keys.keys() for key in keys[name].every]
    use.bundles |= {row["key_id"]: row["found"] for row in await ledger.rows("keys_bundles", [*ids, ""])}


def needs(name: str, generations: Generations, use: Use) -> dict[str, list[str]]:
    """Return why each previous key is still needed, by its id; no reason if it is not."""
    return {
        key_id_of(name, one.key): _needs(name, one, use, oldest=one.key == generations.oldest)
        for one in generations.previous
    }


def _needs(name: str, one: Previous, use: Use, *, oldest: bool) -> list[str]:
    ours = [key_id_of(name, one.key), *([""] if oldest else [])]
    if name in {CHECKPOINT, COSIGNER}:
        return ["to verify the checkpoints signed with it, as long as they are kept"]
    reasons = [] if use.now - one.since >= ROLL_OUT else [f"current until {one.since:%Y-%m-%d %H:%M} UTC"]
    if name == "account":
        reasons += _counted(use.accounts, ours, "account") + _counted(use.replies, ours, "kept reply")
    elif name == "pepper":
        reasons += _counted(use.pins, ours, "PIN")
        if use.now - one.since < use.link_validity + ROLL_OUT:
            reasons.append("confirming links that may be open")
    elif name in OF_CHANNELS:
        reasons += _counted(use.bundles, ours, "bundle") + _counted(use.queued, [name], "queued bundle")
    elif name in SIGNING:
        reasons.append("any portal with messages signed with it that it has not read: ask, then --force")
    else:
        reasons.append(f"any portal without the new {name}.pub: key.earlier_used in the logs, then --force")
    return reasons


def _counted(found: Mapping[str, int], ids: list[str], what: str) -> list[str]:
    many = sum(found.get(one, 0) for one in ids)
    plural = "kept replies" if what == "kept reply" else ""
    return [count(many, what, plural)] if many else []


async def status(
    folder: Path, broker: BrokerSettings, ledger: LedgerSettings, link_validity: timedelta
) -> Answer:
    """List the generations of every key, and what still needs the previous ones."""
    keys = present(folder)
    if not keys:
        raise KeyFileError(f"{folder}: no key in it")
    use = await use_of(keys, broker, ledger, link_validity)
    rows: list[tuple[str, str, str, Any, str]] = []
    for name, generations in keys.items():
        reasons = needs(name, generations, use)
        rows.append((name, key_id_of(name, generations.current), "current", None, ""))
        if generations.coming is not None:
            rows.append((name, key_id_of(name, generations.coming), "next", None, "to be promoted"))
        for one in generations.previous:
            known = key_id_of(name, one.key)
            why = "; ".join(reasons[known]) or "nothing: it can be retired"
            rows.append((name, known, "previous", one.since, why))
    columns = ("key", "id", "is", "since", "needed_by")
    data = [dict(zip(columns, row, strict=True)) for row in rows]
    unknown = _strangers(keys, use)
    text = table(("key", "id", "is", "since", "needed by"), rows)
    return Answer(
        "\n".join((text, *unknown)), {"keys": data, "attention": unknown}, ATTENTION if unknown else OK
    )


def _strangers(keys: Mapping[str, Generations], use: Use) -> list[str]:
    """Return what needs a pepper that is not in the folder."""
    if "pepper" not in keys:
        return []
    known = {"", *(key_id(key) for key in keys["pepper"].every)}
    return [
        f"Attention: {count(many, 'PIN')} under the pepper {name}, which is not here: they open for nobody."
        for name, many in sorted(use.pins.items())
        if name not in known
    ]
