"""Entries end: a month is sealed, put into its file, and leaves; what is left verifies from the seal on."""

# ruff: noqa: S608 - the names of partitions come from the ledger itself

import asyncio
import gzip
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from deploy.errors import PinctlError, StackError
from deploy.local.citizens import PLAIN, citizens
from deploy.local.processes import CHECKOUT, environment
from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.pinctl.commands import parser, run
from shared.ledger import Ledger
from shared.worker.housekeeping import Housekeeping
from tests.kit.old_ledger import PERSONS, Old, issue, old_ledger, revoke


@pytest.fixture
async def old(stack: Stack, tmp_path: Path) -> Old:
    return await old_ledger(stack, tmp_path)


# the way of a month


async def test_a_month_is_sealed_leaves_and_all_goes_on_from_its_seal(old: Old) -> None:
    before = await old.verified()
    assert before.status == 0, before.text
    await old.sealed()
    assert [one["month"] for one in (await old.verified()).data["months"]] == old.months
    assert old.sql("select count(*) from entry") == "4"
    await old.left()
    assert old.sql("select string_agg(kind, ' ' order by at) from entry") == "pin.revoked month.retired"
    assert old.sql("select count(*) from sealed_head") == "3"
    after = await old.verified()
    assert (after.status, after.data["subjects"], after.data["unvouched"]) == (0, 4, 0), after.text
    assert after.text.splitlines()[-1] == "The ledger is sound."
    for codice_fiscale in (old.quiet, old.moved):
        alone = await old.pinctl("ledger", "verify", "--subject", old.subject(codice_fiscale))
        assert alone.status == 0
        traced = await old.pinctl("trace", "--subject", old.subject(codice_fiscale))
        assert traced.data["archived"] == {old.subject(codice_fiscale): 1}
    assert (await old.pinctl("ledger", "checkpoint")).status == 0
    assert (await old.verified()).status == 0


async def test_the_workers_go_on_and_the_next_months_leave_too(old: Old) -> None:
    await old.left()
    old.stack.start_workers(["issuer", "revoker"])
    await revoke(old.stack, old.quiet)
    ((_, body),) = citizens(1, kinds=(PLAIN,))
    await issue(old.stack, [body])
    for month in old.months[1:-1]:
        assert (await old.pinctl("ledger", "retire-month", month, *PERSONS)).status == 0
    await old.pinctl("ledger", "checkpoint")
    after = await old.verified()
    assert after.status == 0, after.text
    assert (await old.pinctl("ledger", "retire-month", old.months[0], *PERSONS)).text.endswith(
        "left already."
    )


async def test_who_is_erased_after_months_have_left_can_ask_anew(old: Old) -> None:
    await old.left()
    old.stack.start_workers(["issuer"])
    answer = await asyncio.to_thread(
        lambda: subprocess.run(
            [sys.executable, "-m", "deploy.pinctl", "erase", "--operator", "op-1", "--reason", "asked"],
            env=environment(old.env), cwd=CHECKOUT, input=f"{old.quiet}\n", capture_output=True, text=True,
            check=False,
        )
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    ((_, body),) = citizens(1, kinds=(PLAIN,))
    await issue(old.stack, [body])
    await old.pinctl("ledger", "checkpoint")
    assert (await old.verified()).status == 0


async def test_a_file_is_verified_by_itself(old: Old, tmp_path: Path) -> None:
    await old.left()
    words = parser().parse_args(["ledger", "verify-month", str(old.file(old.months[0]))])
    found = await run(words, {"PIN_KEYS_DIR": old.env["PIN_KEYS_DIR"]})
    assert found.data["of_month"] == 3
    lines = gzip.decompress(old.file(old.months[0]).read_bytes()).decode().splitlines()
    assert all(old.quiet not in line for line in lines), "no personal data"
    changed = json.loads(lines[1])
    changed[7] = changed[7].replace("}", ' ,"x":1}')
    for forged in (
        [lines[0], json.dumps(changed), *lines[2:]],
        [lines[0], *lines[2:]],
        lines[:-1],
        [*lines[:-1], lines[1], lines[-1]],
        [lines[0].replace('"of_month":3', '"of_month":2'), *lines[1:]],
        ["{}"],
    ):
        path = tmp_path / "forged.gz"
        path.write_bytes(gzip.compress("".join(f"{line}\n" for line in forged).encode()))
        with pytest.raises(PinctlError, match="does not hold"):
            await old.pinctl("ledger", "verify-month", str(path))
    path.write_bytes(old.file(old.months[0]).read_bytes()[:-20])
    with pytest.raises(PinctlError):
        await old.pinctl("ledger", "verify-month", str(path))


async def test_no_month_leaves_before_all_is_there(old: Old) -> None:
    first = old.months[0]
    retire = ("ledger", "retire-month", first)
    with pytest.raises(PinctlError, match="not sealed"):
        await old.pinctl(*retire, *PERSONS)
    await old.sealed()
    for by in ((), PERSONS[:2], (*PERSONS[:2], "--by", "ada neri")):
        with pytest.raises(PinctlError, match="two persons"):
            await old.pinctl(*retire, *by)
    with pytest.raises(PinctlError, match="no entry ever leaves"):
        await old.pinctl(*retire, *PERSONS, PIN_ENTRY_RETENTION="P0D")
    with pytest.raises(PinctlError, match="may leave in"):
        await old.pinctl(*retire, *PERSONS, PIN_ENTRY_RETENTION="P400D")
    with pytest.raises(PinctlError, match="must leave before"):
        await old.pinctl("ledger", "retire-month", old.months[1], *PERSONS)
    with pytest.raises(PinctlError, match="no second witness"):
        await old.pinctl(*retire, *PERSONS, PIN_COSIGNED_WITHIN="P1D")
    old.file(first).write_bytes(b"")
    with pytest.raises(PinctlError, match="not hold"):
        await old.pinctl(*retire, *PERSONS)
    old.file(first).unlink()
    with pytest.raises(PinctlError, match="No such file"):
        await old.pinctl(*retire, *PERSONS)
    assert old.sql("select count(*) from entry") == "4"
    await old.sealed()
    assert (await old.pinctl(*retire, *PERSONS)).status == 0
    entry = json.loads(old.sql("select data from entry where kind = 'month.retired'"))
    assert (entry["month"], entry["operator"]) == (first, "Ada Neri, Ugo Conti")


async def test_this_month_is_not_sealed(old: Old) -> None:
    current = old.sql("select to_char(now() at time zone 'UTC', 'YYYY-MM')")
    with pytest.raises(PinctlError, match="is not over"):
        await old.pinctl("ledger", "seal-month", current)
    with pytest.raises(StackError, match="over for an hour"):
        old.sql(f"set role pinctl; select close_month('{current}-01')")


# killed at every step

STEPS = ("month.closed", "month.signed", "month.logged", "month.written")
LEAVING = ("month.recorded", "month.allowed", "month.carried", "month.dropped", "month.left")


async def test_a_kill_between_any_two_steps_loses_nothing_and_all_can_be_repeated(
    old: Old, tmp_path: Path
) -> None:
    crash = tmp_path / "crash"
    retire = ("ledger", "retire-month", old.months[0], *PERSONS)
    for words, steps in ((("ledger", "seal-month"), STEPS), (retire, LEAVING)):
        for step in steps:
            crash.write_text(step)
            killed = await asyncio.to_thread(old.program, *words, PIN_CRASH_FILE=str(crash))
            assert killed.returncode == -signal.SIGKILL, (step, killed.stdout, killed.stderr)
            await old.pinctl("ledger", "checkpoint")
            found = await old.verified()
            assert found.status == 0, (step, found.text)
        done = await asyncio.to_thread(old.program, *words)
        assert done.returncode == 0, done.stderr
    assert (await old.verified()).status == 0
    assert old.sql("select count(*) from entry_month where retired_at is not null") == "1"
    seals = [line for line in old.log.read_text().splitlines() if '"ledger.month_sealed"' in line]
    assert len(seals) == len(old.months)
    assert sorted(path.name for path in old.archive.iterdir()) == [
        old.file(month).name for month in old.months
    ]


async def test_a_line_that_was_cut_off_takes_no_other_along(old: Old) -> None:
    with old.log.open("a") as log:
        log.write('{"event": "ledger.mon')
    await old.sealed()
    assert (await old.verified()).status == 0


# months are made in time

LAST = "(select max(until) from entry_month)"


def without_last(stack: Stack) -> str:
    """Take the last month away, with one entry in its time; return the table's name."""
    name = stack.postgres.sql(
        f"select 'entry_' || to_char(month, 'YYYY_MM') from entry_month where until = {LAST}", stack.database
    )
    stack.postgres.sql(
        f"drop table {name};"
        " set session_replication_role = replica;"
        " insert into entry (subject, seq, at, kind, actor, correlation_id, data, hash)"
        f" values (decode(md5('{name}'), 'hex'), 1, {LAST} - interval '1 day', 'k', 'a', 'c', '{{}}',"
        " sha256(''));"
        f" delete from entry_month where until = {LAST}",
        stack.database,
    )
    return name


async def test_workers_make_the_months_three_ahead_and_what_had_none_comes_into_its_own(stack: Stack) -> None:
    name = without_last(stack)
    status = await run(parser().parse_args(["status"]), stack.env)
    assert "1 entry is in no month" in status.data["attention"]
    stack.start_workers(["issuer"])
    there = f"select to_regclass('{name}') is not null"
    await asyncio.to_thread(wait_for, lambda: stack.postgres.sql(there, stack.database) == "t", 10, "a month")
    count = f"select (select count(*) from {name}), (select count(*) from entry_default)"
    assert stack.postgres.sql(count, stack.database) == "1|0"
    status = await run(parser().parse_args(["status"]), stack.env)
    assert not [said for said in status.data["attention"] if "month" in said]


async def test_a_ledger_that_runs_out_of_months_is_told_of_long_before(stack: Stack) -> None:
    for _ in range(2):
        without_last(stack)
    status = await run(parser().parse_args(["status"]), stack.env)
    assert any(
        said.startswith("the ledger has no month for entries from") for said in status.data["attention"]
    )


async def test_who_reads_all_months_for_long_stops_no_worker(stack: Stack) -> None:
    without_last(stack)
    reader = await asyncpg.connect(stack.postgres.dsn("pinctl", stack.database))
    transaction = reader.transaction()
    await transaction.start()
    await reader.fetch("select count(*) from entry")
    ledger = await Ledger.open(stack.postgres.dsn("issuer", stack.database), "tests")
    assert await Housekeeping(timedelta(days=30)).step(ledger) >= 0
    await transaction.rollback()
    await reader.close()
    await ledger.close()
