"""Every key changes under load, by rolling restarts, and nothing is lost."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio

from deploy.errors import PinctlError
from deploy.local.inbox import Body
from deploy.local.stack import Stack
from deploy.local.workers import WORKERS
from deploy.pinctl.answer import Answer
from deploy.pinctl.commands import parser, run
from deploy.pinctl.rotation import NAMES, holder
from shared.crypto.generations import key_id
from shared.crypto.keys import COSIGNER, Keys
from tests.kit.harness import PERSISTENT, Harness, fresh_harness
from tests.kit.person import Person
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {
    **PERSISTENT,
    "PIN_OUTBOX_LEASE": "PT1S",
    "PIN_BLIND_REPLY_AFTER": "PT0.02S",
    "PIN_RESEALING_INTERVAL": "PT1S",
    "PIN_SIGN_MESSAGES": "true",
}
KEYED = [name for name in WORKERS if name != "notifier-receipts"]
"""The workers that have a key that changes."""
PRESENT = [name for name in NAMES if name != COSIGNER]
"""The keys of the stack: a second witness has its own elsewhere."""
DOWN = {"mode": "status", "status": 503}
STOP_LIMIT = 15.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def harness(servers: Stack) -> AsyncIterator[Harness]:
    """A harness with all workers, and people who have got their PINs; the keys are as before in the end."""
    keys, before = servers.state / "keys", servers.state / "keys-before"
    shutil.copytree(keys, before)
    try:
        async with fresh_harness(servers, "key_changes", SETTINGS, kinds=("plain", "pec")) as harness:
            harness.start(WORKERS)
            await harness.settle_in(issued=4, active=12)
            yield harness
    finally:
        shutil.rmtree(keys)
        before.rename(keys)


async def pinctl(stack: Stack, *words: str) -> Answer:
    """Run a command as the operator does."""
    return await run(parser().parse_args(words), stack.env)


@dataclass
class Load:
    """People who come, log in and lose their PIN, one after the other, until it ends."""

    harness: Harness
    logging_in: list[Person]
    done: int = 0
    refused: list[str] = field(default_factory=list)
    ending: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep it up while the block runs."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self.ending = True
            await task

    async def _run(self) -> None:
        while not self.ending:
            (newcomer,) = self.harness.newcomers(1)
            person = self.logging_in[self.done % len(self.logging_in)]
            await self.harness.say("pin.request", newcomer.body)
            reply = await self.harness.ask("pin.verify", self.harness.log_in(person))
            if reply["outcome"] != "accepted":
                self.refused.append(reply["code"])
            self.done += 1
            await asyncio.sleep(0.1)


async def rolling(harness: Harness) -> None:
    """Restart one worker after the other, under load: each of them is for a while ahead of the others."""
    for name in KEYED:
        await asyncio.to_thread(harness.stack.workers[name].stop, limit=STOP_LIMIT)
        await asyncio.to_thread(harness.stack.start_worker, name)


async def letters_of(harness: Harness, message_id: str) -> None:
    """Wait until the half of a request is under way, or waits for its provider."""

    async def written() -> bool:
        return bool((await harness.all_is_well(())).of_message(message_id, "pin.issued"))

    await until(written, "a PIN is issued")


def accepted(reply: Body) -> Body:
    assert reply["outcome"] == "accepted", reply
    return reply


async def needed(harness: Harness, name: str) -> list[str]:
    """Return what `pinctl keys status` says of the earlier key."""
    rows = (await pinctl(harness.stack, "keys", "status", "--json")).data["keys"]
    return [row["needed_by"] for row in rows if row["key"] == name and row["is"] == "previous"]


async def test_every_key_changes_under_load_and_nothing_is_lost(harness: Harness) -> None:
    stack, keys = harness.stack, Keys(harness.stack.state / "keys")
    quiet, lost, later, *often = harness.active
    before = {name: keys.generations(holder(name)) for name in PRESENT}
    # What is under the earlier keys, and needed only when they are earlier ones.
    restoring = await harness.say("restore.request", lost.with_contacts())
    (requested,) = (await harness.all_is_well()).of_message(restoring, "restore.requested")
    token = harness.sealed((await harness.all_is_well()).token_of(requested), to="revoker")
    stack.fake_providers.misbehave(sms=DOWN, email=DOWN, pec=DOWN)
    waiting = [await harness.say("pin.request", person.body) for person in harness.newcomers(3)]
    sealed_before = harness.log_in(later)

    load = Load(harness, often)
    async with load.running():
        for message_id in waiting:
            await letters_of(harness, message_id)
        for name in PRESENT:
            await pinctl(stack, "keys", "rotate", name)
        await rolling(harness)
        for name in PRESENT:
            await pinctl(stack, "keys", "promote", name)
        await rolling(harness)
        after_both = load.done
        await until(lambda: load.done > after_both + 5, "some more load")
        stack.fake_providers.behave()
    assert load.done > 30
    assert load.refused == []

    accepted(await harness.ask("pin.verify", sealed_before))
    assert b"key.earlier_used" in (stack.state / "log/issuer-access.log").read_bytes()
    accepted(
        await harness.ask("restore.confirm", {"codice_fiscale": lost.codice_fiscale, "token_sealed": token})
    )
    for person in harness.issued:
        await harness.first_access(person)
    found = await harness.all_is_well(limit=60)
    assert all(found.of_message(message_id, "pin.issued") for message_id in waiting)
    assert all(keys.generations(f"{name}.key").current != before[name].current for name in PRESENT)

    await every_account_is_under_the_new_key(harness)
    await the_earlier_pepper_is_needed_until_the_last_has_logged_in(harness, often, quiet)
    await the_earlier_keys_can_go(harness, [quiet, later, *often, *harness.issued])


async def every_account_is_under_the_new_key(harness: Harness) -> None:
    async def sealed() -> bool:
        (why,) = await needed(harness, "account")
        return "account" not in why

    await until(sealed, "every account to be sealed anew", limit=30)
    (why,) = await needed(harness, "account")
    assert "kept repl" in why


async def the_earlier_pepper_is_needed_until_the_last_has_logged_in(
    harness: Harness, often: list[Person], quiet: Person
) -> None:
    name = key_id(Keys(harness.stack.state / "keys").symmetric("pepper").current)
    found = await harness.all_is_well()
    peppers = {
        one.holder.codice_fiscale: one.pin.pepper for one in found.accounts.values() if one.holder and one.pin
    }
    assert all(peppers[person.codice_fiscale] == name for person in often)
    assert peppers[quiet.codice_fiscale] != name
    (why,) = await needed(harness, "pepper")
    assert "PIN" in why


async def the_earlier_keys_can_go(harness: Harness, people: list[Person]) -> None:
    """Without them every account opens, and every PIN; but the pepper stays that initial PINs are under."""
    for person in people:
        accepted(await harness.ask("pin.verify", harness.log_in(person)))
    with pytest.raises(PinctlError, match="PINs"):
        await pinctl(harness.stack, "keys", "retire", "pepper")
    for name in PRESENT:
        if name != "pepper":
            await pinctl(harness.stack, "keys", "retire", name, "--force")
    harness.start(["issuer-access"])
    for person in people:
        accepted(await harness.ask("pin.verify", harness.log_in(person)))
    await harness.all_is_well()
