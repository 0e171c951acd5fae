"""The operator's command line, on real servers."""

import asyncio
import json
import subprocess
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aio_pika
import asyncpg
import pytest

from deploy.errors import PinctlError
from deploy.local.citizens import PLAIN, citizens
from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.pinctl.acts import ACTOR, OPERATORS, WRITER
from deploy.pinctl.answer import Answer
from deploy.pinctl.commands import parser, run
from shared.broker.admin import BrokerAdmin, DeadLetter, DeadLetters
from shared.contract.topology import DEAD
from shared.crypto.keys import Keys, make_cosigner
from shared.crypto.sealing import Pseudonyms
from shared.errors import BrokerLostError, LedgerLostError, LedgerRefusedError
from shared.ledger import QUERIES, Ledger
from shared.ledger.chain import GENESIS, link
from tests.kit.clients import portal

COUNTS = {
    "account": "select count(*) from account",
    "delivery": "select count(*) from delivery",
    "entry": "select count(*) from entry",
    # One row holds many messages, so only what is due soon tells whether something is on its way.
    "on its way": "select count(*) from outbox where due_at < now() + interval '1 hour'",
}


PERSON = "Giulia Ferri"


async def pinctl(stack: Stack, *words: str, **settings: str) -> Answer:
    own = {"PIN_OPERATOR_NAME": PERSON}
    return await run(parser().parse_args(words), stack.env | own | settings)


def wrapper(stack: Stack, *words: str, typed: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CHECKOUT / "pinctl", *words],
        env=environment(stack.env),
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


async def ask_for_pins(stack: Stack, number: int) -> list[tuple[str, str]]:
    """Publish requests; return the message id and the codice fiscale of each."""
    asked: list[tuple[str, str]] = []
    async with portal(stack) as client:
        for _, body in citizens(number, kinds=(PLAIN,)):
            own = f"portal-{len(asked)}"
            message_id = await client.publish("pin.request", body, correlation_id=own, reply_to=None)
            asked.append((message_id, body["codice_fiscale"]))
    return asked


def counted(stack: Stack, what: str) -> int:
    return int(stack.postgres.sql(COUNTS[what], stack.database))


async def issued(stack: Stack, number: int) -> list[tuple[str, str]]:
    asked = await ask_for_pins(stack, number)
    await until(lambda: counted(stack, "account") == number, "all PINs issued")
    return asked


async def until(condition: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(wait_for, condition, 20, what)


def subject_of(stack: Stack, codice_fiscale: str) -> str:
    keys = Keys(Path(stack.env["PIN_KEYS_DIR"]))
    return Pseudonyms(keys.symmetric("subject")).of(codice_fiscale).hex()


# status


async def test_status_shows_what_runs_and_says_what_does_not(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    await issued(stack, 3)
    answer = await pinctl(stack, "status")
    queues = {row["queue"]: row for row in answer.data["queues"]}
    assert queues["issuer.requests"] == {"queue": "issuer.requests", "ready": 0, "consumers": 1}
    assert queues["revoker.commands"]["consumers"] == 0
    assert answer.data["accounts"] == [{"status": "issued", "level": "online", "accounts": 3}]
    assert [(row["worker"], row["due"]) for row in answer.data["outbox"]] == [("issuer", 0)]
    assert answer.data["outbox"][0]["later"] >= 1, "the ends of the PINs' lives wait"
    assert "nobody consumes revoker.commands" in answer.data["attention"]
    assert "nobody consumes issuer.requests" not in answer.data["attention"]
    assert answer.status == 1
    assert answer.text.splitlines()[-1].startswith("Attention: ")


async def test_status_counts_the_deliveries_of_the_day(stack: Stack) -> None:
    stack.start_workers(["issuer", "notifier-sms"])
    await issued(stack, 3)
    await until(lambda: counted(stack, "delivery") == 3, "three SMS recorded")
    answer = await pinctl(stack, "status")
    assert answer.data["deliveries"] == [{"channel": "sms", "status": "sent", "deliveries": 3}]


async def test_status_shows_one_server_when_the_other_is_away(stack: Stack) -> None:
    answer = await pinctl(stack, "status", PIN_LEDGER_DSN="postgresql://127.0.0.1:1/none")
    assert "the ledger cannot be reached" in answer.data["attention"]
    assert len(answer.data["queues"]) == 10


async def test_a_server_that_is_away_is_an_error_of_its_own(stack: Stack) -> None:
    with pytest.raises(LedgerLostError):
        await pinctl(stack, "ledger", "verify", PIN_LEDGER_DSN="postgresql://127.0.0.1:1/none")
    with pytest.raises(BrokerLostError):
        await pinctl(stack, "dead", "list", PIN_AMQP_URL="amqp://127.0.0.1:1/")


# trace


async def test_an_issued_pin_is_traced_by_every_id_it_has(stack: Stack) -> None:
    stack.start_workers(["issuer", "notifier-sms"])
    asked = await issued(stack, 2)
    await until(lambda: counted(stack, "delivery") == 2, "two SMS recorded")
    await until(lambda: counted(stack, "entry") == 4, "two PINs issued and two SMS reported")
    await until(lambda: counted(stack, "on its way") == 0, "all published but the ends of both PINs' lives")
    (message_id, codice_fiscale), subject = asked[1], subject_of(stack, asked[1][1])
    by_message = await pinctl(stack, "trace", message_id)
    timeline = by_message.data["timeline"]
    assert by_message.data["subjects"] == [subject]
    assert {row["subject"] for row in timeline if row["source"] in {"entry", "delivery"}} == {subject}
    assert [row["what"] for row in timeline if row["source"] == "entry"] == ["pin.issued", "delivery.sent"]
    assert [row["what"] for row in timeline if row["source"] == "delivery"] == ["delivery is sent"]
    assert [row["at"] for row in timeline] == sorted(row["at"] for row in timeline)
    entries = [row for row in timeline if row["source"] != "inbox"]
    by_correlation = (await pinctl(stack, "trace", "portal-1")).data["timeline"]
    assert [row for row in by_correlation if row["source"] != "inbox"] == entries
    delivery_id = next(row for row in timeline if row["source"] == "delivery")["details"]["delivery_id"]
    by_delivery = (await pinctl(stack, "trace", delivery_id)).data["timeline"]
    assert [row for row in by_delivery if row["source"] != "inbox"] == entries
    assert codice_fiscale not in by_message.text


async def test_the_whole_life_of_a_citizen_is_traced_with_what_is_still_to_come(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    ((message_id, codice_fiscale),) = await issued(stack, 1)
    await until(lambda: counted(stack, "on its way") == 0, "all published but the end of the PIN's life")
    subject = subject_of(stack, codice_fiscale)
    by_subject = await pinctl(stack, "trace", "--subject", subject)
    whats = [row["what"] for row in by_subject.data["timeline"]]
    assert whats == ["pin.issued", "internal.issuer.expire is due"]
    assert (await pinctl(stack, "trace", message_id, "--life")).data == by_subject.data
    asked = await asyncio.to_thread(
        wrapper, stack, "trace", "--codice-fiscale", "--json", typed=f"{codice_fiscale.lower()}\n"
    )
    assert [row["what"] for row in json.loads(asked.stdout)["timeline"]] == whats
    assert codice_fiscale not in asked.stdout + asked.stderr


async def test_what_is_to_come_is_found_whoever_made_it(stack: Stack) -> None:
    """Rows of older workers have no instant; retried rows without an entry are due soon."""
    stack.start_workers(["issuer"])
    ((message_id, codice_fiscale),) = await issued(stack, 1)
    await until(lambda: counted(stack, "on its way") == 0, "all published but the end of the PIN's life")
    stack.stop_workers()
    subject = subject_of(stack, codice_fiscale)
    expected = (await pinctl(stack, "trace", "--subject", subject)).data
    stack.postgres.sql("update outbox set made_at = null", stack.database)
    assert (await pinctl(stack, "trace", "--subject", subject)).data == expected
    soon = "update outbox set made_at = now(), due_at = now() + interval '3 minutes'"
    stack.postgres.sql(soon, stack.database)
    rows = (await pinctl(stack, "trace", message_id)).data["timeline"]
    assert "internal.issuer.expire is due" in [row["what"] for row in rows]


async def test_an_id_that_nobody_knows_is_said_to_be_unknown(stack: Stack) -> None:
    for words in (["nobody"], [str(uuid.uuid4())], ["--subject", "ab" * 16]):
        with pytest.raises(PinctlError, match=r"known|knows") as raised:
            await pinctl(stack, "trace", *words)
        assert raised.value.status == 4


# dead


async def put_dead(stack: Stack, number: int, *, by: str = "issuer", **changes: str | int) -> list[str]:
    """Park messages in pin.dead as a worker does; return their message ids."""
    ids = []
    async with await aio_pika.connect(stack.rabbitmq.url(by)) as connection:
        exchange = await (await connection.channel()).get_exchange(DEAD, ensure=False)
        for i in range(number):
            headers = {"x-reason": "not_json", "x-queue": "issuer.requests", "x-routing-key": "pin.request"}
            message = aio_pika.Message(
                f"body {i}".encode(),
                type="pin.request",
                message_id=str(uuid.uuid4()),
                correlation_id=f"c-{i}",
                user_id=by,
                headers={**headers, "x-user-id": "portal", "x-reply-to": "reply.portal.1", **changes},
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            )
            await exchange.publish(message, "", mandatory=True, timeout=5)
            ids.append(str(message.message_id))
    return ids


async def dead_ids(stack: Stack) -> list[str]:
    return [
        row["message_id"] for row in (await pinctl(stack, "dead", "list", "--limit", "1000")).data["dead"]
    ]


async def come_to(stack: Stack, ids: list[str]) -> None:
    """Wait until these are in pin.dead: messages return to the queue shortly after being read."""
    await until(lambda: asyncio.run(dead_ids(stack)) == ids, f"{len(ids)} dead")


def waiting(stack: Stack) -> int:
    """Return how many messages wait in the lane of requests."""
    (row,) = (
        row
        for row in asyncio.run(pinctl(stack, "status")).data["queues"]
        if row["queue"] == "issuer.requests"
    )
    return int(row["ready"])


async def taken(stack: Stack, queue: str) -> list[aio_pika.abc.AbstractIncomingMessage]:
    async with await aio_pika.connect(stack.rabbitmq.url("admin")) as connection:
        lane = await (await connection.channel()).get_queue(queue)
        found = []
        while message := await lane.get(fail=False, no_ack=True, timeout=5):
            found.append(message)
        return found


async def test_looking_at_dead_messages_leaves_them_in_their_order(stack: Stack) -> None:
    ids = await put_dead(stack, 5)
    await come_to(stack, ids)
    first = (await pinctl(stack, "dead", "list", "--limit", "2")).data
    assert ([row["message_id"] for row in first["dead"]], first["total"]) == (ids[:2], 5)
    assert (await pinctl(stack, "dead", "show", "4")).data["dead"][0]["message_id"] == ids[3]
    await come_to(stack, ids)


async def test_a_body_is_shown_only_when_asked_for(stack: Stack) -> None:
    ids = await put_dead(stack, 2)
    without = await pinctl(stack, "dead", "show", ids[1])
    assert "body 1" not in without.text + str(without.data)
    assert without.data["dead"][0]["reason"] == "not_json"
    assert "body 1" in (await pinctl(stack, "dead", "show", ids[1], "--body")).text


async def test_a_replayed_message_is_in_its_lane_as_its_sender_sent_it(stack: Stack) -> None:
    ids = await put_dead(stack, 3, traceparent="00-1-2-01")
    answer = await pinctl(stack, "dead", "replay", ids[1])
    assert [row["message_id"] for row in answer.data["replayed"]] == [ids[1]]
    await come_to(stack, [ids[0], ids[2]])
    (message,) = await taken(stack, "issuer.requests")
    assert (message.message_id, message.body, message.type) == (ids[1], b"body 1", "pin.request")
    assert (message.user_id, message.correlation_id, message.reply_to) == ("portal", "c-1", "reply.portal.1")
    assert message.headers["traceparent"] == "00-1-2-01"
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT


async def test_all_are_replayed_in_their_order_and_none_is_lost(stack: Stack) -> None:
    ids = await put_dead(stack, 20)
    assert len((await pinctl(stack, "dead", "replay", "--all")).data["replayed"]) == 20
    await come_to(stack, [])
    assert [message.message_id for message in await taken(stack, "issuer.requests")] == ids


async def test_a_replay_that_is_killed_loses_nothing(stack: Stack) -> None:
    ids = await put_dead(stack, 100)
    replaying = await asyncio.create_subprocess_exec(
        CHECKOUT / "pinctl", "dead", "replay", "--all", "--by", PERSON, env=environment(stack.env)
    )
    async with await aio_pika.connect(stack.rabbitmq.url("admin")) as connection:
        lane = await (await connection.channel()).get_queue("issuer.requests")
        first = await lane.iterator(timeout=20).__anext__()
        replaying.kill()
        await replaying.wait()
        await first.nack()
    await until(lambda: len(asyncio.run(dead_ids(stack))) >= len(ids) - waiting(stack), "all back")
    replayed = [str(message.message_id) for message in await taken(stack, "issuer.requests")]
    assert set(replayed) | set(await dead_ids(stack)) == set(ids)
    assert len(replayed) == len(set(replayed))


async def test_messages_that_die_again_are_replayed_once(stack: Stack) -> None:
    ids = await put_dead(stack, 5)
    stack.start_workers(["issuer"])
    answer = await pinctl(stack, "dead", "replay", "--all")
    assert len(answer.data["replayed"]) == 5

    await until(lambda: sorted(asyncio.run(dead_ids(stack))) == sorted(ids), "all dead again")


async def test_a_message_without_a_lane_stays(stack: Stack) -> None:
    ids = await put_dead(stack, 1) + await put_dead(stack, 1, by="issuer", **{"x-queue": "no.such.lane"})
    ids += await put_dead(stack, 1, by="issuer", **{"x-queue": ""})
    answer = await pinctl(stack, "dead", "replay", "--all")
    assert answer.status == 1
    await come_to(stack, ids[1:])
    assert len(await taken(stack, "issuer.requests")) == 1


async def test_dropping_needs_a_yes_and_says_what_goes(stack: Stack) -> None:
    ids = await put_dead(stack, 3)
    refused = await pinctl(stack, "dead", "drop", "--all")
    assert (refused.status, refused.text.count("not_json")) == (2, 3)
    await come_to(stack, ids)
    dropped = await pinctl(stack, "dead", "drop", "1", ids[2], "--yes")
    assert ids[0] in dropped.text
    assert ids[2] in dropped.text
    await come_to(stack, [ids[1]])


def parked(days: float) -> dict[str, int]:
    at = datetime.now(UTC) - timedelta(days=days)
    return {"timestamp_in_ms": int(at.timestamp() * 1000)}


async def test_what_was_parked_long_ago_goes_with_a_line_each_and_the_rest_stays_in_its_order(
    stack: Stack,
) -> None:
    old = await put_dead(stack, 2, by="issuer", **parked(91))
    late, timeless = await put_dead(stack, 1, by="issuer", **parked(89)), await put_dead(stack, 1)
    odd = await put_dead(stack, 1, timestamp_in_ms="long ago")
    done = await asyncio.to_thread(wrapper, stack, "dead", "expire")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    gone = [line for line in lines if line["event"] == "dead.expired"]
    assert [line["message_id"] for line in gone] == old
    assert {line["reason"] for line in gone} == {"not_json"}
    assert "body" not in done.stdout
    assert {name: lines[-1][name] for name in ("expired", "stayed", "without_time")} == {
        "expired": 2,
        "stayed": 3,
        "without_time": 2,
    }
    await come_to(stack, late + timeless + odd)
    assert (await pinctl(stack, "dead", "expire", "--older-than", "PT0S")).data["expired"] == 0
    assert (await pinctl(stack, "dead", "expire", "--older-than", "P30D")).data["expired"] == 1
    await come_to(stack, timeless + odd)


async def test_an_expiry_that_is_killed_has_logged_what_it_removed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await put_dead(stack, 3, by="issuer", **parked(91))
    drop = DeadLetters.drop
    dropped: list[str] = []

    async def killed(letter: DeadLetter) -> None:
        if dropped:
            raise OSError("killed")
        dropped.append(letter.message_id)
        await drop(letter)

    monkeypatch.setattr(DeadLetters, "drop", staticmethod(killed))
    with pytest.raises(BrokerLostError):
        await pinctl(stack, "dead", "expire")
    monkeypatch.undo()
    await come_to(stack, ids[1:])
    assert dropped == ids[:1]


async def test_a_worker_says_when_it_parked_a_message(stack: Stack) -> None:
    stack.start_workers(["issuer", "notifier-receipts"])
    before = datetime.now(UTC) - timedelta(seconds=5)
    async with portal(stack) as client:
        await client.publish("pin.request", b"no json", reply_to=None)
    await until(lambda: len(asyncio.run(dead_ids(stack))) == 1, "parked")
    async with BrokerAdmin.open(stack.rabbitmq.url("pinctl")) as desk, desk.dead() as dead:
        times = [letter.parked_at async for letter in dead.letters()]
    assert [at is not None and before < at < datetime.now(UTC) + timedelta(seconds=5) for at in times] == [
        True
    ]


async def test_a_message_that_is_not_there_is_said_to_be_missing(stack: Stack) -> None:
    (message_id,) = await put_dead(stack, 1)
    answer = await pinctl(stack, "dead", "replay", "7", message_id)
    assert (answer.data["missing"], answer.status) == (["7"], 4)
    with pytest.raises(PinctlError, match=r"Not in pin\.dead: 1"):
        await pinctl(stack, "dead", "show", "1")
    with pytest.raises(PinctlError, match="or say --all"):
        await pinctl(stack, "dead", "replay")


async def test_what_another_than_its_worker_parked_is_forged_and_is_not_replayed(stack: Stack) -> None:
    """Whoever reaches pin.dead could give itself an operator's name there."""
    claimed = {"x-queue": "dispositivo.commands", "x-user-id": "operator", "x-reason": "not_json"}
    ids = await put_dead(stack, 1, by="notifier", **claimed)
    ids += await put_dead(stack, 1, by="dispositivo", **{**claimed, "x-queue": "no.such.lane"})
    async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as connection:
        nameless = aio_pika.Message(b"{}", message_id=str(uuid.uuid4()), headers=dict(claimed))
        dead = await (await connection.channel()).get_exchange(DEAD, ensure=False)
        await dead.publish(nameless, "", mandatory=True, timeout=5)
        ids.append(str(nameless.message_id))
    await come_to(stack, ids)
    listed = await pinctl(stack, "dead", "list")
    assert [(row["reason"], row["queue"], row["user_id"]) for row in listed.data["dead"]] == [
        ("forged", "", "notifier"),
        ("forged", "", "dispositivo"),
        ("forged", "", ""),
    ]
    assert "forged" in listed.text
    answer = await pinctl(stack, "dead", "replay", "--all")
    assert (answer.status, answer.data["replayed"]) == (1, [])
    await come_to(stack, ids)
    assert await taken(stack, "dispositivo.commands") == []
    assert (await pinctl(stack, "dead", "show", ids[0], "--body")).data["dead"][0]["body"] == "body 0"
    assert len((await pinctl(stack, "dead", "drop", "--all", "--yes")).data["dropped"]) == 3


async def test_a_replay_or_a_drop_is_an_entry_with_the_person_who_did_it(stack: Stack) -> None:
    ids = await put_dead(stack, 2)
    await put_dead(stack, 1, by="notifier")
    await pinctl(stack, "dead", "replay", ids[0], "--by", "  Ada Neri ")
    await pinctl(stack, "dead", "drop", ids[1], "3", "--yes")
    rows = stack.postgres.sql(
        "select seq, kind, message_id, actor, data from entry"
        " where subject = decode(repeat('00', 16), 'hex') order by seq",
        stack.database,
    )
    entries = [row.split("|", 4) for row in rows.splitlines()]
    assert [entry[:4] for entry in entries] == [
        ["1", "dead.replayed", ids[0], "pinctl"],
        ["2", "dead.dropped", ids[1], "pinctl"],
    ]
    facts = {"type": "pin.request", "queue": "issuer.requests", "sender": "portal"}
    assert [json.loads(entry[4]) for entry in entries] == [
        {"message_id": ids[0], **facts, "operator": "Ada Neri"},
        {"message_id": ids[1], **facts, "operator": PERSON},
    ]
    traced = await pinctl(stack, "trace", "--subject", "00" * 16)
    assert [row["what"] for row in traced.data["timeline"]] == ["dead.replayed", "dead.dropped"]
    answer = await pinctl(stack, "ledger", "verify")
    assert (answer.status, answer.data["entries"]) == (0, 2)
    stack.postgres.sql(
        "set session_replication_role = replica; update entry set data = replace(data, 'Ada', 'Eva')",
        stack.database,
    )
    assert (await pinctl(stack, "ledger", "verify")).status == 1


async def test_nothing_moves_that_is_not_recorded(stack: Stack) -> None:
    ids = await put_dead(stack, 2)
    acts = (("dead", "replay", "--all"), ("dead", "drop", "--all", "--yes"))
    for words in acts:
        with pytest.raises(PinctlError, match="--by PERSON"):
            await pinctl(stack, *words, PIN_OPERATOR_NAME=" ")
        with pytest.raises(PinctlError, match="printable"):
            await pinctl(stack, *words, "--by", "Ada\x1fNeri")
        with pytest.raises(LedgerLostError):
            await pinctl(stack, *words, PIN_LEDGER_DSN="postgresql://pinctl@127.0.0.1:1/none")
    stack.postgres.sql("revoke execute on function lock_subjects(bytea[]) from pinctl", stack.database)
    for words in acts:
        with pytest.raises(LedgerLostError):
            await pinctl(stack, *words)
    await come_to(stack, ids)
    assert await taken(stack, "issuer.requests") == []


@pytest.mark.parametrize(
    ("kind", "chain"), [("pin.revoked", OPERATORS), ("dead.dropped", b"c" * 16)], ids=["kind", "chain"]
)
async def test_pinctl_appends_acts_of_operators_to_their_chain_and_nothing_else(
    stack: Stack, kind: str, chain: bytes
) -> None:
    ledger = await Ledger.open(stack.postgres.dsn("pinctl", stack.database), "tests")
    row = (chain, 1, datetime.now(UTC), kind, None, ACTOR, "", "{}")
    linked = (*row, None, link(GENESIS, *row, WRITER))
    await ledger.value("add_subjects", [chain])
    with pytest.raises(LedgerRefusedError):
        await ledger.run("add_entries", *([value] for value in linked))
    await ledger.close()


# ledger

TAMPERINGS = {
    "a changed entry": ("update entry set data = '{}' where subject = {s} and seq = 1", "entry_changed"),
    "a removed tail": ("delete from entry where subject = {s}", "tail_missing"),
    "a removed head": ("delete from subject where key = {s}", "head_missing"),
    "a changed head": ("update subject set head = sha256('x') where key = {s}", "head_changed"),
    "a head set back": ("update subject set entries = 0 where key = {s}", "head_behind"),
}

REMOVALS = (
    "delete from account where subject = {s}",
    "delete from entry where subject = {s}",
    "delete from subject where key = {s}",
)


def tamper(stack: Stack, statement: str, codice_fiscale: str) -> None:
    """Change append-only rows, as only a superuser can."""
    key = f"'\\x{subject_of(stack, codice_fiscale)}'::bytea"
    sql = f"set session_replication_role = replica; {statement.replace('{s}', key)};"
    stack.postgres.sql(sql, stack.database)


async def test_an_untouched_ledger_is_whole(stack: Stack) -> None:
    stack.start_workers(["issuer", "notifier-sms"])
    await issued(stack, 20)
    await until(lambda: counted(stack, "delivery") == 20, "all SMS recorded")
    answer = await pinctl(stack, "ledger", "verify")
    assert (answer.status, answer.data["broken"]) == (0, 0)
    assert (answer.data["subjects"], answer.data["entries"]) == (20, 40)


@pytest.mark.parametrize("tampering", TAMPERINGS)
async def test_what_a_superuser_changes_shows_at_that_citizen_alone(stack: Stack, tampering: str) -> None:
    stack.start_workers(["issuer"])
    asked = await issued(stack, 3)
    statement, kind = TAMPERINGS[tampering]
    tamper(stack, statement, asked[1][1])
    answer = await pinctl(stack, "ledger", "verify")
    guilty = subject_of(stack, asked[1][1])
    assert [(b["subject"], b["kind"]) for b in answer.data["breaks"]] == [(guilty, kind)]
    assert answer.status == 1
    assert (await pinctl(stack, "ledger", "verify", "--subject", guilty)).status == 1
    innocent = subject_of(stack, asked[0][1])
    assert (await pinctl(stack, "ledger", "verify", "--subject", innocent)).status == 0


HEADS_BY_ENTRIES = """
    select distinct on (subject) subject, seq, hash from entry where at <= $1
    order by subject, seq desc
"""


async def test_a_checkpoint_is_what_the_entries_say_whoever_moved_since(stack: Stack) -> None:
    """Also if a clock was behind, or a citizen was added to the ledger later."""
    ledger = await asyncpg.connect(stack.postgres.dsn("postgres", stack.database))
    await ledger.execute(
        "set session_replication_role = replica;"
        " insert into entry (subject, seq, at, kind, actor, correlation_id, data, hash)"
        " select substring(sha256(int4send(n)), 1, 16), seq, now() - random() * interval '10 minutes',"
        "        'k', 'a', 'c', '{}', sha256(int8send(n * 100 + seq))"
        " from generate_series(1, 500) as n, generate_series(1, n % 7) as seq;"
        " insert into subject (key, entries, head)"
        " select substring(sha256(int4send(n)), 1, 16), n % 7,"
        "        case n % 7 when 0 then sha256('') else sha256(int8send(n * 100 + n % 7)) end"
        " from generate_series(1, 500) as n"
    )
    for minutes in (-1, 0, 1, 5, 9, 20):
        at = datetime.now(UTC) - timedelta(minutes=minutes)
        expected = [tuple(row) for row in await ledger.fetch(HEADS_BY_ENTRIES, at)]
        assert [tuple(row) for row in await ledger.fetch(QUERIES["checkpoint_heads"], at)] == expected
    await ledger.close()


async def test_a_citizen_removed_without_a_trace_shows_against_a_checkpoint(
    stack: Stack, tmp_path: Path
) -> None:
    stack.settings["PIN_CHECKPOINT_MARGIN"] = "PT0S"
    stack.start_workers(["issuer"])
    asked = await issued(stack, 3)
    log = tmp_path / "log"
    for _ in range(2):
        done = await asyncio.to_thread(wrapper, stack, "ledger", "checkpoint")
        assert done.stdout.count("\n") == 1
        with log.open("a") as lines:
            lines.write(f'{{"event": "something.else"}}\n{done.stdout}')
    verify = ("ledger", "verify", "--checkpoints", str(log))
    assert len((await pinctl(stack, *verify)).data["checkpoints"]) == 2
    assert (await pinctl(stack, *verify)).status == 0
    for statement in REMOVALS:
        tamper(stack, statement, asked[0][1])
    assert (await pinctl(stack, "ledger", "verify")).status == 0, "the chains that are left are whole"
    answer = await pinctl(stack, *verify)
    assert answer.status == 1
    assert all(
        "3 entries of 3 citizens" in fault for c in answer.data["checkpoints"] for fault in c["faults"]
    )


CUTS = {
    "a tail that was cut": (
        "delete from entry where subject = {s} and seq > 1; update subject set entries = 1, head ="
        " (select hash from entry where subject = {s}) where key = {s};"
        " delete from account where subject = {s}"
    ),
    "a citizen who is gone": "; ".join(REMOVALS),
    "a chain that was replaced whole": (
        "update entry set hash = sha256(hash) where subject = {s};"
        " update subject set head = (select hash from entry where subject = {s} order by seq desc limit 1)"
        " where key = {s}"
    ),
}


@pytest.mark.parametrize("cut", CUTS)
async def test_what_runs_every_night_finds_what_the_ledger_alone_hides(
    stack: Stack, tmp_path: Path, cut: str
) -> None:
    """With the settings as shipped: a log of checkpoints, and a cosigner's."""
    log, cosigned = tmp_path / "log", tmp_path / "cosigned"
    stack.settings |= {"PIN_CHECKPOINT_MARGIN": "PT0S", "PIN_CHECKPOINT_LOG": str(log)}
    stack.settings["PIN_COSIGNED_LOG"] = str(cosigned)
    make_cosigner(stack.state / "keys")
    stack.start_workers(["issuer", "notifier-sms"])
    asked = await issued(stack, 3)
    await until(lambda: counted(stack, "delivery") == 3, "all SMS recorded")
    stack.stop_workers()
    for action in ("checkpoint", "cosign"):
        assert (await asyncio.to_thread(wrapper, stack, "ledger", action)).returncode == 0
    assert (await pinctl(stack, "ledger", "cosign")).text.startswith("Nothing is newer than")
    sound = await pinctl(stack, "ledger", "verify", PIN_COSIGNED_WITHIN="PT1H")
    assert (sound.status, sound.text.splitlines()[-1]) == (0, "The ledger is sound.")
    tamper(stack, CUTS[cut], asked[0][1])
    answer = await pinctl(stack, "ledger", "verify")
    assert answer.status == 1
    assert "2 of 2 checkpoints do not hold:" in answer.text.splitlines()
    hourly = await asyncio.to_thread(wrapper, stack, "ledger", "checkpoint")
    assert (hourly.returncode, "1 of 1 checkpoint do not hold:" in hourly.stdout) == (1, True)
    refused = await pinctl(stack, "ledger", "cosign")
    assert (refused.status, cosigned.read_text().count("\n")) == (1, 1), "no witness signs what was rewritten"


async def test_a_log_without_a_checkpoint_is_no_sound_ledger(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(PinctlError, match="No such file"):
        await pinctl(stack, "ledger", "verify", PIN_CHECKPOINT_LOG=str(tmp_path / "log"))


async def test_a_log_without_a_checkpoint_gets_one(stack: Stack, tmp_path: Path) -> None:
    """An empty one, or one in which months were sealed first; and that of the witness likewise."""
    log, cosigned = tmp_path / "log", tmp_path / "cosigned"
    for one in (log, cosigned):
        one.write_text('{"event": "ledger.another"}\n')
    stack.settings |= {"PIN_CHECKPOINT_MARGIN": "PT0S", "PIN_CHECKPOINT_LOG": str(log)}
    stack.settings["PIN_COSIGNED_LOG"] = str(cosigned)
    make_cosigner(stack.state / "keys")
    for action in ("checkpoint", "cosign"):
        done = await asyncio.to_thread(wrapper, stack, "ledger", action)
        assert done.returncode == 0, done.stderr
    assert ['"ledger.checkpoint"' in log.read_text(), '"ledger.cosigned"' in cosigned.read_text()] == [
        True
    ] * 2


async def test_pinctl_can_change_nothing_and_read_nothing_sealed(stack: Stack) -> None:
    role = stack.postgres.sql(
        "select bool_or(has_table_privilege('pinctl', oid, 'insert, update, delete, truncate'))"
        " from pg_class where relkind in ('r', 'S') and relnamespace = 'public'::regnamespace;"
        " select has_column_privilege('pinctl', 'account', 'state', 'select')"
        " or has_column_privilege('pinctl', 'outbox', 'parcel', 'select')"
        " or has_column_privilege('pinctl', 'inbox', 'reply', 'select');"
        " select has_function_privilege('issuer', 'outbox_about(text[])', 'execute')"
        " or has_function_privilege('issuer', 'outbox_about(text[], timestamptz[])', 'execute');"
        " select has_function_privilege('pinctl', 'fold_tally(integer)', 'execute');"
        " select bool_or(has_function_privilege(role, it, 'execute'))"
        " from unnest(array['issuer', 'notifier', 'revoker', 'dispositivo']) as role,"
        " unnest(array['rows_sealed(bytea[])', 'bundles_sealed(text[])']) as it",
        stack.database,
    )
    assert role.split() == ["f", "f", "f", "f", "f"]


# the program


async def test_the_program_says_what_is_wrong_and_how_badly(stack: Stack) -> None:
    await put_dead(stack, 1)
    listing = await asyncio.to_thread(wrapper, stack, "dead", "list", "--json")
    assert (listing.returncode, len(json.loads(listing.stdout)["dead"])) == (1, 1)
    unknown = await asyncio.to_thread(wrapper, stack, "trace", "nobody")
    assert (unknown.returncode, unknown.stdout) == (4, "")
    assert unknown.stderr.startswith("pinctl: nothing is known under this id")
    assert (await asyncio.to_thread(wrapper, stack, "trace")).returncode == 2


# erase

ERASE = ("erase", "--operator", "op-0042", "--reason", "Asked for in writing, file 2026/118")


async def erased(stack: Stack, codice_fiscale: str, *more: str) -> "subprocess.CompletedProcess[str]":
    return await asyncio.to_thread(wrapper, stack, *ERASE, *more, typed=f"{codice_fiscale.lower()}\n")


async def test_a_citizen_is_erased_the_chain_is_whole_and_a_pin_can_be_asked_for_again(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    asked = await issued(stack, 2)
    (_, codice_fiscale), subject = asked[1], subject_of(stack, asked[1][1])
    done = await erased(stack, codice_fiscale)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Erased (message ")
    assert codice_fiscale not in done.stdout
    life = (await pinctl(stack, "trace", "--subject", subject)).data["timeline"]
    entries = [(row["what"], row["actor"]) for row in life if row["source"] == "entry"]
    who = "operator:op-0042"
    assert entries == [("pin.issued", "portal"), ("pin.revoked", who), ("citizen.erased", who)]
    assert "2026/118" not in json.dumps(life, default=str)
    assert (await pinctl(stack, "ledger", "verify")).status == 0
    again = await erased(stack, codice_fiscale)
    assert (again.returncode, "Nothing is kept about this citizen" in again.stdout) == (4, True)
    async with portal(stack) as client:
        body = next(b for _, b in citizens(2, kinds=(PLAIN,)) if b["codice_fiscale"] == codice_fiscale)
        await client.ask("pin.request", body)
    status = (await pinctl(stack, "status")).data["accounts"]
    assert status == [{"status": "issued", "level": "online", "accounts": 2}]


async def test_an_erasure_that_nobody_would_handle_is_not_sent(stack: Stack) -> None:
    _, body = next(iter(citizens(1, kinds=(PLAIN,))))
    done = await erased(stack, body["codice_fiscale"])
    assert (done.returncode, done.stderr) == (
        3,
        "pinctl: nothing was sent: nobody consumes issuer.requests\n",
    )
    assert await taken(stack, "issuer.requests") == []


async def test_an_erasure_by_whom_the_workers_do_not_know_is_refused_with_the_reason(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    ((_, codice_fiscale),) = await issued(stack, 1)
    done = await erased(stack, codice_fiscale, "--user", "portal")
    assert done.returncode == 1
    assert "in pin.dead (forbidden_sender). May 'portal' erase?" in done.stderr
    assert (await pinctl(stack, "status")).data["accounts"][0]["status"] == "issued"


async def test_an_erasure_names_what_is_parked_of_the_citizen(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    ((_, codice_fiscale),) = await issued(stack, 1)
    async with await aio_pika.connect(stack.rabbitmq.url("issuer")) as connection:
        exchange = await (await connection.channel()).get_exchange(DEAD, ensure=False)
        spaced = f"{codice_fiscale[:6]} {codice_fiscale[6:].lower()}"
        for number, said in enumerate((spaced, "somebody else")):
            message = aio_pika.Message(
                f'{{"codice_fiscale": "{said}"'.encode(),
                message_id=f"m-{number}",
                headers={"x-reason": "not_json"},
            )
            await exchange.publish(message, "", mandatory=True)
    done = await erased(stack, codice_fiscale)
    assert done.returncode == 1
    assert "1 message in pin.dead about this citizen" in done.stdout
    assert ("m-0" in done.stdout, "m-1" in done.stdout) == (True, False)


async def test_an_erasure_without_a_codice_fiscale_or_a_reason_is_refused(stack: Stack) -> None:
    stack.start_workers(["issuer"])
    done = await erased(stack, "RSSMRA85T10A562T")
    assert (done.returncode, done.stderr) == (2, "pinctl: this is no codice fiscale\n")
    empty = await asyncio.to_thread(
        wrapper, stack, "erase", "--operator", "op-1", "--reason", "", typed="RSSMRA85T10A562S\n"
    )
    assert (empty.returncode, empty.stderr.startswith("pinctl: nothing was sent: reason:")) == (2, True)
