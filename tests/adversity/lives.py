"""Citizens' actions at a portal, at a branch and with their mail."""

import asyncio
import signal
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID, uuid4

from deploy.local.captured import Captured
from deploy.local.citizens import DE_VISU, Body
from deploy.local.client import Client
from deploy.local.inbox import Reply
from deploy.local.sealed import ReplyKey, sealed
from tests.adversity.marked_citizens import word
from tests.adversity.people import Issued, issued, standing
from tests.kit.evidence import Evidence
from tests.kit.harness import Harness
from tests.kit.waiting import until

OPERATOR = {"id": "op-0042", "office": "Contact Center"}


@dataclass
class Life:
    """One citizen, and all their secrets."""

    kind: str
    body: Body
    secrets: set[str] = field(default_factory=set)
    initial: str = ""
    pin: str = ""
    data: set[str] = field(default_factory=set)

    @property
    def codice_fiscale(self) -> str:
        """The codice fiscale."""
        return str(self.body["codice_fiscale"])

    @property
    def email(self) -> str:
        """The registered email."""
        return str(self.body["contacts"]["email"])


@dataclass
class Population:
    """All citizens, and the harness that acts for them."""

    harness: Harness
    lives: list[Life]
    chance: Random = field(default_factory=lambda: Random(5))  # noqa: S311 - nothing here is a secret

    async def say(self, life: Life, type_: str, *, by: Client | None = None, **body: object) -> Reply:
        """Publish a command about a citizen and return the reply."""
        return await (by or self.harness.portal).ask(type_, {"codice_fiscale": life.codice_fiscale, **body})

    async def done(self, life: Life, type_: str, *, by: Client | None = None, **body: object) -> Reply:
        """Publish a command that must be accepted."""
        reply = await self.say(life, type_, by=by, **body)
        assert reply["outcome"] == "accepted", reply
        return reply

    async def ask_for_pins(self, lives: list[Life]) -> list[tuple[Life, Issued]]:
        """Request a PIN for each, at home or at a branch."""
        at_branch = [life for life in lives if life.kind == DE_VISU]
        at_home = [life for life in lives if life.kind != DE_VISU]
        pins = await issued(self.harness.stack, self.harness.portal, [life.body for life in at_home])
        pins += await issued(self.harness.stack, self.harness.operator, [life.body for life in at_branch])
        return list(zip([*at_home, *at_branch], pins, strict=True))

    async def hand_over(self, pins: list[tuple[Life, Issued]], channels: set[str]) -> None:
        """Wait for the deliveries on these channels, and record the halves of each citizen."""
        out = [id_ for _, pin in pins for channel, id_ in pin.carriers.items() if channel in channels]
        found = await standing(self.harness.stack, out, {"sent"})
        for life, pin in pins:
            first, second = _halves(pin.carriers, found)
            life.initial = first + second
            life.secrets |= {first, second, life.initial}

    async def first_access(self, life: Life) -> None:
        """Use the initial PIN."""
        key = ReplyKey()
        typed = sealed(self.harness.stack.state, "issuer", f"{life.initial[:8]}-{life.initial[8:]}".lower())
        reply = await self.say(life, "pin.activate", pin_sealed=typed, reply_key=key.public)
        life.pin = key.open(reply["data"]["pin_sealed"])
        life.secrets.add(life.pin)

    async def log_in(self, life: Life, pin: str) -> str:
        """Try a PIN; return the reply's code."""
        reply = await self.say(life, "pin.verify", pin_sealed=sealed(self.harness.stack.state, "issuer", pin))
        return str(reply["code"])

    async def link_to(self, life: Life, address: str) -> str:
        """Wait for a mail with a confirmation link, and return its token."""
        tokens: list[str] = []

        def there() -> bool:
            tokens[:] = [copy.token for copy in Captured(self.harness.stack.state).to(address) if copy.token]
            return bool(tokens)

        await until(there, f"a link for a {life.kind}", every=0.1)
        return sealed(self.harness.stack.state, "revoker", tokens[-1])

    async def restore(self, life: Life, *, to_the_end: bool) -> None:
        """Request a restore; with `to_the_end` also use the link and the new halves."""
        contacts = {name: life.body["contacts"][name] for name in ("mobile", "email")}
        await self.say(life, "restore.request", contacts=contacts)
        token = await self.link_to(life, life.email)
        if not to_the_end:
            return
        before = {copy.id for copy in Captured(self.harness.stack.state).all()}
        assert (await self.say(life, "restore.confirm", token_sealed=token))["code"] == "accepted"
        halves: dict[str, str] = {}

        def there() -> bool:
            new = [
                copy
                for copy in Captured(self.harness.stack.state).all()
                if copy.id not in before and copy.half
            ]
            halves.update({copy.to: str(copy.half) for copy in new if copy.to in contacts.values()})
            return len(halves) == 2

        await until(there, "both halves of a restored PIN", every=0.1)
        life.initial = halves[contacts["mobile"]] + halves[contacts["email"]]
        life.secrets |= {*halves.values(), life.initial}
        await self.first_access(life)

    async def revoke(self, life: Life, *, to_the_end: bool) -> None:
        """Request a revocation and try a wrong token once; with `to_the_end` also use the link."""
        card = {"number": f"{self.chance.randrange(10**19, 10**20)}", "expires_on": "2031-05-31"}
        address = f"{word(self.chance).lower()}@example.it"
        life.data |= {card["number"], address.partition("@")[0]}
        await self.done(life, "registry.update", by=self.harness.registry, health_card=card)
        await self.say(life, "revoke.request", health_card=card, email=address)
        token = await self.link_to(life, address)
        wrong = sealed(self.harness.stack.state, "revoker", "0" * 40)
        assert (await self.say(life, "revoke.confirm", token_sealed=wrong))["code"] == "link_invalid"
        if to_the_end:
            assert (await self.say(life, "revoke.confirm", token_sealed=token))["code"] == "accepted"

    async def change_contacts(self, life: Life) -> None:
        """Change the email and add a landline."""
        changed = {
            "email": f"{word(self.chance).lower()}@example.it",
            "home_phone": f"+3906{self.chance.randrange(10**7, 10**8)}",
        }
        life.data |= {text.partition("@")[0].removeprefix("+") for text in changed.values()}
        assert (await self.say(life, "contacts.update", contacts=changed))["code"] == "accepted"

    async def apply(self, life: Life) -> None:
        """Send an istanza, request the dispositivo PIN, submit documents that an operator finds illegible."""
        await self.done(life, "istanza.submit", istanza_id=str(uuid4()), service="Pensione")
        request = await self.hand_in(life)
        await self.harness.operator.ask("dispositivo.review_queue", {"operator": OPERATOR, "limit": 100})
        note = word(self.chance)
        life.data.add(note)
        refusal: dict[str, Any] = {"operator": OPERATOR, "reason": "illegible", "note": note}
        await self.done(life, "dispositivo.cancel", by=self.harness.operator, request_id=request, **refusal)

    async def hand_in(self, life: Life) -> str:
        """Request the dispositivo PIN and submit documents; return the request's id."""
        asked = await self.done(life, "dispositivo.request", submission="online")
        scan = {
            "uri": f"https://documenti.example.it/{word(self.chance)}",
            "sha256": "0" * 64,
            "media_type": "application/pdf",
        }
        papers: dict[str, Any] = {"signed_form": scan, "document": self.document(life), "document_scan": scan}
        life.data.add(scan["uri"].rpartition("/")[2])
        request = str(asked["data"]["request_id"])
        await self.done(life, "dispositivo.submit_documents", request_id=request, via="online", **papers)
        return request

    def document(self, life: Life) -> dict[str, str]:
        """Return an identity document with a unique number."""
        number = word(self.chance).upper()
        life.data.add(number)
        return {
            "kind": "passport",
            "number": number,
            "issued_by": "Questura di Pisa",
            "issued_on": "2021-03-15",
            "expires_on": "2031-03-14",
        }

    async def become_dispositivo(self, life: Life, *, at_branch: bool) -> None:
        """Get the documents approved, or go to a branch, which corrects the document's details."""
        request = await self.hand_in(life)
        if not at_branch:
            approval = {"request_id": request, "operator": OPERATOR}
            await self.done(life, "dispositivo.approve", by=self.harness.operator, **approval)
            return
        await self.done(life, "branch.lookup", by=self.harness.operator, operator=OPERATOR)
        shown = self.document(life)
        await self.done(life, "branch.activate", by=self.harness.operator, operator=OPERATOR, document=shown)

    async def end_by_phone(self, life: Life) -> None:
        """Have the contact centre revoke the PIN, for a reason unique to this citizen."""
        reason = word(self.chance)
        life.data.add(reason)
        by = {"operator": OPERATOR, "reason": f"Telefonata di {reason}"}
        await self.done(life, "revoke.by_contact_centre", by=self.harness.operator, **by)


def _halves(carriers: dict[str, UUID], found: Evidence) -> tuple[str, str]:
    first = {copy.half for c, id_ in carriers.items() if c != "post" for copy in found.copies[id_]}
    second = {copy.half for copy in found.copies[carriers["post"]]}
    ((one,), (two,)) = first, second
    assert one
    assert two
    return one, two


async def live(population: Population, late: int) -> None:
    """Act for all citizens: most complete first access, some go through every flow.

    The PEC provider always fails, so that deliveries wait in the outbox; the SMS of the last `late` citizens
    stay in their queue.
    """
    population.harness.stack.fake_providers.misbehave(pec={"mode": "status", "status": 451})
    early, latecomers = population.lives[:-late], population.lives[-late:]
    await population.hand_over(await population.ask_for_pins(early), {"sms", "email", "post"})
    await live_on(population, [life for life in early if life.kind != "pec"][:60])
    population.harness.stack.workers["notifier-sms"].stop(signal.SIGTERM)
    await population.hand_over(await population.ask_for_pins(latecomers), {"email", "post"})


async def live_on(population: Population, active: list[Life]) -> None:
    """First access, log-ins, a lock, restores, revocations, new contacts, documents."""
    await asyncio.gather(*(population.first_access(life) for life in active))
    right = await asyncio.gather(*(population.log_in(life, life.pin.lower()) for life in active[:20]))
    wrong = await asyncio.gather(*(population.log_in(life, "0000-0000") for life in active[20:30]))
    assert (set(right), set(wrong)) == ({"accepted"}, {"wrong_pin"})
    assert [await population.log_in(active[30], f"9999999{n}") for n in range(6)][-1] == "locked"
    reachable = iter([life for life in active if {"mobile", "email"} <= life.body["contacts"].keys()])
    await asyncio.gather(*(population.restore(next(reachable), to_the_end=n > 1) for n in range(6)))
    await asyncio.gather(*(population.revoke(next(reachable), to_the_end=n > 1) for n in range(6)))
    await asyncio.gather(*(population.change_contacts(next(reachable)) for _ in range(6)))
    await asyncio.gather(*(population.apply(life) for life in active[-4:]))
    await population.become_dispositivo(active[-4], at_branch=False)
    await population.become_dispositivo(active[-3], at_branch=True)
    await population.end_by_phone(active[-2])
