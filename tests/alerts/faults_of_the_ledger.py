"""What may happen to the ledger, and to what looks after it."""

# ruff: noqa: S608 - a test's SQL is its own

import asyncio

from tests.adversity.test_one_citizen import UNREADABLE, damaged
from tests.alerts.faults_of_servers import TWICE
from tests.alerts.lines import WorkersLogs
from tests.alerts.scene import ENOUGH, Scene
from tests.integration.test_months import without_last
from tests.kit.servers import empty_queues

HOUR = 3_600.0
DAY = 24 * HOUR
TWO = {"mobile": "+393470000000", "email": "someone@example.net"}
_LOCKED = (
    "select count(*) > 0 from pg_locks where relation = 'account'::regclass and mode = 'AccessExclusiveLock'"
)


async def an_account_does_not_open(scene: Scene) -> None:
    """A citizen's row is damaged, and they send a command."""
    await scene.run("revoker")
    logs = WorkersLogs(scene.stack)
    citizen = (await scene.citizens())[0]
    async with damaged(scene.stack, citizen, UNREADABLE["a damaged row"]):
        asked = {"codice_fiscale": citizen, "contacts": TWO}
        assert (await scene.harness.portal.ask("restore.request", asked))["code"] == "accepted"
        await scene.said(logs, "message.handled")
    await empty_queues(scene.stack)


async def somebody_locks_a_table(scene: Scene) -> None:
    """Maintenance at noon holds commands up for longer than the second that replies may take."""
    await scene.run("revoker")
    first, *more = (
        {"codice_fiscale": one["codice_fiscale"], "contacts": TWO} for one in scene.people(ENOUGH + 1)
    )
    logs = WorkersLogs(scene.stack)
    scene.begin()
    assert (await scene.harness.portal.ask("restore.request", first))["code"] == "accepted"
    await asyncio.sleep(1)  # a scrape of the replay at least
    lock = "begin; lock table account; select pg_sleep(4); commit"
    locking = asyncio.create_task(asyncio.to_thread(scene.sql, lock))
    await scene.comes(_LOCKED, "t", "the lock")
    asked = (scene.harness.portal.ask("restore.request", body) for body in more)
    await asyncio.gather(locking, *asked)
    await scene.said(logs, "message.handled", ENOUGH + 1)


async def _verified(scene: Scene, at: float = 0.0) -> str:
    return await scene.pinctl("ledger", "verify", at=[at], settings=_log(scene))


async def _checkpoint(scene: Scene, *at: float) -> None:
    assert "ledger.checkpoint" in await scene.pinctl("ledger", "checkpoint", at=at, settings=_log(scene))


def _log(scene: Scene) -> dict[str, str]:
    return {"PIN_CHECKPOINT_LOG": str(scene.folder / "checkpoints")}


async def an_entry_is_changed(scene: Scene) -> None:
    """Somebody with the rights of a superuser changes what an entry says; verify finds it that night."""
    first = f"{scene.subject((await scene.citizens())[0])} and seq = 1"
    change = f"set session_replication_role = replica; update entry set actor = %s where subject = {first}"
    was = scene.sql(f"select actor from entry where subject = {first}")
    await _checkpoint(scene, 0)
    scene.sql(change % "'nobody'")
    try:
        assert "1 break:" in await _verified(scene)
    finally:
        scene.sql(change % f"'{was}'")


async def a_citizen_is_removed(scene: Scene) -> None:
    """Somebody takes a citizen away without a trace; only the checkpoints know of them."""
    citizens = await scene.citizens()
    subject = scene.subject(citizens[-1])
    await _checkpoint(scene, HOUR)
    scene.sql(
        "set session_replication_role = replica;"
        f" create table kept_account as select * from account where subject = {subject};"
        f" create table kept_entry as select * from entry where subject = {subject};"
        f" create table kept_subject as select * from subject where key = {subject};"
        f" delete from account where subject = {subject}; delete from entry where subject = {subject};"
        f" delete from subject where key = {subject};"
    )
    assert "checkpoint" in await _verified(scene)
    scene.sql(
        "set session_replication_role = replica;"
        " insert into subject select * from kept_subject; insert into entry select * from kept_entry;"
        " insert into account select * from kept_account; drop table kept_account, kept_entry, kept_subject"
    )


async def verify_finds_something(scene: Scene) -> None:
    """Verify runs every night, and the second time there is no checkpoint to compare."""
    await scene.citizens()
    await _checkpoint(scene, 0)
    assert (await _verified(scene)).endswith("The ledger is sound.")
    (scene.folder / "checkpoints").write_text("")
    assert not (await _verified(scene, DAY)).endswith("The ledger is sound.")


async def checkpoints_stop(scene: Scene) -> None:
    """Checkpoints were signed, each hour, and then none."""
    await scene.citizens()
    await _checkpoint(scene, 0, HOUR)


async def months_are_sealed_no_more(scene: Scene) -> None:
    """The job that seals months ran, and does not any more."""
    (scene.folder / "archive").mkdir(exist_ok=True)
    settings = _log(scene) | {"PIN_ARCHIVE_DIR": str(scene.folder / "archive")}
    assert "No month is to be sealed." in await scene.pinctl("ledger", "seal-month", settings=settings)


async def a_month_is_missing(scene: Scene) -> None:
    """Entries lie in no month."""
    await _without(scene, 1, "in no month")


async def months_run_out(scene: Scene) -> None:
    """No month was made for long."""
    await _without(scene, 2, "the ledger has no month for entries")


async def _without(scene: Scene, months: int, said: str) -> None:
    """Take months away, in a ledger of its own, and look twice."""
    stack = scene.stack
    before, own = stack.database, f"{stack.database}_months"
    stack.postgres.clone(own)
    stack.database = own
    try:
        for _ in range(months):
            without_last(stack)
        assert said in await scene.pinctl("status", at=TWICE)
    finally:
        stack.database = before
        stack.postgres.drop(own)
