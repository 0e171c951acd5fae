"""A PIN is restored or revoked through the broker: two revokers, every message three times."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from deploy.local.captured import Captured, PageCopy
from deploy.local.citizens import citizens
from deploy.local.client import Client
from deploy.local.sealed import ReplyKey, sealed
from deploy.local.stack import Stack
from tests.kit.clients import operator, portal, registry
from tests.kit.waiting import until

TIMES = 3
WORKERS = ("issuer", "issuer-access", "notifier-sms", "notifier-email", "notifier-pec", "notifier-post")
MOBILE, EMAIL, PEC = "+393331234567", "anna@example.com", "anna@pec.example.com"
OWN_ADDRESS = "someone@example.net"
CARD = {"number": "80380000900012345678", "expires_on": "2029-06-30"}
ACCEPTED = {"outcome": "accepted", "code": "accepted", "detail": "", "errors": [], "data": {}}


class Citizen:
    """A citizen at a portal."""

    def __init__(self, stack: Stack, portal: Client) -> None:
        self.stack, self.portal = stack, portal
        ((_, body),) = citizens(1, seed=11, kinds=("plain",))
        self.person = body | {"contacts": {"mobile": MOBILE, "email": EMAIL, "pec": PEC}}
        self.codice_fiscale = body["codice_fiscale"]

    async def ask(self, type_: str, **body: object) -> dict[str, Any]:
        """Send a command to the revoker several times; every copy gets the same reply."""
        return await self.portal.ask(type_, {"codice_fiscale": self.codice_fiscale, **body}, times=TIMES)

    async def get_pin(self) -> str:
        """Request a PIN and complete first access; return the eight characters."""
        captured = Captured(self.stack.state)
        before = len(captured.letters())
        assert await self.portal.ask("pin.request", self.person) == ACCEPTED
        second = (await until(lambda: captured.letters()[before:]))[0]
        first = (await until(lambda: [message for message in captured.sms() if message.half]))[-1]
        return await self.first_access(first.half + second.half)

    async def first_access(self, initial: str) -> str:
        """Exchange the sixteen characters; return the eight new ones."""
        key = ReplyKey()
        reply = await self.portal.ask(
            "pin.activate",
            {
                "codice_fiscale": self.codice_fiscale,
                "pin_sealed": sealed(self.stack.state, "issuer", initial),
                "reply_key": key.public,
            },
        )
        assert reply["code"] == "accepted"
        return key.open(reply["data"]["pin_sealed"])

    async def log_in(self, pin: str) -> str:
        """Return the code of the reply to a log-in."""
        reply = await self.portal.ask(
            "pin.verify",
            {"codice_fiscale": self.codice_fiscale, "pin_sealed": sealed(self.stack.state, "issuer", pin)},
        )
        return str(reply["code"])

    async def link(self) -> PageCopy:
        """Wait for the latest mail with a link."""
        found: list[PageCopy] = await until(
            lambda: [mail for mail in Captured(self.stack.state).mails() if mail.token]
        )
        return found[-1]

    async def confirm(self, flow: str, token: str | None) -> dict[str, Any]:
        """Open a link."""
        assert token
        return await self.ask(f"{flow}.confirm", token_sealed=sealed(self.stack.state, "revoker", token))


@pytest.fixture
async def citizen(stack: Stack) -> AsyncIterator[Citizen]:
    stack.start_workers(WORKERS)
    stack.start_worker("revoker", copies=2)
    async with portal(stack) as at_home:
        yield Citizen(stack, at_home)


async def test_a_lost_pin_is_restored_with_two_contacts(citizen: Citizen) -> None:
    """R13-R16: wrong contacts are answered like the right ones, and send nothing."""
    lost = await citizen.get_pin()
    assert await citizen.ask("restore.request", contacts={"mobile": MOBILE, "pec": EMAIL}) == ACCEPTED
    assert await citizen.ask("restore.request", contacts={"mobile": MOBILE, "pec": PEC}) == ACCEPTED
    link = await citizen.link()
    assert link.to == EMAIL
    assert await citizen.log_in(lost) == "accepted"
    await strangers_guess(citizen, "restore")
    assert await citizen.confirm("restore", link.token) == ACCEPTED
    first, second = await halves_at_their_contacts(citizen)
    assert await citizen.log_in(lost) == "wrong_pin"
    assert (await citizen.confirm("restore", link.token))["code"] == "link_invalid"
    restored = await citizen.first_access(first + second)
    assert await citizen.log_in(restored) == "accepted"
    await until(lambda: len(citizen.portal.told_of("pin.activated")) == 2)
    assert len(citizen.portal.told_of("restore.requested")) == 1
    assert len(citizen.portal.told_of("restore.confirmed")) == 1
    assert len([mail for mail in Captured(citizen.stack.state).mails() if mail.token]) == 1


async def test_who_holds_the_session_does_not_take_the_pin_and_its_owner_takes_the_contacts_back(
    citizen: Citizen,
) -> None:
    """R13: a thief changes all contacts and asks to restore to them; the citizen does with the old ones."""
    thief = {"mobile": "+393409999999", "email": "thief@example.org", "pec": "thief@pec.example.org"}
    pin = await citizen.get_pin()
    assert await citizen.ask("contacts.update", contacts=thief) == ACCEPTED
    assert await citizen.ask("restore.request", contacts=thief) == ACCEPTED
    assert await citizen.ask("restore.request", contacts={"mobile": MOBILE, "pec": PEC}) == ACCEPTED
    link = await citizen.link()
    assert link.to == EMAIL
    assert await citizen.confirm("restore", link.token) == ACCEPTED
    first, second = await halves_at_their_contacts(citizen)
    assert await citizen.log_in(pin) == "wrong_pin"
    assert await citizen.log_in(await citizen.first_access(first + second)) == "accepted"
    everything = Captured(citizen.stack.state)
    assert not [m for m in (*everything.sms(), *everything.mails()) if m.to in thief.values() and secret(m)]
    await until(lambda: len(citizen.portal.told_of("contacts.updated")) == 2)
    assert len(citizen.portal.told_of("restore.requested")) == 1


def secret(message: PageCopy) -> bool:
    """Return whether a message has a half or a link."""
    return bool(message.half or message.token)


async def test_a_stranger_cannot_try_health_cards_until_one_is_right(citizen: Citizen) -> None:
    """R19: five at once, over two revokers; the sixth would be right, and sends nothing."""
    pin = await citizen.get_pin()
    async with registry(citizen.stack) as at_registry:
        card = {"codice_fiscale": citizen.codice_fiscale, "health_card": CARD}
        assert await at_registry.ask("registry.update", card) == ACCEPTED
    guesses = (CARD | {"number": f"{80380000900000000000 + number}"} for number in range(5))
    tried = (citizen.ask("revoke.request", health_card=card, email=OWN_ADDRESS) for card in guesses)
    assert await asyncio.gather(*tried) == [ACCEPTED] * 5
    assert await citizen.ask("revoke.request", health_card=CARD, email=OWN_ADDRESS) == ACCEPTED
    counted = "select kind, count(*) from entry where kind ~ '^(revoke|health)' group by 1 order by 1"
    assert citizen.stack.postgres.sql(counted, citizen.stack.database).split() == [
        "health_card.locked|1",
        "revoke.refused|5",
    ]
    assert await citizen.log_in(pin) == "accepted"
    assert not [mail for mail in Captured(citizen.stack.state).mails() if mail.token]


async def strangers_guess(citizen: Citizen, flow: str) -> None:
    """Try tokens, as anybody can who knows a codice fiscale; it closes no link."""
    for number in range(8):
        assert (await citizen.confirm(flow, f"{number:040}"))["code"] == "link_invalid"


async def halves_at_their_contacts(citizen: Citizen) -> tuple[str, str]:
    """R15: half 1 by SMS, half 2 by PEC; each once, and neither anywhere else."""
    by_sms = await until(
        lambda: [m for m in Captured(citizen.stack.state).sms() if m.half and "nuovo PIN" in m.text]
    )
    by_pec = await until(
        lambda: [m for m in Captured(citizen.stack.state).mails() if m.half and "ripristino" in m.text]
    )
    ((first_to, first), (second_to, second)) = [(message.to, message.half) for message in (*by_sms, *by_pec)]
    assert (first_to, second_to) == (MOBILE, PEC)
    assert first != second
    return first, second


async def test_a_pin_is_revoked_with_the_health_card_and_asked_for_again(citizen: Citizen) -> None:
    """R18-R21: by the citizen; then the next PIN by the contact centre."""
    pin = await citizen.get_pin()
    async with registry(citizen.stack) as at_registry:
        card = {"codice_fiscale": citizen.codice_fiscale, "health_card": CARD}
        assert await at_registry.ask("registry.update", card, times=TIMES) == ACCEPTED
    assert await citizen.ask("revoke.request", health_card=CARD, email=OWN_ADDRESS) == ACCEPTED
    link = await citizen.link()
    assert link.to == OWN_ADDRESS
    await until(lambda: warned_at(citizen) == {MOBILE, EMAIL, PEC})
    assert await citizen.log_in(pin) == "accepted"
    await strangers_guess(citizen, "revoke")
    assert await citizen.confirm("revoke", link.token) == ACCEPTED
    assert (await citizen.confirm("revoke", link.token))["code"] == "link_invalid"
    assert await citizen.log_in(pin) == "wrong_pin"
    await until(lambda: ended_at(citizen) == sorted([MOBILE, EMAIL, PEC, OWN_ADDRESS]))
    await revoked_by_contact_centre(citizen, await citizen.get_pin())


def warned_at(citizen: Citizen) -> set[str]:
    return {
        m.to
        for m in (*Captured(citizen.stack.state).sms(), *Captured(citizen.stack.state).mails())
        if "chiesta la revoca" in m.text
    }


def ended_at(citizen: Citizen) -> list[str]:
    arrived = (*Captured(citizen.stack.state).sms(), *Captured(citizen.stack.state).mails())
    return sorted(m.to for m in arrived if "stato annullato" in m.text or "stato revocato" in m.text)


async def revoked_by_contact_centre(citizen: Citizen, pin: str) -> None:
    """R21."""
    command = {
        "codice_fiscale": citizen.codice_fiscale,
        "operator": {"id": "op-0042", "office": "Contact Center"},
        "reason": "Smarrito, senza Tessera Sanitaria.",
    }
    async with operator(citizen.stack) as at_centre:
        assert await at_centre.ask("revoke.by_contact_centre", command, times=TIMES) == ACCEPTED
        assert (await at_centre.ask("revoke.by_contact_centre", command))["code"] == "no_live_pin"
    assert await citizen.log_in(pin) == "wrong_pin"
    await until(lambda: len(citizen.portal.told_of("pin.revoked")) == 2)
    causes = [event["cause"] for event in citizen.portal.told_of("pin.revoked")]
    assert causes == ["citizen", "contact_centre"]
