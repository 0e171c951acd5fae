"""The second form of a sealed secret: it names the message that it was sealed for.

The first form is the bare PIN or token. The second is a JSON object with exactly these keys:
`{"v": 2, "pin": …, "codice_fiscale": …, "message_id": …, "reply_key": …}`, `token` in place of `pin` for a
link, `reply_key` only where the command has one. So nothing comes of a message that was changed around it, or
of one that it was moved to. No PIN and no token starts with `{`: the forms cannot be confused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import orjson

from shared.crypto.secret import Secret
from shared.italy.codice_fiscale import canonical

VERSION = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message around a sealed secret, as it arrived.

    Attributes:
        holds: what the command seals.
        codice_fiscale: canonical.
        reply_key: as text; None if the command has none.
    """

    holds: Literal["pin", "token"]
    codice_fiscale: str
    message_id: UUID
    reply_key: str | None = None


@dataclass(frozen=True, slots=True)
class Misbound:
    """A secret that was sealed for another message.

    Attributes:
        fields: those that disagree; `form` alone if the object has not the keys above.
    """

    fields: tuple[str, ...]


def is_bound(inside: Secret) -> bool:
    """Return whether an opened text claims to be of the second form."""
    return inside.reveal().lstrip().startswith("{")


def unwrapped(inside: Secret, around: Envelope) -> Secret | Misbound:
    """Return the secret in an opened text of the second form, if it was sealed for this message."""
    form = _form(inside, around)
    if form is None:
        return Misbound(("form",))
    agrees = {
        "codice_fiscale": canonical(form["codice_fiscale"]) == around.codice_fiscale,
        "message_id": _uuid(form["message_id"]) == around.message_id,
        "reply_key": form.get("reply_key") == around.reply_key,
    }
    if wrong := tuple(name for name, right in agrees.items() if not right):
        return Misbound(wrong)
    return Secret(form[around.holds])


def _form(inside: Secret, around: Envelope) -> Mapping[str, str] | None:
    try:
        form: Any = orjson.loads(inside.reveal())
    except orjson.JSONDecodeError:
        return None
    keys = {around.holds, "codice_fiscale", "message_id"} | ({"reply_key"} if around.reply_key else set())
    if not isinstance(form, dict) or form.keys() != {"v", *keys}:
        return None
    version = form.pop("v")
    # `True` and `2.0` are no version.
    whole = type(version) is int and version == VERSION
    return form if whole and all(isinstance(text, str) for text in form.values()) else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
