"""A stranger's phone is not flooded, and nobody is notified about the dead: real servers, two issuers."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from deploy.local.captured import Captured, PageCopy
from deploy.local.citizens import PLAIN, citizens
from deploy.local.client import Client
from deploy.local.stack import Stack
from tests.integration.test_dispositivo import DOCUMENT, FILE
from tests.integration.test_restore_and_revoke import ACCEPTED, Citizen
from tests.kit import clients
from tests.kit.waiting import until

LIMIT, ISSUERS, MANY = 5, 2, 40
STRANGER = "+393479999999"
BUSY = ("notifier-sms", "notifier-email", "notifier-pec", "notifier-post")
OPERATOR = {"operator": {"id": "op-0042", "office": "Contact Center"}}
DIED = "2024-05-17"


def counted(stack: Stack) -> int:
    return int(stack.postgres.sql("select coalesce(sum(messages), 0) from sent_to", stack.database))


def later(stack: Stack) -> int:
    """Return how many outbox rows are still to be published."""
    return int(stack.postgres.sql("select count(*) from outbox", stack.database))


@pytest.fixture
async def portal(stack: Stack) -> AsyncIterator[Client]:
    stack.settings |= {"PIN_FIRST_HALVES_A_DAY": str(LIMIT), "PIN_RELAY_INTERVAL": "PT0.2S"}
    stack.start_worker("issuer", copies=ISSUERS)
    stack.start_workers(BUSY)
    async with clients.portal(stack) as sender:
        yield sender


def sms(stack: Stack) -> list[PageCopy]:
    return Captured(stack.state).sms()


def mails(stack: Stack) -> list[PageCopy]:
    return Captured(stack.state).mails()


def at_one_phone(number: int, first: int = 0) -> Sequence[dict[str, Any]]:
    """Return requests of `number` citizens with one stranger's phone, each with another mailbox."""
    bodies = [body for _, body in citizens(number, seed=5, first=first, kinds=(PLAIN,))]
    return [body | {"contacts": body["contacts"] | {"mobile": STRANGER}} for body in bodies]


async def test_a_stranger_s_phone_gets_a_few_first_halves_a_day_and_no_more(
    stack: Stack, portal: Client
) -> None:
    """R5: whatever the names in the requests; every request is answered alike."""
    requests = at_one_phone(MANY)
    replies = await asyncio.gather(*(portal.ask("pin.request", body) for body in requests))
    assert replies == [ACCEPTED] * MANY
    await until(lambda: len(portal.told_of("pin.issued") + portal.told_of("pin.request_rejected")) == MANY)
    issued = len(portal.told_of("pin.issued"))
    assert LIMIT <= issued <= ISSUERS * LIMIT, "each process at work at once may add as many as the limit"
    assert portal.told_of("pin.request_rejected") == [{"code": "address_flooded"}] * (MANY - issued)
    await until(lambda: len(sms(stack)) == issued)
    assert {message.to for message in sms(stack)} == {STRANGER}
    assert counted(stack) == 2 * issued, "at the phone and at a mailbox each"
    await nobody_else_is_held_up(stack, portal, issued)


async def nobody_else_is_held_up(stack: Stack, portal: Client, issued: int) -> None:
    """Check that another phone today, and the same one tomorrow, are served."""
    ((_, another),) = citizens(1, seed=5, first=MANY, kinds=(PLAIN,))
    assert await portal.ask("pin.request", another) == ACCEPTED
    await until(lambda: len(sms(stack)) == issued + 1)
    (refused, tomorrow) = at_one_phone(2, first=MANY + 1)
    assert await portal.ask("pin.request", refused) == ACCEPTED
    await until(lambda: len(portal.told_of("pin.request_rejected")) == MANY - issued + 1)
    stack.postgres.sql("update sent_to set day = day - 1", stack.database)
    assert await portal.ask("pin.request", tomorrow) == ACCEPTED
    await until(lambda: len(sms(stack)) == issued + 2)


async def test_old_days_are_forgotten(stack: Stack, portal: Client) -> None:
    """Counters before yesterday are purged, by any worker; today's still count."""
    (today,) = at_one_phone(1)
    stack.postgres.sql(
        "insert into sent_to select current_date - 1 - n % 30, decode(md5(n::text), 'hex'), 1"
        " from generate_series(2, 5001) as n",
        stack.database,
    )
    assert await portal.ask("pin.request", today) == ACCEPTED
    query = "select count(*) from sent_to where day < current_date - 2"
    await until(lambda: int(stack.postgres.sql(query, stack.database)) == 0)
    days = "select count(*) from sent_to where day >= current_date"
    assert int(stack.postgres.sql(days, stack.database)) == 2


async def test_no_address_stands_in_the_ledger(stack: Stack, portal: Client) -> None:
    (body,) = at_one_phone(1)
    await portal.ask("pin.request", body)
    rows = stack.postgres.sql(
        "select encode(place, 'escape') || encode(place, 'hex') from sent_to", stack.database
    )
    assert STRANGER not in rows
    assert STRANGER.encode().hex() not in rows


@pytest.fixture
async def citizen(stack: Stack) -> AsyncIterator[Citizen]:
    stack.settings |= {"PIN_DISPOSITIVO_DELAY": "PT2S", "PIN_RELAY_INTERVAL": "PT0.2S"}
    stack.start_workers(("issuer-access", "dispositivo", *BUSY))
    for worker in ("issuer", "revoker"):
        stack.start_worker(worker, copies=ISSUERS)
    async with clients.portal(stack) as sender:
        yield Citizen(stack, sender)


def arrived(stack: Stack) -> int:
    return len(sms(stack)) + len(mails(stack))


async def is_told_of_death(stack: Stack, person: Citizen) -> None:
    async with clients.registry(stack) as registry:
        death = {"codice_fiscale": person.codice_fiscale, "deceased_on": DIED}
        assert await registry.ask("registry.update", death, times=3) == ACCEPTED


async def with_everything_open(stack: Stack, person: Citizen) -> tuple[str, str]:
    """Create a suspended istanza, a pending approval and an open link; return PIN and token."""
    pin = await person.get_pin()
    istanza = await person.ask("istanza.submit", istanza_id="i-1", service="NASpI")
    assert istanza["data"]["status"] == "suspended"
    asked = await person.ask("dispositivo.request", submission="online")
    request_id = asked["data"]["request_id"]
    documents = {"signed_form": FILE, "document": DOCUMENT, "document_scan": FILE}
    await person.ask("dispositivo.submit_documents", request_id=request_id, via="online", **documents)
    contacts = {name: person.person["contacts"][name] for name in ("mobile", "pec")}
    await person.ask("restore.request", contacts=contacts)
    token = (await person.link()).token or ""
    async with clients.operator(stack) as operator:
        body = {"codice_fiscale": person.codice_fiscale, "request_id": request_id, **OPERATOR}
        assert (await operator.ask("dispositivo.approve", body))["code"] == "accepted"
    return pin, token


async def test_a_death_ends_everything_and_tells_nobody(stack: Stack, citizen: Citizen) -> None:
    """R14, R29, R31, R32: links, log-in, the pending approval, the suspended istanza."""
    pin, token = await with_everything_open(stack, citizen)
    # two halves, three outcomes of the profile, one link
    before = await until(lambda: (n := arrived(stack)) >= 6 and n)
    await is_told_of_death(stack, citizen)
    assert await citizen.log_in(pin) == "wrong_pin"
    assert (await citizen.confirm("restore", token))["code"] == "link_invalid"
    assert await citizen.portal.ask("pin.request", citizen.person, times=3) == ACCEPTED
    update = {"codice_fiscale": citizen.codice_fiscale, "contacts": {"mobile": STRANGER}}
    assert (await citizen.portal.ask("contacts.update", update))["code"] == "no_active_pin"
    await until(lambda: later(stack) == 1)  # the expiry of the initial PIN; the approval was due before
    await until(lambda: citizen.portal.told_of("pin.request_rejected") == [{"code": "deceased"}])
    assert citizen.portal.told_of("pin.revoked") == [{"cause": "deceased"}]
    assert citizen.portal.told_of("dispositivo.activated") == citizen.portal.told_of("istanza.released") == []
    assert await how_many_after_another_is_told(stack, citizen) == before
    await until(lambda: "revoked" in stack.postgres.sql("select status, level from account", stack.database))


async def how_many_after_another_is_told(stack: Stack, citizen: Citizen) -> int:
    """Issue another citizen's PIN, so that any earlier message has arrived; return the message count."""
    ((_, body),) = citizens(1, seed=12, kinds=(PLAIN,))
    assert await citizen.portal.ask("pin.request", body) == ACCEPTED
    others = {body["contacts"]["mobile"], body["contacts"]["email"]}
    await until(lambda: {message.to for message in (*sms(stack), *mails(stack))} >= others)
    return len([message for message in (*sms(stack), *mails(stack)) if message.to not in others])


async def test_a_pin_on_its_way_to_who_has_died_expires_unheard(stack: Stack, citizen: Citizen) -> None:
    """R5: messages due later, and halves that fail later, find no live PIN."""
    stack.stop_workers(limit=5)
    stack.settings |= {"PIN_INITIAL_VALIDITY": "PT6S"}
    stack.start_workers(("issuer", *BUSY))
    assert await citizen.portal.ask("pin.request", citizen.person) == ACCEPTED
    before = await until(lambda: (n := arrived(stack)) >= 2 and n)
    await is_told_of_death(stack, citizen)
    assert citizen.portal.told_of("pin.revoked") == [{"cause": "deceased"}]
    await until(lambda: later(stack) == 0)
    assert await how_many_after_another_is_told(stack, citizen) == before
    assert citizen.portal.told_of("pin.expired") == []


async def test_a_death_that_is_taken_back_gives_the_living_a_pin(stack: Stack, citizen: Citizen) -> None:
    """R7."""
    await is_told_of_death(stack, citizen)
    async with clients.registry(stack) as registry:
        back = {"codice_fiscale": citizen.codice_fiscale, "deceased_on": None}
        assert await registry.ask("registry.update", back, times=3) == ACCEPTED
        nothing = await registry.ask("registry.update", {"codice_fiscale": citizen.codice_fiscale})
        assert [(fault["field"], fault["code"]) for fault in nothing["errors"]] == [
            ("health_card", "missing")
        ]
    assert await citizen.log_in(await citizen.get_pin()) == "accepted"
