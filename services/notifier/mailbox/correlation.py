"""Which delivery of ours a bounce is about: every place that names one has to name the same."""

import re
from collections.abc import Iterable
from email.message import Message
from uuid import UUID

from services.notifier.envelope import as_delivery, delivery_for
from services.notifier.mailbox.mail_parts import enclosed_headers, inner_messages, status_part, texts

_SENT_TO = ("To", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "X-Delivered-To")
"""Where servers write to which address a mail came."""
_ANSWERS = ("In-Reply-To", "References")
_ADDRESS = re.compile(r"[^\s<>()\[\],;:\"]{1,64}@[a-zA-Z0-9.-]{1,253}")


class Correlation:
    """Finds our deliveries in mails."""

    def __init__(self, bounces: str, domain: str) -> None:
        """Keep what ours look like.

        Args:
            bounces: the address that bounces of ordinary mail go to.
            domain: of the Message-IDs of ordinary mail.
        """
        self._bounces = bounces
        self._message_id = re.compile(rf"<([0-9a-f]{{32}})@{re.escape(domain)}>", re.IGNORECASE)

    def named(self, message: Message) -> set[UUID]:
        """Return the deliveries that a bounce names; more than one is a contradiction.

        That is by `Original-Envelope-Id`, by the address to which it was sent, and by the returned
        Message-ID.
        """
        returned = enclosed_headers(message)
        said = [str(value) for name in _ANSWERS for value in message.get_all(name, [])]
        return {
            *self._by_envelope(status_part(message)),
            *self._by_address(str(value) for name in _SENT_TO for value in message.get_all(name, [])),
            *self._by_address(_return_paths(returned)),
            *self._by_message_id((*said, returned, texts(message))),
        }

    def _by_envelope(self, part: Message | None) -> Iterable[UUID]:
        # Servers that know no ENVID may write an identifier of their own there: it names none of ours.
        for block in inner_messages(part)[:1]:
            if delivery := as_delivery(str(block.get("Original-Envelope-Id", ""))):
                yield delivery

    def _by_address(self, values: Iterable[str]) -> Iterable[UUID]:
        for value in values:
            for address in _ADDRESS.findall(value):
                if delivery := delivery_for(address, self._bounces):
                    yield delivery

    def _by_message_id(self, values: Iterable[str]) -> Iterable[UUID]:
        for value in values:
            for written in self._message_id.findall(value):
                yield UUID(written)


def _return_paths(headers: str) -> Iterable[str]:
    return (line for line in headers.splitlines() if line.lower().startswith("return-path:"))
