"""The parts of a MIME entity, without the mails that it encloses: they are what somebody else wrote."""

from collections.abc import Iterator
from email.message import Message


def parts_of(entity: Message) -> Iterator[Message]:
    """Yield an entity and its parts, at any depth. An enclosed mail is one part, whatever is in it."""
    yield entity
    if entity.is_multipart() and entity.get_content_maintype() != "message":
        for part in entity.get_payload():
            if isinstance(part, Message):
                yield from parts_of(part)
