"""A stranger who names citizens of whom nothing is known leaves no row that stays, and learns nothing."""

from collections import Counter
from itertools import islice
from typing import Any

from deploy.local.sealed import ReplyKey, sealed
from deploy.local.stack import Stack
from tests.adversity.timing import CARD, strangers
from tests.kit.clients import portal
from tests.kit.logs import WorkerLog
from tests.kit.waiting import until

WORKERS = ("issuer-access", "revoker")
STRANGERS = 20
A_MONTH_PASSES = "update nobody set at = at - interval '31 days'"


def rows(stack: Stack, table: str) -> int:
    return int(stack.postgres.sql(f"select count(*) from {table}", stack.database))  # noqa: S608 - a test's own


def all_lines(logs: list[WorkerLog], number: int) -> list[dict[str, Any]]:
    """Return the lines of all messages, once there are so many."""
    lines = [line for log in logs for line in log.lines("message.handled")]
    return lines if len(lines) >= number else []


async def test_every_guess_at_nobody_is_forgotten(stack: Stack) -> None:
    """PINs, links and health cards, five of each of twenty citizens: no entry, and within a month no row."""
    logs = [WorkerLog(stack, worker) for worker in WORKERS]
    stack.start_workers(WORKERS)
    pin, token = sealed(stack.state, "issuer", "0" * 8), sealed(stack.state, "revoker", "0" * 40)
    initial, key = sealed(stack.state, "issuer", "0" * 16), ReplyKey().public
    async with portal(stack) as at_portal:
        for body in islice(strangers(), STRANGERS):
            who = {"codice_fiscale": body["codice_fiscale"]}
            two = {kind: body["contacts"][kind] for kind in ("mobile", "email")}
            guesses = [
                ("pin.verify", who | {"pin_sealed": pin}),
                ("pin.activate", who | {"pin_sealed": initial, "reply_key": key}),
                ("restore.request", who | {"contacts": two}),
                ("restore.confirm", who | {"token_sealed": token}),
                ("revoke.request", who | {"health_card": CARD, "email": "io@example.it"}),
                ("revoke.confirm", who | {"token_sealed": token}),
                ("pin.verify", who | {"pin_sealed": pin}),
                ("pin.verify", who | {"pin_sealed": pin}),
                ("pin.verify", who | {"pin_sealed": pin}),
                ("pin.verify", who | {"pin_sealed": pin}),
            ]
            codes = [(await at_portal.ask(type_, said))["code"] for type_, said in guesses]
            assert codes == [
                *("wrong_pin", "wrong_pin", "accepted", "link_invalid", "accepted", "link_invalid"),
                *("wrong_pin", "wrong_pin", "wrong_pin", "locked"),
            ]
    lines = await until(lambda: all_lines(logs, 10 * STRANGERS), "the last log line")
    logged = Counter((line["reason"], line["actor"]) for line in lines)
    assert logged == {
        ("", "portal"): 5 * STRANGERS,
        ("pin_locked", "portal"): STRANGERS,
        ("no_first_access", "portal"): STRANGERS,
        ("no_live_pin", "portal"): STRANGERS,
        ("no_link", "portal"): 2 * STRANGERS,
    }
    assert (rows(stack, "entry"), rows(stack, "account")) == (0, STRANGERS)
    stack.postgres.sql(A_MONTH_PASSES, stack.database)
    await until(lambda: rows(stack, "subject") == rows(stack, "account") == 0, "all guesses to be forgotten")
