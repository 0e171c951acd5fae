"""Typesets those of many letters that can be typeset: one that cannot must not stop the others."""

from collections.abc import Callable, Sequence
from datetime import date
from uuid import UUID

import structlog

from services.notifier.channels.letter.typeset import Letter
from shared.contract.delivery import Content, Post
from shared.errors import TypesettingError

log = structlog.get_logger()

Typeset = Callable[[Sequence[Letter]], bytes]


def letter_of(delivery: UUID, content: Content) -> Letter:
    """Return the letter that a delivery is.

    Raises:
        TypeError: the content is no letter's.
    """
    if not isinstance(content, Post):
        raise TypeError("only a Post goes by post")
    return Letter(
        id=str(delivery),
        language=content.language,
        address=content.address,
        name=content.name,
        half=content.half.reveal(),
        expires_on=content.expires_on,
        written_on=content.written_on,
    )


def typeset_all(letters: list[Letter], typeset: Typeset) -> tuple[bytes, list[Letter]]:
    """Typeset all letters that can be, found by halving; return the document and the letters in it.

    With no letter that can be typeset the document is one that nobody should print.

    Raises:
        TypesettingError: not even a specimen can be typeset.
    """
    document = _attempt(letters, typeset)
    if document is None:
        letters = _good(letters, typeset)
        document = _attempt(letters or [_SPECIMEN], typeset)
        if document is None:
            raise TypesettingError("nothing can be typeset")
    return document, letters


def _good(letters: list[Letter], typeset: Typeset) -> list[Letter]:
    """Return the letters that can be typeset, when the whole set cannot."""
    if len(letters) == 1:
        return []
    middle = len(letters) // 2
    return [
        letter
        for half in (letters[:middle], letters[middle:])
        for letter in (half if _attempt(half, typeset) is not None else _good(half, typeset))
    ]


def _attempt(letters: list[Letter], typeset: Typeset) -> bytes | None:
    try:
        return typeset(letters)
    except Exception as error:  # noqa: BLE001 - an error in one letter must not stop the others
        # The text of the error may quote the address.
        log.warning("post.typesetting_failed", letters=len(letters), error=type(error).__name__)
        return None


_SPECIMEN = Letter(
    id=str(UUID(int=0)),
    language="it",
    address=("MARIO ROSSI", "VIA ROMA 1", "00184 ROMA RM"),
    name="Mario Rossi",
    half="00000000",
    expires_on=date(2000, 3, 1),
    written_on=date(2000, 1, 1),
)
