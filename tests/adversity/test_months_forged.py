"""Months that end are no way to forge the ledger: not for one role, its administrator, or a stolen key."""

# ruff: noqa: S608 - the names of partitions come from the ledger itself

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest
from nacl.signing import SigningKey

from deploy.errors import PinctlError, StackError
from deploy.local.postgres import SUPERUSER
from deploy.local.stack import Stack
from deploy.pinctl.audit import audited
from deploy.pinctl.commands import parser, run
from deploy.pinctl.seals import SEALED, Seal, seal_of
from deploy.pinctl.settings import LedgerSettings
from shared.crypto.keys import Keys, make_cosigner
from shared.errors import LedgerConflictError, LedgerRefusedError
from shared.ledger import Ledger
from shared.ledger.chain import link
from tests.kit.old_ledger import PERSONS, Old, old_ledger

ROLES = ("issuer", "revoker", "dispositivo", "notifier", "pinctl")


@pytest.fixture
async def old(stack: Stack, tmp_path: Path) -> Old:
    return await old_ledger(stack, tmp_path)


# who administers the ledger

DROP = "alter table entry detach partition entry_{first}; drop table entry_{first};"
LEFT = "update entry_month set closed_at = now(), retired_at = now() where month = '{day}';"
CARRY = "update entry_month set closed_at = now() where month = '{day}'; select carry_heads('{day}');"
FORGE_HEAD = "update sealed_head set hash = sha256('forged') where subject = '\\x{quiet}';"
FORGE_END = "update subject set head = sha256('forged') where key = '\\x{quiet}';"
FORGE_DIGEST = (
    "update account set level = 'dispositivo', version = version + 1 where subject = '\\x{quiet}';"
    " update sealed_head set account = (select digest from account_digest where subject = '\\x{quiet}')"
    " where subject = '\\x{quiet}';"
)
FORGET = "".join(f"delete from {t} where {k} = '\\x{{quiet}}';" for t, k in (
    ("sealed_head", "subject"), ("account", "subject"), ("subject", "key"),
))  # fmt: skip


def forge(old: Old, *statements: str) -> None:
    month = old.months[0]
    text = "".join(statements)
    filled = text.format(first=month.replace("-", "_"), day=f"{month}-01", quiet=old.subject(old.quiet))
    old.forge(filled)


async def test_nothing_is_sealed_that_was_changed_before(old: Old) -> None:
    for statement in (
        "update entry set data = '{{}}' where subject = '\\x{quiet}'",
        "delete from entry where subject = '\\x{quiet}'",
        "delete from entry where subject = '\\x{quiet}';" + FORGET,
    ):
        with old.copied() as copy:
            forge(copy, statement)
            answer = await copy.pinctl("ledger", "seal-month")
            assert (answer.status, answer.text.endswith("Nothing was sealed.")) == (1, True), statement
            assert SEALED not in copy.log.read_text()
    with old.copied() as copy:
        forge(copy, DROP)
        with pytest.raises(PinctlError, match="is a month gone"):
            await copy.pinctl("ledger", "seal-month")
        assert ((await copy.verified()).status, SEALED in copy.log.read_text()) == (1, False)


async def test_a_month_that_is_gone_without_its_seal_or_without_leave_shows(old: Old) -> None:
    with old.copied() as copy:
        forge(copy, CARRY, DROP, LEFT)
        assert await copy.faults() == {old.months[0]: "it has left without a seal"}
        with pytest.raises(PinctlError, match="not sealed"):
            await copy.pinctl("ledger", "retire-month", old.months[0], *PERSONS)
        copy.log.write_text("")
        with pytest.raises(PinctlError):
            await copy.verified()
    await old.sealed()
    with old.copied() as copy:
        forge(copy, CARRY, DROP, LEFT)
        assert await copy.faults() == {old.months[0]: "it has left, and nobody has signed that it may"}
    with old.copied() as copy:
        forge(copy, "delete from entry_month where retired_at is null and closed_at is not null;")
        assert set((await copy.faults()).values()) == {"it is sealed, and the ledger knows no such month"}
    with old.copied() as copy:
        forge(copy, "update entry_month set closed_at = null where month = '{day}';")
        assert await copy.faults() == {old.months[0]: "it is sealed, and takes entries"}


async def test_where_chains_go_on_is_what_was_sealed(old: Old) -> None:
    """Also what the chain says of the account of whom nothing was written since."""
    await old.left()
    assert (await old.verified()).status == 0
    for statements in ((FORGE_HEAD, FORGE_END), (FORGE_DIGEST,), (FORGET,)):
        with old.copied() as copy:
            forge(copy, *statements)
            found = await copy.verified()
            assert (found.status, found.data["broken"]) == (1, 0), "the ledger by itself is whole"
            assert set(await copy.faults()) >= {old.months[0]}
            assert "months do not hold:" in found.text


async def test_a_ledger_that_months_have_left_does_not_pass_without_its_log(old: Old) -> None:
    await old.left()
    without = {name: value for name, value in old.env.items() if name != "PIN_CHECKPOINT_LOG"}
    found = await run(parser().parse_args(["ledger", "verify"]), without)
    assert (found.status, "no log of seals" in found.text) == (1, True)


# seals


def rewritten(log: Path, change: Callable[[Seal], Seal]) -> None:
    """Change the seals of a log."""
    lines = []
    for line in log.read_bytes().splitlines():
        fields = orjson.loads(line)
        lines.append(change(seal_of(fields)).line() if fields["event"] == SEALED else line + b"\n")
    log.write_bytes(b"".join(lines))


async def test_a_seal_by_another_key_is_refused(old: Old) -> None:
    await old.sealed()
    first = old.months[0]
    with old.copied() as copy:
        rewritten(copy.log, lambda seal: seal.signed(SigningKey(bytes(32))) if seal.month == first else seal)
        assert await copy.faults() == {first: "the signature of its seal is not ours"}
        with pytest.raises(PinctlError, match="another seal"):
            await copy.pinctl("ledger", "retire-month", first, *PERSONS)
        assert copy.sql(f"select to_regclass('entry_{first.replace('-', '_')}') is not null") == "t"
    with old.copied() as copy:
        lines = copy.log.read_text().splitlines(keepends=True)
        copy.log.write_text("".join(line for line in lines if f'"month":"{first}"' not in line))
        assert list((await copy.faults()).values()) == ["its seal follows another than the one before it"]


async def test_who_holds_the_key_too_and_forges_where_chains_go_on_meets_the_second_witness(
    old: Old, tmp_path: Path
) -> None:
    cosigned, keys = tmp_path / "cosigned", old.stack.state / "keys"
    make_cosigner(keys)
    witness = {"PIN_COSIGNED_LOG": str(cosigned), "PIN_COSIGNED_WITHIN": "P1D"}
    assert (await old.pinctl("ledger", "cosign", **witness)).status == 0
    await old.sealed()
    with pytest.raises(PinctlError, match="no second witness"):
        await old.pinctl("ledger", "retire-month", old.months[0], *PERSONS, **witness)
    assert (await old.pinctl("ledger", "cosign", **witness)).status == 0
    retire = ("ledger", "retire-month", old.months[0])
    assert (await old.pinctl(*retire, *PERSONS, **witness)).status == 0
    assert (await old.pinctl("ledger", "verify", **witness)).status == 0
    with old.copied() as copy:
        forge(copy, FORGET)
        heads = (await copy.verified()).text
        assert "up to its end its seal counts 3 entries of 3 citizens; there are 2 of 2" in heads
        await forged_seals(copy, keys)
        assert (await copy.faults()).keys() <= set(old.months), (
            "who has the key fools the first witness alone"
        )
        found = await copy.pinctl("ledger", "verify", **witness)
        assert (found.status, "the second witness signed another seal" in found.text) == (1, True)
        await copy.pinctl("ledger", "checkpoint")
        refused = await copy.pinctl("ledger", "cosign", **witness)
        assert (refused.status, "the second witness signed another seal" in refused.text) == (1, True)


async def forged_seals(copy: Old, keys: Path) -> None:
    """Sign anew what the forged ledger is, as who has stolen the key of the first witness."""
    audit = await audited(LedgerSettings.load(copy.env), None, (), copy.months)
    found = audit.roots.found()
    key, before = Keys(keys).signing(), ""

    def again(seal: Seal) -> Seal:
        nonlocal before
        sealed = replace(found[seal.month], of_month=seal.sealed.of_month)
        made = replace(seal, sealed=sealed, previous=before).signed(key)
        before = made.id
        return made

    rewritten(copy.log, again)


# one role


async def test_no_role_writes_into_a_partition_or_changes_which_there_are(old: Old) -> None:
    await old.sealed()
    partitions = old.sql(
        "select inhrelid::regclass from pg_inherits where inhparent = 'entry'::regclass"
    ).split()
    first = f"entry_{old.months[0].replace('-', '_')}"
    assert {first, "entry_default"} < set(partitions)
    for role in ROLES:
        ledger = await asyncpg.connect(old.stack.postgres.dsn(role, old.stack.database))
        for statement in (
            *(f"insert into {name} (subject) select null::bytea where false" for name in partitions),
            *(f"select from {name} limit 0" for name in partitions),
            *(f"delete from {name} where false" for name in partitions),
            f"alter table entry detach partition {first}",
            f"alter table {first} disable trigger all",
            f"drop table {first}",
            f"select carry_heads('{old.months[0]}-01')",
            f"select drop_month('{old.months[0]}-01')",
            "update entry_month set retired_at = now()",
            "insert into sealed_head select * from sealed_head",
            "delete from entry_month",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await ledger.execute(statement)
        await ledger.close()


async def append(old: Old, role: str, at: datetime, *, seq: int = 1) -> None:
    """Append an entry with its right hash and number to the quiet citizen's chain."""
    subject = bytes.fromhex(old.subject(old.quiet))
    head = bytes.fromhex(old.sql(f"select encode(head, 'hex') from subject where key = '\\x{subject.hex()}'"))
    number = int(old.sql(f"select entries from subject where key = '\\x{subject.hex()}'")) + seq
    row = (subject, number, at, "delivery.sent", None, "notifier", "c", "{}")
    ledger = await Ledger.open(old.stack.postgres.dsn(role, old.stack.database), "tests")
    try:
        linked = (*row, None, link(head, *row, role))
        await ledger.run("add_entries", *([value] for value in linked))
    finally:
        await ledger.close()


async def test_nobody_writes_into_the_past_or_far_into_the_future(old: Old) -> None:
    now = datetime.now(UTC)
    for far in (-timedelta(days=DAYS_BACK), -timedelta(hours=2), timedelta(hours=2), timedelta(days=4000)):
        with pytest.raises(LedgerRefusedError):
            await append(old, "notifier", now + far)
    await append(old, "notifier", now)
    assert (await old.verified()).status == 0


DAYS_BACK = 70
"""In the second month of the old ledger, which is sealed below."""


async def test_a_month_that_is_closed_takes_no_entry_whatever_its_writer_can_see(old: Old) -> None:
    """Not even one that began to look before it was closed, and knows how to pass the other check."""
    admin = await asyncpg.connect(old.stack.postgres.dsn(SUPERUSER, old.stack.database))
    transaction = admin.transaction(isolation="repeatable_read")
    await transaction.start()
    assert await admin.fetchval("select count(*) from entry_month where closed_at is not null") == 0
    await old.sealed()
    assert await admin.fetchval("select count(*) from entry_month where closed_at is not null") == 0
    with pytest.raises(asyncpg.SerializationError, match="closed"):
        await admin.execute(
            "insert into entry (subject, seq, at, kind, actor, correlation_id, data, hash)"
            " values ($1, 2, $2, 'pin.revoked', 'a', 'c', '{}', sha256(''))",
            bytes.fromhex(old.subject(old.quiet)),
            datetime.now(UTC) - timedelta(days=DAYS_BACK),
        )
    await transaction.rollback()
    await admin.close()


MONTH_ENDS_NOW = """
    drop table entry_{month};
    create table entry_before (like entry including defaults including constraints);
    create table entry_after (like entry including defaults including constraints);
    alter table entry_before add primary key (subject, seq);
    alter table entry_after add primary key (subject, seq);
    alter table entry attach partition entry_before for values from ('{since}') to ('{at}');
    alter table entry attach partition entry_after for values from ('{at}') to ('{until}');
"""


async def test_two_that_append_at_once_around_the_end_of_a_month_do_not_fork_a_chain(stack: Stack) -> None:
    """A key holds within one month alone: who moves the head is who appends."""
    sql = stack.postgres.sql
    month, since, until = sql(
        "select to_char(month, 'YYYY_MM'), since, until from entry_month"
        " where now() >= since and now() < until",
        stack.database,
    ).split("|")
    now = datetime.now(UTC)
    filled = {
        "month": month,
        "since": "2026-01-01 00:00+00" if since == "-infinity" else since,
        "until": until,
        "at": now.isoformat(),
    }
    sql(MONTH_ENDS_NOW.format(**filled), stack.database)
    subject, genesis = b"s" * 16, bytes(32)
    one, other = [await asyncpg.connect(stack.postgres.dsn("notifier", stack.database)) for _ in range(2)]
    await one.execute("select add_subjects(array[$1::bytea])", subject)

    async def insert(ledger: Any, at: datetime, data: str) -> None:  # noqa: ANN401
        row = (subject, 1, at, "delivery.sent", None, "notifier", "c", data)
        await ledger.execute(
            "insert into entry (subject, seq, at, kind, message_id, actor, correlation_id, data, hash)"
            " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            *row, link(genesis, *row, "notifier"),
        )  # fmt: skip

    transaction = one.transaction()
    await transaction.start()
    await insert(one, now - timedelta(seconds=1), "1")
    second = asyncio.ensure_future(insert(other, now + timedelta(seconds=1), "2"))
    await asyncio.sleep(0.5)
    assert not second.done(), "it waits for the citizen"
    await transaction.commit()
    with pytest.raises(asyncpg.RaiseError):
        await second
    assert sql("select count(*) from entry", stack.database) == "1"
    await one.close()
    await other.close()


async def test_the_months_of_a_chain_follow_each_other_whatever_clocks_say(old: Old) -> None:
    """With a minute in place of a month, so that one ends now; who is behind is told to try again."""
    body = old.sql("select pg_get_functiondef('entry_is_chained'::regproc)")
    sooner = "date_trunc('minute', (until - interval '1 hour') at"
    shorter = body.replace("date_trunc('month', until at", sooner)
    assert shorter != body
    old.sql(f"set role owner; {shorter}")
    await append(old, "notifier", datetime.now(UTC))
    with pytest.raises(LedgerConflictError):
        await append(old, "notifier", datetime.now(UTC) - timedelta(minutes=1))
    await append(old, "notifier", datetime.now(UTC))


async def test_an_entry_of_a_month_that_has_left_shows_wherever_it_was_put(old: Old) -> None:
    await old.left()
    at = datetime.now(UTC) - timedelta(days=100)
    fields = f"'\\x{old.subject(old.quiet)}', 2, '{at}', 'k', null, 'a', 'c', '{{}}', sha256('')"
    with pytest.raises(StackError):
        old.sql(f"insert into entry values ({fields})")
    old.forge(f"insert into entry values ({fields})")
    found = await old.verified()
    assert "entry_misplaced" in [one["kind"] for one in found.data["breaks"]]
