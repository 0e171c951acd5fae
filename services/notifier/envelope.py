"""The envelope of a mail: who gets its bounce, and what a bounce may bring back.

Both ways are here: what is written on the way out, and the delivery that is read from what comes back.
"""

import re
from dataclasses import dataclass
from uuid import UUID

_DELIVERY = re.compile(r"[0-9a-f]{32}")
_PLAIN = re.compile(r"[!-*,-<>-~]+")
"""What xtext leaves as it is (RFC 3461, 4)."""
LONGEST_BOUNCES_LOCAL = 64 - 1 - 32
"""Characters of a local part to which `+` and a delivery fit (RFC 5321, 4.5.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The envelope of one mail, ASCII throughout.

    Attributes:
        sender: to whom a bounce goes.
        recipient: its one recipient.
        mail_parameters: for `MAIL` at a server that offers DSN, each with a space before it.
        rcpt_parameters: likewise for `RCPT`.
    """

    sender: str
    recipient: str
    mail_parameters: str = ""
    rcpt_parameters: str = ""


class EnvelopeMaker:
    """Makes the envelopes of one account's mails."""

    def __init__(self, bounces: str, *, verp: bool, certified: bool) -> None:
        """Keep what all of them share.

        Args:
            bounces: the address that bounces go to.
            verp: whether each mail has an address of its own there, which names its delivery.
            certified: whether it is PEC. Its receipts say what became of a mail, and a provider may derive
                them from bounces: so none is asked for or declined, only what one may bring back.
        """
        self._bounces = bounces
        self._verp = verp
        self._certified = certified

    def envelope(self, delivery: UUID, recipient: str) -> Envelope:
        """Return the envelope of a delivery, the same at every try.

        Only a failure is asked for: a delay ends nothing, and with one large provider down each of its
        recipients would send us one. The recipient is named as we wrote it, for the report of whoever it is
        forwarded to.

        Args:
            delivery: its id.
            recipient: an address as `deliverable` returns it.
        """
        return Envelope(
            sender_for(self._bounces, delivery) if self._verp else self._bounces,
            recipient,
            f" RET=HDRS ENVID={delivery.hex}",
            "" if self._certified else f" NOTIFY=FAILURE ORCPT=rfc822;{_xtext(recipient)}",
        )


def sender_for(bounces: str, delivery: UUID) -> str:
    """Return the address for the bounces of one delivery (VERP): `bounces+<id>@example.it`."""
    local, _, domain = bounces.rpartition("@")
    return f"{local}+{delivery.hex}@{domain}"


def delivery_for(address: str, bounces: str) -> UUID | None:
    """Return the delivery that an address for bounces names, whatever case a server made of it."""
    local, _, domain = address.strip().lower().rpartition("@")
    own_local, _, own_domain = bounces.lower().rpartition("@")
    name, _, delivery = local.rpartition("+")
    return as_delivery(delivery) if (name, domain) == (own_local, own_domain) else None


def as_delivery(envid: str) -> UUID | None:
    """Return the delivery that an `ENVID` of ours names; None for all others."""
    written = envid.strip().lower()
    return UUID(written) if _DELIVERY.fullmatch(written) else None


def _xtext(address: str) -> str:
    if _PLAIN.fullmatch(address):
        return address
    return "".join(c if _PLAIN.fullmatch(c) else f"+{ord(c):02X}" for c in address)
