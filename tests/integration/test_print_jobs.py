"""Letters wait in the ledger and become jobs, each once: on a real ledger, whatever is killed."""

# ruff: noqa: S608 - ids of our own

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from pypdf import PdfReader

from deploy.local.stack import Stack
from deploy.local.waiting import wait_for
from deploy.pinctl.commands import parser, run
from deploy.pinctl.key_use import use_of
from deploy.pinctl.settings import BrokerSettings, LedgerSettings
from services.notifier.channels.letter import sound
from services.notifier.outcome import Sent, Unopenable
from services.notifier.shop import AnswerFile, Job
from services.notifier.shop.fate import MOST_PRINTINGS
from services.notifier.shop.planning import region_of
from shared.contract.delivery import Sms
from shared.crypto.keys import Keys
from shared.crypto.secret import Secret
from shared.domain.policy import PinPolicy
from shared.ledger import Ledger
from shared.worker.crash import PRINT_POINTS
from shared.worker.housekeeping import Housekeeping
from shared.worker.outbound import decode_row
from tests.adversity.leak_locations import dumps
from tests.adversity.search import forms, search
from tests.integration.test_ends import chore, revoked
from tests.kit.print_shop import (
    FRIDAY,
    FolderShop,
    Received,
    Said,
    bundle,
    keep_effect,
    letter,
    rounds,
)

MORNING = FRIDAY - timedelta(hours=5)
MONDAY = FRIDAY + timedelta(days=3)
REGIONS = {"EE", "LAZIO", "LOMBARDIA", "TRENTINO-ALTO-ADIGE"}


def keys_of(stack: Stack) -> Keys:
    return Keys(stack.state / "keys")


@asynccontextmanager
async def opened(stack: Stack, role: str = "notifier") -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(stack.postgres.dsn(role, stack.database), "print-jobs")
    try:
        yield ledger
    finally:
        await ledger.close()


async def kept(
    stack: Stack, number: int, ledger: Ledger, at: datetime = MORNING, *, first: int = 0
) -> list[UUID]:
    """Keep some letters, as a batch of the lane does; return their ids."""
    ids = [uuid4() for _ in range(number)]
    received = bundle(keys_of(stack), [(one, letter(first + at_)) for at_, one in enumerate(ids)])
    await keep_effect(keys_of(stack), at)([received], ledger)  # type: ignore[list-item]
    assert received.effect == [Sent("")] * number
    return ids


def sql(stack: Stack, query: str) -> str:
    return str(stack.postgres.sql(query, stack.database))


def states(stack: Stack) -> dict[str, int]:
    found = sql(stack, "select state || ' ' || count(*) from letter group by state")
    return {state: int(many) for state, many in (line.split() for line in found.splitlines())}


def whole(shop: FolderShop, ids: list[UUID]) -> None:
    """Hold that each letter is in exactly one job, and each job was ever put with one digest."""
    assert shop.letters() == {str(one): 1 for one in ids}
    assert all(len(digests) == 1 for digests in shop.digests().values()), shop.digests()
    assert set(shop.digests()) == set(shop.manifests())


async def test_the_letters_of_a_day_become_a_job_a_region_with_documents_and_a_manifest(
    stack: Stack, tmp_path: Path
) -> None:
    """R6."""
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        ids = await kept(stack, 20, ledger)
        early = rounds(keys_of(stack), shop, FRIDAY - timedelta(seconds=1), log)
        await early.step(ledger)
        assert shop.manifests() == {}, "before the cut-off nothing is closed"
        await rounds(keys_of(stack), shop, FRIDAY, log, post_document_pages=3).step(ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log, post_document_pages=3).step(ledger)
    whole(shop, ids)
    manifests = shop.manifests()
    assert set(manifests) == {f"20261127-{region}-1" for region in REGIONS}
    for id_, manifest in manifests.items():
        assert [document["pages"] for document in manifest["documents"]] == [3, 2]
        stored = sql(stack, f"select encode(digest, 'hex') from print_job where id = '{id_}'")
        assert manifest["digest"] == stored
        for document in manifest["documents"]:
            content = (shop.folder / id_ / document["name"]).read_bytes()
            text = [page.extract_text() for page in PdfReader(BytesIO(content)).pages]
            there = [one for one in manifest["letters"] if one["document"] == document["name"]]
            assert len(text) == len(there)
            for one in there:
                number = ids.index(UUID(one["id"]))
                assert f"{number:04}ABCD" in text[one["page"] - 1].replace(" ", "")
    assert states(stack) == {"handed": 20}
    assert log.of("day.closed")[-1] == {"day": "2026-11-27", "jobs": 4, "letters": 20}
    assert len(log.of("job.handed")) == 4


async def test_nothing_of_a_letter_can_be_read_in_the_ledger_or_a_manifest(
    stack: Stack, tmp_path: Path
) -> None:
    shop, half = FolderShop(tmp_path / "shop"), "7QX2M9RT"
    async with opened(stack) as ledger:
        sent = bundle(keys_of(stack), [(uuid4(), letter(1, "39100 BOLZANO BZ", half))])
        await keep_effect(keys_of(stack), MORNING)([sent], ledger)  # type: ignore[list-item]
        wanted = [form for text in (half, "ANNA ROSSI", "BOLZANO") for form in forms(text)]
        assert search(wanted, dumps(stack, tmp_path)) == set()
        await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
    manifest = tmp_path / "shop/20261127-TRENTINO-ALTO-ADIGE-1/manifest.json"
    assert search(wanted, [*dumps(stack, tmp_path), manifest]) == set()
    assert search([("plain", b"TRENTINO-ALTO-ADIGE")], [manifest]), "the search finds what is there"


async def test_a_repeat_adds_no_letter_and_another_content_under_its_id_is_parked(stack: Stack) -> None:
    log, keys = Said(), keys_of(stack)
    id_, other = uuid4(), uuid4()
    sent = bundle(keys, [(id_, letter(1))])
    async with opened(stack) as ledger:
        for _ in range(2):
            again = Received(sent.message)
            await keep_effect(keys, MORNING, log)([again, Received(sent.message)], ledger)  # type: ignore[list-item]
            assert again.effect == [Sent("")]
        changed = bundle(keys, [(id_, letter(2)), (other, letter(3))])
        await keep_effect(keys, MORNING, log)([changed], ledger)  # type: ignore[list-item]
    assert changed.effect == [Unopenable("letter_id_reused"), Sent("")]
    assert log.of("letter.id_reused") == [{"delivery_id": str(id_)}]
    assert sql(stack, "select count(*) from letter") == "2"
    assert sql(stack, f"select encode(seal, 'base64') from letter where delivery = '{id_}'").replace(
        "\n", ""
    ) == (sent.message.deliveries[0].seal)


async def test_what_is_no_letter_or_not_for_the_channel_is_parked_alone(stack: Stack) -> None:
    keys = keys_of(stack)
    good, none = uuid4(), uuid4()
    mixed = bundle(keys, [(none, Sms("+393331234567", Secret("x"))), (good, letter(1))])
    foreign = bundle(keys, [(uuid4(), letter(2))])
    foreign.message = type(foreign.message)("AAAA", foreign.message.deliveries)
    async with opened(stack) as ledger:
        await keep_effect(keys, MORNING)([mixed, foreign], ledger)  # type: ignore[list-item]
    assert mixed.effect == [Unopenable("no_letter"), Sent("")]
    assert foreign.effect == [Unopenable("bundle_not_sealed_to_channel")]
    assert sql(stack, "select delivery from letter") == str(good)


@contextmanager
def working(stack: Stack, shop: Path, crash: str = "", **given: object) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that works for the shop, to be killed at a point."""
    environment = dict(os.environ)
    if crash:
        file = shop.parent / f"crash-{crash}"
        file.write_text(crash, encoding="ascii")
        environment["PIN_CRASH_FILE"] = str(file)
    words = {
        "dsn": stack.postgres.dsn("notifier", stack.database),
        "keys": str(stack.state / "keys"),
        "shop": str(shop),
        "now": FRIDAY.isoformat(),
        **given,
    }
    argv = [sys.executable, "-m", "tests.kit.print_shop", json.dumps(words)]
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("point", [point for point in PRINT_POINTS if point != "letters.kept"])
async def test_a_kill_at_any_step_loses_no_letter_and_prints_none_twice(
    stack: Stack, tmp_path: Path, point: str
) -> None:
    shop = FolderShop(tmp_path / "shop")
    async with opened(stack) as ledger:
        ids = await kept(stack, 12, ledger)
        answers: dict[str, Any] = {}
        if point == "answer.recorded":
            await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
            told = [(one["id"], id_) for id_, m in shop.manifests().items() for one in m["letters"]]
            answers["answers"] = [[(job, one, "printed") for one, job in told]]
        with working(stack, shop.folder, point, **answers) as process:
            assert process.wait(60) == -9, "killed"
        with working(stack, shop.folder, once=True, **answers) as process:
            assert process.wait(60) == 0
        whole(shop, ids)
        assert states(stack) == {"printed" if answers else "handed": 12}
        reports = "select count(*) from outbox where worker = 'notifier'"
        assert sql(stack, reports) == ("1" if answers else "0"), "reported once"


async def test_a_kill_after_letters_are_kept_keeps_them_once(stack: Stack, tmp_path: Path) -> None:
    ids = [str(uuid4()) for _ in range(5)]
    with working(stack, tmp_path / "shop", "letters.kept", keep=ids) as process:
        assert process.wait(60) == -9
    assert sql(stack, "select count(*) from letter") == "5", "durable before a delivery counts as sent"


async def test_several_processes_at_once_close_a_day_once_and_put_each_job_with_one_digest(
    stack: Stack, tmp_path: Path
) -> None:
    shop = FolderShop(tmp_path / "shop")
    async with opened(stack) as ledger:
        ids = await kept(stack, 60, ledger)
    settings = {"post_job_letters": 4}
    with (
        working(stack, shop.folder, settings=settings),
        working(stack, shop.folder, "job.put", settings=settings) as killed,
        working(stack, shop.folder, settings=settings),
    ):
        wait_for(lambda: states(stack) == {"handed": 60}, 60, "all jobs to be handed over")
        killed.kill()
    whole(shop, ids)
    assert len(shop.manifests()) == 16
    assert sql(stack, "select letters from print_day") == "60"


async def test_a_killed_process_that_was_talking_to_the_shop_is_taken_over_at_once(
    stack: Stack, tmp_path: Path
) -> None:
    shop = FolderShop(tmp_path / "shop")
    async with opened(stack) as ledger:
        await kept(stack, 4, ledger)
        async with opened(stack) as other:
            assert await other.value("lead_print_shop")
            await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
            assert states(stack) == {"closed": 4}, "closed, and left to who talks to the shop"
        wait_for(
            lambda: sql(stack, "select count(*) from pg_locks where locktype = 'advisory'") == "0", 5, ""
        )
        await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
    assert states(stack) == {"handed": 4}


async def test_the_rest_over_the_cap_waits_for_the_next_working_day_the_oldest_first(
    stack: Stack, tmp_path: Path
) -> None:
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        first = await kept(stack, 8, ledger)
        second = await kept(stack, 8, ledger, FRIDAY, first=8)
        await rounds(keys_of(stack), shop, FRIDAY, log, post_daily_cap=5).step(ledger)
        assert log.of("letters.over_cap") == [{"day": "2026-11-27", "taken": 5, "waiting": 3}]
        await rounds(keys_of(stack), shop, MONDAY - timedelta(hours=1), log, post_daily_cap=5).step(ledger)
        assert sum(shop.letters().values()) == 5, "neither the weekend nor Monday's morning takes more"
        await rounds(keys_of(stack), shop, MONDAY, log, post_daily_cap=5).step(ledger)
        printed = {UUID(one) for one in shop.letters()}
        assert set(first) <= printed
        assert len(printed & set(second)) == 2
        await rounds(keys_of(stack), shop, MONDAY + timedelta(days=1), log, post_daily_cap=50).step(ledger)
    whole(shop, [*first, *second])


@pytest.mark.parametrize(
    ("before", "after"),
    [("2026-03-30T12:59:59Z", "2026-03-30T13:00:00Z"), ("2026-10-26T13:59:59Z", "2026-10-26T14:00:00Z")],
)
async def test_the_cut_off_follows_the_clock_across_its_changes(
    stack: Stack, tmp_path: Path, before: str, after: str
) -> None:
    shop = FolderShop(tmp_path / "shop")
    earlier, later = datetime.fromisoformat(before), datetime.fromisoformat(after)
    async with opened(stack) as ledger:
        await kept(stack, 3, ledger, earlier - timedelta(days=2))
        await rounds(keys_of(stack), shop, earlier, Said()).step(ledger)
        assert states(stack) == {"waiting": 3}
        await rounds(keys_of(stack), shop, later, Said()).step(ledger)
    assert states(stack) == {"handed": 3}
    assert {manifest["day"] for manifest in shop.manifests().values()} == {before[:10]}


async def test_an_outage_of_days_leaves_one_day_that_takes_all(stack: Stack, tmp_path: Path) -> None:
    shop = FolderShop(tmp_path / "shop")
    async with opened(stack) as ledger:
        ids = await kept(stack, 4, ledger, MORNING - timedelta(days=2))
        ids += await kept(stack, 4, ledger, first=4)
        await rounds(keys_of(stack), shop, FRIDAY + timedelta(hours=8), Said()).step(ledger)
    whole(shop, ids)
    assert sql(stack, "select day from print_day") == "2026-11-27"


async def test_a_shop_that_is_not_reached_is_waited_out_with_a_line_each_time(
    stack: Stack, tmp_path: Path
) -> None:
    shop, log = FolderShop(tmp_path / "shop", failures=2), Said()
    async with opened(stack) as ledger:
        ids = await kept(stack, 8, ledger)
        for waits in (5, 10):
            await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
            assert log.of("job.postponed")[-1]["wait_s"] == waits
            await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
            assert len(log.of("job.postponed")) == waits // 5, "nobody asks before the wait is over"
            sql(stack, "update print_job set due_at = now()")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    whole(shop, ids)
    assert states(stack) == {"handed": 8}


async def test_a_job_whose_letters_are_not_those_it_was_closed_with_is_never_put(
    stack: Stack, tmp_path: Path
) -> None:
    shop, log = FolderShop(tmp_path / "shop", failures=1), Said()
    async with opened(stack) as ledger:
        await kept(stack, 8, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        sql(stack, "update print_job set due_at = now()")
        sql(
            stack,
            "alter table letter disable trigger letter_moves;"
            " update letter set seal = seal || '\\x00' where region = 'LAZIO' and place = 1;"
            " update letter set digest = sha256(digest) where region = 'LOMBARDIA' and place = 1;"
            " alter table letter enable trigger letter_moves",
        )
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    assert set(shop.manifests()) == {"20261127-EE-1", "20261127-TRENTINO-ALTO-ADIGE-1"}
    assert {(one["job"], one["reason"]) for one in log.of("job.stuck")} == {
        ("20261127-LAZIO-1", "letter_changed"),
        ("20261127-LOMBARDIA-1", "not_as_closed"),
    }


CHANGES = [
    "update letter set seal = '\\x00', bundle_key = '\\x00' where place = 1",
    "update letter set job = (select max(id) from print_job) where job = (select min(id) from print_job)",
    "update letter set place = place + 1",
    "update letter set state = 'waiting'",
    "update letter set state = 'printed'",
    "update letter set printings = 0",
    "update letter set state = 'returned'",
    "update print_job set digest = sha256('x')",
    "update print_job set letters = 1",
    "delete from letter",
    "delete from print_job",
    "delete from print_day",
]


async def test_a_closed_job_keeps_its_letters_and_its_digest_whoever_wants_to_change_them(
    stack: Stack, tmp_path: Path
) -> None:
    shop = FolderShop(tmp_path / "shop", failures=1)
    rows = "select * from letter order by delivery", "select * from print_job order by id"
    async with opened(stack) as ledger:
        await kept(stack, 8, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
        before = [sql(stack, query) for query in rows]
        for change in CHANGES:
            with pytest.raises((asyncpg.RaiseError, asyncpg.InsufficientPrivilegeError)):
                await ledger._connection.execute(change)
            assert [sql(stack, query) for query in rows] == before, change


def job_of(stack: Stack, one: UUID) -> str:
    return sql(stack, f"select job from letter where delivery = '{one}'")


def reported(stack: Stack) -> list[tuple[str, str, str]]:
    """Return what the lane of receipts is told, in the order of its rows."""
    parcels = sql(stack, "select convert_from(parcel, 'UTF8') from outbox order by made_at")
    bodies = [json.loads(message["body"]) for line in parcels.splitlines() for message in messages(line)]
    return [(one["delivery_id"], one["status"], one["evidence"]) for one in bodies]


def messages(parcel: str) -> list[dict[str, Any]]:
    return [{"body": one.body} for one in decode_row(parcel.encode())]


async def test_what_the_shop_answers_moves_letters_and_is_reported_once(stack: Stack, tmp_path: Path) -> None:
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        ids = await kept(stack, 4, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        jobs = [job_of(stack, one) for one in ids]
        shop.answer(*((job, one, "printed") for job, one in zip(jobs, ids, strict=True)))
        shop.answer((jobs[0], ids[0], "printed"), (jobs[0], ids[0], "posted"), (jobs[1], ids[1], "posted"))
        shop.answer((jobs[1], ids[1], "returned"), (jobs[1], ids[1], "posted"), (jobs[0], ids[1], "posted"))
        shop.answer(
            ("../../etc", ids[1], "returned"), ("\0", ids[2], "returned"), (jobs[2], uuid4(), "posted")
        )
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert await shop.answers() == []
    assert states(stack) == {"printed": 2, "posted": 1, "returned": 1}
    assert sql(stack, "select count(*) from letter where seal is not null or bundle_key is not null") == "0"
    assert reported(stack) == [
        *((str(one), "accepted", "shop_printed") for one in ids),
        (str(ids[0]), "posted", "shop_posted"),
        (str(ids[1]), "posted", "shop_posted"),
        (str(ids[1]), "returned", "shop_returned"),
    ]
    assert [one["unknown"] for one in log.of("answers.taken")] == [0, 0, 1, 3]


async def test_a_damaged_letter_is_printed_again_with_the_same_content_and_fails_after_the_third(
    stack: Stack, tmp_path: Path
) -> None:
    shop, now = FolderShop(tmp_path / "shop"), FRIDAY
    contents = []
    async with opened(stack) as ledger:
        (one,) = await kept(stack, 1, ledger)
        for printing in range(1, MOST_PRINTINGS + 1):
            await rounds(keys_of(stack), shop, now, Said()).step(ledger)
            job = job_of(stack, one)
            contents.append(next((shop.folder / job).glob("*.pdf")).read_bytes())
            for _ in range(2):
                shop.answer((job, one, "damaged"))
            await rounds(keys_of(stack), shop, now, Said()).step(ledger)
            last = printing == MOST_PRINTINGS
            assert states(stack) == {"failed" if last else "waiting": 1}
            now = MONDAY + timedelta(days=printing - 1)
        await rounds(keys_of(stack), shop, now, Said()).step(ledger)
    assert len(shop.manifests()) == MOST_PRINTINGS
    assert len(set(contents)) == 1
    assert reported(stack) == [(str(one), "failed", "shop_damaged")]
    assert sql(stack, "select count(*) from letter where seal is not null") == "0"


async def test_an_answer_about_a_job_that_is_not_recorded_as_handed_over_waits_for_that(
    stack: Stack, tmp_path: Path
) -> None:
    shop, log = FolderShop(tmp_path / "shop", failures=1), Said()
    async with opened(stack) as ledger:
        (one,) = await kept(stack, 1, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        shop.answer((job_of(stack, one), one, "printed"))
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert states(stack) == {"closed": 1}
        assert len(await shop.answers()) == 1
        sql(stack, "update print_job set due_at = now()")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    assert states(stack) == {"printed": 1}


async def test_answers_do_not_wait_for_ever_for_a_job_that_is_stuck(stack: Stack, tmp_path: Path) -> None:
    """The shop has another job of its id, as after a restore: what it says of the other letters counts."""
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        (one,) = await kept(stack, 1, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        handed = job_of(stack, one)
        (other,) = await kept(stack, 1, ledger, FRIDAY)
        stuck = FolderShop(tmp_path / "other", failures=99)
        await rounds(keys_of(stack), stuck, FRIDAY + timedelta(days=3), log).step(ledger)
        shop.answer((job_of(stack, other), other, "printed"), (handed, one, "posted"))
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert states(stack) == {"handed": 1, "closed": 1}
        sql(stack, "update print_day set closed_at = now() - interval '4 days'")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    assert states(stack) == {"posted": 1, "closed": 1}


async def test_a_letter_that_cannot_be_typeset_fails_alone(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = FolderShop(tmp_path / "shop")
    async with opened(stack) as ledger:
        ids = await kept(stack, 8, ledger)
        bad = ids[4]  # in Lazio
        attempt = sound._attempt
        monkeypatch.setattr(
            sound,
            "_attempt",
            lambda letters, typeset: (
                None if any(one.id == str(bad) for one in letters) else attempt(letters, typeset)
            ),
        )
        await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
    whole(shop, [one for one in ids if one != bad])
    assert states(stack) == {"handed": 7, "failed": 1}
    assert reported(stack) == [(str(bad), "failed", "post_typesetting")]


async def test_a_defect_in_one_job_or_in_the_way_to_the_shop_stops_neither_the_others_nor_the_lane(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, log = FolderShop(tmp_path / "shop"), Said()
    put = shop.put

    async def broken(job: Job) -> None:
        if "LAZIO" in job.id:
            raise ZeroDivisionError
        await put(job)

    async def deaf() -> list[AnswerFile]:
        raise KeyError("answers")

    monkeypatch.setattr(shop, "put", broken)
    monkeypatch.setattr(shop, "answers", deaf)
    async with opened(stack) as ledger:
        ids = await kept(stack, 4, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert states(stack) == {"handed": 3, "closed": 1}
        assert "ZeroDivisionError" in log.of("job.stuck")[0]["reason"]
        assert "KeyError" in log.of("answers.postponed")[0]["reason"]
        monkeypatch.undo()
        sql(stack, "update print_job set due_at = now()")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    whole(shop, ids)


async def test_a_typesetter_that_fails_costs_nobody_a_letter(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        ids = await kept(stack, 4, ledger)
        monkeypatch.setattr(sound, "_attempt", lambda *_: None)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert log.of("job.postponed")[0]["reason"] == "typesettingerror"
        monkeypatch.undo()
        sql(stack, "update print_job set due_at = now()")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
    whole(shop, ids)


@pytest.mark.parametrize("closed", [False, True])
async def test_an_erased_citizens_waiting_letter_goes(stack: Stack, tmp_path: Path, *, closed: bool) -> None:
    """As by `citizen.erase`; here by the period, which leaves the same entry."""
    await revoked(stack, 2, years=11)
    subjects = [bytes.fromhex(line[2:]) for line in sql(stack, "select subject from ended").splitlines()]
    shop, keys, ids = FolderShop(tmp_path / "shop", failures=int(closed)), keys_of(stack), []
    async with opened(stack) as ledger:
        for subject in (*subjects, b"somebody else 16"):
            ids.append(uuid4())
            sent = bundle(keys, [(ids[-1], letter(0))], subject)
            await keep_effect(keys, MORNING)([sent], ledger)  # type: ignore[list-item]
        if closed:
            await rounds(keys, shop, FRIDAY, Said()).step(ledger)
            assert states(stack) == {"closed": 3}
        async with opened(stack, "issuer") as issuer:
            await chore(stack).step(issuer)
        assert states(stack) == {"erased": 2, "closed" if closed else "waiting": 1}
        assert (
            sql(stack, "select count(*) from letter where seal is not null or bundle_key is not null") == "1"
        )
        sql(stack, "update print_job set due_at = now()")
        await rounds(keys, shop, FRIDAY, Said()).step(ledger)
    whole(shop, ids[2:])


async def test_a_letter_kept_since_an_erasure_stays_when_its_entry_is_moved(stack: Stack) -> None:
    """As when the entries of a month are moved to another table."""
    await revoked(stack, 1, years=11)
    subject = bytes.fromhex(sql(stack, "select subject from ended")[2:])
    async with opened(stack, "issuer") as issuer:
        await chore(stack).step(issuer)
    async with opened(stack) as ledger:
        sent = bundle(keys_of(stack), [(uuid4(), letter(0))], subject)
        await keep_effect(keys_of(stack), MORNING)([sent], ledger)  # type: ignore[list-item]
    sql(stack, "update letter set kept_at = now() + interval '1 hour'")
    sql(
        stack,
        "alter table entry disable trigger entry_is_chained; alter table entry disable trigger"
        " entry_is_append_only; with moved as (delete from entry where kind = 'citizen.erased' returning *)"
        " insert into entry select * from moved",
    )
    assert states(stack) == {"waiting": 1}


async def test_contents_that_nobody_printed_end_and_rows_of_long_ago_with_them(
    stack: Stack, tmp_path: Path
) -> None:
    shop, log = FolderShop(tmp_path / "shop"), Said()
    async with opened(stack) as ledger:
        await kept(stack, 4, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        await kept(stack, 2, ledger, FRIDAY)
        sql(stack, "update letter set kept_at = now() - interval '89 days'")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert sql(stack, "select count(*) from letter where seal is not null") == "6"
        sql(stack, "update letter set kept_at = now() - interval '91 days'")
        await rounds(keys_of(stack), shop, FRIDAY, log, retention=timedelta(0)).step(ledger)
        assert sql(stack, "select count(*) from letter where seal is not null") == "6", "zero keeps all"
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert states(stack) == {"handed": 4, "forgotten": 2}
        assert log.of("letters.forgotten") == [{"letters": 6, "unprinted": 2}]
        house = Housekeeping(timedelta(days=30), {"forget_letters": timedelta(days=365)})
        await house.step(ledger)
        assert sql(stack, "select count(*) from letter") == "6"
        sql(stack, "update letter set kept_at = now() - interval '366 days'")
        await Housekeeping(timedelta(days=30), {"forget_letters": timedelta(days=365)}).step(ledger)
        assert sql(stack, "select count(*) from letter") == "0"


async def test_a_late_job_and_letters_in_no_answer_are_asked_for(stack: Stack, tmp_path: Path) -> None:
    shop, log = FolderShop(tmp_path / "shop", failures=1), Said()
    async with opened(stack) as ledger:
        ids = await kept(stack, 1, ledger)
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        sql(stack, "update print_day set closed_at = now() - interval '2 hours'")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        job = job_of(stack, ids[0])
        assert [(one["job"], one["letters"], one["tries"]) for one in log.of("job.late")] == [(job, 1, 1)]
        sql(stack, "update print_job set due_at = now()")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert log.of("letters.unanswered") == []
        sql(stack, "update print_job set handed_at = now() - interval '6 days'")
        await rounds(keys_of(stack), shop, FRIDAY, log).step(ledger)
        assert [(one["job"], one["letters"]) for one in log.of("letters.unanswered")] == [(job, 1)]


async def test_pinctl_shows_jobs_and_what_waits(stack: Stack, tmp_path: Path) -> None:
    shop = FolderShop(tmp_path / "shop", failures=1)
    async with opened(stack) as ledger:
        await kept(stack, 8, ledger)
        await kept(stack, 3, ledger, FRIDAY)
        await rounds(keys_of(stack), shop, FRIDAY, Said()).step(ledger)
        answer = await run(parser().parse_args(["jobs"]), stack.env)
    assert [one["job"] for one in answer.data["jobs"]] == [
        f"20261127-{region}-1" for region in sorted(REGIONS)
    ]
    assert answer.data["jobs"][0]["stand"] == {"closed": 2}
    assert sum(one["letters"] for one in answer.data["waiting"]) == 3
    assert "20261127-LAZIO-1" in answer.text
    assert answer.status == 0


async def test_the_channels_earlier_key_is_needed_while_a_letter_waits_sealed_to_it(stack: Stack) -> None:
    keys = keys_of(stack)
    async with opened(stack) as ledger:
        await kept(stack, 3, ledger)
        # A bundle of a release before keys had names in it: the oldest key may be the one that opens it.
        sql(stack, "update letter set key_id = '' where ctid = (select min(ctid) from letter)")
    use = await use_of(
        {"post": keys.private("post")},
        BrokerSettings.load(stack.env),
        LedgerSettings.load(stack.env),
        PinPolicy().link_validity,
    )
    assert sorted(use.bundles.values()) == [1, 2]
    assert use.bundles[""] == 1


@pytest.mark.parametrize(
    ("last", "region"),
    [
        ("00184 ROMA RM", "LAZIO"),
        ("11100 AOSTA AO", "VALLE-D-AOSTA"),
        ("39100 BOLZANO BOZEN BZ", "TRENTINO-ALTO-ADIGE"),
        ("AUSTRIA", "EE"),
        ("00184 ROMA XX", "EE"),
    ],
)
def test_the_region_is_the_provinces(last: str, region: str) -> None:
    assert region_of(("ANNA ROSSI", "VIA ROMA 1", last)) == region
