"""A simulated citizen and their actions at the portal."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any

from nacl.exceptions import CryptoError

from deploy.demo.session import Session
from deploy.errors import UnexpectedAnswerError
from deploy.local.inbox import Body
from deploy.local.sealed import ReplyKey, bound
from shared.contract.ids import new_message_id

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_HALF = 8


@dataclass
class Citizen:
    """One citizen.

    Attributes:
        body: the body of the request.
        subject: the pseudonym, known from the first event.
        asked: the id of the first request.
        pin: the PIN of 8 characters, once there is one.
    """

    session: Session
    kind: str
    body: Body
    subject: str = ""
    asked: str = ""
    pin: str = ""

    @property
    def codice_fiscale(self) -> str:
        """The codice fiscale."""
        code: str = self.body["codice_fiscale"]
        return code

    @property
    def contacts(self) -> dict[str, str]:
        """The registered contacts."""
        contacts: dict[str, str] = self.body["contacts"]
        return contacts

    @property
    def mailbox(self) -> str:
        """The mailbox that receives the first half (R5): the PEC, else the email."""
        return "pec" if "pec" in self.contacts else "email"

    @property
    def issuance_channels(self) -> list[str]:
        """The channels of an issuance: the double message (R5) and the letter (R6)."""
        return [*(["sms"] if "mobile" in self.contacts else []), self.mailbox, "post"]

    async def says(
        self, type_: str, *, by: str = "portal", expected: str = "accepted", **fields: object
    ) -> tuple[str, dict[str, Any]]:
        """Send a command about this citizen; see `Session.ask`."""
        body = {"codice_fiscale": self.codice_fiscale, **fields}
        return await self.session.ask(type_, body, by=by, expected=expected)

    async def says_sealed(
        self, type_: str, secret: dict[str, str], *, expected: str = "accepted", **fields: object
    ) -> tuple[str, dict[str, Any]]:
        """Send a command with a PIN or a token, sealed for this one message; see `Session.ask`."""
        message_id = new_message_id()
        body = {"codice_fiscale": self.codice_fiscale, **fields}
        (what,) = secret
        to = "issuer" if what == "pin" else "revoker"
        body[f"{what}_sealed"] = bound(self.session.state, to, secret, body, message_id)
        return await self.session.ask(type_, body, expected=expected, message_id=message_id)

    async def hears(self, type_: str, number: int = 1) -> dict[str, Any]:
        """Wait for an event about this citizen; return its data."""
        data: dict[str, Any] = (await self.session.events.nth(self.subject, type_, number))["data"]
        return data

    async def requests(self) -> str:
        """Request a PIN; return the request's id (R1, R8)."""
        by = "operator" if "recognition" in self.body else "portal"
        message_id, _ = await self.session.ask("pin.request", self.body, by=by)
        return message_id

    async def is_issued(self, message_id: str, number: int = 1) -> None:
        """Wait until the PIN of a request is issued."""
        self.subject = (await self.session.events.nth(message_id, "pin.issued"))["subject"]
        await self.hears("pin.issued", number)
        self.asked = message_id

    async def receives(self, message_id: str, what: str, *channels: str) -> str:
        """Return the `half` or `token` that was sent for a command on one of these channels."""
        number = 0
        while True:
            number += 1
            event = await self.session.events.nth(message_id, "delivery.sent", number)
            if event["data"]["channel"] not in channels:
                continue
            copy = self.session.captured.first_copy(event["data"]["delivery_id"])
            if found := getattr(copy, what):
                return str(found)

    async def activates(self) -> str:
        """Activate with the two joined halves, once (R10); return the level."""
        first = await self.receives(self.asked, "half", "sms", "email", "pec")
        second = await self.receives(self.asked, "half", "post")
        return await self.activates_with(first + second)

    async def activates_with(self, initial: str) -> str:
        """Exchange the 16 characters for 8 new ones."""
        key = ReplyKey()
        _, data = await self.says_sealed("pin.activate", {"pin": initial}, reply_key=key.public)
        try:
            self.pin = key.open(data["pin_sealed"])
        except (ValueError, CryptoError):
            raise UnexpectedAnswerError("the new PIN cannot be opened") from None
        if len(self.pin) != _HALF:
            raise UnexpectedAnswerError(f"the new PIN has {len(self.pin)} characters")
        return str(data["level"])

    async def logs_in(self) -> str:
        """Log in with codice fiscale and PIN (R11); return the level."""
        return str((await self._tries(self.pin, "accepted"))["level"])

    async def fails_to_log_in(self, expected: str = "wrong_pin") -> None:
        """Try to log in with one wrong character."""
        wrong = _ALPHABET[(_ALPHABET.index(self.pin[0]) + 1) % len(_ALPHABET)] + self.pin[1:]
        await self._tries(wrong, expected)

    async def is_locked_out(self) -> None:
        """Try to log in with the right PIN while it is locked."""
        await self._tries(self.pin, "locked")

    async def _tries(self, pin: str, expected: str) -> dict[str, Any]:
        return (await self.says_sealed("pin.verify", {"pin": pin}, expected=expected))[1]

    async def restores(self) -> None:
        """Restore a lost PIN with two contacts (R13-R16)."""
        first, second = [kind for kind in ("mobile", "pec", "email") if kind in self.contacts][:2]
        given = {kind: self.contacts[kind] for kind in (first, second)}
        asked, _ = await self.says("restore.request", contacts=given)
        token = await self.receives(asked, "token", "email", "pec")
        confirmed, _ = await self.says_sealed("restore.confirm", {"token": token})
        halves = await asyncio.gather(
            self.receives(confirmed, "half", "sms" if first == "mobile" else first),
            self.receives(confirmed, "half", second),
        )
        await self.activates_with("".join(halves))

    async def revokes(self, chance: Random) -> None:
        """Revoke the PIN with the health card, and request another (R18-R20)."""
        card = {"number": f"{chance.randrange(10**20):020}", "expires_on": "2031-01-31"}
        await self.says("registry.update", by="registry", health_card=card)
        mailbox = {self.mailbox: self.contacts[self.mailbox]}
        asked, _ = await self.says("revoke.request", health_card=card, **mailbox)
        token = await self.receives(asked, "token", "email", "pec")
        await self.says_sealed("revoke.confirm", {"token": token})
        await self.hears("pin.revoked")
        await self.is_issued(await self.requests(), number=2)
